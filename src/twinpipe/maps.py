"""Static maps of a body on a grid, from numbers or real spherical harmonics."""

from __future__ import annotations

import json
import math
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpipe.body import Body, HarmonicMap, Slab
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


def open_share(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) share of the surface ice that lies open to the air: of its deposits, by mass; 1 where none is."""
    open_body = body.model_copy(
        update={
            "hydrosphere": body.hydrosphere.model_copy(
                update={
                    "surface_ice": tuple(
                        d.model_copy(update={"mass_kg": d.mass_kg * d.open_share}) for d in body.hydrosphere.surface_ice
                    )
                }
            )
        }
    )
    there = surface_ice(body, grid)
    return np.where(there > 0, surface_ice(open_body, grid) / np.where(there > 0, there, 1.0), 1.0)


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


def second_legendre(grid: Grid) -> Array:
    """(row, 1) mean of P2(sin latitude) over each row."""
    x = np.sin(grid.latitude_edges)
    return np.asarray(np.diff(0.5 * (x**3 - x)) / np.diff(x))[:, None]


def ground_albedo(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) albedo of the ground, with what ice the map of the body shows."""
    bare = evaluate(body.surface.albedo, grid)
    if body.surface.land is not None:
        bare = bare + land_share(body, grid) * (body.surface.land.albedo - bare)
    return bare + body.climate.albedo_p2 * second_legendre(grid)


def bare_albedo(body: Body, grid: Grid) -> float:
    """Mean albedo of the ground without surface ice; of all of it if there is none without."""
    bare = grid.area_weight * (surface_ice(body, grid) <= 0)
    weight = bare if bare.any() else grid.area_weight
    return float((ground_albedo(body, grid) * weight).sum() / weight.sum())


def inertia_of(body: Body, grid: Grid) -> Array:
    """Thermal inertia of a soil column; of a slab its heat capacity over that of Slab."""
    column, land = body.climate.column, body.surface.land
    if not isinstance(column, Slab):
        return evaluate(body.surface.thermal_inertia_j_m2_k_s12, grid)
    ratio = land.heat_capacity_j_m2_k / column.heat_capacity_j_m2_k if land is not None else 1.0
    return 1 + land_share(body, grid) * (ratio - 1)


def sea_inflow(body: Body, grid: Grid) -> Array:
    """(n_lat, n_lon) 1/m2 where ethane from the air ends: in the seas, evenly over them, or all over a body without."""
    methane, ethane, _ = seas(body, grid)
    wet = np.where(methane + ethane > 0, 1.0, 0.0)
    wet = wet if wet.any() else np.ones_like(wet)
    return np.asarray(wet / ((wet * grid.area_weight).sum() * body.bulk.area_m2))
