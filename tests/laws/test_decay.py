"""Gases that are made, decay and escape follow their differential equations exactly; X16, B11."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import MARS, clock_of, drive
from twinpipe.constants import YEAR
from twinpipe.grid import Grid
from twinpipe.intervention import SUPER_GAS_LIFETIME_YEARS, Schedule, SuperGas, SuperGreenhouseGasFactory
from twinpipe.physics.escape import decayed, escaped
from twinpipe.physics.model import build, empty_ledger, first_guess
from twinpipe.physics.substances import GASES
from twinpipe.scenario import Scenario

masses, sources = st.floats(0, 1e16), st.floats(0, 1e6)
lifetimes = st.floats(1e6, 1e13)


@given(sources, lifetimes, st.floats(1e3, 1e11))
@settings(max_examples=200, deadline=None)
def test_source_from_nothing_saturates(source: float, lifetime: float, time: float) -> None:
    exact = source * lifetime * -math.expm1(-time / lifetime)
    assert decayed(0.0, source, 1 / lifetime, time) == pytest.approx(exact, rel=1e-12)


@given(masses, sources, lifetimes, st.floats(1e3, 1e9), st.integers(1, 200))
@settings(max_examples=100, deadline=None)
def test_many_short_steps_are_one_long_step(mass: float, source: float, lifetime: float, dt: float, steps: int) -> None:
    long = decayed(mass, source, 1 / lifetime, dt * steps)
    short = mass
    for _ in range(steps):
        short = decayed(short, source, 1 / lifetime, dt)
    assert short == pytest.approx(long, rel=1e-12)


@given(masses.filter(lambda m: m == 0 or m > 1e-9), st.floats(1e-9, 1e9), st.floats(1, 1e9))
@settings(max_examples=200, deadline=None)
def test_escape_is_its_rate_and_never_more_than_there_is(mass: float, rate: float, dt: float) -> None:
    lost = escaped(mass, rate, dt)
    assert 0.0 <= lost <= min(mass, rate * dt) * (1 + 1e-15)
    if mass > 1e9 * rate * dt:
        assert lost == pytest.approx(rate * dt, rel=1e-9)


@pytest.mark.parametrize("gas", list(SUPER_GAS_LIFETIME_YEARS))
@pytest.mark.parametrize("lifetime", [None, 3.0])
def test_factory_fills_the_air_as_the_formula_says(gas: SuperGas, lifetime: float | None) -> None:
    rate, steps, grid = 5.0e4, 960, Grid(4, 2)
    factory = SuperGreenhouseGasFactory(
        gas=gas, rate_kg_s=rate, lifetime_years=lifetime, schedule=Schedule(start_year=0, end_year=1000)
    )
    clock = clock_of(MARS, 96)
    model = build((MARS,), (Scenario(interventions=(factory,)),), grid, clock)
    state, ledger = first_guess(model), empty_ledger(1)
    drive(model, state, 0, steps, ledger)
    tau = (SUPER_GAS_LIFETIME_YEARS[gas] if lifetime is None else lifetime) * YEAR
    exact = rate * tau * -math.expm1(-steps * clock.step_seconds / tau)
    index = GASES.index(gas)
    assert state.gas[index, 0] == pytest.approx(exact, rel=1e-12)
    made = rate * steps * clock.step_seconds
    assert ledger.imported[index, 0] == pytest.approx(made, rel=1e-12)
    assert ledger.decayed[index - len(GASES) + 4, 0] == pytest.approx(made - exact, abs=1e-12 * made)


def test_gas_decays_after_its_factory_has_closed() -> None:
    grid, clock = Grid(4, 1), clock_of(MARS, 96)
    close = clock.year_of_step(200)
    factory = SuperGreenhouseGasFactory(rate_kg_s=1e5, lifetime_years=2.0, schedule=Schedule(end_year=close))
    model = build((MARS,), (Scenario(interventions=(factory,)),), grid, clock)
    state, tau = first_guess(model), 2.0 * YEAR
    drive(model, state, 0, 500)
    built = 1e5 * tau * -math.expm1(-200 * clock.step_seconds / tau)
    exact = built * math.exp(-300 * clock.step_seconds / tau)
    assert state.gas[GASES.index("C3F8"), 0] == pytest.approx(exact, rel=1e-12)
