"""Laws of a `twinpipe up` that is killed: nothing stays behind, the next one works, and no missed night is a storm."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.terminal import environment
from tests.ui.upstairs import Upstairs, brought_up, go_up, processes, within

from twinpipe.prefect_runs import deployment_ids, post
from twinpipe.tree import simulate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc shows what processes run"),
]
NIGHTLY = ("sweep", "statistics")


def pause(up: Upstairs, *, paused: bool) -> None:
    """Hold back what waits in the queue of the nights, or let it go."""
    command = [sys.executable, "-m", "prefect", "work-queue", "pause" if paused else "resume", "nightly"]
    surroundings = environment(up.home, PREFECT_API_URL=up.api)
    subprocess.run([*command, "--pool", "twinpipe"], env=surroundings, check=True, capture_output=True)


def missed(up: Upstairs, nights: int) -> None:
    """What the schedules had due in the last nights, which nobody began."""
    now = datetime.now(UTC)
    for name in NIGHTLY:
        span = {"start_time": now - timedelta(days=nights), "end_time": now, "min_runs": nights}
        post(up.api, f"deployments/{deployment_ids(up.api)[name]}/schedule", span)


def past(up: Upstairs, deployment: str) -> list[Any]:
    """The flow runs that a deployment's schedule had due, newest first."""
    due = {"flow_runs": {"expected_start_time": {"before_": datetime.now(UTC)}}}
    wanted = {"deployments": {"name": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_DESC"}
    found = post(up.api, "flow_runs/filter", due | wanted)
    return [run for run in found if run["auto_scheduled"]]


@pytest.fixture(scope="module")
def up(open_folder: Path) -> Iterator[Upstairs]:
    """Everything, up again after a kill -9 in the middle of a run, with three nights that were missed."""
    simulate("mars", "mars_terraform", years=1, grid="6x8")  # compiles the kernel before anyone waits
    home = open_folder / "again"
    first = go_up(home)
    pause(first, paused=True)
    missed(first, 3)
    first.until_simulating(first.start("simulate", years=1000, grid="36x72", name="to be killed"))
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(timeout=10)
    within(30, lambda: not processes(home), lambda: processes(home))
    assert first.process.stdout is not None
    first.process.stdout.close()
    with brought_up(home) as upstairs:
        yield upstairs


def test_a_run_of_an_up_that_was_killed_goes_on_in_the_next(up: Upstairs) -> None:
    newest: dict[str, Any] = {}

    def ended() -> bool:
        newest.update(up.command("run", "list", "--limit", "1")[0])
        return bool(newest["status"] == "failed")

    within(60, ended, lambda: newest)  # its lease is over
    [flow_run] = [r for r in post(up.api, "flow_runs/filter", {}) if r["name"] == "mars mars_terraform 1000 years"]
    assert (flow_run["state_name"], flow_run["state"]["message"]) == (
        "Crashed",
        "its process is gone; the deployment resume goes on with it",
    )
    up.until_simulating(up.start("resume", run=newest["id"]))
    [resumed] = up.command("run", "list", "--limit", "1")
    assert (resumed["status"], resumed["progress"] >= newest["progress"]) == ("running", True)
    assert up.command("run", "cancel", str(resumed["id"]))["changed"]


def test_the_schedules_begin_the_nights_to_come(up: Upstairs) -> None:
    def coming() -> set[str]:
        wanted = {"flow_runs": {"expected_start_time": {"after_": datetime.now(UTC)}}}
        found = post(up.api, "flow_runs/filter", wanted)
        return {run["deployment_id"] for run in found if run["auto_scheduled"]}

    ids = deployment_ids(up.api)
    wanted = {ids[name] for name in ("sweep", "cleanup", "audit", "statistics", "verify")}
    within(120, lambda: coming() == wanted, coming)


def test_of_the_nights_that_were_missed_only_the_newest_is_made_up_for(up: Upstairs) -> None:
    why = ("Skipped", "missed: a later run of the schedule does the same")
    for name in NIGHTLY:
        newest, *others = past(up, name)
        assert newest["state_type"] == "SCHEDULED"
        assert [(r["state_name"], r["state"]["message"]) for r in others] == [why] * 2
    # and what was missed without anybody's going up: a queue that was paused, and somebody's own sweep beside it
    missed(up, 5)
    by_hand = up.start("sweep", file="other.toml")
    pause(up, paused=False)
    for name, end in {"sweep": "Nothing to sweep", "statistics": "Completed"}.items():
        runs = past(up, name)
        ended = [up.until(r["id"], "Skipped", end, "Failed", "Crashed", "Cancelled", seconds=120) for r in runs]
        assert [r["state_name"] for r in ended] == [end, "Skipped", "Skipped", "Skipped", "Skipped"]
        said = {r["state"]["message"] for r in ended[3:]}
        assert said == {"a newer run of this schedule is due, which does the same"}
        if name == "sweep":
            nothing = f"there is no {up.home}/sweeps/nightly.toml: a sweep file there runs by night"
            assert ended[0]["state"]["message"] == nothing
    assert up.until(by_hand, "Failed")["state"]["message"].startswith("no sweep file named")
    assert up.command("sweep", "list") == []


def test_flows_at_once_complete_whether_they_share_a_run_a_twin_or_only_the_cluster(up: Upstairs) -> None:
    asked = [
        up.start("simulate", years=40, grid="12x24", name="shared"),
        up.start("simulate", years=40, grid="12x24", name="shared"),
        up.start("simulate", years=41, grid="12x24", name="shared"),
        up.start("simulate", years=40, grid="12x24", name="alone"),
    ]
    ended = [up.until(run, "Completed", "Failed", "Crashed", "Cancelled", seconds=240) for run in asked]
    assert [(r["state_name"], r["state"]["message"]) for r in ended if r["state_name"] != "Completed"] == []
    done = up.command("run", "list", "--limit", "3")
    assert [r["status"] for r in done] == ["completed"] * 3
    assert len({r["twin_id"] for r in done}) == 2
