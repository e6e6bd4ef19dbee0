"""Laws of missed nights at a real Prefect server: of each schedule the newest is made up for, the rest say why not."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from sqlalchemy import create_engine, make_url, text

from twinpipe import prefect_runs
from twinpipe.prefect_runs import post
from twinpipe.prefect_server import SILENT, answers
from twinpipe.services import Service, free_port
from twinpipe.shared import shared_folder
from twinpipe.up import POOL, skip_missed_nights


def a_deployment(api: str, name: str, hours: list[int]) -> str:
    """Id of a deployment of our pool with a schedule for each of some hours of the day."""
    flow = post(api, "flows/", {"name": name})["id"]
    schedules = [{"schedule": {"cron": f"0 {h} * * *", "timezone": "UTC"}, "active": True} for h in hours]
    content = {"name": name, "flow_id": flow, "schedules": schedules, "work_pool_name": POOL}
    return str(post(api, "deployments/", content)["id"])


def due(api: str, deployment: str, nights: int) -> None:
    """What the schedules of a deployment had due in the nights before this one, and in the two to come."""
    now = datetime.now(UTC)
    for start, end in ((now - timedelta(days=nights), now), (now, now + timedelta(days=2))):
        post(api, f"deployments/{deployment}/schedule", {"start_time": start, "end_time": end, "min_runs": 100})


def runs_of(api: str, deployment: str) -> list[Any]:
    wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
    return list(post(api, "flow_runs/filter", wanted))


@pytest.mark.slow
def test_the_server_of_the_containers_begins_schedules_by_itself(server_15: str, open_folder: Path) -> None:
    compose = yaml.safe_load((shared_folder("deploy") / "compose.yaml").read_text())["services"]["prefect"]
    port = free_port()
    admin = create_engine(server_15, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE prefect"))
    admin.dispose()
    there = make_url(server_15).set(drivername="postgresql+asyncpg", database="prefect")
    there = there.difference_update_query(["sslmode"])
    known = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": there.render_as_string(hide_password=False),
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(open_folder / "ui"),
        "PREFECT_HOME": str(open_folder / "of-containers"),
    }
    set_there = {k: v for k, v in compose["environment"].items() if "${" not in v}
    command = [*compose["entrypoint"], *(str(port) if c == "4200" else c for c in compose["command"])]
    command[0] = str(Path(sys.executable).with_name(command[0]))
    with Service(command, {**SILENT, **set_there, **known}, open_folder / "containers.log"):
        api = f"http://127.0.0.1:{port}/api"
        until = time.monotonic() + 180
        while not answers(api):
            assert time.monotonic() < until, (open_folder / "containers.log").read_text()
            time.sleep(0.2)
        post(api, "work_pools/", {"name": POOL, "type": "process"})
        deployment = a_deployment(api, "nightly", [1])
        while len(begun := runs_of(api, deployment)) < 3:
            assert time.monotonic() < until, (open_folder / "containers.log").read_text()
            time.sleep(1.0)
        assert {r["state_name"] for r in begun} == {"Scheduled"}
        due(api, deployment, nights=2)
        assert len(runs_of(api, deployment)) == len(begun) + 2


@pytest.fixture
def api(prefect: str) -> str:
    """The server, with our pool."""
    if not post(prefect, "work_pools/filter", {"work_pools": {"name": {"any_": [POOL]}}}):
        post(prefect, "work_pools/", {"name": POOL, "type": "process"})
    return prefect


def test_a_night_missed_does_not_become_a_storm(api: str) -> None:
    nightly = a_deployment(api, f"nightly {uuid4()}", [1])
    twice = a_deployment(api, f"twice a day {uuid4()}", [2, 14])
    for deployment in (nightly, twice):
        due(api, deployment, nights=3)
    by_hand = post(api, f"deployments/{nightly}/create_flow_run", {"state": {"type": "SCHEDULED"}})["id"]
    said: list[str] = []
    skip_missed_nights(api, said.append)
    assert said == ["6 runs that schedules missed are skipped, the newest of each is made up for"]
    now = f"{datetime.now(UTC).isoformat()}"
    for deployment, schedules in ((nightly, 1), (twice, 2)):
        found = [r for r in runs_of(api, deployment) if r["auto_scheduled"]]
        past, coming = ([r for r in found if (r["expected_start_time"] < now) is was] for was in (True, False))
        assert (len(past), len(coming)) == (3 * schedules, 2 * schedules)
        assert {r["state_name"] for r in coming} == {"Scheduled"}
        skipped, kept = past[:-schedules], past[-schedules:]
        assert {r["state_type"] for r in kept} == {"SCHEDULED"}  # the newest of each schedule
        assert len({r["created_by"]["id"] for r in kept}) == schedules
        ends = {(r["state_type"], r["state_name"], r["state"]["message"]) for r in skipped}
        assert ends == {("CANCELLED", "Skipped", "missed: a later run of the schedule does the same")}
    assert [r["state_name"] for r in runs_of(api, nightly) if r["id"] == by_hand] == ["Scheduled"]
    skip_missed_nights(api, said.append)
    assert len(said) == 1  # nothing is left to skip


def test_more_nights_are_skipped_than_prefect_tells_at_once(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_runs, "PAGE", 4)
    deployment = a_deployment(api, f"nightly {uuid4()}", [3])
    due(api, deployment, nights=10)
    said: list[str] = []
    skip_missed_nights(api, said.append)
    assert said == ["9 runs that schedules missed are skipped, the newest of each is made up for"]
    states = [r["state_type"] for r in runs_of(api, deployment)]
    assert states == ["CANCELLED"] * 9 + ["SCHEDULED"] * 3
