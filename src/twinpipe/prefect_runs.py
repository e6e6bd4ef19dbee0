"""What Prefect says of flow runs and is told about them, through its REST API; never believed about a run's state."""

from __future__ import annotations

import base64
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from typing import Any
from uuid import uuid4

import orjson

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
ALIVE = ("PENDING", "RUNNING", "CANCELLING")
SIMULATING = ("simulate-twin", "run-sweep", "resume-run")  # flows
PAGE = 200
TRIES = 10
PAUSE = 0.5  # seconds: its database is locked for a moment when others write
CLIENT = str(uuid4())  # whom a server with CSRF protection gives its token

Failures = (OSError, ValueError, KeyError, TypeError)


def flow_states(ids: Sequence[str], seconds: float = 10.0) -> tuple[dict[str, str], str]:
    """State type by flow run, and a sentence on how it was asked: nothing raises when Prefect does not answer."""
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        return {}, "not asked: PREFECT_API_URL is not set"
    found: dict[str, str] = {}
    for first in range(0, len(ids), PAGE):
        part = list(ids[first : first + PAGE])
        try:
            rows = post(url, "flow_runs/filter", {"flow_runs": {"id": {"any_": part}}, "limit": PAGE}, seconds)
            found |= {str(row["id"]): str(row["state_type"]) for row in rows}
        except Failures as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            return found, f"did not answer: {reason}"
    unknown = len(ids) - len(found)
    ending = f", of which {unknown} {'is' if unknown == 1 else 'are'} unknown there" if unknown else ""
    return found, f"asked about {len(ids)} flow runs{ending}"


def simulating_flow_runs() -> dict[str, tuple[str, datetime]]:
    """Of running flow runs that hold a run or a sweep, by id: name, and since when they do what they are doing.

    None when Prefect does not answer.
    """
    url = os.environ.get("PREFECT_API_URL", "")
    found: dict[str, tuple[str, datetime]] = {}
    wanted = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "flows": {"name": {"any_": list(SIMULATING)}}}
    with suppress(*Failures):
        for first in count(0, PAGE):
            rows = post(url, "flow_runs/filter", {**wanted, "limit": PAGE, "offset": first}) if url else []
            for row in rows:
                since = datetime.fromisoformat(str(row["state"]["timestamp"]))
                found[str(row["id"])] = (str(row["name"]), since)
            if len(rows) < PAGE:
                break
    return found


def live_flow_runs(url: str, pool: str) -> dict[str, str]:
    """Names by id of the flow runs that a pool's workers have taken and not ended; raises OSError, ValueError."""
    wanted = {"flow_runs": {"state": {"type": {"any_": list(ALIVE)}}}, "work_pools": {"name": {"any_": [pool]}}}
    return {str(row["id"]): str(row["name"]) for row in post(url, "flow_runs/filter", {**wanted, "limit": PAGE})}


def missed_flow_runs(url: str, pool: str) -> list[str]:
    """Ids of scheduled flow runs that nobody began, though a later one of the same schedule is due too."""
    due = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": {"before_": datetime.now(UTC)}}
    wanted = {"flow_runs": due, "work_pools": {"name": {"any_": [pool]}}, "sort": "EXPECTED_START_TIME_DESC"}
    seen: set[object] = set()
    missed: list[str] = []
    for first in count(0, PAGE):
        rows = post(url, "flow_runs/filter", {**wanted, "limit": PAGE, "offset": first})
        for row in rows:
            if row["auto_scheduled"]:
                schedule = row["deployment_id"], (row["created_by"] or {}).get("id")
                missed += [str(row["id"])] if schedule in seen else []
                seen.add(schedule)
        if len(rows) < PAGE:
            return missed
    return missed


def deployment_ids(url: str) -> dict[str, str]:
    """Ids of deployments by name; raises OSError, ValueError."""
    return {str(row["name"]): str(row["id"]) for row in post(url, "deployments/filter", {"limit": PAGE})}


def set_state(
    url: str, flow_run: str, kind: str, message: str, *, name: str | None = None, force: bool = False
) -> bool:
    """Propose a state for a flow run; whether Prefect took it.  Raises OSError, ValueError."""
    state = {"type": kind, "name": name or kind.capitalize(), "message": message}
    answer = post(url, f"flow_runs/{flow_run}/set_state", {"state": state, "force": force})
    return bool(answer["status"] == "ACCEPT")


def post(url: str, path: str, content: object, seconds: float = 10.0) -> Any:
    """What the API answers; raises OSError when it does not, ValueError when that is no JSON."""
    headers, body = _headers(), orjson.dumps(content)
    for left in reversed(range(TRIES)):
        request = urllib.request.Request(f"{url.rstrip('/')}/{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return orjson.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if left and error.code == HTTPStatus.FORBIDDEN and b"CSRF" in error.read():
                headers |= _token(url, seconds)
            elif left and error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                time.sleep(PAUSE)
            else:
                raise
    return None


def _token(url: str, seconds: float) -> dict[str, str]:
    request = urllib.request.Request(f"{url.rstrip('/')}/csrf-token?client={CLIENT}", headers=_headers())
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return {"Prefect-Csrf-Token": str(orjson.loads(answer.read())["token"]), "Prefect-Csrf-Client": CLIENT}


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    elif login := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return headers
