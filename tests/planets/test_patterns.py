"""What the patterns come to on their own bodies: goals, scores, caps, products; domain 3.3-3.6 and 7."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.outcomes import simulated
from twinpipe.body import builtin_body
from twinpipe.digest import canonical_json
from twinpipe.payloads import RESULT, adapter
from twinpipe.result import build_result
from twinpipe.scenario import load_pattern

SCORES = ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency")
HOMES = {"mars_terraform": "mars", "venus_industrial": "venus", "titan_fuel": "titan", "europa_ocean": "europa"}


def result(
    name: str, body: str, years: int, grid: str = "6x8", variant: str | None = None, **given: float
) -> dict[str, Any]:
    """The result of a pattern in memory, with payloads that the ledger would take."""
    made = load_pattern(name).scenario(builtin_body(body), given, variant=variant)
    found = build_result(simulated(body, made, years, grid))
    assert found["performance_data"]["budget_closes"]
    for column in RESULT:
        if column != "performance_data":  # whose provenance the lifecycle adds
            adapter("simulation_results", column).validate_json(canonical_json(found[column]), strict=True)
    assert all(0 <= found["success_metrics"][score] <= 1 for score in SCORES)
    assert [e["year"] for e in found["key_events"]] == sorted(e["year"] for e in found["key_events"])
    return found


def goals(found: dict[str, Any]) -> dict[str, Any]:
    return {g["id"]: g["achieved_year"] for g in found["success_metrics"]["goals"]}


def test_mars_gets_liquid_water_within_a_century_and_says_what_it_took() -> None:
    found = result("mars_terraform", "mars", 100, variant="warm_wet")
    assert goals(found)["liquid_water_on_half_of_the_planet"] < 100
    assert "liquid_water_stable" in {e["event"] for e in found["key_events"]}
    taken = {i["kind"]: i["drawn_kg"] for i in found["resource_consumption"]["interventions"]}
    assert taken["super_greenhouse_gas"] > 1e14
    assert found["resource_consumption"]["binding_limit"] == "energy"  # ten times what the world uses


def test_mars_gets_air_to_breathe_where_hydrogen_takes_the_carbon_dioxide() -> None:
    """Domain 3.3's shares of nitrogen, oxygen, carbon dioxide and methane, and what the water of Bosch's plants is."""
    found = result("mars_terraform", "mars", 400, variant="breathable")
    reached = goals(found)
    assert all(reached[name] is not None for name in ("nitrogen", "oxygen", "little_carbon_dioxide", "methane"))
    assert reached["methane"] < reached["little_carbon_dioxide"] < 200
    (plant,) = [i for i in found["resource_consumption"]["interventions"] if i["kind"] == "reaction"]
    hydrogen = [i for i in found["resource_consumption"]["interventions"] if i.get("fleet") == "hydrogen"]
    brought = sum(i["useful_kg"] for i in hydrogen)
    assert plant["drawn_kg"] == pytest.approx(brought * 44.009 / (2 * 2.016), rel=0.01)
    assert found["end_state"]["atmosphere"]["gas_mass_kg"].get("H2", 0.0) < 1e-3 * brought
    fleets = {f["id"]: f["origin"] for f in found["resource_consumption"]["fleets"]}
    assert (fleets["methane"], fleets["hydrogen"]) == ("TITAN-01", "SATURN")


def test_imports_alone_leave_mars_frozen() -> None:
    found = result("mars_terraform", "mars", 400, variant="imports_only")
    assert goals(found)["liquid_water"] is None
    assert found["end_state"]["atmosphere"]["warmest_cell_k"] < 260


@pytest.mark.parametrize(
    ("body", "low", "high"),
    [("earth", 0.85, 1), ("mars", 0, 0.36), ("venus", 0, 0.36), ("titan", 0, 0.36), ("europa", 0, 0.36)],
)
def test_earth_is_habitable_today_and_the_others_are_not(body: str, low: float, high: float) -> None:
    grid = "18x2" if body == "earth" else "6x8"
    assert low <= result("custom", body, 30, grid)["success_metrics"]["habitability_score"] <= high


def test_carbon_from_venus_is_at_most_its_share_of_carbon_dioxide() -> None:
    found = result("venus_industrial", "venus", 100, recovery=0.999)
    harvest = found["resource_consumption"]["interventions"][0]
    assert harvest["products_kg"]["C"] <= harvest["drawn_kg"] * 12 / 44
    assert harvest["products_kg"]["C"] > harvest["drawn_kg"] * 0.27
    assert goals(found)["cooler_by_10_kelvin"] < 100


def test_titan_gives_a_twentieth_at_most_and_its_atoms_become_fuel() -> None:
    found = result("titan_fuel", "titan", 100, harvest_rate=1e15)
    (harvest,) = found["resource_consumption"]["interventions"]
    assert harvest["drawn_kg"] == pytest.approx(0.05 * builtin_body("titan").atmosphere.mass_kg["CH4"], rel=1e-9)
    assert harvest["products_kg"]["H2"] == pytest.approx(0.95 * harvest["drawn_kg"] * 4 * 1.008 / 16.043)
    assert sum(harvest["products_kg"].values()) == pytest.approx(0.95 * harvest["drawn_kg"])
    (event,) = [e for e in found["key_events"] if e["event"] == "preservation_cap_reached"]
    assert event["year"] == pytest.approx(25.0, abs=0.2)
    assert found["resource_consumption"]["limits"]["cap"] > 1


def test_water_flows_from_europa_unless_it_could_be_contaminated() -> None:
    clean, dirty = (result("europa_ocean", "europa", 50, sterilisation=x) for x in (6.0, 4.0))
    assert goals(clean)["water_of_100_tonnes_a_day"] < 20
    assert goals(dirty)["water_of_100_tonnes_a_day"] is None
    filled = {e["event"]: e["year"] for e in clean["key_events"]}["depot_full"]
    assert filled == pytest.approx(13.15 + 1e8 / 3.65e7, abs=0.4)  # in steps of an eighth of a year
    assert {"contamination_gate_closed"} < {e["event"] for e in dirty["key_events"]}
    assert clean["success_metrics"]["timeline_efficiency"] > 0.9 > dirty["success_metrics"]["timeline_efficiency"]


@pytest.mark.slow
@pytest.mark.parametrize("years", [100, 1000])
@pytest.mark.parametrize("name", HOMES)
def test_every_pattern_runs_for_its_time_on_the_default_grid(name: str, years: int) -> None:
    result(name, HOMES[name], years, "36x72")
