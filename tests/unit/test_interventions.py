"""Schedules and regions: what is sent and where it lands does not depend on steps or grid; B16."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twinpipe.body import builtin_body
from twinpipe.clock import Clock
from twinpipe.grid import Grid
from twinpipe.intervention import OrbitalMirror, Region, Schedule, SuperGreenhouseGasFactory, VolatileImport
from twinpipe.physics.covers import under_cover_temperature
from twinpipe.physics.interventions import activity, decay_rates, mirror_power, region_map
from twinpipe.scenario import Scenario

AREA = 1.4437e14
MARS = builtin_body("mars")


def integral(schedule: Schedule, end: float) -> float:
    """Years at full rate until a year, by the definition of the shapes."""
    t = min(max(end, schedule.start_year), schedule.end_year) - schedule.start_year
    rise = schedule.ramp_years if schedule.shape == "ramp" else 0.0
    if t < rise:
        return t * t / (2 * rise)
    return t - rise / 2


schedules = st.builds(
    lambda start, length, shape, ramp: Schedule(
        start_year=start, end_year=start + length, shape=shape, ramp_years=ramp
    ),
    st.floats(0, 500),
    st.floats(0.01, 500),
    st.sampled_from(["hold", "ramp"]),
    st.one_of(st.just(0.0), st.floats(1e-3, 300)),
)
clocks = st.builds(Clock, st.floats(1e6, 1e9), st.integers(12, 400))


@given(schedules, clocks, st.integers(0, 500), st.integers(1, 2000))
@settings(max_examples=150, deadline=None)
def test_a_schedule_adds_up_to_its_integral_for_any_step(
    schedule: Schedule, clock: Clock, first: int, steps: int
) -> None:
    share = activity(schedule, clock, first, steps)
    last = clock.year_of_step(first + steps)
    exact = integral(schedule, last) - integral(schedule, clock.year_of_step(first))
    assert float(share.sum()) * clock.year_of_step(1) == pytest.approx(exact, rel=1e-9, abs=1e-9 * last)
    assert (share >= -1e-12).all()
    assert (share <= 1 + 1e-9).all()


@given(schedules, clocks, st.integers(1, 99))
@settings(max_examples=60, deadline=None)
def test_a_schedule_does_not_feel_the_calls_that_sample_it(schedule: Schedule, clock: Clock, cut: int) -> None:
    whole = activity(schedule, clock, 0, 100)
    parts = np.concatenate([activity(schedule, clock, 0, cut), activity(schedule, clock, cut, 100 - cut)])
    assert np.array_equal(whole, parts)


def test_a_schedule_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValidationError, match="must come after"):
        Schedule(start_year=5, end_year=5)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    south = draw(st.floats(-90, 89.9))
    north = draw(st.floats(south + 0.05, 90))
    west = draw(st.floats(-180, 180))
    east = draw(st.floats(-180, 180).filter(lambda e: not 0 < (e - west) % 360 < 0.05))
    return Region(south_degree=south, north_degree=north, west_degree=west, east_degree=east)


@given(regions(), st.integers(4, 40), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_light_on_a_region_adds_up_to_one(region: Region, n_lat: int, n_lon: int) -> None:
    grid = Grid(n_lat, n_lon)
    spot = region_map(region, grid, AREA)
    assert (spot >= 0).all()
    assert float((spot * grid.area_weight).sum()) * AREA == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("west", "east", "lit"),
    [
        (-180, 180, range(12)),
        (170, -170, (0, 11)),
        (150, -150, (0, 11)),
        (-30, 30, (5, 6)),
        (0, 0, range(12)),
        (180, -180, range(12)),
        (-180, -180, range(12)),
        (90, -90, (0, 1, 2, 9, 10, 11)),
    ],
)
def test_regions_wrap_around_the_date_line(west: float, east: float, lit: range | tuple[int, ...]) -> None:
    spot = region_map(Region(west_degree=west, east_degree=east), Grid(6, 12), AREA)
    assert tuple(np.flatnonzero(spot[3] > 1e-9 / AREA)) == tuple(lit)


@pytest.mark.parametrize(("south", "north", "rows"), [(-90, -75, [0]), (75, 90, [5]), (-90, -50, [0, 1])])
def test_polar_caps_light_polar_rows(south: float, north: float, rows: list[int]) -> None:
    spot = region_map(Region(south_degree=south, north_degree=north), Grid(6, 8), AREA)
    assert list(np.flatnonzero(spot[:, 0])) == rows
    assert spot == pytest.approx(np.repeat(spot[:, :1], 8, axis=1))


def test_a_region_that_is_all_of_the_body_is_lit_evenly() -> None:
    assert region_map(Region(), Grid(9, 7), AREA) == pytest.approx(np.full((9, 7), 1 / AREA))


def test_a_region_without_extent_is_refused() -> None:
    with pytest.raises(ValidationError, match="must lie north"):
        Region(south_degree=10, north_degree=10)


def test_a_mirror_of_125_km_radius_has_its_published_power() -> None:
    mirror = OrbitalMirror(area_m2=math.pi * 125e3**2)
    assert mirror_power(mirror, MARS) == pytest.approx(27e12, rel=0.05)  # B16: 27 TW delivered


def test_a_composition_that_does_not_sum_to_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="must sum to 1"):
        VolatileImport(rate_kg_s=1, composition={"N2": 0.5})


def test_hard_light_takes_a_gas_ten_times_as_fast() -> None:
    calm, harsh = (
        Scenario(interventions=(SuperGreenhouseGasFactory(gas="CF4", rate_kg_s=1, pessimistic_photolysis=hard),))
        for hard in (False, True)
    )
    assert decay_rates(harsh, 1.0) == pytest.approx(decay_rates(calm, 1.0) * np.array([1, 10, 1, 1]))


def test_factories_of_a_gas_agree_on_its_light() -> None:
    with pytest.raises(ValidationError, match="pessimistic_photolysis"):
        Scenario(
            interventions=(
                SuperGreenhouseGasFactory(rate_kg_s=1),
                SuperGreenhouseGasFactory(rate_kg_s=1, pessimistic_photolysis=True),
            )
        )


def test_a_cover_warms_by_what_it_holds_back_and_no_more_than_in_the_laboratory() -> None:
    """B16: 25 mm of k 0.01 hold 2.5 m2 K/W, so 26 W m-2 make the 65 K of the laboratory."""
    resistance = 0.025 / 0.01
    assert under_cover_temperature(200.0, 10.0, 1.0, resistance) == pytest.approx(225.0)
    assert under_cover_temperature(200.0, 40.0, 0.65, resistance) == pytest.approx(265.0)
    assert under_cover_temperature(200.0, 400.0, 0.65, resistance) == pytest.approx(265.0)
    assert under_cover_temperature(200.0, 0.0, 0.65, resistance) == pytest.approx(200.0)
