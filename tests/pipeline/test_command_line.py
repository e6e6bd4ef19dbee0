"""Every command end to end, against a real database: for people, and as JSON with nothing beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.terminal import Terminal

GAME = Path(__file__).parents[3] / "shared" / "data" / "game" / "sol-complete.json"
MARS = {
    "identifier": "MARS-01",
    "name": "Mars",
    "type": "terrestrial_planet",
    "mass": 6.4171e23,
    "radius": 3.3895e6,
    "gravity": 3.71,
    "orbital_period": 687,
    "insolation": 586,
    "atmosphere_attributes": {
        "composition": {"CO2": {"percentage": 95.0}, "N2": {"percentage": 3.0}, "Ar": {"percentage": 2.0}},
        "total_atmospheric_mass": 2.6e16,
    },
}


@pytest.fixture
def game_file(tmp_path: Path) -> Path:
    path = tmp_path / "game.json"
    far = {"identifier": "FAR-02", "name": "Far", "mass": 1e22, "radius": 1e6}
    path.write_text(json.dumps({"identifier": "TOY-01", "celestial_bodies": [MARS, far]}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def twin(terminal: Terminal) -> dict[str, Any]:
    """A small twin of the built-in Mars."""
    made: dict[str, Any] = terminal("twin", "create", "mars", "--grid", "6x8", "--name", "small", "--json").json
    return made


@pytest.fixture(scope="module")
def result(terminal: Terminal, twin: dict[str, Any]) -> dict[str, Any]:
    """The result of a run of three years on it."""
    made: dict[str, Any] = terminal("run", str(twin["id"]), "--years", "3", "--json").json
    return made


def test_without_a_command_the_help_is_shown(terminal: Terminal) -> None:
    said = terminal()
    assert (said.code, said.err) == (0, "")
    for command in ("demo", "run", "plot", "body", "twin", "result", "db"):
        assert f"  {command} " in said.out


def test_a_database_is_migrated_once_and_says_where_it_stands(terminal: Terminal) -> None:
    first = terminal("db", "migrate", "--json").json
    assert first["up_to_date"]
    assert first["current"] == first["head"]
    assert terminal("db", "migrate", "--json").json == terminal("db", "status", "--json").json == first
    assert terminal("db", "status").out == f"revision {first['head']}, up to date\n"


def test_bodies_are_listed_and_shown(terminal: Terminal) -> None:
    listed = {b["name"]: b["origin"] for b in terminal("body", "list", "--json").json}
    assert listed == dict.fromkeys(("earth", "europa", "luna", "mars", "titan", "venus"), "built-in")
    assert "MARS-01" in terminal("body", "list").out
    body = terminal("body", "show", "mars", "--json").json
    assert (body["identifier"], body["name"]) == ("MARS-01", "Mars")
    shown = terminal("body", "show", "Mars").out
    assert "bulk.mean_radius_m" in shown
    assert "orbit.eccentricity" in shown


def test_an_imported_body_is_listed_shown_and_cloned(terminal: Terminal, game_file: Path, open_folder: Path) -> None:
    other = Terminal(open_folder / "imports", terminal.url)
    settings = {"TWINPIPE_DATABASE_URL": terminal.url}
    said = other("body", "import", game_file, **settings)
    assert said.code == 0
    assert "imported Mars as MARS-01" in said.out
    assert "skipped" in said.out
    assert "FAR-02" in said.out
    again = other("body", "import", game_file, "--body", "mars", "--json", **settings).json
    assert [item["identifier"] for item in again["imported"]] == ["MARS-01"]
    assert again["imported"][0]["assumptions"]
    assert Path(again["imported"][0]["file"]).is_file()
    origins = [b["origin"] for b in other("body", "list", "--json", **settings).json]
    assert origins == [*["built-in"] * 6, "imported"]
    body = other("body", "show", "MARS-01", "--json", **settings).json
    assert body["solar_system"] == "TOY-01"
    assert sum(body["atmosphere"]["mass_kg"].values()) == pytest.approx(2.6e16)


def test_a_twin_of_a_game_file_carries_the_files_numbers(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "game.json"
    path.write_text(json.dumps({"identifier": "SOL-01", "celestial_bodies": [MARS]}), encoding="utf-8")
    made = terminal("twin", "create", "Mars", "--from", path, "--grid", "6x8", "--json").json
    assert made["initial_state_snapshot"]["bulk"]["mean_radius_m"] == MARS["radius"]
    assert made["status"] == "ready"


@pytest.mark.skipif(not GAME.is_file(), reason="the game's sol-complete.json is not beside this checkout")
def test_a_twin_of_the_games_own_file_runs(terminal: Terminal) -> None:
    made = terminal("twin", "create", "MARS-01", "--from", GAME, "--grid", "6x8", "--name", "the game's", "--json").json
    assert made["initial_state_snapshot"]["bulk"]["mean_radius_m"] == 3.389e6
    result = terminal("run", str(made["id"]), "--years", "1", "--json").json
    assert result["performance_data"]["budget_closes"]


def test_a_twin_is_created_listed_and_shown(terminal: Terminal, twin: dict[str, Any]) -> None:
    assert (twin["name"], twin["body"], twin["status"]) == ("small", "MARS-01", "ready")
    assert twin["simulation_parameters"]["grid"] == "6x8"
    assert Path(twin["store_path"], "zarr.json").is_file()
    listed = {t["id"]: t for t in terminal("twin", "list", "--json").json}
    assert listed[twin["id"]]["twin_key"] == twin["twin_key"]
    assert "initial_state_snapshot" not in listed[twin["id"]]
    assert "small" in terminal("twin", "list").out
    shown = terminal("twin", "show", str(twin["id"]), "--json").json
    assert shown["initial_state_snapshot"] == twin["initial_state_snapshot"]
    assert str(twin["store_path"]) in terminal("twin", "show", str(twin["id"])).out


@pytest.mark.parametrize(("ttl", "expires"), [("0", False), ("2 weeks", True)])
def test_a_twin_lives_as_long_as_asked(terminal: Terminal, ttl: str, expires: bool) -> None:
    made = terminal("twin", "create", "mars", "--grid", "4x1", "--ttl", ttl, "--again", "--json").json
    assert (made["expires_at"] is not None) == expires


def test_the_same_request_is_the_same_run(terminal: Terminal) -> None:
    number = str(terminal("twin", "create", "mars", "--grid", "6x8", "--json").json["id"])
    result = terminal("run", number, "--years", "3", "--json").json
    assert terminal("run", number, "--years", "3", "--json").json == result
    assert terminal("run", number, "--years", "3", "--pattern", "Mars-Terraform", "--json").json == result
    again = terminal("run", number, "--years", "3", "--again", "--json").json
    assert again["run_id"] != result["run_id"]
    assert again["performance_data"]["seal_digest"] == result["performance_data"]["seal_digest"]
    assert again["end_state"] == result["end_state"]
    other = terminal("run", number, "--years", "3", "--set", "mirror_area=60000 km^2", "--json").json
    assert other["run_id"] not in (result["run_id"], again["run_id"])
    runs = terminal("twin", "show", number, "--json").json["runs"]
    assert {r["id"] for r in runs} >= {result["run_id"], again["run_id"], other["run_id"]}
    assert {r["status"] for r in runs} == {"completed"}


def test_a_run_takes_a_scenario_file_and_a_grid_of_its_own(
    terminal: Terminal, twin: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "mirror.toml"
    path.write_text('[[interventions]]\nkind = "orbital_mirror"\narea_m2 = 1e12\n', encoding="utf-8")
    made = terminal("run", str(twin["id"]), "--years", "2", "--scenario", path, "--grid", "4x4", "--json").json
    assert made["performance_data"]["cell_steps"] % 16 == 0
    runs = {r["id"]: r for r in terminal("twin", "show", str(twin["id"]), "--json").json["runs"]}
    assert runs[made["run_id"]]["pattern"] == "custom"
    assert runs[made["run_id"]]["parameters"]["spec"]["grid"] == "4x4"


def test_a_run_tells_its_story(terminal: Terminal, twin: dict[str, Any], result: dict[str, Any]) -> None:
    said = terminal("run", str(twin["id"]), "--years", "3")
    shown = terminal("result", "show", str(result["run_id"]))
    assert said.code == shown.code == 0
    assert said.out == shown.out
    for part in ("temperature (K)", "Scores", "books close", result["performance_data"]["store"]):
        assert part in shown.out
    assert terminal("result", "show", str(result["run_id"]), "--json").json == result


def test_a_completed_run_is_drawn(terminal: Terminal, result: dict[str, Any]) -> None:
    files = {k: Path(v) for k, v in terminal("plot", str(result["run_id"]), "--json").json.items()}
    assert files["report"].read_text(encoding="utf-8").startswith("<!")
    assert len(files) > 2
    assert all(p.stat().st_size > 1000 for p in files.values())
    said = terminal("plot", str(result["run_id"]))
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [f"{k}: {p}" for k, p in files.items()]


def test_the_installed_command_prints_json_and_nothing_else(
    terminal: Terminal, twin: dict[str, Any], result: dict[str, Any]
) -> None:
    assert terminal.spawn("run", str(twin["id"]), "--years", "3", "--json").json == result
    fresh = terminal.spawn("run", str(twin["id"]), "--years", "4", "--json").json
    assert fresh["run_id"] > result["run_id"]


def test_the_installed_command_shows_progress_beside_the_story(terminal: Terminal, twin: dict[str, Any]) -> None:
    said = terminal.spawn("run", str(twin["id"]), "--years", "5")
    assert said.code == 0
    assert "books close" in said.out
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("Mars, 5 years")
    assert "100%" in said.err
