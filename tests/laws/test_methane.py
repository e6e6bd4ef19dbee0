"""Methane between Titan's seas and air: laws of saturation, energy, atoms, and today's balance; B12."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.toy_bodies import clock_of, drive
from tests.laws.toy_moons import GRID, STEPS, TITAN, settled
from twinpipe.body import Body
from twinpipe.constants import GAS_CONSTANT, YEAR
from twinpipe.errors import SimulationError
from twinpipe.events import EVENTS, crossings
from twinpipe.grid import Grid
from twinpipe.intervention import GasExport, Heater, Region
from twinpipe.physics.methane import (
    ETHANE_MADE,
    HYDROGEN_MADE,
    LARGEST_SHARE,
    OF_METHANE,
    condensed,
    exchange,
    mole_fraction,
    saturation_pressure,
)
from twinpipe.physics.model import build, empty_ledger, first_guess
from twinpipe.physics.nitrogen import condensation_point
from twinpipe.physics.records import ACTIVITY
from twinpipe.physics.substances import CH4, H2, LIQUID_ETHANE, LIQUID_METHANE, METHANE_VAPORISATION
from twinpipe.physics.today import hold
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario
from twinpipe.simulation import equilibrate, run_segment, start
from twinpipe.spec import RunSpec

ORBIT = TITAN.orbit.sidereal_year_s


def test_saturation_is_that_of_the_specification() -> None:
    assert saturation_pressure(93.65) == pytest.approx(17.1e3, rel=0.005)
    assert 0.0565 * 146.7e3 / saturation_pressure(93.65) == pytest.approx(0.48, abs=0.01)


def test_nitrogen_condenses_where_it_boils() -> None:
    assert float(condensation_point(np.array(101325.0))) == pytest.approx(77.355, abs=0.02)
    assert float(condensation_point(np.array(1.4e5))) == pytest.approx(80.2, abs=0.2)
    assert float(condensation_point(np.array(0.0))) == 0.0


def test_sunlight_at_the_ground_evaporates_twenty_kilograms_a_year() -> None:
    """0.3 W m-2 on a sea in balance with its air goes into vapour, all but what warms it; B12."""
    one, dt, stiff = np.ones(1), 1e6, 5.0
    T, methane, olr, gained = 93.65 + 0.3 / stiff * one, 1e4 * one, 1e-9 * one, np.zeros(1)
    pressure = 0.48 * saturation_pressure(93.65)
    exchange(
        T, methane, 0 * one, 0.48 * one, one, 1.467e5 * one, pressure / 1.467e5 * one, 0.02 * one, 10.0 * one,
        stiff * one, 0.0, one, dt, olr, gained,
    )  # fmt: skip
    assert -gained[0] / dt * YEAR == pytest.approx(0.3 / METHANE_VAPORISATION * YEAR, rel=0.01)
    assert -gained[0] / dt * YEAR == pytest.approx(20.0, rel=0.1)
    assert T[0] == pytest.approx(93.65, abs=1e-3)


@given(
    st.floats(60, 200), st.floats(1e5, 1e10), st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0.1, 2),
    st.floats(0, 1e5), st.floats(1e-9, 1e2), st.floats(0, 1e5),
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_exchange_solves_its_own_equation(
    T: float,
    stiffness: float,
    methane: float,
    ethane: float,
    activity: float,
    pressure: float,
    wind: float,
    most: float,
) -> None:
    dm = condensed(T, stiffness, methane, ethane, activity, pressure, wind, most)
    assert -methane <= dm <= max(min(most, wind * pressure), -methane)

    def miss(gain: float) -> float:
        x = mole_fraction(methane + gain, ethane)
        vapour = activity * x * saturation_pressure(T + METHANE_VAPORISATION * gain / stiffness)
        return gain + wind * (vapour - pressure)

    step = 1e-9 * (methane + wind * pressure + 1e-300)
    if dm + step < min(most, wind * pressure):
        assert miss(dm + step) >= 0
    if dm - step > -methane:
        assert miss(dm - step) <= 0


def test_untouched_titan_stays_as_it_is() -> None:
    """1000 years: |dT| < 0.1 K, |dp|/p < 1e-3, though the seas breathe with the seasons."""
    moon = settled(TITAN)
    series, books, ledger = moon.run(round(1000 * YEAR / ORBIT))
    t, p, sea = (series[n] for n in ("global_surface_temperature", "global_surface_pressure", "liquid_methane_mass"))
    assert abs(t[-STEPS:].mean() - t[:STEPS].mean()) < 0.1
    assert abs(p[-STEPS:].mean() / p[:STEPS].mean() - 1) < 1e-3
    assert np.ptp(sea[:STEPS]) > 1e13
    assert books.closes
    # photolysis: 2e9-2e10 kg a year, which is negligible, but tracked
    seconds = len(t) * ORBIT / STEPS
    made = float(ledger.escaped[H2, 0]) / HYDROGEN_MADE
    assert 2e9 <= made / seconds * YEAR <= 2e10
    ethane = series["liquid_ethane_mass"]
    assert ethane[-1] - ethane[0] == pytest.approx(made * ETHANE_MADE * (1 - 1 / len(t)), rel=1e-3)


def test_a_hundred_titan_years_close_under_exports_and_heat() -> None:
    scenario = Scenario(
        interventions=(
            GasExport(gas="CH4", rate_kg_s=2e6),
            Heater(power_w=5e13, into="ground", target=Region(south_degree=40, north_degree=90)),
        )
    )
    moon = settled(TITAN, scenario)
    before = float((GRID.row_weight[:, None] * moon.state.local[LIQUID_ETHANE]).sum())
    series, books, ledger = moon.run(100)
    assert float(books.mass[0]) <= 1e-12
    assert float(books.energy[0]) <= 1e-9
    assert float(books.transport[0]) <= 1e-9
    # What leaves the air, the seas give back; ethane is left behind, and only photolysis adds to it.
    assert series["liquid_methane_mass"][-1] < 0.7 * series["liquid_methane_mass"][0]
    made = float(ledger.escaped[H2, 0]) / HYDROGEN_MADE * ETHANE_MADE / TITAN.bulk.area_m2
    after = float((GRID.row_weight[:, None] * moon.state.local[LIQUID_ETHANE]).sum())
    assert after - before == pytest.approx(made, rel=1e-6)
    assert (moon.state.local[LIQUID_METHANE] >= 0).all()
    assert float(moon.state.gas[CH4, 0]) > 0


def test_all_of_the_methane_may_go() -> None:
    moon = settled(TITAN, Scenario(interventions=(GasExport(gas="CH4", rate_kg_s=1e9),)), orbits=3)
    series, books, _ = moon.run(60)
    assert books.closes
    assert series["liquid_methane_mass"][-1] < 1e-3 * series["liquid_methane_mass"][0]
    assert (moon.state.local[LIQUID_METHANE] >= 0).all()


def test_air_that_is_too_humid_rains_out_without_running_dry() -> None:
    """A tenfold methane inventory condenses where it is cold, no step taking more than half of what is there."""
    moon = settled(TITAN, orbits=3)
    moon.state.gas[CH4, 0] *= 10
    held = float(moon.state.gas[CH4, 0])
    series, books, _ = moon.run(10)
    assert books.closes
    assert (moon.state.local[LIQUID_METHANE, 0] > 2e3).all()
    rain = np.diff(series["liquid_methane_mass"], prepend=series["liquid_methane_mass"][0])
    assert rain.max() <= LARGEST_SHARE * held
    # What is left in the air is coming down to what the coldest sea holds there.
    gas = moon.state.gas[:, 0] / moon.model.static.molar_mass
    vapour = series["global_surface_pressure"][-1] * gas[CH4] / gas.sum()
    methane, ethane = (moon.state.local[q, :, 0] for q in (LIQUID_METHANE, LIQUID_ETHANE))
    over_sea = [
        a * mole_fraction(float(m), float(e)) * saturation_pressure(float(t))
        for a, m, e, t in zip(moon.state.today[ACTIVITY, :, 0], methane, ethane, moon.state.T[0, :, 0], strict=True)
    ]
    assert 0.95 * min(over_sea) < vapour < 1.5 * min(over_sea)


def test_bedrock_melts_only_when_it_is_warm() -> None:
    moon = settled(TITAN, Scenario(interventions=(Heater(power_w=2.8e15, into="ground"),)), orbits=3)
    series, books, _ = moon.run(12)
    assert books.closes
    outcome = cast("Any", SimpleNamespace(trailing_mean=lambda name: series[name]))
    index = EVENTS["bedrock_melts"].index(outcome)
    (step,) = crossings(index, 0.99)
    assert series["global_surface_temperature"][step - 1] < 176 <= series["global_surface_temperature"][step]


def test_air_that_would_freeze_ends_the_run() -> None:
    dim = TITAN.model_copy(update={"orbit": TITAN.orbit.model_copy(update={"solar_constant_w_m2": 4.0})})
    with pytest.raises(SimulationError, match="nitrogen would condense"):
        equilibrate(dim, GRID, clock_of(dim, STEPS), 20)


def test_members_and_restarts_keep_the_bits() -> None:
    windy = TITAN.model_copy(
        update={"methane_cycle": TITAN.methane_cycle.model_copy(update={"exchange_velocity_m_s": 3e-3})}  # type: ignore[union-attr]  # it has one
    )
    bodies: tuple[Body, Body] = (TITAN, windy)
    grid = Grid(4, 6)
    scenarios = (Scenario(interventions=(GasExport(gas="CH4", rate_kg_s=1e7),)), Scenario())
    together = build(bodies, scenarios, grid, clock_of(TITAN, STEPS))
    both = first_guess(together)
    hold(together, both, both.T[0])
    drive(together, both, 0, 3 * STEPS, empty_ledger(2))
    for b in range(2):
        alone = build(bodies[b : b + 1], scenarios[b : b + 1], grid, clock_of(TITAN, STEPS))
        state, ledger = first_guess(alone), empty_ledger(1)
        hold(alone, state, state.T[0])
        for first, last in ((0, 5), (5, 3 * STEPS)):
            drive(alone, state, first, last - first, ledger)
        for name in ("T", "local", "today"):
            assert np.array_equal(getattr(both, name)[..., b::2], getattr(state, name)), name
        assert np.array_equal(both.gas[:, b : b + 1], state.gas)


def test_a_run_stores_the_seas() -> None:
    spec = RunSpec(body=TITAN, years=59, grid="4x6", steps_per_orbit=STEPS, spin_up_orbits=6)
    plan = make_plan((spec,), 1, 1)
    state, _ = start(plan, plan.blocks[0])
    for segment in plan.segments:
        done = run_segment(plan, plan.blocks[0], segment, state)
        state = done.state
        assert {"liquid_methane_amount", "liquid_ethane_mass"} <= set(done.arrays)
    assert done.record["mass_error"][0] <= 1e-12
    assert done.record["energy_error"][0] <= 1e-9


def test_vapour_is_that_of_an_ideal_gas() -> None:
    """rho_v of saturated air at 93.65 K and what 1 m/s of wind drives: 20 times what sunlight can pay for."""
    density = saturation_pressure(93.65) * OF_METHANE / (GAS_CONSTANT * 93.65)
    assert 1e-3 * density * 0.52 * METHANE_VAPORISATION > 20 * 0.3
