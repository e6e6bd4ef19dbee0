"""Events are crossings, dated to the step, with hysteresis; metrics lie in 0..1 and mean what they say."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.factories.outcomes import made_up

from twinpipe.body import builtin_body
from twinpipe.costs import spent
from twinpipe.errors import SimulationError
from twinpipe.events import EVENTS, check_sanity, crossings, key_events
from twinpipe.grid import Array
from twinpipe.intervention import Inoculation
from twinpipe.metrics import assess_goal, habitability, success_metrics, trapezoid
from twinpipe.milestones import MILESTONES
from twinpipe.resources import resource_consumption
from twinpipe.result import build_result
from twinpipe.scenario import EventName, Goal, Scenario, load_pattern
from twinpipe.spheres import Biosphere

MARS = builtin_body("mars")


def step_at(year: float, before: float, after: float) -> Any:
    """A series that jumps at a year."""

    def series(plan: Any) -> Array:
        n = plan.clock.step_at_year(year)
        return np.concatenate([np.full(n, before), np.full(plan.n_steps - n, after)])

    return series


ALL_EVENTS = Scenario(events=tuple(EVENTS))


def test_nothing_happens_to_an_untouched_planet() -> None:
    assert key_events(made_up(ALL_EVENTS), resource_consumption(made_up(ALL_EVENTS))) == []


def test_warming_is_dated_to_the_step_at_which_the_orbit_mean_has_risen() -> None:
    outcome = made_up(ALL_EVENTS, global_surface_temperature=step_at(5.0, 210.0, 230.0))
    (event,) = key_events(outcome, resource_consumption(outcome))
    half_an_orbit = 48 * outcome.plan.clock.step_seconds / (365.25 * 86400)
    assert event["event"] == "warming_10K"
    assert event["year"] == pytest.approx(5.0 + half_an_orbit, abs=0.02)
    assert event["data"]["surface_temperature_k"] == pytest.approx(220.0, abs=0.3)


def test_the_triple_point_is_passed_when_the_lowest_pressure_of_an_orbit_is_above_it() -> None:
    outcome = made_up(ALL_EVENTS, global_surface_pressure=step_at(4.0, 600.0, 700.0))
    (event,) = key_events(outcome, resource_consumption(outcome))
    assert event["event"] == "triple_point_pressure"
    assert event["year"] == pytest.approx(4.0 + 1.8808, abs=0.03)


def test_what_holds_at_the_start_is_no_event() -> None:
    outcome = made_up(ALL_EVENTS, oxygen_pressure=np.full(1021, 6.0))
    assert outcome.plan.n_steps == 1021
    assert "oxygen_threshold_reached" not in {e["event"] for e in key_events(outcome, resource_consumption(outcome))}


def test_oxygen_is_reported_in_percent() -> None:
    outcome = made_up(ALL_EVENTS, oxygen_pressure=step_at(10.0, 0.1, 1.2))
    (event,) = key_events(outcome, resource_consumption(outcome))
    assert (event["event"], event["data"]) == ("oxygen_threshold_reached", {"o2_percentage": pytest.approx(0.2)})


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_a_crossing_comes_again_only_after_the_index_has_fallen_below_the_band(values: list[float]) -> None:
    index = np.array(values)
    steps = crossings(index, 0.9)
    for a, b in pairwise(steps):
        assert (index[a:b] < 0.9).any()
    for s in steps:
        assert index[s] >= 1.0
        assert s > 0


def test_an_index_that_trembles_at_the_threshold_is_one_event() -> None:
    assert crossings(np.array([0.5, 1.01, 0.99, 1.02, 0.98, 1.0]), 0.95) == [1]
    assert crossings(np.array([0.5, 1.01, 0.90, 1.02]), 0.95) == [1, 3]


@given(st.floats(-1e6, 1e6))
def test_a_trapezoid_stays_within_0_and_1(x: float) -> None:
    assert 0 <= float(trapezoid(np.array(x), 253, 273, 303, 323)) <= 1


def test_mars_today_is_not_habitable_and_a_warm_wet_breathable_planet_is() -> None:
    assert habitability(made_up(Scenario())) < 0.36
    air = {"N2": 1.4e19, "O2": 4.2e18, "CO2": 1e15}
    good = made_up(Scenario(), gas=air, surface_temperature=288.0, surface_air_pressure=101_325.0)
    assert 0.35 * 4 / 6 < habitability(good) < 1  # without water, which caps cells at 0.35
    wet = made_up(Scenario(), gas=air, surface_temperature=288.0, surface_air_pressure=101_325.0, liquid_water_amount=9)
    assert habitability(wet) > 0.85


def test_water_that_boils_is_no_stable_water() -> None:
    """At 7 kPa water boils at 312 K."""
    pure = {"O2": 2.7e17}
    below, above = (
        habitability(
            made_up(Scenario(), gas=pure, surface_temperature=t, surface_air_pressure=7e3, liquid_water_amount=9)
        )
        for t in (311.0, 313.0)
    )
    assert below - above > 0.15


def test_life_adds_a_tenth_at_most() -> None:
    air, seeded = {"N2": 1.4e19, "O2": 4.2e18}, Scenario(interventions=(Inoculation(rate_kg_s=0.0),))

    def score(matter: float, pressure: float) -> float:
        given: dict[str, Any] = {"surface_air_pressure": pressure, "living_matter_amount": matter}
        return habitability(made_up(seeded, gas=air, surface_temperature=288.0, liquid_water_amount=9.0, **given))

    bare, half, full = (score(matter, 3e4) for matter in (0.0, Biosphere().half_cover_kg_m2, 1e6))
    assert full - bare == pytest.approx(2 * (half - bare), rel=1e-5)
    assert 0.09 < full - bare <= 0.10
    assert score(0.0, 1e5) > 0.95
    assert score(1e6, 1e5) <= 1.0


def test_a_planet_that_gives_more_co2_than_it_has_fails_its_run() -> None:
    """100 mbar without deep carbonates are impossible on Mars; C2.8."""
    mbar = 100 * MARS.bulk.area_m2 / MARS.bulk.gravity_m_s2
    check_sanity(made_up(Scenario(), adsorbed_co2_mass=step_at(3.0, 1.0, 1.0 - 90 * mbar)))
    doctored = made_up(Scenario(), adsorbed_co2_mass=step_at(3.0, 1.0, 1.0 - 95 * mbar))
    with pytest.raises(SimulationError, match=r"limit_exceeded in year 3 of the simulation of Mars: .*1\.018e"):
        check_sanity(doctored)
    with pytest.raises(SimulationError, match="native_co2_limit_exceeded"):
        build_result(doctored)


def test_imported_co2_is_no_native_co2() -> None:
    check_sanity(made_up(Scenario(), carbon_dioxide_pressure=step_at(3.0, 600.0, 5e4)))


def test_one_lack_caps_the_score() -> None:
    air = {"N2": 1.4e19, "O2": 4.2e18}
    frozen = made_up(Scenario(), gas=air, surface_temperature=200.0, surface_air_pressure=101_325.0)
    assert habitability(frozen) <= 0.35


def test_goals_count_by_the_year_in_which_they_were_reached() -> None:
    goal = Goal(id="warm", measure="surface_temperature_rise_k", target=10.0, planned_year=5.0)
    outcome = made_up(Scenario(goals=(goal,)), global_surface_temperature=step_at(9.0, 210.0, 230.0))
    found = assess_goal(outcome, goal)
    assert found["achieved_year"] == pytest.approx(9.94, abs=0.03)
    assert found["progress"] == 1.0
    metrics = success_metrics(outcome, resource_consumption(outcome))
    assert metrics["timeline_efficiency"] == pytest.approx(5.0 / found["achieved_year"])


def test_an_unmet_goal_counts_half_its_progress() -> None:
    goal = Goal(id="warm", measure="surface_temperature_rise_k", target=40.0, planned_year=5.0)
    outcome = made_up(Scenario(goals=(goal,)), global_surface_temperature=step_at(9.0, 210.0, 220.0))
    metrics = success_metrics(outcome, resource_consumption(outcome))
    assert metrics["timeline_efficiency"] == pytest.approx(0.5 * 10 / 40)
    assert metrics["cost_efficiency"] == pytest.approx(10 / 40)


def test_resources_of_the_pattern_add_up() -> None:
    scenario = load_pattern("mars_terraform").scenario(MARS)
    outcome = made_up(scenario, years=100, gas={"CO2": 2.4e16, "C3F8": 1e13})
    resources = resource_consumption(outcome)
    factory, mirror, imports, later = resources["interventions"]
    seconds = 365.25 * 86400
    assert factory["drawn_kg"] == pytest.approx(5e4 * 98 * seconds, rel=2e-3)  # all of it: Mars stays cold
    assert factory["useful_kg"] == pytest.approx(1e13)
    assert mirror["drawn_kg"] == 2e11 * 0.004
    assert imports["drawn_kg"] == pytest.approx(1e16 * 50 / 584 * 365.25, rel=2e-3)
    assert imports["useful_kg"] == pytest.approx(0.98 * imports["drawn_kg"])
    assert later["drawn_kg"] == 0
    raw, processed = resources["fleets"]
    assert raw["delivered_kg"] == pytest.approx(imports["useful_kg"], rel=1e-3)
    assert raw["craft"] == 1000
    assert processed["built"] == 0
    assert resources["total"]["drawn_kg"] == pytest.approx(sum(i["drawn_kg"] for i in resources["interventions"]))
    costs = resources["costs"]
    parts = [costs[f"{part}_gcc"] for part in ("interventions", "fleets", "undertakings")]
    assert costs["contingency_gcc"] == pytest.approx(0.15 * sum(parts))
    assert resources["total"]["cost_gcc"] == costs["total_gcc"] == pytest.approx(1.15 * sum(parts))
    assert resources["binding_limit"] == max(resources["limits"], key=lambda k: resources["limits"][k])
    assert spent(outcome, resources)[-1] == pytest.approx(costs["total_gcc"])
    assert (np.diff(spent(outcome, resources)) >= 0).all()
    metrics = success_metrics(outcome, resources)
    for name in ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency"):
        assert 0 <= metrics[name] <= 1


def test_a_scenario_can_name_the_events_that_there_are_and_no_others() -> None:
    assert set(get_args(EventName)) == set(EVENTS) | MILESTONES
    assert not set(EVENTS) & MILESTONES
    with pytest.raises(ValidationError, match="events"):
        Scenario.model_validate({"events": ["first_rain"]})


def test_factories_of_one_gas_agree_on_its_lifetime() -> None:
    factory = {"kind": "super_greenhouse_gas", "rate_kg_s": 1.0}
    with pytest.raises(ValidationError, match="lifetime_years"):
        Scenario.model_validate({"interventions": [factory, factory | {"lifetime_years": 5.0}]})


def test_a_plan_dates_its_milestones_each_once_and_in_order() -> None:
    scenario = load_pattern("titan_fuel").scenario(builtin_body("titan"), {"harvest_rate": 1e15, "budget": 1e8})
    outcome = made_up(scenario, years=40)
    found = key_events(outcome, resource_consumption(outcome))
    years = {e["event"]: e["year"] for e in found if e["event"] != "target_reached"}
    assert len(years) == len([e for e in found if e["event"] != "target_reached"])
    assert [e["year"] for e in found] == sorted(e["year"] for e in found)
    assert years["preservation_cap_reached"] == years["intervention_ended"] == pytest.approx(25.0, abs=0.02)
    assert years["depletion_warning"] == pytest.approx(10 + 0.8 * 15.007, abs=0.02)
    assert years["extraction_phase_started"] == pytest.approx(11.0, abs=0.02)
    assert years["budget_exceeded"] == pytest.approx(10.0, abs=0.03)  # depots cost 2e7, the works in year 10 1e8
    assert sum(e["event"] == "target_reached" for e in found) == 2
    goals = [assess_goal(outcome, goal) for goal in scenario.goals]
    assert [g["achieved_year"] for g in goals] == [pytest.approx(10.0, abs=0.03)] * 2
    assert [g["value"] for g in goals] == [0.0, 0.0]  # the cap has ended it


def test_water_is_stable_where_the_means_of_an_orbit_say_so() -> None:
    warm = np.full((6, 8), 280.0)
    warm[:3] = 200.0
    goal = Goal(id="wet", measure="liquid_water_fraction", target=0.5, planned_year=20.0)
    outcome = made_up(Scenario(goals=(goal,)), surface_temperature=warm, surface_air_pressure=2e3)
    found = assess_goal(outcome, goal)
    assert found["value"] == pytest.approx(0.5)
    assert found["achieved_year"] == pytest.approx(20.0, abs=0.02)  # when the last orbit ends


@pytest.mark.parametrize(
    ("measure", "gas", "target", "year"),
    [
        ("oxygen_fraction", "oxygen_pressure", 0.18, 8.0),
        ("nitrogen_fraction", "nitrogen_pressure", 0.7, None),
        ("carbon_dioxide_fraction", "carbon_dioxide_pressure", 4e-4, 8.0),
        ("methane_fraction", "methane_pressure", 0.01, 8.0),
    ],
)
def test_a_goal_of_composition_is_a_share_of_the_moles_of_air(
    measure: Any, gas: str, target: float, year: float | None
) -> None:
    """At 1000 Pa; what is to fall is reached from above, what never comes has no year."""
    before, after = {"carbon_dioxide_fraction": (950.0, 0.3), "nitrogen_fraction": (1.0, 650.0)}.get(
        measure, (1.0, 200.0)
    )
    goal = Goal(id="air", measure=measure, target=target, planned_year=10.0)
    series = {gas: step_at(7.0, before, after), "global_surface_pressure": lambda p: np.full(p.n_steps, 1000.0)}
    outcome = made_up(Scenario(goals=(goal,)), **series)
    outcome.initial_series["global_surface_pressure"][:] = 1000.0
    outcome.initial_series[gas][:] = before
    found = assess_goal(outcome, goal)
    assert found["value"] == pytest.approx(after / 1000.0)
    assert (found["achieved_year"] is None) == (year is None)
    if year is not None:
        assert 7.0 < found["achieved_year"] <= 7.0 + 1.9  # the mean of an orbit


@pytest.mark.parametrize(("measure", "target"), [("oxygen_fraction", 21.0), ("liquid_water_fraction", -3.0)])
def test_a_goal_of_a_share_is_a_share(measure: Any, target: float) -> None:
    with pytest.raises(ValidationError, match="a share of 0 to 1"):
        Goal(id="air", measure=measure, target=target, planned_year=10.0)


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\x9b2J", "a\u2028b", "a\nb"])
def test_a_name_is_a_line_that_no_terminal_obeys(name: str) -> None:
    with pytest.raises(ValidationError):
        Goal(id=name, measure="oxygen_fraction", target=0.2, planned_year=10.0)


def test_the_greenhouse_amplifies_where_warming_sets_a_tenth_of_the_pressure_free() -> None:
    air = 600.0 * MARS.bulk.area_m2 / MARS.bulk.gravity_m_s2
    freed = {"buried_co2_mass": step_at(6.0, 1e17, 1e17 - 0.11 * air)}
    buried = freed | {"carbon_dioxide_pressure": step_at(6.0, 570.0, 640.0)}
    dig = {"kind": "store_release", "store": "buried_co2", "rate_kg_s": 1e9}
    warmer = {"global_surface_temperature": step_at(3.0, 210.0, 212.0)}

    def happened(*plan: dict[str, Any], **series: Any) -> list[dict[str, Any]]:
        told = {"events": ["greenhouse_amplifying"], "interventions": list(plan)}
        outcome = made_up(Scenario.model_validate(told), **series)
        outcome.initial_series["carbon_dioxide_pressure"][:] = 570.0
        outcome.initial_series["buried_co2_mass"][:] = 1e17
        outcome.initial_series["global_surface_pressure"][:] = 600.0
        outcome.initial_series["global_surface_temperature"][:] = 210.0
        return key_events(outcome, resource_consumption(outcome))

    (event,) = happened(**buried, **warmer)
    assert 6.0 < event["year"] <= 7.9
    assert event["data"]["set_free_co2_kg"] > 0.1 * air
    assert happened(**buried) == []  # without warming it is no feedback
    assert happened(dig, **buried, **warmer) == []  # nor where machines dig it up
    replaced = {"carbon_dioxide_pressure": step_at(6.0, 570.0, 500.0)}  # for what a plan takes out of the air
    assert happened(**freed, **replaced, **warmer) == []
    assert happened(**warmer, buried_co2_mass=lambda plan: np.full(plan.n_steps, 1e17)) == []


@pytest.mark.parametrize(("loss", "years", "lasts"), [(14.0, 4.9, False), (30.0, 10.0, True)])
def test_persistence_counts_from_the_last_deed_to_the_first_loss(loss: float, years: float, lasts: bool) -> None:
    when = {"start_year": 0.0, "end_year": 10.0}
    goal = {"id": "warm", "measure": "surface_temperature_k", "target": 250.0, "planned_year": 5.0}
    never = goal | {"id": "hot", "target": 400.0}
    table = {"interventions": [{"kind": "heater", "power_w": 1.0, "schedule": when}], "goals": [goal, never]}

    def temperature(plan: Any) -> Array:
        """Warm from year 3 to the loss."""
        a, b = plan.clock.step_at_year(3.0), min(plan.clock.step_at_year(loss), plan.n_steps)
        return np.concatenate([np.full(a, 210.0), np.full(b - a, 260.0), np.full(plan.n_steps - b, 210.0)])

    outcome = made_up(Scenario.model_validate(table), global_surface_temperature=temperature)
    found = success_metrics(outcome, resource_consumption(outcome))["persistence"]
    assert (found["from_year"], found["lasts"]) == (10.0, lasts)
    assert found["years"] == pytest.approx(years, abs=1.0)
    forever = Scenario.model_validate(table | {"interventions": [{"kind": "heater", "power_w": 1.0}]})
    outcome = made_up(forever, global_surface_temperature=temperature)
    assert success_metrics(outcome, resource_consumption(outcome))["persistence"] is None
