"""The main job as a flow: create a twin, simulate a pattern on it, insert the result, show it."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from twinpipe import lifecycle
from twinpipe.body import load_body
from twinpipe.clock import check_years
from twinpipe.cluster import executor
from twinpipe.db import ledger
from twinpipe.reporting import write_run_report
from twinpipe.scenario import PatternName, load_pattern
from twinpipe.workplace import open_workplace


class SimulateTwin(BaseModel):
    """What to simulate."""

    model_config = ConfigDict(extra="forbid")

    body: str = Field("mars", description="Built-in body, or the identifier of an imported one.")
    name: str = Field("Mars", min_length=1, max_length=200, description="Name of the twin.")
    pattern: PatternName = Field("mars_terraform", description="Deployment pattern.")
    years: int = Field(100, ge=1, le=1000, description="Julian years to simulate.")
    parameters: dict[str, float | str] = Field(
        {}, description="Parameters of the pattern, as numbers in their own unit or as text with a unit."
    )
    grid: str = Field("36x72", description="Latitudes x longitudes.")
    again: bool = Field(False, description="Make another twin, though one of the same content lives.")


@task(name="create", cache_policy=NO_CACHE, persist_result=False)
def create(params: SimulateTwin) -> tuple[int, bool]:
    """Clone the body and queue the run, unless they are there already; the run's id, and whether it is owed."""
    with open_workplace() as w:
        if w.settings.dask_scheduler:
            with executor(w.settings):
                pass  # it answers: better known before a twin is made
        body = load_body(params.body, imported=w.bodies)
        scenario = load_pattern(params.pattern).scenario(body, params.parameters)
        twin, _ = lifecycle.create_twin(w, body, params.name, grid=params.grid, again=params.again)
        run, _ = lifecycle.prepare_run(w, twin.id, scenario, check_years(params.years))
        return run.id, run.status != "completed"


@task(name="simulate", cache_policy=NO_CACHE, persist_result=False)
def simulate(run_id: int, flow_run_id: str | None) -> dict[str, Any]:
    """Simulate the run on a Dask cluster; the receipt."""
    artifact: UUID | None = None
    last = 0.0

    def show(fraction: float) -> None:
        nonlocal artifact, last
        if time.monotonic() - last < 1.0 and fraction < 1.0:
            return
        last = time.monotonic()
        try:
            if artifact is None:
                made = create_progress_artifact(progress=0.0, key=f"run-{run_id}", description=f"Run {run_id}")
                artifact = _uuid(made)
            update_progress_artifact(artifact_id=artifact, progress=100 * fraction)
        except Exception as error:  # Prefect only shows progress: whatever ails it must not end the run
            get_run_logger().warning("progress is not shown: %s", error)

    with open_workplace() as w, executor(w.settings) as how:
        return lifecycle.simulate_run(w, run_id, how, on_progress=show, flow_run_id=flow_run_id).as_dict()


@task(name="insert", cache_policy=NO_CACHE, persist_result=False)
def insert(receipt: dict[str, Any]) -> None:
    """Insert the result row."""
    with open_workplace() as w:
        lifecycle.insert_result(w, lifecycle.Receipt(**receipt))


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def report(run_id: int) -> tuple[str, dict[str, float]]:
    """Draw the report and show it as an artifact; path of the report, and the four scores."""
    with open_workplace() as w:
        written = write_run_report(w, run_id)
        metrics = ledger.get_result(w.engine, run_id).success_metrics
    create_markdown_artifact(markdown=written.markdown, key=f"result-{run_id}", description=f"Result of run {run_id}")
    return str(written.html), {k: v for k, v in metrics.items() if isinstance(v, float)}


@flow(name="simulate-twin", flow_run_name="{params.body} {params.pattern} {params.years} years")
def simulate_twin(params: SimulateTwin = SimulateTwin()) -> dict[str, Any]:  # noqa: B008  (the form needs an instance)
    """Clone a body, run a pattern on the twin, insert one result row, write the report; what is done is kept."""
    log = get_run_logger()
    run_id, owed = create(params)
    if owed:
        insert(simulate(run_id, flow_run.get_id()))
    path, scores = report(run_id)
    log.info("run %d completed: %s", run_id, scores)
    return {"run_id": run_id, "scores": scores, "report": path}


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


if __name__ == "__main__":
    simulate_twin()
