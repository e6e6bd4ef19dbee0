"""The main job as a flow: create a twin, simulate a pattern on it, insert the result, show it."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from flows.choices import (
    BodyName,
    GridText,
    ImportedName,
    PatternName,
    VariantName,
    imported_name,
    parameters_told,
    variants_told,
)
from flows.showing import Progress, coarse_task, ended_badly, logs_shown, one_sentence, phase, tag
from twinpipe import lifecycle
from twinpipe.body import load_body
from twinpipe.clock import check_years
from twinpipe.cluster import check_scheduler, executor, forward_logs
from twinpipe.db import ledger
from twinpipe.errors import TwinpipeError
from twinpipe.reporting import write_run_report
from twinpipe.running import in_turn
from twinpipe.scenario import load_pattern
from twinpipe.workplace import open_workplace


class SimulateTwin(BaseModel):
    """What to simulate."""

    model_config = ConfigDict(extra="forbid")

    body: BodyName = Field("mars", title="Body", description="Built-in body to clone.")
    imported_body: ImportedName = Field(
        "",
        title="Imported body",
        description="Identifier of an imported body, such as MARS-01, to clone instead; empty for the built-in one.",
    )
    name: str = Field("", max_length=200, title="Name", description="Name of the twin; that of its body when empty.")
    pattern: PatternName = Field("mars_terraform", title="Pattern", description="What is done to the twin.")
    years: int = Field(
        100, ge=1, le=1000, title="Years", description="Julian years of 365.25 days to simulate, 1 to 1000."
    )
    variant: VariantName = Field("", title="Variant", description=variants_told())
    force: bool = Field(False, title="Force", description="Run the pattern on a body that lacks what it needs.")
    parameters: dict[str, float | str] = Field({}, title="Parameters", description=parameters_told())
    grid: GridText = Field("36x72", title="Grid", description="Latitudes x longitudes, such as 18x36, 36x72 or 90x180.")
    again: bool = Field(
        False, title="Another twin", description="Make another twin, though one of the same content lives."
    )


@coarse_task("create")
def create(params: SimulateTwin) -> tuple[int, bool]:
    """Clone the body and queue the run, unless they are there already; the run's id, and whether it is owed."""
    with open_workplace() as w:
        check_scheduler(w.settings)  # better known before a twin is made
        body = load_body(imported_name(params.body, params.imported_body), imported=w.bodies)
        scenario = load_pattern(params.pattern).scenario(
            body, params.parameters, variant=params.variant or None, force=params.force
        )
        twin, _ = lifecycle.create_twin(w, body, params.name.strip() or body.name, grid=params.grid, again=params.again)
        run, _ = lifecycle.prepare_run(w, twin.id, scenario, check_years(params.years))
        return run.id, run.status != "completed"


@coarse_task("simulate")
def simulate(run_id: int, flow_run_id: str | None) -> dict[str, Any] | None:
    """Simulate the run on a Dask cluster, once its twin is free; the receipt, none when another flow did meanwhile."""
    show = Progress(f"run-{run_id}", f"Run {run_id}", "Simulating")
    with open_workplace() as w, logs_shown():

        def begin() -> dict[str, Any] | None:
            if ledger.get_run(w.engine, run_id).status == "completed":
                return None
            with executor(w.settings) as how:
                forward_logs(how, w.settings)
                return lifecycle.simulate_run(w, run_id, how, on_progress=show, flow_run_id=flow_run_id).as_dict()

        return in_turn(w, ledger.get_run(w.engine, run_id).twin_id, begin)


@coarse_task("insert")
def insert(receipt: dict[str, Any]) -> None:
    """Insert the result row."""
    with open_workplace() as w:
        lifecycle.insert_result(w, lifecycle.Receipt(**receipt))


@coarse_task("report")
def report(run_id: int) -> tuple[str, dict[str, float]]:
    """Draw the report and show it as artifacts; path of the report, and the four scores."""
    with open_workplace() as w:
        written = write_run_report(w, run_id)
        result = ledger.get_result(w.engine, run_id)
    create_markdown_artifact(markdown=written.markdown, key=f"result-{run_id}", description=written.headline)
    for what, rows in written.tables.items():
        create_table_artifact(table=list(rows), key=f"{what}-{run_id}", description=f"{what.title()} of run {run_id}")
    return str(written.html), {k: v for k, v in result.success_metrics.items() if isinstance(v, float)}


def to_its_result(run_id: int, *, owed: bool) -> dict[str, Any]:
    """Simulate and insert what is owed of a run, and show its report."""
    if owed:
        phase("Simulating")
        receipt = simulate(run_id, flow_run.get_id())
        if receipt is not None:
            phase("Inserting")
            insert(receipt)
    phase("Reporting")
    path, scores = report(run_id)
    get_run_logger().info("run %d completed: %s", run_id, scores)
    return {"run_id": run_id, "scores": scores, "report": path}


def run_name() -> str:
    """What is done to which body for how long."""
    p = SimulateTwin.model_validate(flow_run.get_parameters()["params"])
    return f"{imported_name(p.body, p.imported_body)} {p.pattern} {p.years} years"


@flow(name="simulate-twin", flow_run_name=run_name)
@one_sentence
def simulate_twin(params: SimulateTwin = SimulateTwin()) -> dict[str, Any]:  # noqa: B008  (the form needs an instance)
    """Clone a body, run a pattern on the twin, insert one result row, write the report; what is done is kept."""
    tag(params.imported_body or params.body, params.pattern)
    phase("Creating")
    try:
        run_id, owed = create(params)
        return to_its_result(run_id, owed=owed)
    except TwinpipeError as error:
        ended_badly(
            f"{params.imported_body or params.body}, {params.years} years",
            error,
            "mend what the sentence names and run it again with the same values: whatever is sealed is kept.",
        )
        raise


if __name__ == "__main__":
    simulate_twin()
