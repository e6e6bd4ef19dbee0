"""Mass and energy of the whole model close over a century, and a process that cheats is caught; X22."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.laws.toy_bodies import MARS
from twinpipe.block_state import BlockState
from twinpipe.physics.budget import ENERGY_TOLERANCE, MASS_TOLERANCE
from twinpipe.plan import Plan, make_plan
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.simulation import run_segment, start
from twinpipe.spec import RunSpec

ORBITS_100 = 188  # years: 99.96 orbits of Mars


def plan_of(grid: str, years: int, steps: int, scenario: Scenario | None = None, orbits_per_segment: int = 25) -> Plan:
    made = load_pattern("mars_terraform").scenario(MARS) if scenario is None else scenario
    spec = RunSpec(body=MARS, scenario=made, years=years, grid=grid, steps_per_orbit=steps, spin_up_orbits=2)
    return make_plan((spec,), 1, orbits_per_segment)


def errors(
    plan: Plan, cheat: Callable[[BlockState], BlockState] | None = None
) -> tuple[float, float, float, BlockState]:
    """Mass, energy and transport error at the end; a cheat changes the state between two segments."""
    block = plan.blocks[0]
    state, _ = start(plan, block)
    record: dict[str, list[float]] = {}
    for segment in plan.segments:
        if cheat is not None and segment.index == 1:
            state = cheat(state)
        done = run_segment(plan, block, segment, state)
        state, record = done.state, done.record
    return record["mass_error"][0], record["energy_error"][0], record["transport_error"][0], state


def closes(plan: Plan) -> None:
    mass, energy, transport, state = errors(plan)
    assert mass <= 1e-12
    assert energy <= 1e-9
    assert transport <= 1e-9
    # Every process took part: light, heat from below, frost, imports, a factory, decay, escape.
    assert (np.abs(state.energy_flow[0, :5]) > 0).all()
    assert state.condensed[0] != 0
    assert (state.imported > 0).sum() == 3
    assert (state.escaped > 0).any()
    assert (state.decayed > 0).any()


def test_the_tolerances_are_those_of_the_specification() -> None:
    assert MASS_TOLERANCE == 1e-12
    assert ENERGY_TOLERANCE == 1e-9


def test_a_century_of_terraforming_closes() -> None:
    closes(plan_of("12x24", ORBITS_100, 96))


def test_a_century_without_interventions_closes() -> None:
    mass, energy, transport, _ = errors(plan_of("12x24", ORBITS_100, 48, Scenario()))
    assert mass <= 1e-12
    assert energy <= 1e-9
    assert transport <= 1e-9


@pytest.mark.slow
def test_a_century_on_the_default_grid_closes() -> None:
    closes(plan_of("36x72", ORBITS_100, 96))


# Each breaks one process between two segments, by about as little as can be noticed.


def ice_from_nowhere(state: BlockState) -> BlockState:
    """Condensation makes a millionth more ice than gas goes."""
    assert state.ice.max() > 0
    return replace(state, ice=state.ice * (1 + 1e-6))


def gas_from_nowhere(state: BlockState) -> BlockState:
    """A process adds 1e-9 of the CO2 without an entry in the ledger."""
    gas = state.gas.copy()
    gas[:, 0] *= 1 + 1e-9
    return replace(state, gas=gas)


def unbooked_escape(state: BlockState) -> BlockState:
    """Escape takes gas, and forgets to say so."""
    return replace(state, escaped=np.zeros_like(state.escaped))


def unbooked_decay(state: BlockState) -> BlockState:
    """The supergreenhouse gas decays, and 1e-6 of that goes unsaid."""
    return replace(state, decayed=state.decayed * (1 - 1e-6))


@pytest.mark.parametrize("cheat", [ice_from_nowhere, gas_from_nowhere, unbooked_escape, unbooked_decay])
def test_mass_from_nowhere_is_caught(cheat: Callable[[BlockState], BlockState]) -> None:
    plan = plan_of("8x12", 40, 24, orbits_per_segment=5)
    assert errors(plan)[0] <= 1e-12
    assert errors(plan, cheat)[0] > 1e-12


def warm_ground(state: BlockState) -> BlockState:
    """The ground warms by a thousandth of a kelvin without heat."""
    return replace(state, T=state.T + 1e-3)


def latent_heat_lost(state: BlockState) -> BlockState:
    """A thousandth of the ice sublimates into the air without its latent heat."""
    gas = state.gas.copy()
    gas[:, 0] += 1e-3 * state.ice.mean() * 1.4437e14
    return replace(state, ice=state.ice * (1 - 1e-3), gas=gas)


def light_from_nowhere(state: BlockState) -> BlockState:
    """A millionth of the sunlight is said to have been absorbed that was not."""
    flow = state.energy_flow.copy()
    flow[:, 0] *= 1 + 1e-6
    return replace(state, energy_flow=flow)


def leaking_transport(state: BlockState) -> BlockState:
    """Transport brings more to the cells than it takes from them."""
    flow = state.energy_flow.copy()
    flow[:, 5] += 1e-6 * flow[:, 0]
    return replace(state, energy_flow=flow)


@pytest.mark.parametrize("cheat", [warm_ground, latent_heat_lost, light_from_nowhere])
def test_heat_from_nowhere_is_caught(cheat: Callable[[BlockState], BlockState]) -> None:
    plan = plan_of("8x12", 40, 24, orbits_per_segment=5)
    assert errors(plan)[1] <= 1e-9
    assert errors(plan, cheat)[1] > 1e-9


def test_transport_that_leaks_is_caught() -> None:
    plan = plan_of("8x12", 40, 24, orbits_per_segment=5)
    assert errors(plan)[2] <= 1e-9
    assert errors(plan, leaking_transport)[2] > 1e-9
