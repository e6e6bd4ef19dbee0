"""Seas, snow and dust are the same bits in any block and any cut, and turn with the maps; X20, X21."""

from __future__ import annotations

import numpy as np
import pytest

from tests.laws.test_restart import identical, simulate
from tests.laws.test_symmetry import maps_of, same, with_maps
from tests.laws.toy_bodies import clock_of, drive
from tests.laws.wet_bodies import SMALL, STEPS, wet_mars
from twinpipe.body import Body
from twinpipe.intervention import DarkDust, Region, VolatileImport
from twinpipe.physics.model import Model, build, first_guess
from twinpipe.physics.records import State
from twinpipe.physics.substances import DARK_DUST, LIQUID_WATER
from twinpipe.scenario import Scenario
from twinpipe.spec import RunSpec


def warm(k: int) -> Body:
    return wet_mars(1.85 + 0.05 * (k % 3), 60.0)


def spec(k: int) -> RunSpec:
    """Every third member without dust, as members of a sweep may be."""
    caps = Region(south_degree=60, north_degree=90)
    comet = VolatileImport(rate_kg_s=1e5 * (1 + k), composition={"H2O": 1.0})
    dust = (DarkDust(rate_kg_s=1e4, target=caps),) if k % 3 else ()
    scenario = Scenario(interventions=(comet, *dust))
    return RunSpec(body=warm(k), scenario=scenario, years=12, grid=str(SMALL), steps_per_orbit=STEPS, spin_up_orbits=3)


@pytest.mark.parametrize(("members", "orbits"), [(1, 1), (2, 3), (4, 2)])
def test_seas_and_dust_do_not_feel_blocks_or_cuts(members: int, orbits: int) -> None:
    specs = [spec(k) for k in range(6)]
    whole = simulate(specs, 6, 12)
    assert whole.state["local"][:, LIQUID_WATER].max() > 1e3  # a sea
    assert whole.state["local"][1, DARK_DUST].max() > 0.0
    assert whole.state["local"][0, DARK_DUST].max() == 0.0
    identical(simulate(specs, members, orbits), whole)


def settle(model: Model) -> State:
    state = first_guess(model)
    drive(model, state, 0, 3 * STEPS)
    assert state.local[LIQUID_WATER].max() > 1e3
    return state


def test_seas_turn_with_the_maps() -> None:
    model = build((warm(0),), (Scenario(),), SMALL, clock_of(warm(0), STEPS))
    turned = with_maps(model, {name: np.roll(a, 3, axis=1) for name, a in maps_of(model).items()})
    state, other = settle(model), settle(turned)
    same(other.T, np.roll(state.T, 3, axis=2))
    same(other.local, np.roll(state.local, 3, axis=2))
