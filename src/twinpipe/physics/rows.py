"""Loops over a row of cells that several processes need: copies, products, sums, running means."""

from __future__ import annotations

import math

from twinpipe.grid import Array
from twinpipe.physics.compiled import at, compiled, inlined

STRIPES = 8  # sums of a row that run side by side
MANY = 8  # members that a call of the kernel usually advances together


@compiled
def tile(values: Array, row: Array) -> None:
    """Repeat (member) along a row of cells."""
    b = values.size
    for start in range(0, row.size, b):
        for m in range(b):
            row[at(start + m)] = values[m]


@compiled
def copy(row: Array, out: Array) -> None:
    """out = row."""
    for j in range(out.size):
        out[j] = row[j]


@inlined
def any_positive(row: Array) -> bool:
    """Whether any of a row is above 0."""
    found = False
    for j in range(row.size):
        found = found or row[j] > 0.0
    return found


@compiled
def _add_row_sum_of_eight(row: Array, weight: float, scratch: Array, out: Array) -> None:
    """add_row_sum, to the bit, where the compiler knows that there are MANY members."""
    whole = row.size // (STRIPES * MANY) * (STRIPES * MANY)
    for m in range(STRIPES * MANY):
        scratch[m] = 0.0
    for start in range(0, whole, STRIPES * MANY):
        for m in range(STRIPES * MANY):
            scratch[m] += row[at(start + m)]
    for m in range(row.size - whole):
        scratch[m] += row[at(whole + m)]
    for start in range(MANY, STRIPES * MANY, MANY):
        for m in range(MANY):
            scratch[m] += scratch[at(start + m)]
    for m in range(MANY):
        out[m] += weight * scratch[m]


@compiled
def add_row_sum(row: Array, weight: float, scratch: Array, out: Array) -> None:
    """out[member] += weight * sum over the longitudes of a row; scratch is (STRIPES members).

    Sums of every STRIPES-th longitude first, then of these: the same for a member in any block, and side by side.
    """
    if out.size == MANY:
        _add_row_sum_of_eight(row, weight, scratch, out)
        return
    lanes = scratch.size
    whole = row.size // lanes * lanes
    for m in range(lanes):
        scratch[m] = 0.0
    for start in range(0, whole, lanes):
        for m in range(lanes):
            scratch[m] += row[at(start + m)]
    for m in range(row.size - whole):
        scratch[m] += row[at(whole + m)]
    for start in range(out.size, lanes, out.size):
        for m in range(out.size):
            scratch[m] += scratch[at(start + m)]
    for m in range(out.size):
        out[m] += weight * scratch[m]


@compiled
def accumulate(sums: Array, i: int, T: Array, p: Array, ice: Array, asr: Array, olr: Array, amplitude2: Array) -> None:
    """Add a row to the running sums of the open windows, (window, field, row, cell), fields as in fields.MAPS."""
    for w in range(sums.shape[0]):
        s0, s1, s2 = sums[w, 0, i], sums[w, 1, i], sums[w, 2, i]
        s3, s4, s5 = sums[w, 3, i], sums[w, 4, i], sums[w, 5, i]
        for j in range(T.size):
            s0[j] += T[j]
            s1[j] += p[j]
            s2[j] += ice[j]
        for j in range(T.size):
            s3[j] += asr[j]
            s4[j] += olr[j]
            s5[j] += T[j] + math.sqrt(amplitude2[j])


@compiled
def accumulate_plain(sums: Array, field: int, i: int, row: Array) -> None:
    """Add a row of one field to the running sums of the open windows."""
    for w in range(sums.shape[0]):
        total = sums[w, field, i]
        for j in range(row.size):
            total[j] += row[j]


@compiled
def zero_amplitude_on_ice(ice: Array, amplitude2: Array) -> None:
    """The daily cycle stands still where CO2 ice holds the temperature; B4."""
    for j in range(ice.size):
        if ice[j] > 0.0:
            amplitude2[j] = 0.0


@compiled
def scaled(x: Array, factor: float, y: Array, out: Array) -> None:
    """out = factor x y of a row."""
    for j in range(out.size):
        out[j] = factor * x[j] * y[j]


@compiled
def times(x: Array, factor: float, out: Array) -> None:
    """out = factor x of a row."""
    for j in range(out.size):
        out[j] = factor * x[j]


@compiled
def add_product(x: Array, y: Array, out: Array) -> None:
    """out += x y of a row."""
    for j in range(out.size):
        out[j] += x[j] * y[j]


@compiled
def roots(x: Array, out: Array) -> None:
    """out = square root of x of a row."""
    for j in range(out.size):
        out[j] = math.sqrt(x[j])


@compiled
def lowest(row: Array, scratch: Array, out: Array) -> None:
    """out[member] = lowest of itself and the row; scratch is (STRIPES members)."""
    lanes = scratch.size
    whole = row.size // lanes * lanes
    for m in range(lanes):
        scratch[m] = 1e300
    for start in range(0, whole, lanes):
        for m in range(lanes):
            value = row[at(start + m)]
            scratch[m] = value if value < scratch[m] else scratch[m]
    for m in range(row.size - whole):
        scratch[m] = min(scratch[m], row[at(whole + m)])
    for start in range(0, lanes, out.size):
        for m in range(out.size):
            out[m] = min(out[m], scratch[at(start + m)])


@inlined
def compensated(total: float, rest: float, amount: float) -> tuple[float, float]:
    """total + rest + amount, not below 0, as its nearest number and what that leaves, which comes with the next.

    An ocean is so large that what freezes in a step may be below the last digits of its mass.
    """
    more = rest + amount
    new = total + more
    back = new - total
    left = (total - (new - back)) + (more - back)
    return (new, left) if new >= 0.0 else (0.0, new)


@compiled
def add_scaled(x: Array, factor: float, out: Array) -> None:
    """out += factor x of a row."""
    for j in range(out.size):
        out[j] += factor * x[j]


@compiled
def extrapolate(old: Array, T: Array) -> None:
    """From the start of a step and its middle in T to its end, T = 2 T - old: the implicit midpoint rule."""
    for j in range(T.size):
        T[j] = 2.0 * T[j] - old[j]
