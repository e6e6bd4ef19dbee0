"""Laws of what leaves for the game: it comes back as it was, has only words that the game knows, and validates."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.factories.completed import a_completed, completed
from tests.factories.outcomes import simulated
from tests.factories.specs import a_body

from twinpipe import schemas
from twinpipe.body import builtin_body
from twinpipe.constants import MOLAR_MASS
from twinpipe.errors import InvalidInput
from twinpipe.exporting import body_text
from twinpipe.game.comparison import compare
from twinpipe.game.completed import Completed
from twinpipe.game.entry import parse_entry
from twinpipe.game.equipment import UNITS
from twinpipe.game.exporter import body_file, exported_result, twin_identifier
from twinpipe.game.file import read_file
from twinpipe.game.importer import ImportedBody, import_bodies
from twinpipe.game.manifest import check_bundle, mission_bundle, mission_id
from twinpipe.intervention import Inoculation, Intervention, VolatileImport
from twinpipe.measures import WATER, Outcome, state
from twinpipe.scenario import Scenario

EXACT = 1e-9
NOW = "2026-01-02T03:04:05+00:00"
# What the game's loader knows of a body and of its spheres; what it hands on to build_* must be among it.
BODY_KEYS = {
    *("identifier", "name", "type", "parent_body", "mass", "radius", "density", "size", "gravity", "orbital_period"),
    *("rotational_period", "axial_tilt", "surface_temperature", "albedo", "insolation", "known_pressure"),
    *("star_distances", "orbital_elements", "properties", "geological_activity"),
    *("atmosphere_attributes", "hydrosphere_attributes", "geosphere_attributes", "biosphere_attributes"),
}
SPHERE_KEYS = {
    "atmosphere_attributes": {"composition", "pressure", "total_atmospheric_mass", "dust", "pollution"},
    "hydrosphere_attributes": {"total_hydrosphere_mass", "liquid_bodies", "composition", "state_distribution"},
    "geosphere_attributes": {"stored_volatiles"},
}
AIRS: dict[str, dict[str, float]] = {
    "mars": {"CO2": 3.1e16, "N2": 2.2e17, "O2": 1e13},
    "venus": {"CO2": 4.6e20, "N2": 1.1e19},
    "earth": {"N2": 3.9e18, "O2": 1.2e18, "Ar": 6.6e16, "CO2": 3e15, "H2O": 1e16},
    "titan": {"N2": 8.7e18, "CH4": 3e17, "H2": 6e14},
    "europa": {},
    "custom": {"CO2": 2e16, "C3F8": 3e13, "SO2": 1e10},
}


def ended(name: str) -> Completed:
    """A made-up end of a run on a body, with air that its body does not have today."""
    body = a_body(identifier="FAR-02", name="Far", kind="custom") if name == "custom" else builtin_body(name)
    air: dict[str, Any] = {"surface_temperature_k": 231.25, "surface_pressure_pa": 7123.4567}
    changes = {"end_state": {"atmosphere": air, "hydrosphere": {"co2_ice_kg": 1.7e15 if name == "mars" else 0.0}}}
    return a_completed(scenario=Scenario(), body=body, years=60, gas=AIRS[name], result=changes)


def back(run: Completed, folder: Path) -> tuple[ImportedBody, Path]:
    path = folder / "twin.json"
    path.write_bytes(body_text(body_file(run)))
    return import_bodies(path).bodies[0], path


@pytest.mark.parametrize("name", AIRS)
def test_what_is_exported_is_imported_as_it_was(tmp_path: Path, name: str) -> None:
    run = ended(name)
    imported, path = back(run, tmp_path)
    body, end, entry = imported.body, run.end, parse_entry(read_file(path).entries[0])
    masses: dict[str, float] = dict(body.atmosphere.mass_kg.items())
    wanted = {g: kg for g, kg in AIRS[name].items() if g != "C3F8"}
    if name == "mars":
        wanted["CO2"] += end["hydrosphere"]["co2_ice_kg"]
    assert masses == pytest.approx(wanted, rel=EXACT)
    assert entry.surface_temperature == pytest.approx(end["atmosphere"]["surface_temperature_k"], rel=EXACT)
    assert (entry.atmosphere_attributes.pressure or 0.0) * 1e5 == pytest.approx(7123.4567, rel=EXACT)
    assert body.hydrosphere.total_water_kg == pytest.approx(end["hydrosphere"]["total_water_kg"], rel=EXACT)
    ice = math.fsum(d.mass_kg for d in body.hydrosphere.surface_ice)
    assert ice == pytest.approx(end["hydrosphere"]["water_ice_surface_kg"], rel=EXACT)
    stored = body.geosphere.stored_volatiles_kg
    assert stored.get("CO2", {}) == pytest.approx(end["geosphere"]["stored_volatiles_kg"].get("CO2", {}), rel=EXACT)
    assert body.bulk == run.spec.body.bulk
    for field in ("semi_major_axis_m", "solar_day_s", "eccentricity", "obliquity_degree", "sidereal_year_s"):
        assert getattr(body.orbit, field) == pytest.approx(getattr(run.spec.body.orbit, field), rel=EXACT)
    if name != "custom":
        assert body.climate.start is not None
        assert body.climate.start.mean_k == pytest.approx(231.25, rel=EXACT)
    if body.regolith is not None and name == "mars":
        assert body.regolith.inventory_kg == pytest.approx(stored["CO2"]["regolith"], rel=EXACT)
    assert not [line for line in imported.assumptions if "unknown key" in line]


def test_what_the_game_cannot_hold_is_told(tmp_path: Path) -> None:
    assert body_file(ended("custom")).metadata.left_out_kg == {"C3F8": 3e13}


LIFE_KG_S = 1e3


@pytest.fixture(scope="module")
def watered() -> Outcome:
    """Mars after two years of imported water and of seeding."""
    water = VolatileImport(rate_kg_s=1e10, composition={"H2O": 1.0}, loss_fraction=0.0, heat_fraction=0.0)
    return simulated("mars", Scenario(interventions=(water, Inoculation(rate_kg_s=LIFE_KG_S))), years=2, grid="6x8")


def test_water_and_life_at_the_end_are_what_came(watered: Outcome) -> None:
    start, end = (state(watered, end=when) for when in (False, True))
    body, water = watered.spec.body, MOLAR_MASS["H2O"]
    assert start["hydrosphere"]["total_water_kg"] == body.hydrosphere.total_water_kg
    deposits = math.fsum(d.mass_kg for d in body.hydrosphere.surface_ice)
    assert start["hydrosphere"]["water_ice_surface_kg"] == pytest.approx(deposits, rel=1e-12)
    assert start["biosphere"]["vegetation_carbon_kg"] == 0.0
    # H2O and CH2O have the same hydrogen, which nothing else here has
    living, buried = (float(watered.series[f"{name}_mass"][-1]) for name in ("living_matter", "organic_matter"))
    seeded = LIFE_KG_S * watered.books["seconds_at_full_rate"][1]
    imported = watered.books["imported_kg"]["H2O"]
    gained = end["hydrosphere"]["total_water_kg"] - start["hydrosphere"]["total_water_kg"]
    assert imported > 1e17
    assert gained / water == pytest.approx(imported / water - (living + buried - seeded) / MOLAR_MASS["CH2O"], rel=1e-9)
    assert deposits < end["hydrosphere"]["water_ice_surface_kg"] < deposits + gained
    assert end["biosphere"]["vegetation_carbon_kg"] == pytest.approx(living * 12.011 / 30.026, rel=1e-12)
    assert living > 0


def test_the_end_of_a_watered_and_seeded_run_comes_back(tmp_path: Path, watered: Outcome) -> None:
    run = completed(watered)
    imported, path = back(run, tmp_path)
    gained = {n: float(watered.series[n][-1] - watered.initial_series[n][-1]) for n in WATER if n in watered.series}
    total = watered.spec.body.hydrosphere.total_water_kg + math.fsum(gained.values())
    ice = math.fsum(d.mass_kg for d in watered.spec.body.hydrosphere.surface_ice) + gained["water_ice_mass"]
    assert imported.body.hydrosphere.total_water_kg == pytest.approx(total, rel=EXACT)
    assert math.fsum(d.mass_kg for d in imported.body.hydrosphere.surface_ice) == pytest.approx(ice, rel=EXACT)
    gases, frozen = dict(watered.gas_kg), run.end["hydrosphere"]["co2_ice_kg"]
    gases["CO2"] += frozen
    assert dict(imported.body.atmosphere.mass_kg.items()) == pytest.approx(gases, rel=EXACT)
    left_out = json.loads(path.read_text())["metadata"]["left_out_kg"]
    assert left_out == pytest.approx({"living_matter": float(watered.series["living_matter_mass"][-1])}, rel=EXACT)


def test_ocean_and_shell_come_back_as_a_run_left_them(tmp_path: Path) -> None:
    made = simulated("europa", Scenario(), 2, "4x8", 2)
    run = completed(made)
    start, end = run.result["start_state"]["hydrosphere"], run.end["hydrosphere"]
    assert start["ocean_water_kg"] == 2.6e21
    assert start["shell_ice_kg"] == pytest.approx(15e3 * 917 * made.spec.body.bulk.area_m2)
    assert start["total_water_kg"] == pytest.approx(start["ocean_water_kg"] + start["shell_ice_kg"], rel=EXACT)
    assert end["ocean_water_kg"] == made.series["ocean_water_mass"][-1]
    assert end["total_water_kg"] == pytest.approx(end["ocean_water_kg"] + end["shell_ice_kg"], rel=1e-6)
    moon = body_file(run).celestial_bodies.major_moons[0]
    share = 100 * end["ocean_water_kg"] / end["total_water_kg"]
    assert moon.hydrosphere_attributes.state_distribution.liquid == pytest.approx(share)
    again, path = back(run, tmp_path)
    assert again.body.ice_shell is not None
    assert again.body.ice_shell.ocean_mass_kg == pytest.approx(end["ocean_water_kg"], rel=EXACT)
    ice = again.body.ice_shell.thickness_m * 917 * again.body.bulk.area_m2
    assert ice == pytest.approx(end["shell_ice_kg"], rel=EXACT)
    assert again.body.hydrosphere.total_water_kg == pytest.approx(end["total_water_kg"], rel=EXACT)
    assert again.body.geosphere.stored_volatiles_kg == made.spec.body.geosphere.stored_volatiles_kg
    file = json.loads(path.read_text(encoding="utf-8"))
    del file["celestial_bodies"]["major_moons"][0]["geosphere_attributes"]["stored_volatiles"]["H2O"]
    path.write_text(json.dumps(file), encoding="utf-8")
    without = import_bodies(path).bodies[0]
    assert any("ice over the ocean is 15000 m thick, as that of Europa" in line for line in without.assumptions)


def test_seas_come_back_as_a_run_left_them(tmp_path: Path) -> None:
    harvest = {"kind": "gas_export", "gas": "CH4", "rate_kg_s": 1e8, "schedule": {"start_year": 0, "end_year": 2}}
    made = simulated("titan", Scenario.model_validate({"interventions": [harvest]}), 2, "4x8", 2)
    run = completed(made)
    start, end = run.result["start_state"]["hydrosphere"], run.end["hydrosphere"]
    assert start["liquid_methane_kg"] == pytest.approx(2.47e16)
    assert end["liquid_methane_kg"] == made.series["liquid_methane_mass"][-1]
    assert end["liquid_methane_kg"] != pytest.approx(start["liquid_methane_kg"], rel=1e-6)
    cycle = back(run, tmp_path)[0].body.methane_cycle
    assert cycle is not None
    for key in ("methane_kg", "ethane_kg"):
        total = math.fsum(getattr(sea, key) for sea in cycle.seas)
        assert total == pytest.approx(end[f"liquid_{key}"], rel=EXACT)


@pytest.mark.parametrize("name", AIRS)
def test_a_body_file_has_only_words_that_the_loader_knows(name: str) -> None:
    value = json.loads(body_text(body_file(ended(name))))
    Draft202012Validator(schemas.schema("body_file")).validate(value)
    bodies = [body for group in value["celestial_bodies"].values() for body in group]
    assert len(bodies) == 1
    assert bodies[0].keys() <= BODY_KEYS
    for sphere, keys in SPHERE_KEYS.items():
        assert bodies[0][sphere].keys() <= keys
    assert isinstance(bodies[0]["mass"], str)
    assert bodies[0]["hydrosphere_attributes"]["state_distribution"].keys() == {"liquid", "solid", "gas"}
    assert sum(bodies[0]["hydrosphere_attributes"]["state_distribution"].values()) == pytest.approx(100)


def test_the_end_of_a_twin_of_a_twin_has_one_suffix(tmp_path: Path) -> None:
    first = ended("mars")
    assert twin_identifier(first) == "MARS-01-TWIN-7-Y60"
    imported, _ = back(first, tmp_path)
    second = a_completed(scenario=Scenario(), body=imported.body, years=5)
    assert twin_identifier(second) == "MARS-01-TWIN-7-Y5"
    assert body_file(second).celestial_bodies.terrestrial_planets[0].name == "Mars (twin 7, year 5)"
    assert imported.body.co2_ice == builtin_body("mars").co2_ice


def test_a_result_has_the_games_names_beside_ours() -> None:
    value = exported_result(a_completed()).model_dump(mode="json", exclude_unset=True)
    Draft202012Validator(schemas.schema("result")).validate(value)
    air = value["end_state"]["atmosphere"]
    assert (air["temperature"], air["pressure"]) == (air["surface_temperature_k"], air["surface_pressure_pa"] / 1e5)
    assert air["total_atmospheric_mass"] == pytest.approx(sum(air["gas_mass_kg"].values()))
    assert len(json.dumps(value)) < 1e6


def documents(run: Completed) -> dict[str, Any]:
    return {name: json.loads(document.model_dump_json()) for name, document in mission_bundle(run, NOW).items()}


def test_a_bundle_is_what_the_engine_looks_for() -> None:
    run = a_completed(years=60)
    files, mission = documents(run), mission_id(run)
    check_bundle(files)
    manifest = files["manifest_v1.1.json"]
    assert files[f"{mission}_manifest_v1.json"] == manifest
    Draft202012Validator(schemas.schema("manifest")).validate(manifest)
    profile = files[f"{mission}_profile_v1.json"]
    Draft202012Validator(schemas.schema("mission_profile")).validate(profile)
    tasks: list[Any] = []
    for phase in profile["phases"]:
        Draft202012Validator(schemas.schema("mission_phase")).validate(files[phase["task_list_file"]])
        tasks += files[phase["task_list_file"]]["tasks"]
    plan = run.spec.scenario
    starts = [i.schedule.start_year for i in plan.interventions] + [u.start_year for u in plan.undertakings]
    assert len(tasks) == sum(start < 60 for start in starts)
    deployed = [e["unit"] for task in tasks for e in task["effects"] if e["action"] == "deploy_unit"]
    assert sorted(deployed) == sorted(unit["name"] for unit in manifest["inventory"]["units"])
    assert manifest["twinpipe"]["result_sha256"] == run.payload_sha256
    ends = [p["start_year"] + p["duration_days"] / 365.25 for p in manifest["mission_phases"]]
    starts = [p["start_year"] for p in manifest["mission_phases"]]
    assert starts[1:] == pytest.approx(ends[:-1])
    assert ends[-1] == pytest.approx(60)


def test_every_kind_of_intervention_has_a_unit() -> None:
    kinds = {model.model_fields["kind"].default for model in Intervention.__args__[0].__args__}
    assert kinds == UNITS.keys()


def test_a_run_without_interventions_is_a_mission_of_one_phase_without_tasks() -> None:
    files = documents(a_completed(scenario=Scenario()))
    check_bundle(files)
    assert [name for name in files if "_phase_" in name] == [name for name in files if "_phase_1_" in name]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (lambda f, m: f[f"{m}_phase_1_v1.json"]["tasks"][0]["effects"][0].update(action="terraform"), "action"),
        (lambda f, m: f[f"{m}_phase_1_v1.json"]["tasks"][0]["effects"][0].update(unit="Ghost"), "inventory"),
        (lambda f, m: f.pop("manifest_v1.1.json"), "manifest_file"),
        (lambda f, m: f.pop(f"{m}_phase_1_v1.json"), "task_list_file"),
        (lambda f, m: f[f"{m}_profile_v1.json"].update(more=1), "more"),
    ],
)
def test_a_bundle_that_the_engine_would_stop_at_is_refused(place: Any, said: str) -> None:
    run = a_completed(years=60)
    files = documents(run)
    place(files, mission_id(run))
    with pytest.raises(InvalidInput, match=said):
        check_bundle(files)


def scored(run_id: int, score: float, cost: float, dex: float | None = None) -> Completed:
    """A run of a score and a cost (GCC), known to a number of decades."""
    costs: dict[str, Any] = {"costs": {"total_gcc": cost, "revenue_gcc": 0.0}}
    if dex is not None:
        costs["log10"] = {"cost_gcc": {"least": math.log10(cost) - dex, "most": math.log10(cost) + dex}}
    metrics = dict.fromkeys(
        ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency"), score
    )
    return a_completed(run_id, result={"success_metrics": metrics, "resource_consumption": costs})


def test_a_comparison_ranks_by_score_and_names_who_is_beaten() -> None:
    runs = [scored(1, 0.5, 10.0), scored(2, 0.8, 30.0), scored(3, 0.4, 20.0), scored(4, 0.8, 40.0), scored(5, 0.3, 5.0)]
    found = compare(runs)
    assert list(found.efficiency_scores) == ["run_2", "run_4", "run_1", "run_3", "run_5"]
    assert found.pareto_front == ["run_5", "run_1", "run_2"]
    assert found.total_costs["run_2"] == 30.0
    assert found.player_revenue["run_2"] == 7.5
    assert "run_2 has the best overall score (0.80)" in found.recommendations[0]
    assert any("run_4, run_3" in line for line in found.recommendations)
    Draft202012Validator(schemas.schema("comparison")).validate(found.model_dump(mode="json"))
    assert compare(list(reversed(runs))) == found
    with pytest.raises(InvalidInput, match="at least two"):
        compare([runs[0], runs[0]])


@pytest.mark.parametrize(("dex", "sure"), [(0.1, True), (0.3, False)])
def test_costs_whose_ranges_overlap_are_told_apart_with_a_condition(dex: float, sure: bool) -> None:
    said = compare([scored(1, 0.8, 40.0, dex), scored(2, 0.5, 20.0, dex)]).recommendations
    assert any("run_2 takes 50 % of the cost of run_1" in line for line in said)
    told = [line for line in said if "err alike" in line]
    assert (told == []) == sure
    assert sure or "run_2 costs 10^1.0 to 10^1.6 GCC and run_1 costs 10^1.3 to 10^1.9 GCC" in told[0]


def test_a_run_that_was_asked_nothing_is_not_recommended() -> None:
    idle = a_completed(9, scenario=Scenario())
    found = compare([idle, scored(1, 0.2, 10.0), scored(2, 0.1, 20.0)])
    assert next(iter(found.efficiency_scores)) == "run_9"
    assert found.recommendations[0].startswith("run_1 has the best")
    assert any("run_9 cannot be held against plans" in line for line in found.recommendations)


def test_equal_runs_are_all_on_the_front() -> None:
    assert compare([scored(1, 0.5, 1.0), scored(2, 0.5, 1.0)]).pareto_front == ["run_1", "run_2"]


def test_a_manifest_names_no_other_action() -> None:
    assert actions(schemas.schema("mission_phase")) == {
        *("deploy_unit", "set_unit_state", "manufacture", "transfer_resource")
    }
    assert actions(schemas.schema("manifest")) == set()  # it holds none at all


def actions(schema: Any) -> set[str]:
    """What a schema allows an action to be, anywhere in it."""
    if isinstance(schema, list):
        return {action for part in schema for action in actions(part)}
    if not isinstance(schema, dict):
        return set()
    own = schema["properties"]["action"] if "action" in schema.get("properties", {}) else {}
    return {*([own["const"]] if own else []), *actions(list(schema.values()))}
