"""Real spherical harmonics, and deposits of surface ice on any grid."""

from __future__ import annotations

import math
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lpmv

from twinpipe.body import HarmonicMap, Land, MapName, builtin_body
from twinpipe.grid import Grid
from twinpipe.maps import evaluate, land_share, normalised_legendre, surface_ice
from twinpipe.spheres import Deposit

MARS = builtin_body("mars")
FILE = "mars_harmonics.json"


def coefficient(name: MapName) -> float:
    """C_00 of a map of Mars: where every other harmonic vanishes on average, the mean."""
    grid = Grid(720, 72)
    return float(grid.mean(evaluate(HarmonicMap(file=FILE, name=name), grid)))


def test_legendre_functions_are_those_of_scipy() -> None:
    degree, x = 18, np.linspace(-0.999, 0.999, 41)
    seen = normalised_legendre(degree, x)
    for ell in range(degree + 1):
        for m in range(ell + 1):
            square = (1 if m == 0 else 2) * (2 * ell + 1) * factorial(ell - m) / factorial(ell + m)
            exact = (-1) ** m * math.sqrt(square) * lpmv(m, ell, x)  # no Condon-Shortley phase
            assert seen[ell, m] == pytest.approx(exact, rel=1e-9, abs=1e-10)


def test_harmonics_are_orthonormal() -> None:
    degree = 12
    x, w = np.polynomial.legendre.leggauss(degree + 1)
    p = normalised_legendre(degree, x)
    for m in range(degree + 1):
        # mean of cos^2 over longitude is 1, or 1/2 beyond m = 0
        gram = (p[m:, m] * w) @ p[m:, m].T / 2 * (1 if m == 0 else 0.5)
        assert gram == pytest.approx(np.eye(degree + 1 - m), abs=1e-12)


def test_harmonic_of_degree_zero_is_the_mean() -> None:
    p = normalised_legendre(4, np.linspace(-1, 1, 9))
    assert p[0, 0] == pytest.approx(np.ones(9))
    x, w = np.polynomial.legendre.leggauss(8)
    assert (normalised_legendre(4, x)[1:, 0] * w).sum(axis=1) == pytest.approx(np.zeros(4), abs=1e-14)


@pytest.mark.parametrize("name", ["elevation", "albedo", "thermal_inertia"])
def test_area_mean_does_not_depend_on_the_grid(name: MapName) -> None:
    exact = coefficient(name)
    field = evaluate(HarmonicMap(file=FILE, name=name), Grid(720, 72))
    for n in (36, 72):
        seen = float(Grid(n, 2 * n).mean(evaluate(HarmonicMap(file=FILE, name=name), Grid(n, 2 * n))))
        assert seen == pytest.approx(exact, abs=0.01 * float(field.std()))


def test_mars_has_the_relief_and_albedo_of_its_sources() -> None:
    grid = Grid(36, 72)
    elevation = evaluate(MARS.surface.elevation_m, grid)
    assert -7.5e3 < elevation.min() < -5e3
    assert 5e3 < elevation.max() < 12e3
    north, south = elevation[30:].mean(), elevation[:6].mean()
    assert north < south - 3e3  # the dichotomy, north is up
    column = int(np.argmin(np.abs(np.degrees(grid.longitude) + 110)))  # Tharsis, 110 W on the equator
    assert elevation[18, column] > 4e3
    albedo = evaluate(MARS.surface.albedo, grid)
    assert grid.mean(albedo) == pytest.approx(0.204, abs=0.02)  # A7: mean of TES


@given(st.floats(-1e4, 1e4), st.integers(4, 40), st.integers(1, 40))
@settings(deadline=None, max_examples=25)
def test_a_number_is_the_same_everywhere(value: float, n_lat: int, n_lon: int) -> None:
    field = evaluate(value, Grid(n_lat, n_lon))
    assert field.shape == (n_lat, n_lon)
    assert (field == value).all()


@given(st.floats(-90, 89), st.floats(0.1, 180), st.floats(0, 1e20), st.integers(4, 90), st.integers(1, 36))
@settings(deadline=None, max_examples=60)
def test_deposits_keep_their_mass_on_any_grid(south: float, width: float, mass: float, n_lat: int, n_lon: int) -> None:
    deposit = Deposit(name="x", mass_kg=mass, south_degree=south, north_degree=min(90.0, south + width))
    hydrosphere = MARS.hydrosphere.model_copy(update={"surface_ice": (deposit,)})
    body = MARS.model_copy(update={"hydrosphere": hydrosphere})
    grid = Grid(n_lat, n_lon)
    seen = float(grid.mean(surface_ice(body, grid))) * body.bulk.area_m2
    assert seen == pytest.approx(mass, rel=1e-12)


@given(st.floats(0, 1), st.integers(4, 40), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_land_has_its_share_of_every_row(share: float, n_lat: int, n_lon: int) -> None:
    surface = MARS.surface.model_copy(update={"land": Land(share=share, albedo=0.3, heat_capacity_j_m2_k=1e7)})
    field = land_share(MARS.model_copy(update={"surface": surface}), Grid(n_lat, n_lon))
    assert field.mean(axis=1) == pytest.approx(np.full(n_lat, share), abs=1e-12)
    assert ((field > 0) & (field < 1)).sum() <= n_lat  # one coast in each row at most
