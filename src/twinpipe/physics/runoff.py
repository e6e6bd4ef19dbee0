"""Runoff: liquid that the ground cannot hold gathers in the lowest cells, by the body's hypsometry; B10, B17."""

from __future__ import annotations

import numpy as np

from twinpipe.grid import Array
from twinpipe.physics.compiled import compiled
from twinpipe.physics.records import Kinds

DENSITY = 1000.0  # kg m-3


def lowest_first(altitude: Array, members: int) -> Kinds:
    """(cell of a member, member) places of its cells in a flat (row, cell) field, from the lowest up."""
    place = np.arange(altitude.size).reshape(-1, members)
    order = np.argsort(altitude.reshape(-1, members), axis=0, kind="stable")
    return np.ascontiguousarray(np.take_along_axis(place, order, axis=0))


def hypsometry(altitude: Array, weight: Array, members: int) -> Array:
    """(2, cell of a member, member) altitude and weight of all cells of the planet, from the lowest up."""
    order = lowest_first(altitude, members)
    return np.stack([altitude.ravel()[order], np.repeat(weight, altitude.shape[1])[order]])


@compiled
def find_mobile(liquid: Array, order: Kinds, weight: Array, hold: Array, mobile: Array) -> None:
    """mobile[member] = mean (kg m-2) over the planet of liquid above hold; order comes from lowest_first."""
    width = liquid.shape[1]
    for b in range(hold.size):
        for n in range(order.shape[0]):
            i, j = order[n, b] // width, order[n, b] % width
            mobile[b] += weight[i] * max(liquid[i, j] - hold[b], 0.0)


@compiled
def run_off(liquid: Array, altitude: Array, hypsometry: Array, hold: Array, mobile: Array) -> None:
    """Move liquid (row, cell; kg m-2) above hold (member; kg m-2) to the lowest cells, which fill to one level.

    The level h over the lowest cell solves sum a rho (h - z)^+ = mobile mass; what each cell gets is scaled by the
    rounding of that sum, so that the mass is exact.  Seas are of the same water, and find their level every time.
    """
    members = hold.size
    for b in range(members):
        if mobile[b] <= 0.0:
            continue
        z, a = hypsometry[0, :, b], hypsometry[1, :, b]
        floor, area, level, left, filled = z[0], a[0], 0.0, mobile[b] / DENSITY, 1
        for n in range(1, z.size):
            step = (z[n] - floor) - level
            if step * area >= left:
                break
            left -= step * area
            level += step
            area += a[n]
            filled = n + 1
        level += left / area
        total = 0.0
        for n in range(filled):
            total += a[n] * (level - (z[n] - floor))
        scale, highest = mobile[b] / total, z[filled - 1]
        for i in range(liquid.shape[0]):
            for j in range(b, liquid.shape[1], members):
                liquid[i, j] = min(liquid[i, j], hold[b])
                if altitude[i, j] <= highest:
                    liquid[i, j] += scale * (level - (altitude[i, j] - floor))
