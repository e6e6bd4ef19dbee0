"""Horizontal heat transport: conservative implicit diffusion on the sphere; B6, B18.

A (T' - T*) = div(D grad T'), where T* is the temperature without transport and A (W m-2 K-1) what holds it
there (co2_ice.couple_air).  One direction is solved after the other, each backward in time,

    (A - L_lat) T1 = A T*,      (A - L_lon) T2 = A T1,

so that every intermediate field obeys the maximum principle, and what the cells receive is the flux form
of these very solutions, s = L_lat T1 + L_lon T2, whose area sum vanishes to rounding whatever A is.
Fluxes: finite volumes in sin(latitude); nothing crosses the poles, so there is no pole condition and no
limit on the step.

Where the rows are a band of latitudes, the meridional system is solved by substructuring: each band eliminates its
rows to the two at its edges (eliminate), the small system of all edges is solved by each alike (meet), and each band
solves its rows between known ones (solve_lat).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twinpipe.grid import Array, Grid
from twinpipe.physics.compiled import at, compiled, inlined, making_arrays
from twinpipe.physics.rows import copy
from twinpipe.physics.zonal import solve_lon

SOUTH, FIRST, LAST, NORTH = range(4)  # rows beside the edges of a band


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
def divergence_lat(T: Array, i: int, D: Array, north: Array, south: Array, beyond: Array, out: Array) -> None:
    """out = L_lat T of row i; T (row, cell), D (cell); beyond as for solve_lat."""
    t = T[i]
    n = north[i]
    s = south[i]
    up = T[i + 1] if i + 1 < T.shape[0] else beyond[NORTH]
    down = T[i - 1] if i > 0 else beyond[SOUTH]
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
def solve_lat(
    A: Array, rhs: Array, D: Array, north: Array, south: Array, beyond: Array, upper: Array, leak: Array
) -> None:
    """Solve (A - L_lat) x = rhs in place of rhs, all columns at once; (row, cell), with upper and leak (cell) scratch.

    x_i = rhs_i + upper_i x_i+1.  leak = 1 - upper is carried along as a sum of positive terms: no digits
    cancel however large D / A is.  beyond (4, cell): where the rows are a band, x of the row south of it, of its
    first and last row and of the row north of it, from meet; the band's own are taken as they are, so that both
    sides of an edge know the same.
    """
    n = A.shape[0]
    banded = is_band(north, south)
    for i in range(n):
        a = A[i]
        r = rhs[i]
        u = upper[i]
        cn = north[i]
        cs = south[i]
        before_r = rhs[max(i - 1, 0)]
        if i == 0:
            outer = beyond[SOUTH]
            for j in range(a.size):
                low = D[j] * cs
                own = a[j] + low
                inverse = 1.0 / (own + D[j] * cn)
                u[j] = D[j] * cn * inverse
                leak[j] = own * inverse
                r[j] = (r[j] + low * outer[j]) * inverse
        else:
            for j in range(a.size):
                low = D[j] * cs
                own = a[j] + low * leak[j]
                inverse = 1.0 / (own + D[j] * cn)
                u[j] = D[j] * cn * inverse
                leak[j] = own * inverse
                r[j] = (r[j] + low * before_r[j]) * inverse
    if banded:
        copy(beyond[LAST], rhs[n - 1])
    for i in range(n - 2, -1, -1):
        r = rhs[i]
        u = upper[i]
        after = rhs[i + 1]
        for j in range(r.size):
            r[j] += u[j] * after[j]
    if banded:
        copy(beyond[FIRST], rhs[0])


@inlined
def is_band(north: Array, south: Array) -> bool:
    """Whether there are rows beyond these."""
    return bool(south[0] > 0.0 or north[-1] > 0.0)


@compiled
def eliminate(A: Array, rhs: Array, D: Array, north: Array, south: Array, edges: Array) -> None:
    """What the first and the last row of a band are by the rows beyond it, x = r + u x_north + c x_south.

    edges (first or last, 4, cell) gets r, u, c and leak = 1 - u - c, which no digits cancel in.  One sweep: each row
    by the next one and the one beyond the south, and the first row by the same.
    """
    first, last = edges[0], edges[1]
    first[:] = 0.0
    last[:] = 0.0
    for j in range(D.size):  # the row south of the band is what it is
        first[1, j] = 1.0
        last[2, j] = 1.0
    r, u, c, leak = last[0], last[1], last[2], last[3]
    for i in range(A.shape[0]):
        a, b = A[i], rhs[i]
        cn, cs = north[i], south[i]
        for j in range(r.size):
            back, forth = D[j] * cs, D[j] * cn
            inverse = 1.0 / (a[j] + back * (leak[j] + c[j]) + forth)
            u[j] = forth * inverse
            c[j] = back * c[j] * inverse
            leak[j] = (a[j] + back * leak[j]) * inverse
            r[j] = (b[j] + back * r[j]) * inverse
        follow(first, last)


@compiled
def follow(first: Array, last: Array) -> None:
    """The first row, which was by a row, by what that is: x = r + u x_north + c x_south; (4, cell)."""
    r, u, c, leak = first[0], first[1], first[2], first[3]
    own_r, own_u, own_c, own_leak = last[0], last[1], last[2], last[3]
    for j in range(r.size):
        r[j] += u[j] * own_r[j]
        c[j] += u[j] * own_c[j]
        leak[j] += u[j] * own_leak[j]
        u[j] *= own_u[j]


@making_arrays
def meet(parts: Array, start: int, band: int, beyond: Array) -> None:
    """The rows beside the edges of a band, for solve_lat, from what all bands hand over (band, place).

    From the start on, a part is the edges (first or last, 4, cell) of its band.

    With the last row of each band as P + Q F of the first row F north of it, its own first row is p + q F, from the
    south on; then all follow from the north.  1 - Q and 1 - q are carried along as sums of positive terms.
    """
    bands, cells = parts.shape[0], beyond.shape[1]
    P, Q, p, q = np.empty((bands, cells)), np.empty((bands, cells)), np.empty((bands, cells)), np.empty((bands, cells))
    before, slope, leak = np.zeros(cells), np.zeros(cells), np.ones(cells)
    for k in range(bands):
        edges = parts[k, start:].reshape(2, 4, cells)
        first, last = edges[0], edges[1]
        for j in range(cells):
            c = first[2, j]
            whole = first[1, j] + first[3, j] + c * leak[j]  # 1 - c Q
            p[k, j] = (first[0, j] + c * before[j]) / whole
            q[k, j] = first[1, j] / whole
            rest = (first[3, j] + c * leak[j]) / whole  # 1 - q
            c = last[2, j]
            P[k, j] = last[0, j] + c * (before[j] + slope[j] * p[k, j])
            Q[k, j] = last[1, j] + c * slope[j] * q[k, j]
            leak[j] = last[3, j] + c * (leak[j] + slope[j] * rest)
            before[j], slope[j] = P[k, j], Q[k, j]
    north = np.zeros(cells)  # first row of the band north of k
    for k in range(bands - 1, -1, -1):
        for j in range(cells):
            if k == band:
                beyond[NORTH, j] = north[j]
                beyond[LAST, j] = P[k, j] + Q[k, j] * north[j]
                beyond[FIRST, j] = p[k, j] + q[k, j] * north[j]
            elif k == band - 1:
                beyond[SOUTH, j] = P[k, j] + Q[k, j] * north[j]
            north[j] = p[k, j] + q[k, j] * north[j]


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
    beyond = np.zeros((4, w))
    implicit_D = theta * D
    explicit_D = (1.0 - theta) * D
    for step in range(steps):
        for half in range(2):
            if (step + half) % 2 == 0:
                for i in range(n):
                    divergence_lat(T, i, explicit_D, north, south, beyond, explicit[i])
                for i in range(n):
                    for j in range(w):
                        T[i, j] = A[i, j] * T[i, j] + explicit[i, j]
                solve_lat(A, T, implicit_D, north, south, beyond, upper, leak)
            else:
                for i in range(n):
                    t = T[i]
                    explicit[i, :] = 0.0
                    add_divergence_lon(t, explicit_D, east[i], members, explicit[i])
                    for j in range(w):
                        t[j] = A[i, j] * t[j] + explicit[i, j]
                    solve_lon(A[i], t, implicit_D, east[i], members, line, corner, leak)
