"""Orbit and insolation, exact; B1."""

from __future__ import annotations

import numpy as np

from twinpipe.body import AnnualInsolation, Body, LegendreInsolation, Orbit
from twinpipe.grid import Array, Grid

# Gauss-Legendre nodes and weights on [0, 1], for means over a step and over a row.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_NODES, _WEIGHTS = 0.5 * (_NODES + 1), 0.5 * _WEIGHTS
_ANNUAL_POINTS = 1440


def solar_longitude(orbit: Orbit, seconds: Array) -> Array:
    """Solar longitude Ls (radians, increasing without wrap) at times since Ls = 0.

    Kepler: E - e sin E = M, nu = 2 atan(sqrt((1+e)/(1-e)) tan(E/2)), Ls = nu + Ls_p; B1.
    """
    e = orbit.eccentricity
    squeeze = np.sqrt((1 - e) / (1 + e))
    eccentric_0 = 2 * np.arctan(squeeze * np.tan(-np.radians(orbit.perihelion_ls_degree) / 2))
    true_0 = 2 * np.arctan(np.tan(eccentric_0 / 2) / squeeze)
    mean = eccentric_0 - e * np.sin(eccentric_0)
    mean = mean + 2 * np.pi * np.asarray(seconds, dtype=float) / orbit.sidereal_year_s
    anomaly = mean + e * np.sin(mean)
    for _ in range(50):
        change = (anomaly - e * np.sin(anomaly) - mean) / (1 - e * np.cos(anomaly))
        anomaly = anomaly - change
        if np.max(np.abs(change), initial=0.0) < 1e-14:
            break
    turns = np.round(anomaly / (2 * np.pi))
    rest = anomaly - 2 * np.pi * turns
    true = 2 * np.arctan(np.tan(rest / 2) / squeeze) + 2 * np.pi * turns
    return np.asarray(true - true_0)


def distance_factor(orbit: Orbit, ls: Array) -> Array:
    """(a/r)^2 = ((1 + e cos(Ls - Ls_p)) / (1 - e^2))^2; B1."""
    e = orbit.eccentricity
    nu = ls - np.radians(orbit.perihelion_ls_degree)
    return np.asarray(((1 + e * np.cos(nu)) / (1 - e * e)) ** 2)


def daily_mean(orbit: Orbit, ls: Array, latitude: Array) -> tuple[Array, Array]:
    """Daily-mean insolation Q and the amplitude Q1 of its first diurnal harmonic, W m-2.

    Q = (S/pi)(a/r)^2 (H sin phi sin delta + cos phi cos delta sin H), cos H = -tan phi tan delta;
    Q1 = (S/pi)(a/r)^2 [2 sin phi sin delta sin H + cos phi cos delta (H + sin H cos H)]; B1.
    ls and latitude (radians) broadcast.
    """
    declination = np.arcsin(np.sin(np.radians(orbit.obliquity_degree)) * np.sin(ls))
    s = np.sin(latitude) * np.sin(declination)
    c = np.cos(latitude) * np.cos(declination)
    with np.errstate(divide="ignore", invalid="ignore"):
        cos_h = np.where(c > 0, np.clip(-s / np.where(c > 0, c, 1.0), -1, 1), np.where(s > 0, -1.0, 1.0))
    h = np.arccos(cos_h)
    sin_h = np.where(h >= np.pi, 0.0, np.sin(h))
    strength = orbit.solar_constant_w_m2 / np.pi * distance_factor(orbit, ls)
    mean = strength * np.maximum(h * s + c * sin_h, 0.0)
    harmonic = strength * np.maximum(2 * s * sin_h + c * (h + sin_h * cos_h), 0.0)
    night = h == 0.0
    return np.where(night, 0.0, mean), np.where(night, 0.0, harmonic)


def annual_mean(orbit: Orbit, latitude: Array) -> Array:
    """Annual-mean insolation (W m-2): dt ~ r^2 dLs makes it 1/sqrt(1-e^2) times the mean over Ls; B1."""
    ls = (np.arange(_ANNUAL_POINTS) + 0.5) * 2 * np.pi / _ANNUAL_POINTS
    circular = orbit.model_copy(update={"eccentricity": 0.0})
    q, _ = daily_mean(circular, ls, np.asarray(latitude)[..., None])
    return np.asarray(q.mean(axis=-1) / np.sqrt(1 - orbit.eccentricity**2))


def insolation_table(body: Body, grid: Grid, steps_per_orbit: int) -> tuple[Array, Array]:
    """Q and Q1 (W m-2) of each step of an orbit and each row, (steps_per_orbit, n_lat).

    Means over the step and over the row by 4-point Gauss-Legendre quadrature; each row is then scaled so
    that its annual mean is exact, and the whole so that the global mean is S / (4 sqrt(1 - e^2)); B1.
    """
    orbit = body.orbit
    edges = np.sin(grid.latitude_edges)
    rows = np.arcsin(np.clip(edges[:-1, None] + np.diff(edges)[:, None] * _NODES, -1, 1))
    share = 2 * grid.n_lon * grid.row_weight / 2  # fraction of the sphere in each row
    if isinstance(body.climate.insolation, LegendreInsolation):
        p2 = ((1.5 * np.sin(rows) ** 2 - 0.5) * _WEIGHTS).sum(axis=1)
        q = orbit.solar_constant_w_m2 / 4 * (1 + body.climate.insolation.s2 * p2)
        return np.tile(q, (steps_per_orbit, 1)), np.zeros((steps_per_orbit, grid.n_lat))
    exact = (annual_mean(orbit, rows) * _WEIGHTS).sum(axis=1)
    exact *= orbit.solar_constant_w_m2 / (4 * np.sqrt(1 - orbit.eccentricity**2)) / (exact * share).sum()
    if isinstance(body.climate.insolation, AnnualInsolation):
        return np.tile(exact, (steps_per_orbit, 1)), np.zeros((steps_per_orbit, grid.n_lat))
    seconds = (np.arange(steps_per_orbit)[:, None] + _NODES) * orbit.sidereal_year_s / steps_per_orbit
    ls = solar_longitude(orbit, seconds)
    mean, harmonic = daily_mean(orbit, ls[:, :, None, None], rows)
    q = np.einsum("tslx,s,x->tl", mean, _WEIGHTS, _WEIGHTS)
    q1 = np.einsum("tslx,s,x->tl", harmonic, _WEIGHTS, _WEIGHTS)
    scale = exact / q.mean(axis=0)
    return q * scale, q1 * scale
