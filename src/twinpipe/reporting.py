"""The report of a completed run: its store and its result row, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twinpipe import lifecycle
from twinpipe.db import ledger
from twinpipe.lookup import run_tree
from twinpipe.plots import draw, draw_kinds, save
from twinpipe.plots.comparison import comparison_figure
from twinpipe.report import markdown_summary, write_report
from twinpipe.store import open_run
from twinpipe.workplace import Workplace


@dataclass(frozen=True)
class Written:
    """What was written."""

    html: Path
    pictures: dict[str, Path]
    markdown: str


def write_run_report(w: Workplace, run_id: int) -> Written:
    """Draw pictures and report of a run into the reports folder; raises NotFound when it has no result."""
    result = ledger.get_result(w.engine, run_id).as_dict()
    run = ledger.get_run(w.engine, run_id)
    spec, path = lifecycle.run_spec(w, run), lifecycle.run_path(w, run)
    folder = w.reports / f"run-{run_id}"
    with open_run(path) as tree:
        pictures = draw(tree, spec, result["key_events"], folder)
    facts = {"twin": str(run.twin_id), "run": str(run.id), "run key": run.run_key, "store": str(path)}
    html = write_report(folder, spec=spec, result=result, facts=facts, pictures=pictures)
    markdown = markdown_summary(spec=spec, result=result, facts=facts, picture=pictures["hero"])
    return Written(html, pictures, markdown)


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
