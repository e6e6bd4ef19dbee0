"""Energy-balance models of others, run from a body file alone, have the climates of the originals; C3."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from tests.planets.peers import (
    CLIMLAB_EQUINOX_DAY,
    CLIMLAB_YEAR_DAYS,
    ROWS,
    STEPS,
    YEARS,
    Slab,
    after_years,
    at_times,
    body_file,
    climlab_scheme,
    climlab_season,
    daily_sunlight,
    season,
    two_columns,
)
from twinpipe.body import Body
from twinpipe.grid import Array, Grid

BAND = 0.05  # K
CENTRES = np.radians(-90 + 180 / ROWS * (np.arange(ROWS) + 0.5))
P2 = 1.5 * np.sin(CENTRES) ** 2 - 0.5


def test_north_has_two_modes() -> None:
    exact = (0.7 * 340 * (1 - 0.48 * P2 / (1 + 6 * 0.55 / 2)) - 210) / 2 + 273.15
    assert after_years(body_file("north")) == pytest.approx(exact, abs=5e-3)


def test_climlab_with_ice_is_met_after_five_years() -> None:
    light = 1365.2 / 4 * (1 - 0.48 * P2)
    theirs = climlab_scheme(Slab(0.3, 0.078, 0.62), lambda k: light, STEPS, YEARS)[-1] + 273.15
    assert np.abs(after_years(body_file("climlab_ebm")) - theirs).max() <= BAND


def test_climlab_with_annual_sunlight_is_met_after_five_years() -> None:
    body = body_file("climlab_annual")
    times = np.arange(STEPS) / STEPS - CLIMLAB_EQUINOX_DAY / CLIMLAB_YEAR_DAYS
    light = daily_sunlight(body, CENTRES, times).mean(axis=0)
    theirs = climlab_scheme(Slab(0.33, 0.25, None), lambda k: light, STEPS, YEARS)[-1] + 273.15
    assert np.abs(after_years(body) - theirs).max() <= BAND


def test_climlab_with_seasons_is_met_at_all_times_when_steps_are_short() -> None:
    """Its own step is forward in time and ours backward: at 90 steps a year they are 0.8 K apart, each half of it."""
    body, times = body_file("climlab_seasonal"), np.arange(360) / 360
    theirs = at_times(climlab_season(body, Slab(0.33, 0.25, None), 2880, YEARS + 1), times)
    coarse = at_times(season(body, 90, YEARS + 1, Grid(ROWS, 1)), times)
    assert np.abs(coarse - theirs).max() <= 0.6
    sharp = body.model_copy(update={"climate": body.climate.model_copy(update={"second_order": True})})
    fine = at_times(season(sharp, 360, YEARS + 1, Grid(ROWS, 1)), times)
    assert np.abs(fine - theirs).max() <= BAND


GRID = Grid(36, 12)


def annual(body: Body, steps: int = 48) -> Array:
    return np.asarray(season(body, steps, 60, GRID).T.mean(axis=0))


def test_land_and_water_exchange_heat_as_two_columns_do() -> None:
    """POISE has one temperature of the land of a latitude, we have a continent with an inside and coasts.

    Without ice that is all the same; where ice steps at a temperature, coasts freeze at other times than insides.
    """
    body = body_file("poise_earth")
    bare = body.model_copy(update={"climate": body.climate.model_copy(update={"step_ice": None})})
    for case, largest, mean in ((bare, 0.3, 0.05), (body, 2.5, 1.0)):
        apart = annual(case) - two_columns(case, 0.81, Grid(36, 1), 48, 60).annual
        assert np.abs(apart).max() <= largest
        assert abs(GRID.mean(np.tile(apart[:, None], 12))) <= mean


def test_tuned_to_todays_mean_it_has_todays_latitudes() -> None:
    """Benchmark 1 of the FILLET intercomparison, for which every model is tuned; C2.6."""
    body = body_file("poise_earth")

    def with_a(a: float) -> Body:
        longwave = body.climate.longwave.model_copy(update={"a_w_m2": a})
        return body.model_copy(update={"climate": body.climate.model_copy(update={"longwave": longwave})})

    def excess(a: float) -> float:
        return float(GRID.mean(np.tile(annual(with_a(a))[:, None], 12))) - 288.0

    T = annual(with_a(brentq(excess, 190.0, 204.0, xtol=0.05)))
    degrees = np.degrees(GRID.latitude)
    north = degrees > 0
    assert GRID.mean(np.tile(T[:, None], 12)) == pytest.approx(288.0, abs=0.2)
    assert 297 <= np.interp(0.0, degrees, T) <= 306
    assert 245 <= np.interp(85.0, degrees, T) <= 266
    assert 50 <= np.interp(-271.15, -T[north], degrees[north]) <= 73
