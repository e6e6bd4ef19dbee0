"""Laws of the nights: sweep, cleanup and audit run by themselves, in order, and the second does only what is new."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ui.upstairs import Upstairs, brought_up

from twinpipe.prefect_runs import post

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc shows what processes run"),
]

PLAN = """
name = "nightly"
[base]
body = "mars"
years = 10
grid = "6x8"
[[axes]]
kind = "loguniform"
name = "factory_rate"
low = 1.0e4
high = 5.0e5
[[axes]]
kind = "uniform"
name = "mirror_area"
low = 0.0
high = 1.0e12
[design]
kind = "sobol"
points = {points}
"""


@pytest.fixture(scope="module")
def up(open_folder: Path) -> Iterator[Upstairs]:
    home = open_folder / "nights"
    (home / "sweeps").mkdir(parents=True)
    with brought_up(home) as upstairs:
        yield upstairs


def artifacts(up: Upstairs, flow_run: str) -> dict[str, Any]:
    """What a flow run showed, by key, in tasks too."""
    found = post(up.api, "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run]}}, "limit": 100})
    return {a["key"]: a["data"] for a in found}


def a_night(up: Upstairs, points: int) -> dict[str, Any]:
    """The nightly deployments, all due at once as after a late start; each with its end, in the order of the nights."""
    (up.home / "sweeps" / "nightly.toml").write_text(PLAN.format(points=points), encoding="utf-8")
    due = {}
    for name, params in {"sweep": {}, "cleanup": {}, "audit": {"repair": True}}.items():
        due[name] = up.start(name, None, **params)
        time.sleep(0.1)  # the queue takes the one that is due first
    return {name: up.until(run, "Completed", "Failed", "Crashed", seconds=600) for name, run in due.items()}


def test_a_second_night_does_only_what_is_new(up: Upstairs) -> None:
    nothing = up.start("sweep", file="other.toml")
    refused = up.until(nothing, "Failed")
    assert refused["state"]["message"].startswith(f"no sweep file named '{up.home}/sweeps/other.toml'")

    first = a_night(up, 64)
    assert {name: run["state_name"] for name, run in first.items()} == dict.fromkeys(first, "Completed"), first
    begun = [run["start_time"] for run in first.values()]
    ended = [run["end_time"] for run in first.values()]
    assert all(e <= b for e, b in zip(ended, begun[1:], strict=False))  # one after the other
    (swept,) = up.command("sweep", "list")
    assert (swept["name"], swept["members"], swept["status"]) == ("nightly", 64, "completed")
    shown = artifacts(up, first["sweep"]["id"])
    assert "64 computed" in shown[f"sweep-result-{swept['id']}"]
    assert "data:image/png;base64," in shown[f"sweep-result-{swept['id']}"]
    assert (up.home / "reports" / f"sweep-{swept['id']}" / "report.html").exists()
    assert "cleanup" in artifacts(up, first["cleanup"]["id"])

    second = a_night(up, 128)
    assert {name: run["state_name"] for name, run in second.items()} == dict.fromkeys(second, "Completed"), second
    newest = up.command("sweep", "show", str(up.command("sweep", "list")[0]["id"]))
    counts = {k: newest["counts"][k] for k in ("members", "computed", "reused", "completed")}
    assert counts == {"members": 128, "computed": 64, "reused": 64, "completed": 128}

    third = a_night(up, 128)
    assert {name: run["state_name"] for name, run in third.items()} == dict.fromkeys(third, "Completed"), third
    assert len(up.command("sweep", "list")) == 2  # the same sweep is the same row
    assert up.command("audit")["drifts"] == []


def test_a_form_runs_a_sweep_and_refuses_what_is_none(up: Upstairs) -> None:
    axis = {"kind": "list", "name": "factory_rate", "values": [1e5, 2e5]}
    plan = {"name": "by form", "base": {"body": "mars", "years": 5, "grid": "6x8"}, "axes": [axis]}
    done = up.until(up.start("sweep", sweep=plan), "Completed", "Failed", seconds=300)
    assert done["state_name"] == "Completed", done["state"]
    (newest, *_) = up.command("sweep", "list")
    assert (newest["name"], newest["members"], newest["status"]) == ("by form", 2, "completed")
    learned = up.until(up.start("learn", sweep=newest["id"], name="by-night"), "Completed", "Failed", seconds=60)
    assert learned["state_name"] == "Completed", learned["state"]
    assert [p["pattern_id"] for p in up.command("learned", "list")] == ["by-night"]
    exported = up.until(up.start("export"), "Completed", "Failed", seconds=60)
    assert exported["state_name"] == "Completed", exported["state"]
    with pytest.raises(OSError, match="409"):
        up.start("sweep", file="../secrets.toml")
    with pytest.raises(OSError, match="409"):
        up.start("sweep", sweep={**plan, "axes": [{**axis, "kind": "guess"}]})
