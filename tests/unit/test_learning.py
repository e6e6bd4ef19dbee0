"""Laws of learned patterns: what fits, what is refused and why, and how amounts follow the body."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest
from tests.factories.completed import a_completed
from tests.factories.specs import a_body, a_scenario

from twinpipe.body import Body, builtin_body
from twinpipe.errors import InvalidInput
from twinpipe.game.phases import plan_phases
from twinpipe.intervention import Intervention, OrbitalMirror, SuperGreenhouseGasFactory
from twinpipe.learning.adaptation import RULES, adapt, whole_plan
from twinpipe.learning.applicability import APPLIES, applicability, within
from twinpipe.learning.extract import Lesson, Trial, conditions, learn_from, optimizations
from twinpipe.scenario import Scenario


def mars_like(**bulk: float) -> Body:
    """Another Mars, twice as heavy and wide of the same gravity unless given."""
    mars = builtin_body("mars").bulk
    wide = {
        "mean_radius_m": mars.mean_radius_m * 2**0.5,
        "mass_kg": mars.mass_kg * 2,
        "gravity_m_s2": mars.gravity_m_s2,
    }
    air = {gas: 2 * kg for gas, kg in builtin_body("mars").atmosphere.mass_kg.items()}
    atmosphere = {**builtin_body("mars").atmosphere.model_dump(), "mass_kg": air}
    return a_body(identifier="ARES-02", name="Ares", kind="custom", bulk={**wide, **bulk}, atmosphere=atmosphere)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return learn_from(a_completed(years=60))


def test_a_pattern_fits_its_own_body_and_its_like_and_not_venus(lesson: Lesson) -> None:
    wanted = lesson.required_conditions
    assert applicability(wanted, builtin_body("mars")).score == 1.0
    assert applicability(wanted, mars_like()).score == 1.0
    for name in ("venus", "titan", "europa", "earth", "luna"):
        fit = applicability(wanted, builtin_body(name))
        assert not fit.applies
        assert 0 <= fit.score <= 1
        assert fit.against
    against = " ".join(applicability(wanted, builtin_body("venus")).against)
    for reason in ("sunlight", "pressure", "no water ice", "no seasonal co2 ice"):
        assert reason in against


def test_a_match_is_whole_within_a_range_and_gone_at_twice_its_edge() -> None:
    assert [within(x, 2.0, 8.0) for x in (2.0, 5.0, 8.0)] == [1.0, 1.0, 1.0]
    assert within(8.0 * 2**0.5, 2.0, 8.0) == pytest.approx(0.5)
    assert within(1.0, 2.0, 8.0) == within(16.1, 2.0, 8.0) == within(0.0, 2.0, 8.0) == 0.0
    assert within(8.0 * 2**0.2, 2.0, 8.0) > APPLIES


def in_order(scenario: Scenario) -> list[Any]:
    """Interventions by kind and start, since phases sort them."""
    return sorted(scenario.interventions, key=lambda i: (i.kind, i.schedule.start_year, str(i)))


def test_phases_put_together_are_the_plan(lesson: Lesson) -> None:
    plan, given = whole_plan(lesson.deployment_sequence), a_completed(years=60).spec.scenario
    whole = Scenario.model_validate({**plan, "parameters": given.parameters, "pattern": given.pattern})
    assert in_order(whole) == in_order(given)
    assert {g.id for g in whole.goals} == {g.id for g in given.goals}
    apart = {"interventions": (), "goals": ()}
    assert whole.model_copy(update=apart) == given.model_copy(update=apart)
    starts = [phase.start_year for phase in lesson.deployment_sequence]
    assert starts == sorted(starts)


def test_amounts_follow_area_gravity_and_sunlight(lesson: Lesson) -> None:
    mars = builtin_body("mars")
    body = mars_like().model_copy(
        update={"orbit": mars.orbit.model_copy(update={"solar_constant_w_m2": mars.orbit.solar_constant_w_m2 / 2})}
    )
    made = adapt("p", lesson.deployment_sequence, lesson.required_conditions.source, body)
    before, after = a_completed(years=60).spec.scenario, made.scenario
    expected = {"super_greenhouse_gas": 2.0, "volatile_import": 2.0, "orbital_mirror": 4.0}
    for old, new in zip(in_order(before), in_order(after), strict=True):
        amount = "area_m2" if isinstance(old, OrbitalMirror) else "rate_kg_s"
        assert getattr(new, amount) == pytest.approx(expected[old.kind] * getattr(old, amount))
        assert new.schedule == old.schedule
    assert before.economy is not None
    assert after.economy is not None
    assert after.economy.budget_gcc == pytest.approx(2 * before.economy.budget_gcc)
    assert (after.pattern, after.learned_pattern, after.parameters) == ("custom", "p", {})
    same = adapt("p", lesson.deployment_sequence, lesson.required_conditions.source, mars)
    assert (same.changes, in_order(same.scenario)) == ((), in_order(before))


def test_heavier_gravity_takes_less_gas_for_the_same_pressure(lesson: Lesson) -> None:
    mars = builtin_body("mars").bulk
    radius, gravity, mass = mars.mean_radius_m, 2 * mars.gravity_m_s2, 2 * mars.mass_kg
    body = mars_like(mean_radius_m=radius, gravity_m_s2=gravity, mass_kg=mass)
    made = adapt("p", lesson.deployment_sequence, lesson.required_conditions.source, body)
    (factory,) = (i for i in made.scenario.interventions if isinstance(i, SuperGreenhouseGasFactory))
    (before,) = (i for i in a_scenario().interventions if isinstance(i, SuperGreenhouseGasFactory))
    assert factory.rate_kg_s == pytest.approx(before.rate_kg_s / 2)
    fleets = zip(made.scenario.fleets, a_scenario().fleets, strict=True)
    assert all(new.largest == pytest.approx(old.largest / 2) for new, old in fleets)


def test_every_kind_of_intervention_has_rules() -> None:
    models = get_args(get_args(Intervention)[0])
    assert {m.model_fields["kind"].default for m in models} == RULES.keys()
    for model in models:
        own = {name for name in RULES[model.model_fields["kind"].default] if name != "cap_kg"}
        assert own <= model.model_fields.keys()


def test_what_a_plan_takes_its_body_must_have() -> None:
    mars, items = (
        builtin_body("mars"),
        [
            {"kind": "gas_export", "gas": "CO2", "rate_kg_s": 1.0},
            {"kind": "store_release", "store": "buried_co2", "rate_kg_s": 1.0},
        ],
    )
    wanted = conditions(mars, Scenario.model_validate({"interventions": items}))
    assert (wanted.gases, wanted.needs) == (["CO2"], ["buried_co2"])
    assert applicability(wanted, mars).score == 1.0
    assert "no buried co2" in " ".join(applicability(wanted, mars.model_copy(update={"buried_co2": None})).against)


def test_a_run_that_did_nothing_teaches_nothing() -> None:
    with pytest.raises(InvalidInput, match="nothing"):
        learn_from(a_completed(scenario=Scenario()))


def test_what_paid_is_told_with_its_gain() -> None:
    best = Trial({"a": 3.0, "b": 1.0}, 0.8)
    found = optimizations(best, [Trial({"a": 2.0, "b": 1.0}, 0.6), Trial({"a": 1.0, "b": 1.0}, 0.5)])
    assert [o.id for o in found] == ["a"]
    assert found[0].gain == pytest.approx(0.25)
    assert optimizations(best, [Trial({"a": 2.0, "b": 1.0}, 0.9)]) == []
    spread = [Trial({"a": float(i), "b": float((7 * i) % 9) / 10}, 0.1 * i) for i in range(9)]
    assert next(o.id for o in optimizations(Trial({"a": 9.0, "b": 0.05}, 0.95), spread)) == "a"


@pytest.mark.parametrize("years", [1, 10, 100])
def test_phases_fill_a_run_without_gaps(years: int) -> None:
    spec = a_completed(years=20).spec.model_copy(update={"years": years, "scenario": a_scenario()})
    phases = plan_phases(spec)
    assert all(a.end_year == b.start_year for a, b in itertools.pairwise(phases))
    assert phases[-1].end_year == years
    acting: list[Any] = [i for i in spec.scenario.interventions if i.schedule.start_year < years]
    assert [item for phase in phases for _, item in phase.interventions] == acting
