"""Patterns learned from real runs: applied to a world like their own, refused on another, and judged by outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.terminal import Terminal
from tests.unit.test_learning import mars_like

NAME = "warm-mars"


@pytest.fixture(scope="module")
def twin(terminal: Terminal) -> str:
    return str(terminal("twin", "create", "mars", "--grid", "4x6", "--json").json["id"])


@pytest.fixture(scope="module")
def learned(terminal: Terminal, twin: str) -> dict[str, Any]:
    """A pattern of the second and better of two runs."""
    for amount in ("1e4", "2e5"):
        run = terminal("run", twin, "--years", "6", "--set", f"factory_rate={amount}", "--json").json["run_id"]
    made: dict[str, Any] = terminal("learn", str(run), "--name", NAME, "--json").json
    assert terminal("learn", str(run), "--name", NAME, "--json").json == made
    return made


def test_a_pattern_is_learned_listed_and_shown(terminal: Terminal, learned: dict[str, Any]) -> None:
    assert learned["pattern_id"] == NAME
    assert learned["required_conditions"]["source"]["identifier"] == "MARS-01"
    assert learned["deployment_sequence"][0]["start_year"] >= 0
    assert 0 < learned["success_score"] <= 1
    assert NAME in terminal("learned", "list").out
    assert [p["pattern_id"] for p in terminal("learned", "list", "--json").json] == [NAME]
    shown = terminal("learned", "show", NAME, "--body", "venus")
    assert "does not fit" in shown.out
    assert "no water ice" in shown.out
    fit = terminal("learned", "show", NAME, "--body", "mars", "--json").json["applicability"]
    assert (fit["score"], fit["applies"]) == (1.0, True)


def test_it_runs_on_a_world_like_its_own_and_its_outcome_counts(
    terminal: Terminal, learned: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "ares.json"
    path.write_text(mars_like().model_dump_json(), encoding="utf-8")
    other = str(terminal("twin", "create", path, "--grid", "4x6", "--json").json["id"])
    planned = terminal("learned", "apply", NAME, "--twin", other, "--dry-run", "--json").json
    assert "for the same pressure" in " ".join(planned["changes"])
    assert terminal("twin", "show", other, "--json").json["runs"] == []
    result = terminal("learned", "apply", NAME, "--twin", other, "--json").json
    assert result["performance_data"]["budget_closes"]
    runs = terminal("twin", "show", other, "--json").json["runs"]
    scenario = runs[0]["parameters"]["spec"]["scenario"]
    assert (scenario["learned_pattern"], scenario["pattern"], runs[0]["duration_years"]) == (NAME, "custom", 6)
    row = terminal("learned", "show", NAME, "--json").json
    good = result["overall_score"] >= 0.9 * learned["success_score"]
    assert (row["times_applied"], row["success_rate"]) == (1, float(good))
    assert terminal("learned", "apply", NAME, "--twin", other, "--json").json == result
    assert terminal("learned", "show", NAME, "--json").json["times_applied"] == 1


def test_to_venus_it_is_refused_with_reasons(terminal: Terminal, learned: dict[str, Any]) -> None:
    venus = str(terminal("twin", "create", "venus", "--grid", "4x1", "--json").json["id"])
    said = terminal("learned", "apply", NAME, "--twin", venus).refusal(2)
    for reason in ("Venus", "0.00", "sunlight", "pressure", "no water ice", "no seasonal co2 ice"):
        assert reason in said
    assert terminal("twin", "show", venus, "--json").json["runs"] == []


def test_what_cannot_be_learned_is_told(terminal: Terminal, twin: str, learned: dict[str, Any]) -> None:
    control = terminal("run", twin, "--years", "2", "--pattern", "custom", "--json").json["run_id"]
    assert "nothing to its planet" in terminal("learn", str(control)).refusal(2)
    assert "pattern_id" in terminal("learn", str(json.dumps(1)), "--name", NAME).refusal(1)
    assert "either a run or a sweep" in terminal("learn").refusal(2)
    assert "no-such" in terminal("learned", "show", "no-such").refusal(2)


def test_the_best_of_a_sweep_is_learned_with_what_paid(terminal: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(
        'name = "three"\n[base]\nbody = "mars"\npattern = "mars_terraform"\nyears = 5\ngrid = "4x6"\n'
        '[[axes]]\nkind = "list"\nname = "factory_rate"\nvalues = [1e4, 5e4, 2e5]\n',
        encoding="utf-8",
    )
    assert terminal("sweep", path).code == 0
    (sweep,) = terminal("sweep", "list", "--json").json
    made = terminal("learn", "--sweep", str(sweep["id"]), "--json").json
    best = terminal("result", "show", made["pattern_id"].rsplit("-", 1)[-1], "--json").json
    assert made["success_score"] == pytest.approx(best["overall_score"])
    assert [o["id"] for o in made["optimizations"]] == ["factory_rate"]
    assert made["optimizations"][0]["gain"] > 0
