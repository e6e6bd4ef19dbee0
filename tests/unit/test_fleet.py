"""Fleets: the arithmetic of the game's dates, closed forms against sums, and deliveries as schedules; domain 3.3, 7."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twinpipe.body import builtin_body
from twinpipe.clock import Clock
from twinpipe.constants import YEAR
from twinpipe.fleet import Fleet
from twinpipe.physics.interventions import activity
from twinpipe.scenario import load_pattern

MARS = builtin_body("mars")
AIR = {"CO2": 1.0}


def test_raw_gas_comes_to_60_percent_304_years_after_the_shield_and_all_air_in_year_784() -> None:
    raw, processed = load_pattern("mars_terraform").scenario(MARS).fleets
    assert raw.start_year == 50
    assert raw.last_year - 50 == pytest.approx(304, abs=10)
    assert processed.last_year == pytest.approx(784, abs=10)
    per_pascal = MARS.bulk.area_m2 / MARS.bulk.gravity_m_s2
    assert raw.delivered_kg(1000) == pytest.approx(0.6 * 8.1e4 * per_pascal - MARS.atmosphere.total_mass_kg)
    window = processed.window_days / 365.25
    assert processed.delivered_kg(500) - processed.delivered_kg(500 - window) == pytest.approx(4.67e15, rel=1e-3)


fleets = st.builds(
    lambda first, growth, more, wait, window, loss: Fleet(
        id="f", origin="x", composition=AIR, first=first, growth_per_year=growth, largest=first + more,
        window_days=window, start_year=wait, loss_fraction=loss,
    ),
    st.floats(0.5, 50), st.floats(0, 30), st.floats(0, 1000), st.floats(0, 100), st.floats(100, 4000),
    st.floats(0, 0.5),
)  # fmt: skip


@given(fleets, st.floats(0, 900))
@settings(deadline=None, max_examples=50)
def test_what_is_delivered_is_the_sum_of_what_the_craft_carry(fleet: Fleet, year: float) -> None:
    t = np.linspace(fleet.start_year, max(year, fleet.start_year), 20_001)
    craft = np.minimum(fleet.first + fleet.growth_per_year * t, fleet.largest)
    carried = float(((craft[1:] + craft[:-1]) / 2 * np.diff(t)).sum()) * YEAR * fleet.rate_kg_s
    assert fleet.delivered_kg(year) == pytest.approx((1 - fleet.loss_fraction) * carried, rel=1e-4)


@given(fleets, st.floats(1e12, 1e18))
@settings(deadline=None, max_examples=50)
def test_a_mass_is_delivered_in_the_year_that_is_told(fleet: Fleet, mass: float) -> None:
    year = fleet.year_of(mass)
    assert fleet.delivered_kg(year) == pytest.approx(mass, rel=1e-8)


@given(fleets, st.floats(1, 800), st.integers(1, 900))
@settings(deadline=None, max_examples=50)
def test_interventions_bring_what_the_fleet_brings(fleet: Fleet, length: float, years: int) -> None:
    ended = fleet.model_copy(update={"end_year": fleet.start_year + length})
    clock = Clock(687 * 86400.0, 24)
    steps = clock.step_at_year(years)
    brought = sum(
        float(activity(i.schedule, clock, 0, steps).sum()) * clock.step_seconds * i.rate_kg_s * (1 - i.loss_fraction)
        for i in ended.imports()
    )
    assert brought == pytest.approx(ended.delivered_kg(clock.year_of_step(steps)), rel=1e-9, abs=1.0)


def test_craft_wear_out_and_are_replaced() -> None:
    fleet = Fleet(id="f", origin="x", composition=AIR, first=100, growth_per_year=0, largest=100, life_years=50)
    assert fleet.built(40) == (100, 0)
    assert fleet.built(150) == pytest.approx((100, 200))
    assert fleet.cost_gcc(150) == pytest.approx(300 * 2e6 + fleet.flights(150) * 2e4)
    assert fleet.flights(584 / 365.25) == pytest.approx(100)


def test_a_fleet_that_is_owed_nothing_brings_nothing() -> None:
    fleet = Fleet(id="f", origin="x", composition=AIR, start_year=10, wanted_kg=0)
    assert fleet.last_year == 10
    assert fleet.imports() == ()


def test_a_fleet_without_craft_or_with_reversed_years_is_refused() -> None:
    with pytest.raises(ValidationError, match="has craft"):
        Fleet(id="f", origin="x", composition=AIR, first=0, growth_per_year=0)
    with pytest.raises(ValidationError, match="comes before start_year"):
        Fleet(id="f", origin="x", composition=AIR, start_year=5, end_year=4)
    assert math.isinf(Fleet(id="f", origin="x", composition=AIR).last_year)
