"""Laws of the audit beside a Prefect server: what it says is heard, and what it does not say ends nothing."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from tests.pipeline.auditing import a_run, a_sweep, a_twin, later, mended, only, workplace

from twinpipe.audit import Action, Kind, audit, understood
from twinpipe.db import ledger
from twinpipe.prefect_runs import flow_states, post, set_state
from twinpipe.repairs import repair
from twinpipe.workplace import Workplace


@pytest.fixture
def w(tmp_path: Path, server: str, engine: Engine) -> Workplace:
    """An empty ledger and an empty folder of stores."""
    return workplace(tmp_path, server)


def a_flow_run(api: str, *states: str, flow_name: str = "simulate-twin") -> str:
    """Id of a flow run that goes through states, by the API that flows and workers use."""
    flow = post(api, "flows/", {"name": flow_name})["id"]
    made = str(post(api, "flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})["id"])
    for state in states:
        assert set_state(api, made, state, "as the test says")
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


def test_a_sweep_is_what_prefect_says_only_when_it_has_ended_there(
    w: Workplace, prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {"COMPLETED": ("RUNNING", "COMPLETED"), "CRASHED": ("RUNNING", "CRASHED"), "RUNNING": ("RUNNING",)}
    sweeps = {}
    for end, states in ends.items():
        sweeps[end] = a_sweep(w, a_twin(w, end)).id
        flow_run = a_flow_run(prefect, *states, flow_name="run-sweep")
        ledger.claim_sweep(w.engine, sweeps[end], 600.0, flow_run_id=flow_run)
    unknown, silent = a_sweep(w, a_twin(w, "unknown")).id, a_sweep(w, a_twin(w, "silent")).id
    ledger.claim_sweep(w.engine, unknown, 600.0, flow_run_id=str(uuid4()))
    ledger.claim_sweep(w.engine, silent, 600.0, datetime.now(UTC) - timedelta(hours=1), str(uuid4()))
    monkeypatch.setenv("PREFECT_API_URL", prefect)
    report = audit(w)
    assert report.prefect == "asked about 5 flow runs, of which 2 are unknown there"
    assert [(d.kind, d.subject, d.repair, d.safe) for d in report.drifts] == [  # and not a word of their members
        (Kind.ZOMBIE_SWEEP, f"sweep {sweeps['COMPLETED']}", Action.NONE, False),
        (Kind.ZOMBIE_SWEEP, f"sweep {sweeps['CRASHED']}", Action.CANCEL, True),
        (Kind.ZOMBIE_SWEEP, f"sweep {silent}", Action.REAP, True),
    ]
    assert "Prefect says that its flow run is crashed" in report.drifts[1].sentence
    done, failed = repair(w, report)
    assert ([d.subject for d in done], failed) == ([d.subject for d in report.drifts[1:]], [])
    assert only(audit(w)) == report.drifts[0]
    for sweep, status in {sweeps["CRASHED"]: "cancelled", silent: "failed", unknown: "running"}.items():
        row = ledger.get_sweep(w.engine, sweep)
        assert row.status == status
        assert {m.status for m in ledger.list_members(w.engine, sweep)} == {status}
        assert ledger.get_twin(w.engine, row.twin_id).status == (
            "ready" if status != "running" else "running_simulation"
        )
    with w.engine.connect() as connection:
        noted = connection.execute(text("SELECT entity, entity_id FROM audit_log WHERE action = 'repair' ORDER BY id"))
        assert noted.all() == [("sweeps", sweeps["CRASHED"]), ("sweeps", silent)]


def test_a_flow_run_whose_run_or_sweep_ended_long_ago_is_told_so(
    w: Workplace, prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other, sweep = a_run(w, a_twin(w, "a")).id, a_run(w, a_twin(w, "b")).id, a_sweep(w, a_twin(w, "c")).id
    flow_runs = {
        "run": a_flow_run(prefect, "RUNNING"),
        "ended": a_flow_run(prefect, "RUNNING", "CANCELLING", "CANCELLED"),
        "sweep": a_flow_run(prefect, "RUNNING", flow_name="run-sweep"),
        "waiting": a_flow_run(prefect, "RUNNING", flow_name="resume-run"),  # of no row yet
        "retried": a_flow_run(prefect, "RUNNING"),
    }
    before = a_run(w, a_twin(w, "d")).id
    ledger.claim_run(w.engine, before, 600.0, flow_run_id=flow_runs["retried"])
    assert ledger.cancel_run(w.engine, before)
    # and waits for a twin that is busy
    assert set_state(prefect, flow_runs["retried"], "RUNNING", "tried again", force=True)
    ledger.claim_run(w.engine, run, 600.0, flow_run_id=flow_runs["run"])
    ledger.claim_run(w.engine, other, 600.0, flow_run_id=flow_runs["ended"])
    ledger.claim_sweep(w.engine, sweep, 600.0, flow_run_id=flow_runs["sweep"])
    assert ledger.cancel_run(w.engine, run)
    assert ledger.cancel_run(w.engine, other)
    assert ledger.cancel_sweep(w.engine, sweep)
    monkeypatch.setenv("PREFECT_API_URL", prefect)
    assert audit(w).drifts == ()  # they may be about to say so
    report = audit(w, now=later(timedelta(minutes=11)))
    assert [(d.kind, d.subject, d.repair, d.safe) for d in report.drifts] == [
        (Kind.ORPHAN_FLOW_RUN, f"flow-run {flow_runs['run']}", Action.CRASH, True),
        (Kind.ORPHAN_FLOW_RUN, f"flow-run {flow_runs['sweep']}", Action.CRASH, True),
    ]
    assert f"but its sweep {sweep} is cancelled since" in report.drifts[1].sentence
    mended(w, report)
    states, _ = flow_states(list(flow_runs.values()))
    assert {name: states[flow_run] for name, flow_run in flow_runs.items()} == {
        **{"run": "CRASHED", "sweep": "CRASHED"},
        **{"ended": "CANCELLED", "waiting": "RUNNING", "retried": "RUNNING"},
    }


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
