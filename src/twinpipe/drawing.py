"""Pictures of what the ledger knows, drawn into the reports folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twinpipe import lifecycle
from twinpipe.db import ledger
from twinpipe.lookup import run_tree
from twinpipe.plots import draw_kinds, save
from twinpipe.plots.comparison import comparison_figure
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
