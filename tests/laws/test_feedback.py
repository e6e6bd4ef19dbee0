"""Controllers hold what they are told to, are off beyond it, and do not feel blocks or segments; B16."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.laws.toy_bodies import MARS
from tests.laws.toy_runs import STEPS, Ran, spec_of
from twinpipe.block_state import BlockState
from twinpipe.constants import YEAR
from twinpipe.intervention import ChemicalPlant, Feedback, GasExport, Heater, Schedule, Sunshade
from twinpipe.physics.controllers import respond
from twinpipe.physics.records import IMPORTED_HEAT
from twinpipe.plan import make_plan
from twinpipe.simulation import run_segment, start

feedbacks = st.builds(Feedback, target=st.floats(100, 400), gain=st.floats(-1, 1), integral_years=st.floats(0.5, 100))


@given(feedbacks, st.lists(st.floats(50, 500), min_size=1, max_size=40), st.floats(0.1, 10))
def test_a_controller_stays_within_its_means(feedback: Feedback, values: list[float], years: float) -> None:
    integral = 0.0
    for value in values:
        share, integral = respond(feedback, value, integral, years)
        assert 0.0 <= share <= 1.0
        assert 0.0 <= integral <= 1.0


@given(feedbacks, st.floats(0, 1), st.floats(0.1, 10))
def test_at_its_target_a_controller_stays_as_it_is(feedback: Feedback, integral: float, years: float) -> None:
    assert respond(feedback, feedback.target, integral, years) == (integral, integral)


@given(feedbacks, st.floats(50, 500), st.floats(0, 5), st.floats(0, 1))
def test_a_larger_error_never_gets_a_smaller_answer(
    feedback: Feedback, value: float, more: float, integral: float
) -> None:
    further = value - more if feedback.gain > 0 else value + more
    assert respond(feedback, further, integral, 2.0)[0] >= respond(feedback, value, integral, 2.0)[0]


def heated(target: float, power: float = 1e16, **schedule: float) -> Heater:
    feedback = Feedback(target=target, gain=0.1, integral_years=10.0)
    return Heater(power_w=power, schedule=Schedule(shape="feedback", feedback=feedback, **schedule))


def orbit_mean(ran: Ran, name: str = "global_surface_temperature") -> float:
    return float(ran.series[name][-STEPS:].mean())


def test_a_heater_holds_its_temperature() -> None:
    today = orbit_mean(Ran(MARS, years=4))
    ran = Ran(MARS, heated(today + 10), years=120)
    ran.closes()
    assert orbit_mean(ran) == pytest.approx(today + 10, abs=0.5)
    seconds = float(ran.state.control[0, 0, 1])
    assert 0.02 < seconds / (120 * YEAR) < 0.98
    assert ran.state.energy_flow[0, IMPORTED_HEAT] * ran.area == pytest.approx(1e16 * seconds, rel=1e-9)


def test_above_its_target_it_is_off() -> None:
    ran, control = Ran(MARS, heated(150.0)), Ran(MARS)
    assert ran.state.control[0, 0, 1] == 0
    assert (ran.series["global_surface_temperature"] == control.series["global_surface_temperature"]).all()


def test_a_negative_gain_works_against_a_rise() -> None:
    today = orbit_mean(Ran(MARS, years=4))
    cool = Feedback(target=today - 5, gain=-0.1, integral_years=10.0)
    shade = Sunshade(fraction=0.3, schedule=Schedule(shape="feedback", feedback=cool))
    assert orbit_mean(Ran(MARS, shade, years=120)) == pytest.approx(today - 5, abs=0.5)


def test_pressure_is_held_by_export() -> None:
    p = orbit_mean(Ran(MARS, years=4), "global_surface_pressure")
    less = Feedback(measure="surface_pressure_pa", target=0.9 * p, gain=-0.05, integral_years=20.0)
    export = GasExport(gas="CO2", rate_kg_s=5e6, schedule=Schedule(shape="feedback", feedback=less))
    ran = Ran(MARS, export, years=80)
    ran.closes()
    assert orbit_mean(ran, "global_surface_pressure") == pytest.approx(0.9 * p, rel=0.02)


def test_what_is_not_in_its_years_neither_acts_nor_winds_up() -> None:
    ran = Ran(MARS, heated(300.0, start_year=8, end_year=9), years=4)
    assert (ran.state.control == 0).all()


def last(orbits: int, size: int, *heaters: Heater | None) -> BlockState:
    specs = tuple(spec_of(MARS, *([h] if h else []), years=20) for h in heaters)
    plan = make_plan(specs, size, orbits)
    states = []
    for block in plan.blocks:
        state, _ = start(plan, block)
        for segment in plan.segments:
            state = BlockState.from_arrays(run_segment(plan, block, segment, state).state.arrays())
        states.append(state.arrays())
    whole = {k: np.concatenate([s[k] for s in states]) if k != "step" else states[0][k] for k in states[0]}
    return BlockState.from_arrays(whole)


def test_controllers_do_not_feel_blocks_nor_segments() -> None:
    three = (heated(220.0), None, heated(230.0, power=2e16))
    whole = last(40, 3, *three).arrays()
    for other in (last(1, 3, *three).arrays(), last(3, 1, *three).arrays(), last(5, 2, *three).arrays()):
        for name, array in whole.items():
            assert np.array_equal(array, other[name]), name
    assert whole["control"][0, 0, 1] > 0
    assert whole["control"][1, 0, 1] == 0


def test_works_stop_at_the_share_of_oxygen_that_they_are_told() -> None:
    """They split CO2 until a fifth of the air is oxygen, and do nothing beyond it."""
    feedback = Feedback(measure="oxygen_fraction", target=0.22, gain=50.0, integral_years=1000.0)
    works = ChemicalPlant(
        reaction="co2_electrolysis",
        reactant="CO2",
        rate_kg_s=1.5e7,
        schedule=Schedule(shape="feedback", feedback=feedback),
    )
    ran = Ran(MARS, works, years=60)
    ran.closes()
    share = ran.series["oxygen_pressure"] / ran.series["global_surface_pressure"]
    assert share[:STEPS].max() < 0.05
    assert share[-STEPS:].mean() == pytest.approx(0.22, abs=0.01)
    assert share.max() < 0.23


@pytest.mark.parametrize("target", [-0.01, 1.01, 22.0])
def test_a_share_is_within_the_air(target: float) -> None:
    with pytest.raises(ValidationError, match="a share of 0 to 1"):
        Feedback(measure="oxygen_fraction", target=target, gain=50.0)


def test_a_controller_of_a_share_says_how_hard_it_works() -> None:
    with pytest.raises(ValidationError, match="gain must be given"):
        Feedback(measure="oxygen_fraction", target=0.2)
