"""Horizontal heat transport: conservative implicit diffusion on the sphere; B6, B18.

A (T' - T*) = div(D grad T'), where T* is the temperature without transport and A (W m-2 K-1) what holds it
there (co2_ice.couple_air).  One direction is solved after the other, each backward in time,

    (A - L_lat) T1 = A T*,      (A - L_lon) T2 = A T1,

so that every intermediate field obeys the maximum principle, and what the cells receive is the flux form
of these very solutions, s = L_lat T1 + L_lon T2, whose area sum vanishes to rounding whatever A is.
Fluxes: finite volumes in sin(latitude); nothing crosses the poles, so there is no pole condition and no
limit on the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpipe.grid import Array, Grid
from twinpipe.physics.compiled import at, compiled, making_arrays


@dataclass(frozen=True)
class Geometry:
    """Flux coefficients of a grid on the unit sphere, for D = 1 W m-2 K-1.

    north, south (n_lat): of the faces towards the next and the previous row; east (n_lat): of the faces
    within the row.  north[-1] = south[0] = 0.
    """

    north: Array
    south: Array
    east: Array


def geometry(grid: Grid) -> Geometry:
    """Coefficients of a grid: cos(phi_face) / (dphi dx) and dphi / (cos(phi) dx dlambda^2)."""
    edges = grid.latitude_edges
    dphi = np.pi / grid.n_lat
    dx = np.diff(np.sin(edges))
    face = np.cos(edges)
    face[0] = face[-1] = 0.0
    dlon = 2 * np.pi / grid.n_lon
    east = dphi / (np.cos(grid.latitude) * dx * dlon**2)
    if grid.n_lon == 1:
        east = np.zeros(grid.n_lat)
    return Geometry(face[1:] / (dphi * dx), face[:-1] / (dphi * dx), east)


@compiled
def divergence_lat(T: Array, i: int, D: Array, north: Array, south: Array, out: Array) -> None:
    """out = L_lat T of row i; T (row, cell), D (cell)."""
    t = T[i]
    n = north[i]
    s = south[i]
    up = T[min(i + 1, T.shape[0] - 1)]
    down = T[max(i - 1, 0)]
    for j in range(t.size):
        out[j] = D[j] * (n * (up[j] - t[j]) - s * (t[j] - down[j]))


@compiled
def add_divergence_lon(t: Array, D: Array, east: float, members: int, out: Array) -> None:
    """out += L_lon t of a row whose cells are (longitude, member), members innermost."""
    w = t.size
    b = members
    for m in range(w - 2 * b):
        j, west, next_east = at(m + b), at(m), at(m + 2 * b)
        out[j] += D[j] * east * (t[next_east] - 2.0 * t[j] + t[west])
    if w > b:
        for j in range(b):
            k, inside, next_east = at(w - b + j), at(w - 2 * b + j), at(j + b)
            out[j] += D[j] * east * (t[next_east] - 2.0 * t[j] + t[k])
            out[k] += D[k] * east * (t[j] - 2.0 * t[k] + t[inside])


@compiled
def solve_lat(A: Array, rhs: Array, D: Array, north: Array, south: Array, upper: Array, leak: Array) -> None:
    """Solve (A - L_lat) x = rhs in place of rhs, all columns at once; (row, cell), with upper and leak (cell) scratch.

    x_i = rhs_i + upper_i x_i+1.  leak = 1 - upper is carried along as a sum of positive terms: no digits
    cancel however large D / A is.
    """
    n = A.shape[0]
    for i in range(n):
        a = A[i]
        r = rhs[i]
        u = upper[i]
        cn = north[i]
        cs = south[i]
        before_r = rhs[max(i - 1, 0)]
        if i == 0:
            for j in range(a.size):
                inverse = 1.0 / (a[j] + D[j] * cn)
                u[j] = D[j] * cn * inverse
                leak[j] = a[j] * inverse
                r[j] = r[j] * inverse
        else:
            for j in range(a.size):
                low = D[j] * cs
                own = a[j] + low * leak[j]
                inverse = 1.0 / (own + D[j] * cn)
                u[j] = D[j] * cn * inverse
                leak[j] = own * inverse
                r[j] = (r[j] + low * before_r[j]) * inverse
    for i in range(n - 2, -1, -1):
        r = rhs[i]
        u = upper[i]
        after = rhs[i + 1]
        for j in range(r.size):
            r[j] += u[j] * after[j]


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


@making_arrays
def diffuse(
    T: Array,
    capacity: Array,
    D: Array,
    dt: float,
    theta: float,
    steps: int,
    north: Array,
    south: Array,
    east: Array,
    members: int,
) -> None:
    """Diffusion alone, C dT/dt = div(D grad T), in place for a number of steps; for tests of the operator.

    theta = 1 is backward Euler, 0.5 Crank-Nicolson; T and capacity (J m-2 K-1) are (row, cell), D (cell).
    The directions swap their order from step to step, which makes Crank-Nicolson second order.
    """
    n, w = T.shape
    A = capacity / dt
    upper = np.empty((n, w))
    explicit = np.empty((n, w))
    line = np.empty(w)
    corner = np.empty(w)
    leak = np.empty(w)
    implicit_D = theta * D
    explicit_D = (1.0 - theta) * D
    for step in range(steps):
        for half in range(2):
            if (step + half) % 2 == 0:
                for i in range(n):
                    divergence_lat(T, i, explicit_D, north, south, explicit[i])
                for i in range(n):
                    for j in range(w):
                        T[i, j] = A[i, j] * T[i, j] + explicit[i, j]
                solve_lat(A, T, implicit_D, north, south, upper, leak)
            else:
                for i in range(n):
                    t = T[i]
                    explicit[i, :] = 0.0
                    add_divergence_lon(t, explicit_D, east[i], members, explicit[i])
                    for j in range(w):
                        t[j] = A[i, j] * t[j] + explicit[i, j]
                    solve_lon(A[i], t, implicit_D, east[i], members, line, corner, leak)
