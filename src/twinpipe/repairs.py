"""Repairs of what an audit found: only those that are safe, each noted in the audit log."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from twinpipe import lifecycle
from twinpipe.audit import STORE, Action, Drift, Report
from twinpipe.db import ledger
from twinpipe.db.census import give_up_outputs, idle_outputs, note_repair
from twinpipe.errors import Failure, NotFound, TwinpipeError
from twinpipe.ownership import is_own_store
from twinpipe.place import Place, place
from twinpipe.prefect_runs import Failures, set_state
from twinpipe.store import drop, drop_aside
from twinpipe.workplace import Workplace


def repair(w: Workplace, report: Report) -> tuple[list[Drift], list[str]]:
    """Do the safe repairs of a report; those that were done, and a sentence for each that failed."""
    done, failed = [], []
    reaped = cache(lambda: set(ledger.reap(w.engine, report.moment)))  # it ends all that are silent at once
    for drift in report.drifts:
        if not drift.safe:
            continue
        try:
            if _do(w, drift, reaped):
                note_repair(w.engine, drift.kind, drift.subject, drift.repair)
                done.append(drift)
        except TwinpipeError as error:
            failed.append(f"{drift.subject}: {error}")
    return done, failed


def _do(w: Workplace, drift: Drift, reaped: Callable[[], set[int]]) -> bool:
    """Repair a drift; False when it went away by itself since the audit."""
    path = place(drift.path) if drift.path else None
    what, name = drift.subject.split(maxsplit=1)
    number = int(name) if name.isdigit() else 0
    match drift.repair:
        case Action.REAP if what == "sweep":
            reaped()
            return ledger.get_sweep(w.engine, number).status == "failed"
        case Action.REAP:
            return number in reaped()
        case Action.CANCEL:
            return (ledger.cancel_sweep if what == "sweep" else ledger.cancel_run)(w.engine, number)
        case Action.CRASH:
            return _crash(name)
        case Action.RESTORE:
            twin = ledger.get_twin(w.engine, number)
            if twin.status not in ("ready", "completed"):
                return False
            lifecycle.restore_twin_store(w, twin)
        case Action.GIVE_UP if path is not None:
            give_up_outputs(w.engine, number, drift.sentence)
            return _drop(w, path)
        case Action.DROP if path is not None:
            return _drop(w, path)
        case _:
            return False
    return True


def _crash(flow_run: str) -> bool:
    """Tell Prefect that a flow run has crashed; raises Failure when it does not answer."""
    why = "its run or sweep has ended; the deployment resume goes on with it"
    try:
        return set_state(os.environ["PREFECT_API_URL"], flow_run, "CRASHED", why, force=True)
    except Failures as error:
        raise Failure(f"Prefect was not told: {error}") from None


def _drop(w: Workplace, path: Place) -> bool:
    """Drop a store or a run's outputs; False when somebody has taken to them since the audit."""
    if path.name.endswith(".dropped"):
        drop_aside(path)
        return True
    store = path.parent.parent if path.parent.name == "runs" else path
    match = STORE.fullmatch(store.name)
    if match is None:
        return False
    try:
        twin = ledger.get_twin(w.engine, int(match[1]))
    except NotFound:
        return False
    living = twin.status not in ("failed", "deleted")
    if not is_own_store(store, twin.twin_key, twin.store_path) or (living and path == store):
        return False
    if not living:
        drop(path)
        return True
    with idle_outputs(w.engine, twin.id, f"runs/{path.name}") as idle:
        if idle:
            drop(path)
    return idle
