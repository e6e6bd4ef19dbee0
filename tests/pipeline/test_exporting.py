"""Real runs given out to the game: whole or not at all, proven, noted, and back again as they were."""

from __future__ import annotations

import json
import math
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import text
from tests.pipeline.terminal import Terminal

from twinpipe import schemas
from twinpipe.db import ledger
from twinpipe.db.session import engine
from twinpipe.game.importer import import_bodies

SCHEMAS = {"_profile_v1.json": "mission_profile", "_manifest_v1.json": "manifest", "manifest_v1.1.json": "manifest"}


@pytest.fixture(scope="module")
def runs(terminal: Terminal) -> list[int]:
    """Three runs of four years: the pattern, more of it, and none of it."""
    twin = str(terminal("twin", "create", "mars", "--grid", "4x6", "--json").json["id"])
    asked = [[], ["--set", "factory_rate=2e5", "--set", "mirror_area=4e11"], ["--pattern", "custom"]]
    return [terminal("run", twin, "--years", "4", *more, "--json").json["run_id"] for more in asked]


def exports(terminal: Terminal, run: int) -> list[Any]:
    statement = text("SELECT detail FROM audit_log WHERE action = 'export' AND entity_id = :run ORDER BY id")
    with engine(terminal.url).connect() as connection:
        return list(connection.scalars(statement, {"run": run}))


def test_runs_are_compared(terminal: Terminal, runs: list[int]) -> None:
    found = terminal("result", "compare", *map(str, runs), "--json").json
    Draft202012Validator(schemas.schema("comparison")).validate(found)
    names = {f"run_{run}" for run in runs}
    assert found["total_costs"].keys() == found["player_revenue"].keys() == found["efficiency_scores"].keys() == names
    assert found["total_costs"][f"run_{runs[2]}"] == 0
    assert list(found["efficiency_scores"].values()) == sorted(found["efficiency_scores"].values(), reverse=True)
    assert found["pareto_front"][0] == f"run_{runs[2]}"
    said = terminal("result", "compare", *map(str, runs))
    assert said.code == 0
    assert "best overall score" in said.out


def test_fewer_than_two_runs_or_one_that_is_not_completed_are_not_compared(terminal: Terminal, runs: list[int]) -> None:
    assert "at least two" in terminal("result", "compare", str(runs[0])).refusal(2)
    assert "at least two" in terminal("result", "compare", str(runs[0]), str(runs[0])).refusal(2)
    assert "999999" in terminal("result", "compare", str(runs[0]), "999999").refusal(2)


def test_results_are_given_out_as_lines_and_as_files(terminal: Terminal, runs: list[int], tmp_path: Path) -> None:
    lines = [json.loads(line) for line in terminal("result", "export", *map(str, runs)).out.splitlines()]
    assert [value["simulation_run_id"] for value in lines] == runs
    said = terminal("result", "export", *map(str, runs), "--to", tmp_path)
    assert said.out.split() == [str(tmp_path / f"run-{run}.json") for run in runs]
    for run, value in zip(runs, lines, strict=True):
        Draft202012Validator(schemas.schema("result")).validate(value)
        assert json.loads((tmp_path / f"run-{run}.json").read_text()) == value
        row = terminal("result", "show", str(run), "--json").json
        assert row["end_state"].items() >= {"years": value["end_state"]["years"]}.items()
        assert value["success_metrics"] == row["success_metrics"]


def test_a_mission_is_given_out_whole_within_seconds_and_once(
    terminal: Terminal, runs: list[int], tmp_path: Path
) -> None:
    began = time.monotonic()
    made = terminal("result", "manifest", str(runs[1]), "--to", tmp_path, "--json").json
    assert time.monotonic() - began < 5
    folder = Path(made["folder"])
    assert made["new"]
    assert folder == tmp_path / made["mission_id"]
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]
    assert {p.name for p in folder.iterdir()} == set(made["files"])
    for path in folder.iterdir():
        name = next((n for end, n in SCHEMAS.items() if path.name.endswith(end)), "mission_phase")
        Draft202012Validator(schemas.schema(name)).validate(json.loads(path.read_text()))
    content = (folder / "manifest_v1.1.json").read_bytes()
    assert (folder / f"{made['mission_id']}_manifest_v1.json").read_bytes() == content
    row = terminal("result", "show", str(runs[1]), "--json").json
    assert json.loads(content)["twinpipe"]["result_sha256"] == row["payload_sha256"]
    assert exports(terminal, runs[1])[-1] == {"what": "manifest", "sha256": sha256(content).hexdigest()}

    again = terminal("result", "manifest", str(runs[1]), "--to", tmp_path, "--json").json
    assert again == {**made, "new": False}
    assert (folder / "manifest_v1.1.json").read_bytes() == content
    (folder / "manifest_v1.1.json").write_text("{}")
    assert "no export of run" in terminal("result", "manifest", str(runs[1]), "--to", tmp_path).refusal(1)
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_only_what_is_completed_is_given_out(terminal: Terminal, runs: list[int], tmp_path: Path) -> None:
    made = engine(terminal.url)
    run = ledger.get_run(made, runs[0])
    taken = ledger.create_run(
        made, twin_id=run.twin_id, pattern=run.pattern, years=5, parameters=run.parameters or {}, spec_digest="0" * 64
    )[0].id
    for command in ("manifest", "body", "export"):
        said = terminal("result", command, str(taken), "--to", tmp_path / "out").refusal(1)
        assert f"run {taken} is queued" in said
    assert "queued" in terminal("result", "compare", str(runs[0]), str(taken)).refusal(1)
    assert not (tmp_path / "out").exists()
    assert exports(terminal, taken) == []


def test_the_end_of_a_run_comes_back_as_it_was(terminal: Terminal, runs: list[int], tmp_path: Path) -> None:
    path = tmp_path / "twin.json"
    assert terminal("result", "body", str(runs[1]), "--to", path).code == 0
    assert json.loads(terminal("result", "body", str(runs[1])).out) == json.loads(path.read_text())
    end = terminal("result", "show", str(runs[1]), "--json").json["end_state"]
    body = import_bodies(path).bodies[0].body
    wanted = {g: kg for g, kg in end["atmosphere"]["gas_mass_kg"].items() if g in body.atmosphere.mass_kg}
    wanted["CO2"] += end["hydrosphere"]["co2_ice_kg"]
    assert dict(body.atmosphere.mass_kg.items()) == pytest.approx(wanted, rel=1e-9)
    assert body.climate.start is not None
    assert body.climate.start.mean_k == pytest.approx(end["atmosphere"]["surface_temperature_k"], rel=1e-9)


def test_a_twin_of_a_twins_untouched_end_has_its_climate(terminal: Terminal, runs: list[int], tmp_path: Path) -> None:
    path = tmp_path / "twin.json"
    terminal("result", "body", str(runs[2]), "--to", path)
    body = import_bodies(path).bodies[0].body
    end = terminal("result", "show", str(runs[2]), "--json").json["end_state"]
    twin = terminal("twin", "create", body.identifier, "--from", path, "--grid", "4x6", "--json").json
    result = terminal("run", str(twin["id"]), "--years", "2", "--pattern", "custom", "--json").json
    start = result["start_state"]
    for planet in (start, end):
        held = math.fsum(planet["atmosphere"]["gas_mass_kg"].values()) + planet["hydrosphere"]["co2_ice_kg"]
        assert held == pytest.approx(body.atmosphere.total_mass_kg, rel=1e-9)
    for measure, tolerance in (("surface_temperature_k", 0.01), ("surface_pressure_pa", 0.03)):
        assert start["atmosphere"][measure] == pytest.approx(end["atmosphere"][measure], rel=tolerance)
