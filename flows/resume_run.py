"""Go on with a run or a sweep that failed, was cancelled or lost its process, from its last sealed segments."""

from __future__ import annotations

from typing import Any

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from flows.choices import Number, check_one_named
from flows.run_sweep import to_its_end
from flows.showing import coarse_task, ended_badly, given, one_sentence, phase, tag
from flows.simulate_twin import to_its_result
from twinpipe import lifecycle, sweeping
from twinpipe.db import ledger
from twinpipe.errors import TwinpipeError
from twinpipe.running import await_twin
from twinpipe.workplace import open_workplace


class ResumeRun(BaseModel):
    """Which run or sweep to go on with."""

    model_config = ConfigDict(extra="forbid")

    run: Number | None = Field(
        None, title="Run", description="Number of the run, as its artifacts and `twinpipe run list` say."
    )
    sweep: Number | None = Field(
        None, title="Sweep", description="Number of the sweep, instead of a run, as `twinpipe sweep list` says."
    )


@coarse_task("requeue")
def requeue(number: int) -> int:
    """Queue what goes on with the run; its id, which is another where the run has ended."""
    with open_workplace() as w:
        run = ledger.get_run(w.engine, number)
        lifecycle.check_resumable(run)
        await_twin(w, run.twin_id)
        return lifecycle.requeue(w, number).id


@coarse_task("requeue")
def requeue_sweep(number: int) -> int:
    """Queue what goes on with the sweep; its id, which is another where the sweep has ended."""
    with open_workplace() as w:
        await_twin(w, ledger.get_sweep(w.engine, number).twin_id)
        return sweeping.requeue_sweep(w, number).id


def run_name() -> str:
    """What goes on."""
    p = given()
    return f"sweep {p['sweep']}, resumed" if p.get("sweep") else f"run {p.get('run')}, resumed"


@flow(name="resume-run", flow_run_name=run_name)
@one_sentence
def resume_run(params: ResumeRun) -> dict[str, Any]:
    """Go on with a run or a sweep to its results; what is sealed is kept."""
    tag("resumed")
    phase("Waiting")
    what = f"Run {params.run}" if params.sweep is None else f"Sweep {params.sweep}"
    try:
        check_one_named(params.run, params.sweep)
        if params.sweep is not None:
            return to_its_end(requeue_sweep(params.sweep), owed=True)
        return to_its_result(requeue(params.run or 0), owed=True)
    except TwinpipeError as error:
        ended_badly(what, error, "see `twinpipe run why` or `sweep show` with its number, then resume it again.")
        raise
