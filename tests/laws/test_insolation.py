"""Sunlight from the orbit: printed values, symmetry, exact global means, polar night; X8, B1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from tests.laws.toy_bodies import MARS
from twinpipe.body import Orbit
from twinpipe.grid import Grid
from twinpipe.physics.orbit import annual_mean, daily_mean, distance_factor, insolation_table, solar_longitude


def orbit(solar_constant: float, eccentricity: float, obliquity: float, perihelion: float) -> Orbit:
    return Orbit(
        semi_major_axis_m=1.5e11,
        solar_constant_w_m2=solar_constant,
        eccentricity=eccentricity,
        obliquity_degree=obliquity,
        perihelion_ls_degree=perihelion,
        sidereal_year_s=3.0e7,
        solar_day_s=86400.0,
    )


MARS_ORBIT = orbit(586.2, 0.0935, 25.19, 250.99)
EARTH_ORBIT = orbit(1361.0, 0.0167, 23.44, 283.0)
VENUS_ORBIT = orbit(2601.0, 0.0068, 2.64, 0.0)
TITAN_ORBIT = orbit(14.8, 0.0565, 26.7, 278.0)
EUROPA_ORBIT = orbit(50.3, 0.0489, 3.1, 57.0)

orbits = st.builds(orbit, st.floats(1, 3000), st.floats(0, 0.9), st.floats(0, 180), st.floats(0, 360, exclude_max=True))
latitudes = st.floats(-math.pi / 2, math.pi / 2)


def places(printed: str) -> float:
    """Half a unit of the last digit, and a little for the digits of the inputs."""
    return 0.51 * 10.0 ** -len(printed.partition(".")[2])


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        (MARS_ORBIT, ("178.614", "132.854", "79.768")),
        (EARTH_ORBIT, ("415.595", "306.945", "172.354")),
        (VENUS_ORBIT, ("827.50", "585.44", "38.135")),
        (TITAN_ORBIT, ("4.471", "3.347", "2.120")),
        (EUROPA_ORBIT, ("16.018", "11.335", "0.867")),
    ],
    ids=["Mars", "Earth", "Venus", "Titan", "Europa"],
)
def test_annual_means_are_the_printed_ones(body: Orbit, printed: tuple[str, ...]) -> None:
    seen = annual_mean(body, np.radians([0.0, 45.0, 90.0]))
    for value, text in zip(seen, printed, strict=True):
        assert value == pytest.approx(float(text), abs=places(text))


@pytest.mark.parametrize(
    ("body", "latitude", "ls", "printed"),
    [
        (MARS_ORBIT, 90, 90, "211.01"),
        (MARS_ORBIT, -90, 270, "300.80"),
        (MARS_ORBIT, 0, 0, "178.51"),
        (EARTH_ORBIT, 90, 90, "524.21"),
        (EARTH_ORBIT, -90, 270, "559.46"),
        (EARTH_ORBIT, 0, 0, "436.72"),
    ],
)
def test_daily_means_are_the_printed_ones(body: Orbit, latitude: float, ls: float, printed: str) -> None:
    mean, _ = daily_mean(body, np.radians(ls), np.radians(latitude))
    assert float(mean) == pytest.approx(float(printed), abs=places(printed))


@pytest.mark.parametrize(
    ("body", "printed"), [(MARS_ORBIT, "1.004400"), (EARTH_ORBIT, "1.000139"), (TITAN_ORBIT, "1.001600")]
)
def test_eccentricity_adds_the_printed_light(body: Orbit, printed: str) -> None:
    ratio = 1 / math.sqrt(1 - body.eccentricity**2)
    assert ratio == pytest.approx(float(printed), abs=places(printed))
    table, _ = insolation_table(MARS.model_copy(update={"orbit": body}), Grid(12, 1), 48)
    seen = (table * Grid(12, 1).row_weight).sum(axis=1).mean() / (body.solar_constant_w_m2 / 4)
    assert seen == pytest.approx(ratio, rel=1e-10)


@given(orbits, st.integers(4, 24), st.sampled_from([12, 48, 96]))
@settings(max_examples=40, deadline=None)
def test_table_has_exact_means_and_equal_hemispheres(body: Orbit, n_lat: int, steps: int) -> None:
    grid = Grid(n_lat, 1)
    table, harmonic = insolation_table(MARS.model_copy(update={"orbit": body}), grid, steps)
    annual = table.mean(axis=0)
    assert annual == pytest.approx(annual[::-1], rel=1e-10)
    exact = body.solar_constant_w_m2 / (4 * math.sqrt(1 - body.eccentricity**2))
    assert float((annual * grid.row_weight).sum()) == pytest.approx(exact, rel=1e-10)
    assert (table >= 0).all()
    assert (harmonic >= 0).all()


@given(orbits, latitudes)
@settings(max_examples=60, deadline=None)
def test_annual_mean_is_equal_at_equal_latitudes(body: Orbit, latitude: float) -> None:
    north, south = annual_mean(body, np.array([latitude, -latitude]))
    assert north == pytest.approx(south, rel=1e-10)


@pytest.mark.parametrize("body", [MARS_ORBIT, EARTH_ORBIT, EUROPA_ORBIT])
def test_annual_means_add_up_over_the_sphere_before_any_scaling(body: Orbit) -> None:
    total, _ = quad(lambda x: float(annual_mean(body, np.array(math.asin(x)))), -1, 1, limit=200)
    exact = body.solar_constant_w_m2 / (4 * math.sqrt(1 - body.eccentricity**2))
    assert total / 2 == pytest.approx(exact, rel=1e-6)


@given(orbits, st.floats(0, 2 * math.pi))
@settings(max_examples=60, deadline=None)
def test_at_any_moment_the_planet_takes_what_its_disc_covers(body: Orbit, ls: float) -> None:
    x, w = np.polynomial.legendre.leggauss(400)
    mean, _ = daily_mean(body, np.array(ls), np.arcsin(x))
    exact = body.solar_constant_w_m2 / 4 * float(distance_factor(body, np.array(ls)))
    assert float((mean * w).sum() / 2) == pytest.approx(exact, rel=1e-4)


@given(orbits, st.floats(0, 2 * math.pi), latitudes)
@settings(max_examples=200, deadline=None)
def test_polar_night_is_exactly_dark(body: Orbit, ls: float, latitude: float) -> None:
    mean, harmonic = daily_mean(body, np.array(ls), np.array(latitude))
    declination = math.asin(math.sin(math.radians(body.obliquity_degree)) * math.sin(ls))
    noon = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination)
    assert float(mean) >= 0
    if noon < -1e-12:
        assert float(mean) == 0.0
        assert float(harmonic) == 0.0
    if noon > 1e-6:
        assert float(mean) > 0


@given(orbits, st.floats(0, 2 * math.pi), latitudes)
@settings(max_examples=100, deadline=None)
def test_daily_mean_is_the_mean_over_the_day(body: Orbit, ls: float, latitude: float) -> None:
    hours = (np.arange(4000) + 0.5) * 2 * np.pi / 4000
    declination = math.asin(math.sin(math.radians(body.obliquity_degree)) * math.sin(ls))
    cosine = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * np.cos(hours)
    light = body.solar_constant_w_m2 * float(distance_factor(body, np.array(ls))) * np.maximum(cosine, 0)
    mean, harmonic = daily_mean(body, np.array(ls), np.array(latitude))
    scale = float(light.max(initial=1e-9))
    assert float(mean) == pytest.approx(light.mean(), abs=1e-5 * scale)
    assert float(harmonic) == pytest.approx(abs(2 * (light * np.cos(hours)).mean()), abs=1e-5 * scale)


@given(orbits, st.floats(0, 2 * math.pi), latitudes)
@settings(max_examples=100, deadline=None)
def test_half_a_year_swaps_the_hemispheres(body: Orbit, ls: float, latitude: float) -> None:
    opposite = body.model_copy(update={"perihelion_ls_degree": (body.perihelion_ls_degree + 180) % 360})
    here, _ = daily_mean(body, np.array(ls), np.array(latitude))
    there, _ = daily_mean(opposite, np.array(ls + math.pi), np.array(-latitude))
    tolerance = 1e-11 * body.solar_constant_w_m2 / (1 - body.eccentricity) ** 2
    assert float(there) == pytest.approx(float(here), abs=tolerance)


@given(orbits, st.floats(-3, 3))
@settings(max_examples=100, deadline=None)
def test_solar_longitude_solves_keplers_equation(body: Orbit, turns: float) -> None:
    e, perihelion = body.eccentricity, math.radians(body.perihelion_ls_degree)

    def mean_anomaly(ls: float) -> float:
        nu = ls - perihelion
        turn = 2 * math.pi * round(nu / (2 * math.pi))
        eccentric = 2 * math.atan(math.sqrt((1 - e) / (1 + e)) * math.tan((nu - turn) / 2)) + turn
        return eccentric - e * math.sin(eccentric)

    time = turns * body.sidereal_year_s
    ls = float(solar_longitude(body, np.array(time)))
    want = mean_anomaly(0.0) + 2 * math.pi * turns
    exact = brentq(lambda x: mean_anomaly(x) - want, ls - 3, ls + 3, xtol=1e-14)
    assert ls == pytest.approx(exact, abs=1e-9)


def test_year_starts_and_ends_at_the_equinox() -> None:
    year = MARS_ORBIT.sidereal_year_s
    seen = solar_longitude(MARS_ORBIT, np.array([0.0, year, 2 * year]))
    assert seen == pytest.approx([0.0, 2 * math.pi, 4 * math.pi], abs=1e-12)
