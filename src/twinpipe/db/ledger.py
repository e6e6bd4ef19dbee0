"""The ledger's face: plain functions of an engine, each one transaction, rows of plain values out."""

from __future__ import annotations

from twinpipe.db.deletion import delete_twin, expire_twin
from twinpipe.db.leases import holder
from twinpipe.db.making import await_maker, making
from twinpipe.db.members import Measured, completed_runs, core_seconds_per_cell_step, measure_runs, stop_member
from twinpipe.db.reaper import reap
from twinpipe.db.results import complete_members, complete_run, get_result
from twinpipe.db.rows import ResultRow, RunRow, SweepRow, TwinRow
from twinpipe.db.runs import cancel_run, claim_run, create_run, fail_run, get_run, list_runs, report_progress
from twinpipe.db.sweeps import (
    cancel_sweep,
    claim_sweep,
    create_sweep,
    fail_sweep,
    finish_sweep,
    get_sweep,
    list_members,
    list_sweeps,
    report_sweep_progress,
)
from twinpipe.db.twins import create_twin, ensure_body, get_twin, list_twins, mark_twin_failed, mark_twin_ready

__all__ = [
    "Measured",
    "ResultRow",
    "RunRow",
    "SweepRow",
    "TwinRow",
    "await_maker",
    "cancel_run",
    "cancel_sweep",
    "claim_run",
    "claim_sweep",
    "complete_members",
    "complete_run",
    "completed_runs",
    "core_seconds_per_cell_step",
    "create_run",
    "create_sweep",
    "create_twin",
    "delete_twin",
    "ensure_body",
    "expire_twin",
    "fail_run",
    "fail_sweep",
    "finish_sweep",
    "get_result",
    "get_run",
    "get_sweep",
    "get_twin",
    "holder",
    "list_members",
    "list_runs",
    "list_sweeps",
    "list_twins",
    "making",
    "mark_twin_failed",
    "mark_twin_ready",
    "measure_runs",
    "reap",
    "report_progress",
    "report_sweep_progress",
    "stop_member",
]
