"""Pictures of what the ledger knows, drawn into the reports folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinpipe import lifecycle
from twinpipe.db import ledger
from twinpipe.errors import NotFound
from twinpipe.lookup import run_tree, sweep_tree
from twinpipe.plots import draw_kinds, save
from twinpipe.plots.comparison import comparison_figure
from twinpipe.sweep_places import members_of
from twinpipe.sweep_report import write_sweep_report
from twinpipe.workplace import Workplace


def draw_pictures(w: Workplace, run_id: int, kinds: Sequence[str]) -> dict[str, Path]:
    """Draw pictures of a run, by their kinds, into the reports folder; raises NotFound, Conflict, StoreError."""
    run = ledger.get_run(w.engine, run_id)
    with run_tree(w, run_id) as tree:
        events = ledger.get_result(w.engine, run_id).key_events
        return draw_kinds(tree, lifecycle.run_spec(w, run), events, w.reports / f"run-{run_id}", kinds)


def draw_comparison(w: Workplace, run_id: int, other_id: int) -> Path:
    """Draw two runs side by side into the reports folder of the first; raises NotFound, InvalidInput, Conflict."""
    specs = [lifecycle.run_spec(w, ledger.get_run(w.engine, i)) for i in (run_id, other_id)]
    with run_tree(w, run_id) as one, run_tree(w, other_id) as other:
        names = (f"run {run_id}", f"run {other_id}")
        figure = comparison_figure((one, other), (specs[0], specs[1]), names)
        return save(figure, w.reports / f"run-{run_id}" / f"against-{other_id}.png", " and ".join(names))


def report_sweep(w: Workplace, sweep_id: int) -> Path:
    """Write the report of a completed sweep, and its pictures, into the reports folder; its path.

    Raises NotFound, Conflict, StoreError.
    """
    sweep = ledger.get_sweep(w.engine, sweep_id)
    with sweep_tree(w, sweep_id) as tree:
        placed = members_of(w, sweep)
        specs = [lifecycle.run_spec(w, p.run) for p in placed]
        results = [_result(w, p.run.id) for p in placed]
        before = sum(not p.own for p in placed)
        facts = {"sweep": f"{sweep.id}, {sweep.name}", "sweep key": sweep.sweep_key, "twin": str(sweep.twin_id)}
        facts |= {"members that were computed before": str(before)} if before else {}
        return write_sweep_report(w.reports / f"sweep-{sweep_id}", tree, specs, results, facts)


def _result(w: Workplace, run_id: int) -> dict[str, Any] | None:
    try:
        return ledger.get_result(w.engine, run_id).as_dict()
    except NotFound:  # a member that failed
        return None
