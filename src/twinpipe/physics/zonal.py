"""The zonal half of horizontal transport: (A - L_lon) x = rhs on circles of latitude; B6, B18."""

from __future__ import annotations

from twinpipe.grid import Array
from twinpipe.physics.compiled import at, compiled


@compiled
def solve_lon(
    a: Array, rhs: Array, D: Array, east: float, members: int, upper: Array, corner: Array, leak: Array
) -> None:
    """Solve (A - L_lon) x = rhs of one row in place of rhs; cyclic, by elimination of the corner.

    Cells are (longitude, member), members innermost; upper, corner and leak are scratch of the same size.
    The unknown of the last longitude is carried along: x_j = rhs_j + upper_j x_j+1 + corner_j x_last, with
    leak_j = 1 - upper_j - corner_j, and after the back-substitution leak_j = 1 - corner_j.
    """
    b = members
    last = rhs.size - b
    if last == 0:
        for m in range(b):
            rhs[m] = rhs[m] / a[m]
        return
    for m in range(b):
        g = D[m] * east
        inverse = 1.0 / (a[m] + 2.0 * g)
        upper[m] = g * inverse
        corner[m] = g * inverse
        leak[m] = a[m] * inverse
        rhs[m] = rhs[m] * inverse
    for start in range(b, last, b):
        for m in range(b):
            j, west = at(start + m), at(start - b + m)
            g = D[j] * east
            own = a[j] + g * leak[west]
            inverse = 1.0 / (own + g * corner[west] + g)
            leak[j] = own * inverse
            upper[j] = g * inverse
            corner[j] = g * corner[west] * inverse
            rhs[j] = (rhs[j] + g * rhs[west]) * inverse
    # Back-substitution in terms of x_last: x_j = rhs_j + corner_j x_last, where upper joins corner at the end.
    for m in range(b):
        j = at(last - b + m)
        corner[j] += upper[j]
    for start in range(last - 2 * b, -1, -b):
        for m in range(b):
            j, after = at(start + m), at(start + b + m)
            rhs[j] += upper[j] * rhs[after]
            corner[j] += upper[j] * corner[after]
            leak[j] += upper[j] * leak[after]
    for m in range(b):
        j, west = at(last + m), at(last - b + m)
        g = D[j] * east
        inverse = 1.0 / (a[j] + g * leak[west] + g * leak[m])
        rhs[j] = (rhs[j] + g * (rhs[west] + rhs[m])) * inverse
    for start in range(0, last, b):
        for m in range(b):
            j, end = at(start + m), at(last + m)
            rhs[j] += corner[j] * rhs[end]


@compiled
def solve_lon_pair(
    a: Array,
    a2: Array,
    rhs: Array,
    rhs2: Array,
    D: Array,
    east: float,
    east2: float,
    members: int,
    upper: Array,
    corner: Array,
    leak: Array,
    upper2: Array,
    corner2: Array,
    leak2: Array,
) -> None:
    """solve_lon, to the bit, of two rows at once: each step waits for the one before, and the other row fills the time.

    At least three longitudes; D is the same along a row.
    """
    b = members
    last = rhs.size - b
    for m in range(b):
        g = D[m] * east
        inverse = 1.0 / (a[m] + 2.0 * g)
        upper[m] = g * inverse
        corner[m] = g * inverse
        leak[m] = a[m] * inverse
        rhs[m] = rhs[m] * inverse
        h = D[m] * east2
        inverse2 = 1.0 / (a2[m] + 2.0 * h)
        upper2[m] = h * inverse2
        corner2[m] = h * inverse2
        leak2[m] = a2[m] * inverse2
        rhs2[m] = rhs2[m] * inverse2
    for start in range(b, last, b):
        for m in range(b):
            j, west = at(start + m), at(start - b + m)
            g = D[m] * east
            h = D[m] * east2
            own = a[j] + g * leak[west]
            own2 = a2[j] + h * leak2[west]
            c, c2 = g * corner[west], h * corner2[west]
            inverse = 1.0 / (own + c + g)
            inverse2 = 1.0 / (own2 + c2 + h)
            leak[j] = own * inverse
            leak2[j] = own2 * inverse2
            upper[j] = g * inverse
            upper2[j] = h * inverse2
            corner[j] = c * inverse
            corner2[j] = c2 * inverse2
            rhs[j] = (rhs[j] + g * rhs[west]) * inverse
            rhs2[j] = (rhs2[j] + h * rhs2[west]) * inverse2
    for m in range(b):
        j = at(last - b + m)
        corner[j] += upper[j]
        corner2[j] += upper2[j]
    for start in range(last - 2 * b, -1, -b):
        for m in range(b):
            j, after = at(start + m), at(start + b + m)
            rhs[j] += upper[j] * rhs[after]
            corner[j] += upper[j] * corner[after]
            leak[j] += upper[j] * leak[after]
            rhs2[j] += upper2[j] * rhs2[after]
            corner2[j] += upper2[j] * corner2[after]
            leak2[j] += upper2[j] * leak2[after]
    for m in range(b):
        j, west = at(last + m), at(last - b + m)
        g = D[m] * east
        inverse = 1.0 / (a[j] + g * leak[west] + g * leak[m])
        rhs[j] = (rhs[j] + g * (rhs[west] + rhs[m])) * inverse
        h = D[m] * east2
        inverse2 = 1.0 / (a2[j] + h * leak2[west] + h * leak2[m])
        rhs2[j] = (rhs2[j] + h * (rhs2[west] + rhs2[m])) * inverse2
    for start in range(0, last, b):
        for m in range(b):
            j, end = at(start + m), at(last + m)
            rhs[j] += corner[j] * rhs[end]
            rhs2[j] += corner2[j] * rhs2[end]


@compiled
def solve_lons(A: Array, x: Array, D: Array, east: Array, members: int, scratch: Array) -> None:
    """solve_lon of all rows in place of x (row, cell), two at once; scratch is (6, cell)."""
    n = x.shape[0]
    paired = n - n % 2 if x.shape[1] > 2 * members else 0
    for i in range(0, paired, 2):
        solve_lon_pair(
            A[i],
            A[i + 1],
            x[i],
            x[i + 1],
            D,
            east[i],
            east[i + 1],
            members,
            scratch[0],
            scratch[1],
            scratch[2],
            scratch[3],
            scratch[4],
            scratch[5],
        )
    for i in range(paired, n):
        solve_lon(A[i], x[i], D, east[i], members, scratch[0], scratch[1], scratch[2])
