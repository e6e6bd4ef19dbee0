"""Static maps of a body on a grid, from numbers or real spherical harmonics."""

from __future__ import annotations

import json
import math
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpipe.body import Body, HarmonicMap
from twinpipe.grid import Array, Grid


@cache
def _harmonics(file: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((files("twinpipe.bodies") / file).read_text(encoding="utf-8"))
    return data


def normalised_legendre(degree: int, x: Array) -> Array:
    """Associated Legendre functions P_lm(x), fully normalised (4 pi), no Condon-Shortley phase.

    Returns (degree + 1, degree + 1, len(x)), zero where m > l; standard forward column recursion.
    """
    p = np.zeros((degree + 1, degree + 1, len(x)))
    p[0, 0] = 1.0
    u = np.sqrt(1 - x * x)
    for m in range(1, degree + 1):
        p[m, m] = math.sqrt((2 * m + 1) / (2 * m) * (2 if m == 1 else 1)) * u * p[m - 1, m - 1]
    for m in range(degree):
        p[m + 1, m] = math.sqrt(2 * m + 3) * x * p[m, m]
        for ell in range(m + 2, degree + 1):
            a = math.sqrt((2 * ell - 1) * (2 * ell + 1) / ((ell - m) * (ell + m)))
            b = math.sqrt((2 * ell + 1) * (ell + m - 1) * (ell - m - 1) / ((2 * ell - 3) * (ell - m) * (ell + m)))
            p[ell, m] = a * x * p[ell - 1, m] - b * p[ell - 2, m]
    return p


@lru_cache(maxsize=64)
def evaluate(source: float | HarmonicMap, grid: Grid) -> Array:
    """(n_lat, n_lon) field at cell centres, read-only: f = sum P_lm (C_lm cos m lon + S_lm sin m lon)."""
    if not isinstance(source, HarmonicMap):
        return _read_only(np.full((grid.n_lat, grid.n_lon), float(source)))
    data = _harmonics(source.file)
    legendre = normalised_legendre(data["degree"], np.sin(grid.latitude))
    field = np.zeros((grid.n_lat, grid.n_lon))
    for ell, m, c, s in data["coefficients"][source.name]:
        wave = c * np.cos(m * grid.longitude) + s * np.sin(m * grid.longitude)
        field += legendre[ell, m][:, None] * wave[None, :]
    low, high = data["clip"].get(source.name, (-np.inf, np.inf))
    return _read_only(np.clip(field, low, high))


def _read_only(field: Array) -> Array:
    field.flags.writeable = False
    return field


def surface_ice(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) kg m-2 of surface water ice; each deposit fills the rows centred in its band."""
    field = np.zeros((grid.n_lat, grid.n_lon))
    for deposit in body.hydrosphere.surface_ice:
        rows = _rows(deposit.south_degree, deposit.north_degree, grid)
        field[rows] += deposit.mass_kg / (grid.area_weight[rows].sum() * body.bulk.area_m2)
    return field


def seas(body: Body, grid: Grid) -> tuple[Array, Array, Array]:
    """(n_lat, n_lon) kg m-2 of methane and of ethane in seas, and the share of a cell that they cover, 1 where none is.

    Each sea fills the rows centred in its band; where several do, the cell's share is the widest one's.
    """
    methane, ethane, share = (np.zeros((grid.n_lat, grid.n_lon)) for _ in range(3))
    for sea in body.methane_cycle.seas if body.methane_cycle is not None else ():
        rows = _rows(sea.south_degree, sea.north_degree, grid)
        area = grid.area_weight[rows].sum() * body.bulk.area_m2
        methane[rows] += sea.methane_kg / area
        ethane[rows] += sea.ethane_kg / area
        share[rows] = np.maximum(share[rows], sea.share)
    return methane, ethane, np.where(share > 0, share, 1.0)


def _rows(south: float, north: float, grid: Grid) -> NDArray[np.bool_]:
    """(n_lat) rows whose centres lie in a band; the nearest if none does, as on a coarse grid."""
    degrees = np.degrees(grid.latitude)
    rows = (degrees >= south) & (degrees <= north)
    if not rows.any():
        rows[np.argmin(np.abs(degrees - 0.5 * (south + north)))] = True
    return np.asarray(rows)


def land_share(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) share of each cell that is land, of a sector that starts at 180 W; 0 without surface.land."""
    share = body.surface.land.share if body.surface.land is not None else 0.0
    filled = np.clip(share * grid.n_lon - np.arange(grid.n_lon), 0.0, 1.0)
    return np.tile(filled, (grid.n_lat, 1))
