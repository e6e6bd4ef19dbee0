"""The curve of equilibria of climlab's energy-balance model along its ice lines; X5.

Along ice lines the problem is linear: with ice down to x_s, T = S u - A/B where (B - L) u = q (1 - a) / 4, so that
S(x_s) = (T_f + A/B) / u(x_s) is the whole curve of equilibria, stable where S grows with x_s.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
from numpy.polynomial import Polynomial
from scipy.linalg import solve_banded
from scipy.optimize import brentq, minimize_scalar
from scipy.special import eval_legendre

from twinpipe.grid import Array, Grid
from twinpipe.physics.transport import geometry

A, B, D, S2, A0, A2, ICE, FREEZING, SUN = 210.0, 2.0, 0.555, -0.48, 0.3, 0.078, 0.62, -10.0, 1365.2
# Published: ice lines (degree) under today's sun, the unstable and the stable one; the two folds (degree, W m-2);
# the sun (W m-2) above which a snowball melts, and below which a planet without ice freezes; X5.
TODAY, FOLDS, ENDS = (13.8, 74.8), ((33.0, 1259.0), (79.3, 1367.3)), (1834.8, 1359.3)
# The third line under today's sun, of an unstable small cap.  It is printed as this, and lies 0.6 degrees poleward by
# the series, by volumes of equal area and by our rows: the curve is flat there, 0.8 W m-2 to the degree.
SMALL_CAP_PRINTED = 83.0
LINE_BAND, SUN_BAND = 0.3, 1.0  # accepted, degree and W m-2
P2 = Polynomial([-0.5, 0, 1.5])
OPEN, FROZEN = (((1 + S2 * P2) * (1 - albedo) / 4) for albedo in (A0 + A2 * P2, Polynomial([ICE])))


def of_series(line: float, degrees: int = 400) -> float:
    """S (W m-2) of an ice line (degree) by a series of Legendre polynomials: no grid, and nothing of ours."""
    node, weight = np.polynomial.legendre.leggauss(degrees // 2 + 4)  # exact for these products
    x_s = np.sin(np.radians(line))
    u = 0.0
    halves = [(OPEN, 0.0, x_s), (FROZEN, x_s, 1.0)]
    for ell in range(0, degrees, 2):
        q = 0.0
        for light, a, b in halves:
            x = a + (b - a) * (node + 1) / 2
            q += (light(x) * eval_legendre(ell, x) * weight).sum() * (b - a) / 2
        u += (2 * ell + 1) * q / (B + ell * (ell + 1) * D) * eval_legendre(ell, x_s)
    return float((FREEZING + A / B) / u)


def of_volumes(line: float, n: int = 8000) -> float:
    """S (W m-2) of an ice line (degree) by finite volumes of equal area from equator to pole; nothing of ours."""
    edge = np.linspace(0, 1, n + 1)
    exchange = D * (1 - edge**2) * n**2
    exchange[0] = 0.0
    inside = np.minimum(edge, np.sin(np.radians(line)))
    light = np.diff(OPEN.integ()(inside)) + np.diff(FROZEN.integ()(edge)) - np.diff(FROZEN.integ()(inside))
    bands = np.zeros((3, n))
    bands[0, 1:] = bands[2, :-1] = -exchange[1:-1]
    bands[1] = B + exchange[1:] + exchange[:-1]
    u = solve_banded((1, 1), bands, light * n)
    return float((FREEZING + A / B) / np.interp(np.sin(np.radians(line)), 0.5 * (edge[1:] + edge[:-1]), u))


@cache
def of_rows(line: float, n_lat: int = 180) -> float:
    """S (W m-2) of an ice line (degree) by the fluxes of the model's transport; the row of the line is part ice."""
    grid = Grid(n_lat, 1)
    faces, edge = geometry(grid), np.sin(grid.latitude_edges)
    bands = np.zeros((3, n_lat))
    bands[0, 1:], bands[2, :-1] = -D * faces.north[:-1], -D * faces.south[1:]
    bands[1] = B + D * (faces.north + faces.south)
    inside = np.clip(edge, -np.sin(np.radians(line)), np.sin(np.radians(line)))
    light = np.diff(OPEN.integ()(inside)) + np.diff(FROZEN.integ()(edge)) - np.diff(FROZEN.integ()(inside))
    u = solve_banded((1, 1), bands, light / np.diff(edge))
    return float((FREEZING + A / B) / np.interp(line, *over_the_poles(np.degrees(grid.latitude), u)))


def over_the_poles(degrees: Array, field: Array) -> tuple[Array, Array]:
    """A symmetric field with the rows beyond both poles."""
    return np.r_[-180 - degrees[0], degrees, 180 - degrees[-1]], np.r_[field[0], field, field[-1]]


def lines_at(sun: float) -> list[float]:
    """Every ice line (degree) at a solar constant, on the rows of the model."""
    grid = np.linspace(1, 89, 177)
    found = [of_rows(float(line)) - sun for line in grid]
    return [
        brentq(lambda line: of_rows(line) - sun, a, b, xtol=1e-3)
        for (a, b), (f, g) in zip(itertools.pairwise(grid), itertools.pairwise(found), strict=True)
        if f * g < 0
    ]


def fold_of_rows(lowest: float, highest: float, sign: int) -> tuple[float, float]:
    """(ice line in degrees, S in W m-2) of the least S, or the largest for -1, between two lines, on the model's rows.

    S is flat there and has the ripple of the rows: the fold is that of a smooth curve through edges of rows.
    """
    lines = np.arange(lowest, highest + 0.5, 1.0)
    curve = Polynomial.fit(lines, [of_rows(float(x)) for x in lines], 6)
    line = float(minimize_scalar(lambda x: sign * curve(x), bounds=(lowest, highest), method="bounded").x)
    return line, float(curve(line))


SNOWBALL_FOLD, SMALL_CAP_FOLD = (25.0, 45.0, 1), (74.0, 86.0, -1)  # where they are looked for
