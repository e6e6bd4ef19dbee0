"""Learn a pattern from a completed run, or from the best member of a sweep."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.choices import Number, check_one_named
from flows.showing import ended_badly, given, one_sentence
from twinpipe.errors import TwinpipeError
from twinpipe.markdown import plain, table
from twinpipe.teaching import learn_run, learn_sweep
from twinpipe.workplace import open_workplace


class LearnPatterns(BaseModel):
    """What to learn from: a run or a sweep."""

    model_config = ConfigDict(extra="forbid")

    run: Number | None = Field(None, title="Run", description="Number of a completed run to learn from.")
    sweep: Number | None = Field(
        None, title="Sweep", description="Number of a completed sweep, of whose best member to learn."
    )
    name: str = Field(
        "", max_length=100, title="Name", description="Name of the pattern; made from its run when empty."
    )


def run_name() -> str:
    """From what it learns."""
    p = given()
    return f"learn from sweep {p['sweep']}" if p.get("sweep") else f"learn from run {p.get('run')}"


@flow(name="learn-patterns", flow_run_name=run_name)
@one_sentence
def learn_patterns(params: LearnPatterns) -> dict[str, Any]:
    """Keep what a run did well as a pattern that other bodies can be held against; the same again is the same row."""
    name = params.name.strip() or None
    try:
        check_one_named(params.run, params.sweep)
        with open_workplace() as w:
            row = learn_run(w, params.run, name) if params.run is not None else learn_sweep(w, params.sweep or 0, name)
    except TwinpipeError as error:
        ended_badly("Learning", error, "mend what the sentence names, and run it again.")
        raise
    phases = [
        [p["phase"], f"{p['start_year']:g}", f"{p['duration_days'] / 365.25:g}", ", ".join(p["equipment"])]
        for p in row.deployment_sequence
    ]
    paid = "\n".join(f"- {plain(o['description'])} (+{o['gain'] or 0:.3f})" for o in row.optimizations)
    text = f"# {plain(row.pattern_id)}\n\nSuccess score {row.success_score:.3f}\n\n"
    text += f"{table(['phase', 'from year', 'years', 'equipment'], phases)}\n\n"
    text += f"## What paid\n\n{paid}\n" if paid else ""
    create_markdown_artifact(markdown=text, key="learned-pattern", description=row.pattern_id)
    get_run_logger().info("%s: success score %.3f", row.pattern_id, row.success_score)
    return {"pattern_id": row.pattern_id, "success_score": row.success_score}
