"""Energy-balance models of others, as body files alone: how they are run here, and their schemes written apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_banded
from scipy.optimize import newton

from tests.laws.toy_bodies import clock_of, drive
from twinpipe.body import Body, read_body
from twinpipe.grid import Array, Grid
from twinpipe.physics.model import build, first_guess
from twinpipe.scenario import Scenario
from twinpipe.simulation import equilibrate

BODIES = Path(__file__).parent / "bodies"
ROWS, STEPS, YEARS = 90, 90, 5  # climlab's defaults, and the years after which climates are compared
CLIMLAB_EQUINOX_DAY, CLIMLAB_YEAR_DAYS = 80.0, 365.2422


def body_file(name: str) -> Body:
    """A body of tests/planets/bodies."""
    return read_body(BODIES / f"{name}.toml")


def after_years(body: Body, years: int = YEARS, steps: int = STEPS) -> Array:
    """(ROWS) temperature (K) after years from the body's start."""
    climate = equilibrate(body, Grid(ROWS, 1), clock_of(body, steps), years)
    return climate.state.T[0, :, 0]


class Season(NamedTuple):
    """An orbit: share of the year since the northern spring equinox, and (time, row) temperature (K)."""

    time: Array
    T: Array


def season(body: Body, steps: int, orbits: int, grid: Grid) -> Season:
    """The last of some orbits; T is the mean of each row."""
    model = build((body,), (Scenario(),), grid, clock_of(body, steps))
    state = first_guess(model)
    drive(model, state, 0, (orbits - 1) * steps)
    zonals = drive(model, state, (orbits - 1) * steps, steps).zonals
    return Season((np.arange(steps) + 1) / steps, zonals[0, :, :, 0])


def at_times(s: Season, times: Array) -> Array:
    """(time, row) of a season at other times, linear in between."""
    order = np.argsort(s.time)
    return np.stack([np.interp(times, s.time[order], row, period=1.0) for row in s.T[order].T], axis=-1)


def daily_sunlight(body: Body, latitude: Array, times: Array) -> Array:
    """(time, latitude) daily-mean sunlight (W m-2) at shares of a year since the spring equinox."""
    o = body.orbit
    e, perihelion, tilt = o.eccentricity, np.radians(o.perihelion_ls_degree), np.radians(o.obliquity_degree)
    squeeze = np.sqrt((1 - e) / (1 + e))
    start = 2 * np.arctan(squeeze * np.tan(-perihelion / 2))
    mean = start - e * np.sin(start) + 2 * np.pi * times
    anomaly = newton(lambda x: x - e * np.sin(x) - mean, mean, fprime=lambda x: 1 - e * np.cos(x))
    true = 2 * np.arctan2(np.sin(anomaly / 2), squeeze * np.cos(anomaly / 2))
    distance = (1 - e**2) / (1 + e * np.cos(true))
    declination = np.arcsin(np.sin(tilt) * np.sin(true + perihelion))[:, None]
    half_day = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1, 1))
    up = np.sin(latitude) * np.sin(declination) * half_day
    up = up + np.cos(latitude) * np.cos(declination) * np.sin(half_day)
    return np.asarray(o.solar_constant_w_m2 / np.pi * up / distance[:, None] ** 2)


class Slab(NamedTuple):
    """Numbers of climlab's energy-balance models, typed apart from the body files; C3 [S23]."""

    a0: float
    a2: float
    ice_albedo: float | None
    A: float = 210.0
    B: float = 2.0
    D: float = 0.555
    capacity: float = 10.0 * 1000.0 * 4181.3
    threshold: float = -10.0  # degrees C


def climlab_scheme(slab: Slab, sunlight: Callable[[int], Array], steps: int, years: float) -> Array:
    """(step, ROWS) degrees C: sunlight and longwave forward in time, then diffusion backward; cell volumes cos(lat).

    sunlight(k) is that of row centres in step k of the year.
    """
    step = 180 / ROWS
    centre, edge = np.radians(-90 + step / 2 + step * np.arange(ROWS)), np.radians(-90 + step * np.arange(ROWS + 1))
    p2 = 1.5 * np.sin(centre) ** 2 - 0.5
    dt = CLIMLAB_YEAR_DAYS * 86400 / steps
    exchange = slab.D * np.cos(edge) / np.radians(step) ** 2 * dt / slab.capacity
    exchange[0] = exchange[-1] = 0.0
    bands = np.zeros((3, ROWS))
    bands[0, 1:] = -exchange[1:-1] / np.cos(centre[:-1])
    bands[2, :-1] = -exchange[1:-1] / np.cos(centre[1:])
    bands[1] = 1 + (exchange[1:] + exchange[:-1]) / np.cos(centre)
    T = 12 - 40 * p2
    seen = []
    for k in range(round(years * steps)):
        albedo = slab.a0 + slab.a2 * p2
        if slab.ice_albedo is not None:
            albedo = np.where(slab.threshold > T, slab.ice_albedo, albedo)
        gain = (1 - albedo) * sunlight(k % steps) - slab.A - slab.B * T
        T = solve_banded((1, 1), bands, T + gain * dt / slab.capacity)
        seen.append(T)
    return np.array(seen)


def climlab_season(body: Body, slab: Slab, steps: int, years: int) -> Season:
    """climlab's seasonal model by its scheme, last year, on its calendar."""
    centre = np.radians(-90 + 180 / ROWS * (np.arange(ROWS) + 0.5))
    start = np.arange(steps) / steps - CLIMLAB_EQUINOX_DAY / CLIMLAB_YEAR_DAYS
    table = daily_sunlight(body, centre, start)
    seen = climlab_scheme(slab, lambda k: table[k], steps, years)[-steps:]
    return Season((start + 1 / steps) % 1.0, seen + 273.15)


class Columns(NamedTuple):
    """Temperatures (K) of the two columns of each latitude at the end, and their zonal mean over the last year."""

    land: Array
    water: Array
    annual: Array


def two_columns(body: Body, exchange: float, grid: Grid, steps: int, years: int) -> Columns:
    """Land and water columns of each latitude that exchange nu (T_l - T_w) W m-2 and each diffuse: POISE's equations.

    C_l dT_l/dt = Q (1 - a_l) - A - B T_l + div D grad T_l - nu/f_l (T_l - T_w), and so for water with f_w.
    Everything is backward in time but the albedo; C3 [S24].
    """
    land, climate, n = body.surface.land, body.climate, grid.n_lat
    longwave, column = climate.longwave, climate.column
    threshold, icy = (climate.step_ice.threshold_k, climate.step_ice.albedo) if climate.step_ice else (0.0, 0.0)
    assert land is not None
    assert longwave.kind == "linear"
    assert column.kind == "slab"
    edge = grid.latitude_edges
    face = climate.diffusivity_w_m2_k * np.cos(edge[1:-1]) / np.diff(grid.latitude)
    volume = np.diff(np.sin(edge))
    laplacian = np.zeros((n, n))
    for i, f in enumerate(face):
        laplacian[i : i + 2, i : i + 2] += f * np.array([[-1, 1], [1, -1]])
    laplacian /= volume[:, None]
    dt = body.orbit.sidereal_year_s / steps
    share = np.array([land.share, 1 - land.share])
    capacity = np.array([land.heat_capacity_j_m2_k, column.heat_capacity_j_m2_k])
    bare = np.array([land.albedo, float(str(body.surface.albedo))])[:, None]
    held = np.kron(np.diag(capacity / dt + longwave.b_w_m2_k + exchange / share), np.eye(n))
    held -= np.kron(np.eye(2), laplacian)
    held -= np.kron(np.array([[0, exchange / share[0]], [exchange / share[1], 0]]), np.eye(n))
    solve = np.linalg.inv(held)
    table = daily_sunlight(body, grid.latitude, (np.arange(steps) + 0.5) / steps)
    start = climate.start
    assert start is not None
    T = np.tile(start.mean_k + start.p2_k * (1.5 * np.sin(grid.latitude) ** 2 - 0.5), (2, 1))
    annual = np.zeros(n)
    for k in range(steps * years):
        albedo = np.where(threshold > T, icy, bare)
        gain = (1 - albedo) * table[k % steps] - longwave.a_w_m2 + longwave.b_w_m2_k * 273.15
        T = (solve @ (gain + capacity[:, None] / dt * T).ravel()).reshape(2, n)
        if k >= steps * (years - 1):
            annual += share @ T / steps
    return Columns(T[0], T[1], annual)
