"""Heat reaches the deep ground as the root of time, and the regolith breathes by its isotherm; B8, B9, C2.8, C2.9."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.test_ledgers import errors, plan_of
from tests.laws.toy_bodies import MARS, clock_of, drive
from twinpipe.block_state import BlockState
from twinpipe.body import Body
from twinpipe.constants import LATENT_HEAT_CO2, YEAR
from twinpipe.errors import InvalidInput
from twinpipe.grid import Array, Grid
from twinpipe.physics import budget
from twinpipe.physics.co2_ice import frost_point_of
from twinpipe.physics.ground import conduct, deep
from twinpipe.physics.model import Model, build, empty_ledger, first_guess
from twinpipe.physics.records import AHEAD, SURFACE_MEAN, SURFACE_TODAY, State
from twinpipe.physics.regolith import equilibrium_amount, planet_amount
from twinpipe.physics.substances import BURIED_CO2, CO2, DESORPTION
from twinpipe.scenario import Scenario

GRID, STEPS = Grid(6, 4), 24
REGOLITH, BURIED = MARS.regolith, MARS.buried_co2
assert REGOLITH is not None
assert BURIED is not None
MBAR = 100 * MARS.bulk.area_m2 / MARS.bulk.gravity_m_s2  # kg


def with_regolith(**changes: Any) -> Body:
    assert REGOLITH is not None
    return MARS.model_copy(update={"regolith": REGOLITH.model_copy(update=changes)})


def profile(thickness: tuple[float, ...], years: float) -> tuple[Array, Array]:
    """Depth and warming below a surface that warms by 1 K under a soil without resistance."""
    body = with_regolith(thickness_m=thickness)
    seconds = years * YEAR / 100
    d = deep(body, seconds)
    warming, one, bottom = np.zeros((len(thickness), 1, 1)), np.ones(1), np.zeros(1)
    for _ in range(100):
        conduct(
            warming,
            0,
            one,
            np.zeros(1),
            1e12 * one,
            d.capacity,
            d.conductance,
            d.alpha,
            d.own,
            d.below,
            seconds,
            d.skin_resistance,
            d.top_resistance,
            0.0,
            bottom,
        )
    return np.cumsum(thickness) - 0.5 * np.array(thickness), warming[:, 0, 0]


@pytest.mark.parametrize(("years", "depth"), [(1, 4.3), (100, 43.0), (1000, 138.0)])
def test_heat_reaches_down_as_the_root_of_time(years: float, depth: float) -> None:
    """At sqrt(kappa t) a half-space has erfc(1/2) = 0.48 of what happened to its surface; B9."""
    assert REGOLITH is not None
    z, warming = profile(REGOLITH.thickness_m, years)
    reached = float(np.interp(-0.4795, -np.r_[1.0, warming], np.r_[0.0, z]))
    assert reached == pytest.approx(depth, rel=0.12)
    fine_z, fine = profile((0.02 * depth,) * 200, years)
    assert float(np.interp(-0.4795, -fine, fine_z)) == pytest.approx(depth, rel=0.02)


RATIO, WARMING = st.floats(0.01, 100), st.floats(-80, 80)


@given(RATIO, RATIO, WARMING, WARMING, st.floats(10, 60), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_more_is_adsorbed_at_more_pressure_and_less_warmth(
    p: float, q: float, cold: float, warm: float, scale: float, exponent: float
) -> None:
    p, q, cold, warm = *sorted((p, q)), *sorted((cold, warm))

    def amount(ratio: float, warming: float) -> float:
        return float(equilibrium_amount(np.array(900.0), np.array(ratio), np.array(warming), scale, exponent))

    assert 0 < amount(p, warm) <= amount(q, warm) <= amount(q, cold)
    assert amount(1.0, 0.0) == 900.0


def prepared(body: Body) -> tuple[Model, State]:
    model = build((body,), (Scenario(),), GRID, clock_of(body, STEPS))
    return model, first_guess(model)


def test_desorbing_takes_its_heat_from_the_layers() -> None:
    model, state = prepared(MARS)
    barren, other = prepared(with_regolith(inventory_kg=0.0))
    for s in (state, other):
        s.warming[2] = 30.0
    gas = state.gas[CO2, 0] + state.store[BURIED_CO2, 0]
    amount, heat = state.adsorbed.copy(), model.static.deep_capacity
    for m, s in ((model, state), (barren, other)):
        beginning, ledger = budget.contents(m, s), empty_ledger(1)
        drive(m, s, 0, 1, ledger)
        assert budget.closure(beginning, budget.contents(m, s), ledger).closes
    lost = amount - state.adsorbed
    assert lost[2].min() > 0.2 * amount[2].max()
    freed = float(GRID.mean(lost.sum(axis=0))) * MARS.bulk.area_m2
    frozen = float(GRID.mean(state.ice)) * MARS.bulk.area_m2
    assert state.gas[CO2, 0] + state.store[BURIED_CO2, 0] - gas == pytest.approx(freed - frozen, rel=1e-9)
    cooler = (other.warming - state.warming)[2]
    assert cooler == pytest.approx(DESORPTION * lost[2] / heat[2], rel=1e-9)


def test_ground_in_equilibrium_with_today_gives_and_takes_nothing() -> None:
    model, state = prepared(MARS)
    before = state.adsorbed.copy()
    drive(model, state, 0, 1)
    assert np.array_equal(state.adsorbed, before)
    assert not state.warming.any()
    assert before.sum(axis=0).mean() * MARS.bulk.area_m2 == pytest.approx(1.3e17)


def test_deep_ground_is_an_orbit_ahead_and_its_books_close_within_the_orbit() -> None:
    model, state = prepared(MARS)
    state.ground[SURFACE_MEAN] += 40.0
    beginning, ledger = budget.contents(model, state), empty_ledger(1)
    for k in range(STEPS):
        drive(model, state, k, 1, ledger)
        assert state.orbit[AHEAD, 0] == pytest.approx(model.options.orbit - (k + 1) * model.options.dt, abs=1.0)
        assert budget.closure(beginning, budget.contents(model, state), ledger).closes
    assert state.warming[0].min() > 0.5


# Each breaks one process between two segments.


def desorbs_from_nowhere(state: BlockState) -> BlockState:
    """The ground loses a millionth of what it holds, and the air does not get it."""
    return replace(state, adsorbed=state.adsorbed * (1 - 1e-6))


def sublimes_from_nowhere(state: BlockState) -> BlockState:
    store = state.store.copy()
    store[:, BURIED_CO2] *= 1 - 1e-9
    return replace(state, store=store)


def desorbs_without_heat(state: BlockState) -> BlockState:
    """A ten thousandth of what the ground holds goes into the air, and nothing cools."""
    freed = 1e-4 * float(Grid(8, 12).mean(state.adsorbed[0].sum(axis=0))) * MARS.bulk.area_m2
    gas = state.gas.copy()
    gas[:, CO2] += freed
    return replace(state, adsorbed=state.adsorbed * (1 - 1e-4), gas=gas)


def warms_from_nowhere(state: BlockState) -> BlockState:
    return replace(state, warming=state.warming + 1e-3)


def test_a_regolith_that_cheats_is_caught() -> None:
    plan = plan_of("8x12", 40, 24, orbits_per_segment=5)
    for cheat in (desorbs_from_nowhere, sublimes_from_nowhere):
        assert errors(plan, cheat)[0] > 1e-12
    for cheat in (desorbs_without_heat, warms_from_nowhere):
        assert errors(plan, cheat)[1] > 1e-9


def test_members_with_other_layers_cannot_share_a_block() -> None:
    other = with_regolith(depth_m=100.0)
    with pytest.raises(InvalidInput, match="share the ground below the soil"):
        build((MARS, other), (Scenario(), Scenario()), GRID, clock_of(MARS, STEPS))
    build((MARS, with_regolith(inventory_kg=2e17)), (Scenario(), Scenario()), GRID, clock_of(MARS, STEPS))


def polar(kelvin: float) -> tuple[Model, State]:
    """Mars whose surface had a mean temperature in the orbit before, and has it."""
    model, state = prepared(MARS)
    state.T[:] = kelvin
    for field in (SURFACE_MEAN, SURFACE_TODAY):
        state.ground[field] = kelvin
    return model, state


def test_buried_co2_stays_where_the_pole_is_cold() -> None:
    model, state = polar(180.0)  # today's is some 150 K
    drive(model, state, 0, 1)
    assert state.store[BURIED_CO2, 0] == 1.76e16


def test_buried_co2_sublimes_as_fast_as_heat_passes_its_lid() -> None:
    """dm/dt = area K_lid (T_s - T_f(p + p_lid)) / h_lid / L; B8."""
    assert BURIED is not None
    model, state = polar(230.0)
    pressure = float(state.p[0, 0]) + 920.0 * 10.0 * MARS.bulk.gravity_m_s2
    beginning, ledger = budget.contents(model, state), empty_ledger(1)
    drive(model, state, 0, STEPS, ledger)
    assert budget.closure(beginning, budget.contents(model, state), ledger).closes
    area = 2 * np.pi * MARS.bulk.mean_radius_m**2 * (1 - np.sin(np.radians(86.7)))
    assert area == pytest.approx(1.2e11, rel=0.01)
    heat = area * 2.5 / 10.0 * (230.0 - frost_point_of(pressure)) * MARS.orbit.sidereal_year_s
    assert 1.76e16 - state.store[BURIED_CO2, 0] == pytest.approx(heat / LATENT_HEAT_CO2, rel=1e-9)
    assert pytest.approx(heat / MARS.orbit.sidereal_year_s / area, abs=3) == 10.0  # W m-2: so it takes some 370 years
    assert pytest.approx(1.4e22, rel=0.01) == 6.1 * MBAR * LATENT_HEAT_CO2


def test_no_more_sublimes_than_is_buried() -> None:
    model, state = polar(230.0)
    state.store[BURIED_CO2, 0] = 1e13
    beginning, ledger = budget.contents(model, state), empty_ledger(1)
    drive(model, state, 0, STEPS, ledger)
    assert state.store[BURIED_CO2, 0] == 0.0
    assert budget.closure(beginning, budget.contents(model, state), ledger).closes


def mckay_temperature(p_bar: Array, sin_lat: Array) -> Array:
    """T_mean = 213.5 + 40 sqrt(p), T_pole = T_mean - 75/(1 + 5 p), warmest at the equator; X17."""
    mean = 213.5 + 40 * np.sqrt(p_bar)
    pole = mean - 75 / (1 + 5 * p_bar)
    equator = 1.1 * mean
    return np.asarray(equator[:, None] - (equator - pole)[:, None] * np.arcsin(sin_lat)[None, :] / (np.pi / 2))


def roots(p: Array, excess: Array) -> Array:
    """Where an excess changes its sign."""
    return p[np.flatnonzero(np.diff(np.sign(excess)))]


def test_equilibrium_of_the_whole_planet_has_several_roots_and_falls_with_the_scale() -> None:
    """With 500 mbar in all: two pressures of air over a cap, and one without a cap if it lies above them; C2.9."""
    sin_lat, weight = (np.arange(200) + 0.5) / 200, np.full(200, 1 / 200)
    p = np.geomspace(1e-3, 1.0, 4000)
    pole = mckay_temperature(p, np.array([1.0]))[:, 0]
    over_cap = roots(p, p - 1.23e7 * np.exp(-3168 / pole))
    assert over_cap == pytest.approx([2.22e-3, 59.5e-3], rel=0.01)
    ends = []
    for scale in (20.0, 25.0, 30.0):
        today = planet_amount(1.0, np.array([0.006]), mckay_temperature(np.array([0.006]), sin_lat), weight, scale)
        capacity = 0.394 / float(today[0])  # 100 mbar are in the cap
        (end,) = roots(p, p + planet_amount(capacity, p, mckay_temperature(p, sin_lat), weight, scale) - 0.5)
        ends.append(float(end))
    assert ends[0] > 1.3 * ends[1] > 1.3 * 5 * ends[2]
    assert [len(over_cap) + (end > over_cap[1]) for end in ends] == [3, 3, 2]
