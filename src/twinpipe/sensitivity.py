"""Sensitivity: what share of a number's variance each axis of a design explains, alone and with all others.

First-order index S_i = V[E(y | x_i)] / V(y), total index T_i = E[V(y | all but x_i)] / V(y)
(Sobol' 2001, doi:10.1016/S0378-4754(00)00270-6), with intervals of 95 % by resampling the points.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray

from twinpipe.grid import Array

RESAMPLES = 100
HIGHEST_DEGREE, MOST_TERMS = 12, 200
FEWEST = 8  # points that say anything
LEVELS = (0.025, 0.975)


@dataclass(frozen=True)
class Indices:
    """Indices (axis) with their intervals (end, axis); explained: the share of variance that the estimator has."""

    first: Array
    first_interval: Array
    total: Array
    total_interval: Array
    points: int
    explained: float


def of_saltelli(y: Array) -> Indices | None:
    """Indices from y (base point, axes + 2) of a saltelli design; None where y hardly varies or points are few.

    First order as Saltelli et al. 2010, total as Jansen (doi:10.1016/j.cpc.2009.09.018, table 2 b and f).  Base
    points that lack a member do not count.
    """
    y = y[np.isfinite(y).all(axis=1)]
    if not _says_anything(y):
        return None

    def estimate(rows: Array) -> tuple[Array, Array]:
        centred = rows - rows[:, :2].mean()
        a, b, mixed = centred[:, :1], centred[:, 1:2], centred[:, 2:]
        variance = centred[:, :2].var()
        first = (b * (mixed - a)).mean(axis=0) / variance
        return first, ((a - mixed) ** 2).mean(axis=0) / (2 * variance)

    rng = np.random.default_rng(0)
    again = [estimate(y[rng.integers(len(y), size=len(y))]) for _ in range(RESAMPLES)]
    return _indices(*estimate(y), again, len(y), 1.0)


def of_points(u: Array, y: Array) -> Indices | None:
    """Indices from any points u (point, axis) in the unit cube with y (point); None as of_saltelli.

    By a polynomial chaos expansion, whose coefficients give them (Sudret 2008, doi:10.1016/j.ress.2007.04.002), of
    the total degree whose error at points left out is least; explained is 1 less that error.
    """
    there = np.isfinite(y)
    u, y = u[there], y[there]
    if not _says_anything(y):
        return None
    n, axes = u.shape
    best: tuple[float, NDArray[np.int64], Array] | None = None
    for degree in range(1, HIGHEST_DEGREE + 1):
        if comb(axes + degree, degree) > min(n / 2, MOST_TERMS):
            break
        powers = _powers(axes, degree)
        basis = _basis(u, powers)
        q, _ = np.linalg.qr(basis)
        left_out = (y - q @ (q.T @ y)) / (1 - np.einsum("ij,ij->i", q, q))
        error = float((left_out**2).mean() / y.var())
        if best is None or error < best[0]:
            best = (error, powers, basis)
    if best is None:
        return None
    error, powers, basis = best

    def estimate(weights: Array) -> tuple[Array, Array]:
        weighted = basis * weights[:, None]
        squares = np.linalg.lstsq(weighted.T @ basis, weighted.T @ y, rcond=None)[0] ** 2
        variance = squares[powers.any(axis=1)].sum()
        alone = [
            squares[(powers[:, i] > 0) & (np.delete(powers, i, axis=1) == 0).all(axis=1)].sum() for i in range(axes)
        ]
        return np.array(alone) / variance, np.array([squares[p > 0].sum() for p in powers.T]) / variance

    rng = np.random.default_rng(0)
    again = [estimate(np.bincount(rng.integers(n, size=n), minlength=n).astype(float)) for _ in range(RESAMPLES)]
    return _indices(*estimate(np.ones(n)), again, n, 1 - error)


def _says_anything(y: Array) -> bool:
    return len(y) >= FEWEST and bool(np.ptp(y) > 1e-9 * np.abs(y).max())


def _powers(axes: int, degree: int) -> NDArray[np.int64]:
    """(term, axis) degrees of all products of at most that total degree."""
    if axes == 1:
        return np.arange(degree + 1)[:, None]
    parts = [(k, rest) for k in range(degree + 1) for rest in _powers(axes - 1, degree - k)]
    return np.array([[k, *rest] for k, rest in parts])


def _basis(u: Array, powers: NDArray[np.int64]) -> Array:
    """(point, term) products of Legendre polynomials that are orthonormal on the unit cube."""
    degree = int(powers.max())
    values = [legvander(2 * column - 1, degree) * np.sqrt(2 * np.arange(degree + 1) + 1) for column in u.T]
    result = np.ones((len(u), len(powers)))
    for column, power in zip(values, powers.T, strict=True):
        result *= column[:, power]
    return result


def _indices(first: Array, total: Array, again: list[tuple[Array, Array]], points: int, explained: float) -> Indices:
    # resampled squares lie too high where an index is nearly 0, so that the estimate itself is put into its interval
    firsts, totals = (
        np.stack([np.minimum(value, low), np.maximum(value, high)])
        for value, of in zip((first, total), zip(*again, strict=True), strict=True)
        for low, high in [np.quantile(np.stack(of), LEVELS, axis=0)]
    )
    return Indices(first, firsts, total, totals, points, explained)
