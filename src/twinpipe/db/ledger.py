"""The ledger's face: plain functions of an engine, each one transaction, rows of plain values out."""

from __future__ import annotations

from twinpipe.db.deletion import delete_twin, expire_twin
from twinpipe.db.making import await_maker, making
from twinpipe.db.results import complete_run, get_result
from twinpipe.db.rows import ResultRow, RunRow, TwinRow
from twinpipe.db.runs import cancel_run, claim_run, create_run, fail_run, get_run, list_runs, reap, report_progress
from twinpipe.db.twins import create_twin, ensure_body, get_twin, list_twins, mark_twin_failed, mark_twin_ready

__all__ = [
    "ResultRow",
    "RunRow",
    "TwinRow",
    "await_maker",
    "cancel_run",
    "claim_run",
    "complete_run",
    "create_run",
    "create_twin",
    "delete_twin",
    "ensure_body",
    "expire_twin",
    "fail_run",
    "get_result",
    "get_run",
    "get_twin",
    "list_runs",
    "list_twins",
    "making",
    "mark_twin_failed",
    "mark_twin_ready",
    "reap",
    "report_progress",
]
