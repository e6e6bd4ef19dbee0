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


@compiled
def run_off(liquid: Array, altitude: Array, order: Kinds, weight: Array, hold: Array) -> None:
    """Move liquid (row, cell; kg m-2) above hold (member; kg m-2) to the lowest cells, which fill to one level.

    The level h over the lowest cell solves sum a rho (h - z)^+ = mobile mass; what each cell gets is scaled by the
    rounding of that sum, so that the mass is exact.  Seas are of the same water, and find their level every time.
    weight (row) is the area of a cell over that of the sphere; order comes from lowest_first.
    """
    width = liquid.shape[1]
    for b in range(hold.size):
        mobile = 0.0
        for n in range(order.shape[0]):
            i, j = order[n, b] // width, order[n, b] % width
            mobile += weight[i] * max(liquid[i, j] - hold[b], 0.0)
        if mobile <= 0.0:
            continue
        i, j = order[0, b] // width, order[0, b] % width
        floor, area, level, left, filled = altitude[i, j], weight[i], 0.0, mobile / DENSITY, 1
        for n in range(1, order.shape[0]):
            i, j = order[n, b] // width, order[n, b] % width
            step = (altitude[i, j] - floor) - level
            if step * area >= left:
                break
            left -= step * area
            level += step
            area += weight[i]
            filled = n + 1
        level += left / area
        total = 0.0
        for n in range(filled):
            i, j = order[n, b] // width, order[n, b] % width
            total += weight[i] * (level - (altitude[i, j] - floor))
        scale = mobile / total
        for n in range(order.shape[0]):
            i, j = order[n, b] // width, order[n, b] % width
            liquid[i, j] = min(liquid[i, j], hold[b])
            if n < filled:
                liquid[i, j] += scale * (level - (altitude[i, j] - floor))
