"""Laws of the audit beside a Prefect server: what it says is heard, and what it does not say ends nothing."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from tests.pipeline.auditing import a_run, a_twin, only, workplace

from twinpipe.audit import Action, Kind, audit, understood
from twinpipe.db import ledger
from twinpipe.prefect_runs import flow_states
from twinpipe.repairs import repair
from twinpipe.workplace import Workplace


@pytest.fixture
def w(tmp_path: Path, server: str, engine: Engine) -> Workplace:
    """An empty ledger and an empty folder of stores."""
    return workplace(tmp_path, server)


def post(url: str, **content: object) -> dict[str, str]:
    request = urllib.request.Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.loads(answer.read()))


def a_flow_run(api: str, *states: str) -> str:
    """Id of a flow run that goes through states, by the API that flows and workers use."""
    flow = post(f"{api}/flows/", name="simulate-twin")["id"]
    made = post(f"{api}/flow_runs/", flow_id=flow, state={"type": "PENDING"})["id"]
    for state in states:
        assert post(f"{api}/flow_runs/{made}/set_state", state={"type": state})["status"] == "ACCEPT"
    return made


def test_a_run_is_what_prefect_says_only_when_it_has_ended_there(
    w: Workplace, prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {
        "COMPLETED": ("RUNNING", "COMPLETED"),
        "CANCELLED": ("RUNNING", "CANCELLING", "CANCELLED"),
        "CRASHED": ("RUNNING", "CRASHED"),
        "FAILED": ("RUNNING", "FAILED"),
        "RUNNING": ("RUNNING",),
        "PENDING": (),
    }
    runs = {}
    for end, states in ends.items():
        runs[end] = a_run(w, a_twin(w, end)).id
        ledger.claim_run(w.engine, runs[end], 600.0, flow_run_id=a_flow_run(prefect, *states))
    unknown = a_run(w, a_twin(w)).id
    ledger.claim_run(w.engine, unknown, 600.0, flow_run_id=str(uuid4()))
    monkeypatch.setenv("PREFECT_API_URL", f"{prefect}/")
    report = audit(w)
    assert report.prefect == "asked about 7 flow runs, of which 1 is unknown there"
    assert [(d.kind, d.subject, d.repair, d.safe) for d in report.drifts] == [
        (Kind.ZOMBIE_RUN, f"run {runs['COMPLETED']}", Action.NONE, False),  # its result may be on the way
        (Kind.ZOMBIE_RUN, f"run {runs['CANCELLED']}", Action.CANCEL, True),
        (Kind.ZOMBIE_RUN, f"run {runs['CRASHED']}", Action.CANCEL, True),
        (Kind.ZOMBIE_RUN, f"run {runs['FAILED']}", Action.CANCEL, True),
    ]
    assert "Prefect says that its flow run is crashed" in report.drifts[2].sentence
    assert all(understood(d) for d in report.drifts)
    done, failed = repair(w, report)
    assert ([d.subject for d in done], failed) == ([d.subject for d in report.drifts[1:]], [])
    assert only(audit(w)) == report.drifts[0]
    rows = {end: ledger.get_run(w.engine, run) for end, run in runs.items()}
    ended = {"CANCELLED", "CRASHED", "FAILED"}
    assert {end for end, run in rows.items() if run.status == "cancelled"} == ended
    assert {end for end, run in rows.items() if run.status == "running"} == set(ends) - ended
    assert {ledger.get_twin(w.engine, rows[end].twin_id).status for end in ended} == {"ready"}
    assert ledger.get_run(w.engine, unknown).status == "running"


def test_more_flow_runs_are_asked_about_than_prefect_tells_at_once(
    prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect)
    known = [a_flow_run(prefect, "RUNNING"), a_flow_run(prefect, "RUNNING", "CRASHED")]
    asked = [known[0], *(str(uuid4()) for _ in range(399)), known[1]]
    states, how = flow_states(asked)
    assert states == {known[0]: "RUNNING", known[1]: "CRASHED"}
    assert how == "asked about 401 flow runs, of which 399 are unknown there"


def test_prefect_that_does_not_answer_ends_nobodys_run(w: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(w, a_twin(w)).id
    ledger.claim_run(w.engine, run, 600.0, flow_run_id=str(uuid4()))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/api")
        report = audit(w)
    assert report.drifts == ()
    assert report.prefect.startswith("did not answer: ")
    assert repair(w, report) == ([], [])
    assert ledger.get_run(w.engine, run).status == "running"


def test_what_answers_and_is_not_prefect_ends_nobodys_run(
    w: Workplace, prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.claim_run(w.engine, a_run(w, a_twin(w)).id, 600.0, flow_run_id=str(uuid4()))
    monkeypatch.setenv("PREFECT_API_URL", f"{prefect}/nowhere")
    report = audit(w)
    assert report.drifts == ()
    assert report.prefect.startswith("did not answer: ")
