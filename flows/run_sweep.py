"""A sweep as a flow, of a file or of the form: quote, simulate what is new, show what the members came to."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import BaseModel, ConfigDict, Field

from flows.choices import IDENTIFIER, FileName, Number, filled
from flows.showing import (
    Progress,
    coarse_task,
    ended_badly,
    given,
    logs_shown,
    one_sentence,
    phase,
    replaced,
    scheduled,
    tag,
)
from twinpipe import sweeping
from twinpipe.body import builtin_names
from twinpipe.cluster import check_scheduler, executor, forward_logs
from twinpipe.db import ledger
from twinpipe.drawing import report_sweep
from twinpipe.errors import Conflict, Failure, InvalidInput, StoreError, TwinpipeError
from twinpipe.pages import data_uri
from twinpipe.running import in_turn
from twinpipe.settings import load_settings
from twinpipe.sweep_running import summary
from twinpipe.sweep_spec import SweepSpec, read_sweep
from twinpipe.sweep_tables import index_records, markdown_summary, member_records, quote_lines, sensitivity_title
from twinpipe.workplace import open_workplace

REMEDY = "mend what the sentence names and run it again with the same values: whatever is sealed is kept."


class RunSweep(BaseModel):
    """What to sweep."""

    model_config = ConfigDict(extra="forbid")

    file: FileName = Field(
        "nightly.toml",
        title="File",
        description="Sweep file (TOML, YAML or JSON) in the folder `sweeps` of TWINPIPE_HOME.",
    )
    sweep: SweepSpec | None = Field(None, title="Sweep", description="The sweep itself, instead of a file.")
    twin: Number | None = Field(
        None, title="Twin", description="Number of the twin to run on; one of the sweep's body when not given."
    )
    dry_run: bool = Field(False, title="Dry run", description="Only say what it would take.")


def file_of(params: RunSweep) -> Path:
    """Where the file lies that the form names."""
    return load_settings().home / "sweeps" / params.file


def asked(params: RunSweep) -> SweepSpec:
    """The sweep that the form means; raises InvalidInput."""
    if params.sweep is None:
        return read_sweep(file_of(params))
    body = params.sweep.base.body
    if body.lower() not in builtin_names() and not re.fullmatch(IDENTIFIER, body):  # a form reads no file
        raise InvalidInput("base.body", body, "it is a built-in body or the identifier of an imported one")
    return params.sweep


@coarse_task("quote")
def quote(params: RunSweep) -> list[str]:
    """What the sweep would take, as sentences; nothing is written."""
    spec = asked(params)
    with open_workplace() as w:
        lines = quote_lines(sweeping.offer(w, spec, params.twin).quote.as_dict())
    text = "\n".join(f"- {line}" for line in lines)
    create_markdown_artifact(markdown=f"# Quote of {spec.name}\n\n{text}\n", key="quote", description=spec.name)
    return lines


@coarse_task("create")
def create(params: RunSweep) -> tuple[int, bool]:
    """Queue the sweep, unless it is there already; its id, and whether it is owed."""
    spec = asked(params)
    with open_workplace() as w:
        check_scheduler(w.settings)  # better known before anything is queued
        sweep, _ = sweeping.create_sweep(w, sweeping.offer(w, spec, params.twin))
        return sweep.id, sweep.status != "completed"


@coarse_task("simulate")
def simulate(sweep_id: int, flow_run_id: str | None) -> dict[str, Any] | None:
    """Simulate what the sweep owes on a Dask cluster, once its twin is free; the receipt.

    None when another flow did meanwhile.
    """
    show = Progress(f"sweep-{sweep_id}", f"Sweep {sweep_id}", "Simulating")
    with open_workplace() as w, logs_shown():

        def begin() -> dict[str, Any] | None:
            if ledger.get_sweep(w.engine, sweep_id).status == "completed":
                return None
            with executor(w.settings) as how:
                forward_logs(how, w.settings)
                return asdict(sweeping.simulate_sweep(w, sweep_id, how, on_progress=show, flow_run_id=flow_run_id))

        receipt = in_turn(w, ledger.get_sweep(w.engine, sweep_id).twin_id, begin)
    show(1.0)
    return receipt


@coarse_task("report")
def report(sweep_id: int) -> dict[str, Any]:
    """Show what the sweep came to as artifacts, with a report where a member completed; counts and path.

    Where outputs of members are gone, the tables are shown without one.
    """
    html = None
    with open_workplace() as w:
        found, at = summary(w, sweep_id), w.settings.report_url
        try:
            html = report_sweep(w, sweep_id) if found["ranking"] else None
        except (Conflict, StoreError) as gone:
            get_run_logger().warning("no report of sweep %d: %s", sweep_id, gone)
    link = f"{at.rstrip('/')}/{html.parent.name}/{html.name}" if at and html else ""
    picture = data_uri(html.with_name("fan.png")) if html else ""
    text = markdown_summary(found, picture=picture, link=link)
    create_markdown_artifact(markdown=text, key=f"sweep-result-{sweep_id}", description=found["sweep"]["name"])
    tables = {f"{what}-{sweep_id}": member_records(found[what]) for what in ("ranking", "pareto")}
    titles = {key: f"{key.split('-')[0].title()} of sweep {sweep_id}" for key in tables}
    for i, analysis in enumerate(found["sensitivity"]):
        tables[f"sensitivity-{sweep_id}-{i}"] = index_records(analysis)
        titles[f"sensitivity-{sweep_id}-{i}"] = sensitivity_title(analysis)
    for key, rows in tables.items():
        if rows:
            create_table_artifact(table=rows, key=f"sweep-{key}", description=titles[key])
    return {"counts": found["counts"], "report": str(html) if html else None}


def to_its_end(sweep_id: int, *, owed: bool) -> dict[str, Any]:
    """Simulate what is owed of a sweep, and show its report; raises Failure when no member came to a result."""
    receipt = None
    if owed:
        phase("Simulating")
        receipt = simulate(sweep_id, flow_run.get_id())
    phase("Reporting")
    done = report(sweep_id)
    if not done["counts"].get("completed"):
        raise Failure(f"no member of sweep {sweep_id} completed; `twinpipe sweep show {sweep_id}` says why.")
    get_run_logger().info("sweep %d: %s", sweep_id, done["counts"])
    return {"sweep_id": sweep_id, "receipt": receipt, **done}


def run_name() -> str:
    """Which sweep it is."""
    p = given()
    name = p["sweep"].get("name", "by form") if p.get("sweep") else p.get("file", RunSweep().file)
    return f"sweep {name}{', quote only' if p.get('dry_run') else ''}"


# not validated by Prefect, whose refusals take many lines: rules between fields are not in the schema of the form
@flow(name="run-sweep", flow_run_name=run_name, validate_parameters=False)
@one_sentence
def run_sweep(params: RunSweep = RunSweep()) -> Any:  # noqa: B008  (the form needs an instance)
    """Sweep a plan: members that the twin has already are taken as they are, one that fails stops nobody."""
    if (skipped := replaced()) is not None:
        return skipped
    tag("sweep")
    try:
        params = filled(RunSweep, params)
        if params.sweep is None and scheduled() and not (file := file_of(params)).exists():
            return Completed(name="Nothing to sweep", message=f"there is no {file}: a sweep file there runs by night")
        if params.dry_run:
            return {"quote": quote(params)}
        phase("Creating")
        sweep_id, owed = create(params)
        return to_its_end(sweep_id, owed=owed)
    except TwinpipeError as error:
        ended_badly("The sweep", error, REMEDY)
        raise


if __name__ == "__main__":
    run_sweep()
