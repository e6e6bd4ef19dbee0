"""The report of a completed run: its store and its result row, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twinpipe import lifecycle
from twinpipe.db import ledger
from twinpipe.plots import draw
from twinpipe.report import artifact_tables, headline, markdown_summary, write_report
from twinpipe.store import open_run
from twinpipe.sweep_places import place_in_store
from twinpipe.workplace import Workplace


@dataclass(frozen=True)
class Written:
    """What was written."""

    html: Path
    pictures: dict[str, Path]
    headline: str
    markdown: str
    tables: dict[str, list[dict[str, str]]]


def write_run_report(w: Workplace, run_id: int) -> Written:
    """Draw pictures and report of a run into the reports folder; raises NotFound when it has no result."""
    result = ledger.get_result(w.engine, run_id).as_dict()
    run = ledger.get_run(w.engine, run_id)
    spec, path = lifecycle.run_spec(w, run), lifecycle.run_path(w, run)
    folder = w.reports / f"run-{run_id}"
    with open_run(path) as tree:
        pictures = draw(tree, spec, result["key_events"], folder, place_in_store(w, run))
    facts = {"twin": str(run.twin_id), "run": str(run.id), "run key": run.run_key, "store": str(path)}
    html = write_report(folder, spec=spec, result=result, facts=facts, pictures=pictures)
    at = w.settings.report_url
    link = f"{at.rstrip('/')}/{folder.name}/{html.name}" if at else ""
    markdown = markdown_summary(spec=spec, result=result, facts=facts, picture=pictures["hero"], link=link)
    return Written(html, pictures, headline(spec, result), markdown, artifact_tables(spec, result))
