"""A run is the same bits however it is cut into segments and members into blocks; X21."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.laws.toy_bodies import MARS
from twinpipe.block_state import BlockState
from twinpipe.body import Body, LegendreInsolation, Slab
from twinpipe.clock import Clock
from twinpipe.errors import InvalidInput
from twinpipe.grid import Array, Grid
from twinpipe.physics.model import build
from twinpipe.plan import make_plan
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.simulation import run_segment, start
from twinpipe.spec import OutputPolicy, RunSpec

STEPS = 24


class Outcome(NamedTuple):
    state: dict[str, Array]
    outputs: dict[str, Array]
    records: dict[str, list[float]]


def body_of(k: int) -> Body:
    """Mars with numbers of its own, as members of a sweep have."""
    if k == 0:
        return MARS
    orbit = MARS.orbit.model_copy(update={"solar_constant_w_m2": 586.2 * (1 + 0.003 * (k % 5 - 2))})
    climate = MARS.climate.model_copy(update={"diffusivity_w_m2_k": 0.02 + 0.001 * k, "albedo_p2": 0.002 * k})
    return MARS.model_copy(update={"orbit": orbit, "climate": climate})


def scenario_of(k: int) -> Scenario:
    pattern = load_pattern("mars_terraform")
    made = pattern.scenario(MARS, {"factory_rate": 1e4 * (1 + k), "mirror_area": 1e11 * k})
    if k % 3 == 1:  # fewer mirrors than its neighbours in the block
        return made.model_copy(update={"interventions": made.interventions[:1]})
    if k % 3 == 2:
        return made.model_copy(update={"aerosol_optical_depth": {"natural_dust": 0.3}})
    return made


def spec(k: int, years: int, maps_every: int = 1) -> RunSpec:
    return RunSpec(
        body=body_of(k),
        scenario=scenario_of(k),
        years=years,
        grid="8x12",
        steps_per_orbit=STEPS,
        spin_up_orbits=2,
        output=OutputPolicy(maps_every_orbits=maps_every, zonal_every_steps=4),
    )


def simulate(specs: list[RunSpec], members_per_block: int, orbits_per_segment: int) -> Outcome:
    """Every block and segment of a plan, with states that go through arrays as a restart does."""
    plan = make_plan(tuple(specs), members_per_block=members_per_block, orbits_per_segment=orbits_per_segment)
    states, outputs, records = [], [], []
    for block in plan.blocks:
        state, _ = start(plan, block)
        parts = []
        record: dict[str, list[float]] = {}
        for segment in plan.segments:
            done = run_segment(plan, block, segment, state)
            state = BlockState.from_arrays({k: a.copy() for k, a in done.state.arrays().items()})
            parts.append(done.arrays)
            record = done.record
        outputs.append({name: np.concatenate([p[name] for p in parts], axis=1) for name in parts[0]})
        states.append(state.arrays())
        records.append(record)
    return Outcome(
        {name: np.concatenate([s[name] for s in states]) if name != "step" else states[0][name] for name in states[0]},
        {name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]},
        {name: [x for r in records for x in r[name]] for name in records[0]},
    )


def identical(a: Outcome, b: Outcome) -> None:
    assert a.state.keys() == b.state.keys()
    assert a.outputs.keys() == b.outputs.keys()
    for name in a.state:
        assert np.array_equal(a.state[name], b.state[name]), name
    for name in a.outputs:
        assert a.outputs[name].shape == b.outputs[name].shape, name
        assert np.array_equal(a.outputs[name], b.outputs[name]), name
    assert a.records == b.records


def test_ten_and_ten_orbits_are_twenty_orbits() -> None:
    years = 38  # 20.2 orbits: the last map's window opens before the cut at 20 orbits and closes behind it
    whole = simulate([spec(3, years)], 1, 40)
    assert whole.outputs["surface_temperature"].shape[1] == 21
    identical(simulate([spec(3, years)], 1, 10), whole)


@pytest.mark.parametrize("orbits", [1, 3, 7, 20])
def test_segments_of_any_size_give_the_same_bits(orbits: int) -> None:
    identical(simulate([spec(4, 38)], 1, orbits), simulate([spec(4, 38)], 1, 40))


@pytest.mark.parametrize("every", [2, 3])
def test_windows_that_are_rarer_than_segments_do_not_feel_the_cuts(every: int) -> None:
    identical(simulate([spec(2, 30, every)], 1, every), simulate([spec(2, 30, every)], 1, 12 * every))


def test_a_run_of_less_than_an_orbit_is_cut_nowhere() -> None:
    outcome = simulate([spec(0, 1)], 1, 1)
    assert outcome.outputs["surface_temperature"].shape[1] == 1


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_members_do_not_feel_their_block(size: int) -> None:
    specs = [spec(k, 8) for k in range(16)]
    identical(simulate(specs, size, 2), simulate(specs, 16, 2))


def test_member_alone_is_the_member_of_sixteen() -> None:
    specs = [spec(k, 8) for k in range(16)]
    together = simulate(specs, 16, 2)
    for k in (0, 1, 6, 15):
        alone = simulate([specs[k]], 1, 2)
        for name, array in alone.outputs.items():
            assert np.array_equal(array[0], together.outputs[name][k]), name
        for name, array in alone.state.items():
            if name == "control":  # as long as the longest list of interventions of the sweep
                n = array.shape[1]
                assert np.array_equal(array[0], together.state[name][k][:n])
                assert not together.state[name][k][n:].any()
            elif name != "step":
                assert np.array_equal(array[0], together.state[name][k]), name


def test_same_run_twice_is_the_same_bits() -> None:
    identical(simulate([spec(5, 10)], 1, 2), simulate([spec(5, 10)], 1, 2))


@pytest.mark.parametrize(
    "change",
    [
        {"orbit": MARS.orbit.model_copy(update={"eccentricity": 0.05})},
        {"bulk": MARS.bulk.model_copy(update={"gravity_m_s2": 3.7})},
        {"climate": MARS.climate.model_copy(update={"insolation": LegendreInsolation(kind="legendre", s2=-0.48)})},
        {"climate": MARS.climate.model_copy(update={"column": Slab(kind="slab", heat_capacity_j_m2_k=1e6)})},
    ],
    ids=["orbit", "gravity", "insolation", "column"],
)
def test_members_that_cannot_share_a_block_are_refused(change: dict[str, Any]) -> None:
    other = MARS.model_copy(update=change)
    clock = Clock(MARS.orbit.sidereal_year_s, STEPS)
    with pytest.raises(InvalidInput, match="members of a block share"):
        build((MARS, other), (Scenario(), Scenario()), Grid(8, 12), clock)
