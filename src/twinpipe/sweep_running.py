"""A sweep from the command line to what it came to, straight through its verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twinpipe import lifecycle, sweeping
from twinpipe.cluster import executor
from twinpipe.db import ledger
from twinpipe.db.rows import SweepRow
from twinpipe.ensemble import differences, outcomes, pareto_members, ranked, sensitivities
from twinpipe.quantiles import FOLDER
from twinpipe.running import await_lease, progress_bar
from twinpipe.sweep_spec import read_sweep
from twinpipe.workplace import Workplace, open_workplace


def quote_here(file: Path, twin_id: int | None) -> dict[str, Any]:
    """The quote of a sweep file; nothing is written."""
    spec = read_sweep(file)
    with open_workplace() as w:
        return sweeping.offer(w, spec, twin_id).quote.as_dict()


def sweep_here(file: Path, twin_id: int | None, *, quiet: bool = False) -> dict[str, Any]:
    """Create and simulate the sweep of a file; what it came to, and of a sweep that was completed before the same."""
    spec = read_sweep(file)
    with open_workplace() as w:
        offered = sweeping.offer(w, spec, twin_id)
        text = f"{spec.name}, {offered.quote.members:,} members"

        def queue() -> SweepRow:
            return sweeping.create_sweep(w, offered)[0]

        return _to_its_end(w, offered.twin.id if offered.twin else None, queue, text, quiet=quiet)


def resume_sweep_here(sweep_id: int, *, quiet: bool = False) -> dict[str, Any]:
    """Go on with a sweep that ended or lost its process, from its last seals; what it came to.

    Raises what requeue_sweep raises, and Conflict when another process holds it.
    """
    with open_workplace() as w:
        sweep = ledger.get_sweep(w.engine, sweep_id)
        text = f"{sweep.name}, {sweep.members:,} members"
        return _to_its_end(w, sweep.twin_id, lambda: sweeping.requeue_sweep(w, sweep_id), text, quiet=quiet)


def _to_its_end(
    w: Workplace, twin_id: int | None, queue: Callable[[], SweepRow], text: str, *, quiet: bool
) -> dict[str, Any]:
    if twin_id is not None:
        await_lease(w, twin_id, quiet=quiet)
    receipt: dict[str, Any] = {}
    with executor(w.settings) as how:  # before anything is queued
        sweep = queue()
        if sweep.status != "completed":
            with progress_bar(text, quiet=quiet) as show:
                receipt = asdict(sweeping.simulate_sweep(w, sweep.id, how, on_progress=show))
    return summary(w, sweep.id) | ({"receipt": receipt} if receipt else {})


def summary(w: Workplace, sweep_id: int) -> dict[str, Any]:
    """What a sweep came to: counts, members ranked, those that ended, Pareto front, sensitivity, paired differences."""
    sweep = ledger.get_sweep(w.engine, sweep_id)
    spec, body = sweeping.asked(sweep), lifecycle.twin_body(ledger.get_twin(w.engine, sweep.twin_id))
    listed, runs = (sweep.spec or {})["members"], ledger.list_members(w.engine, sweep_id)
    ids = [run.id for run in runs] + [m["run"] for m in listed if m.get("run")]
    members = outcomes(listed, runs, ledger.measure_runs(w.engine, ids))
    counts: dict[str, int] = {"members": len(members), "computed": len(runs), "reused": len(members) - len(runs)}
    for m in members:
        counts[m.status] = counts.get(m.status, 0) + 1
    row = {k: v for k, v in sweep.as_dict().items() if k != "spec"}
    path = lifecycle.run_path(w, runs[0]) if runs else None
    ended = [m.as_dict() for m in members if m.why is not None]
    return {
        "sweep": row | {"asked": spec.model_dump(mode="json", exclude_none=True)},
        "counts": counts,
        "ranking": [m.as_dict() for m in ranked(members)],
        "pareto": [m.as_dict() for m in pareto_members(members)],
        "ended": ended,
        "sensitivity": sensitivities(spec, body, members),
        "differences": differences(spec, body, members),
        "store": str(path) if path else None,
        "statistics": str(path / FOLDER) if path and (path / FOLDER / "zarr.json").exists() else None,
    }
