"""The catalogue of runs as a pandas DataFrame."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twinpipe.db.queries import CataloguedRun, catalogue
from twinpipe.workplace import Workplace, open_workplace

SCORES = ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency")
PAGE = 1000


def catalog() -> pd.DataFrame:
    """All runs of the ledger, newest first, one a row.

    Columns: run, twin, twin_name, body, sweep, member, status, pattern, years, grid, seed, a column parameter_NAME in
    the parameter's own unit for each parameter of a pattern, the four scores and overall_score (0..1), temperature (K)
    and pressure (Pa) at the start and the end, created_at, completed_at, and path, for tp.open_run.  Runs without a
    result have no scores, and those whose outputs are gone have no path.
    """
    with open_workplace(reap=False) as w:
        rows: list[CataloguedRun] = []
        while page := catalogue(w.engine, rows[-1].run_id if rows else None, PAGE):
            rows += page
        frame = pd.DataFrame([_row(w, run) for run in rows])
    for name in ("sweep", "member", "years", "seed"):
        if name in frame:
            frame[name] = frame[name].astype("Int64")  # which may be missing
    return frame


def _row(w: Workplace, run: CataloguedRun) -> dict[str, Any]:
    spec = (run.parameters or {}).get("spec", {})
    folder = (run.parameters or {}).get("store")
    known = folder is not None and run.status == "completed" and not run.gone
    return {
        "run": run.run_id,
        "twin": run.twin_id,
        "twin_name": run.twin_name,
        "body": run.body,
        "sweep": run.sweep_id,
        "member": run.member,
        "status": run.status,
        "pattern": run.pattern,
        "years": run.duration_years,
        "grid": spec.get("grid"),
        "seed": spec.get("seed"),
        **{f"parameter_{k}": v for k, v in spec.get("scenario", {}).get("parameters", {}).items()},
        **{name: (run.success_metrics or {}).get(name) for name in SCORES},
        "overall_score": run.overall_score,
        "start_temperature_k": run.start_temperature_k,
        "end_temperature_k": run.end_temperature_k,
        "start_pressure_pa": run.start_pressure_pa,
        "end_pressure_pa": run.end_pressure_pa,
        "created_at": run.created_at,
        "completed_at": run.completed_at,
        "path": str(w.twin_path(run.twin_id) / str(folder)) if known else None,
    }
