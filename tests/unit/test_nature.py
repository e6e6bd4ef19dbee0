"""Laws of what nature does in a run: the planet feels it, and the plan neither pays for it nor is taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.factories.completed import completed
from tests.factories.outcomes import simulated

from twinpipe.game.completed import Completed
from twinpipe.game.interventions import expanded, game_interventions
from twinpipe.game.manifest import mission_bundle
from twinpipe.intervention import is_natural
from twinpipe.learning.extract import learn_from
from twinpipe.scenario import Scenario

YEARS = 1
FACTORY = {
    "kind": "aerosol",
    "particle": "nanorings",
    "rate_kg_s": 3.0,
    "schedule": {"start_year": 0.6, "end_year": 0.8},
}
STORM = {"id": "dust_storm", "year": 0.1}


def ran(*items: dict[str, Any]) -> Completed:
    prices = {"budget_gcc": 1e6, "energy_gcc_per_j": 1e-12, "manufacture_gcc_per_kg": 1e-3}
    table = {
        "interventions": list(items),
        "events": ["disaster", "intervention_started", "intervention_ended"],
        "economy": prices,
    }
    scenario = Scenario.model_validate(expanded(table, years=YEARS, seed=0))
    return completed(simulated("mars", scenario, years=YEARS, grid="6x8", spin_up_orbits=3))


@pytest.fixture(scope="module")
def calm() -> Completed:
    return ran(FACTORY)


@pytest.fixture(scope="module")
def stormy() -> Completed:
    """The same plan when a dust storm strikes, before its factory begins."""
    return ran(STORM, FACTORY)


def test_the_planet_feels_a_storm(calm: Completed, stormy: Completed) -> None:
    assert [is_natural(i) for i in stormy.spec.scenario.interventions] == [True, False]
    a, b = (run.end["atmosphere"]["absorbed_shortwave_w_m2"] for run in (calm, stormy))
    assert abs(a - b) > 0.01


def test_a_storm_costs_takes_and_yields_nothing(calm: Completed, stormy: Completed) -> None:
    a, b = (run.result["resource_consumption"] for run in (calm, stormy))
    assert a["total"]["cost_gcc"] > 0
    assert {**b, "interventions": b["interventions"][1:]} == a
    nature = b["interventions"][0]
    assert nature.pop("kind") == "aerosol"
    assert set(nature.values()) == {0.0}
    efficiencies = ("timeline_efficiency", "resource_efficiency", "cost_efficiency")
    assert all(calm.result["success_metrics"][n] == stormy.result["success_metrics"][n] for n in efficiencies)


def test_a_storm_is_no_equipment_of_the_mission(calm: Completed, stormy: Completed) -> None:
    plans = []
    for run in (calm, stormy):
        files = mission_bundle(run, "2026-01-02T03:04:05+00:00")
        manifest = json.loads(files["manifest_v1.1.json"].model_dump_json())
        tasks = [json.loads(f.model_dump_json())["tasks"] for name, f in files.items() if "_phase_" in name]
        effects = [task["effects"] for phase in tasks for task in phase]
        spans = [(p["name"], p["start_year"], p["duration_days"]) for p in manifest["mission_phases"]]
        plans.append((manifest["inventory"], manifest["craft"], manifest["economic_model"], effects, spans))
    assert plans[0] == plans[1]
    assert [unit["name"] for unit in plans[1][0]["units"]] == ["Aerosol Factory 1"]


def test_a_storm_is_an_event_of_its_own(stormy: Completed) -> None:
    found = [(e["event"], round(e["year"], 1)) for e in stormy.result["key_events"]]
    assert found == [("disaster_dust_storm", 0.1), ("intervention_started", 0.6), ("intervention_ended", 0.8)]


def test_nobody_learns_a_storm(calm: Completed, stormy: Completed) -> None:
    learned = [learn_from(run).deployment_sequence for run in (calm, stormy)]
    assert learned[0] == learned[1]


def test_disasters_and_they_alone_are_natures() -> None:
    for name, entry in game_interventions().items():
        item = {"id": name, **({"year": 1} if entry.disaster else {"start_year": 1})}
        made = expanded({"interventions": [item]}, years=5, seed=0)["interventions"]
        assert all(i.get("natural", False) == entry.disaster for i in made)
