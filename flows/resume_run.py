"""Go on with a run that failed, was cancelled or lost its process, from its last sealed segment."""

from __future__ import annotations

from typing import Any

from prefect import flow
from pydantic import BaseModel, ConfigDict, Field

from flows.showing import coarse_task, ended_badly, one_sentence, phase, tag
from flows.simulate_twin import to_its_result
from twinpipe import lifecycle
from twinpipe.db import ledger
from twinpipe.errors import TwinpipeError
from twinpipe.running import await_twin
from twinpipe.workplace import open_workplace


class ResumeRun(BaseModel):
    """Which run to go on with."""

    model_config = ConfigDict(extra="forbid")

    run: int = Field(
        ..., ge=1, le=2**53, title="Run", description="Number of the run, as its artifacts and `twinpipe run list` say."
    )


@coarse_task("requeue")
def requeue(number: int) -> int:
    """Queue what goes on with the run; its id, which is another where the run has ended."""
    with open_workplace() as w:
        run = ledger.get_run(w.engine, number)
        lifecycle.check_resumable(run)
        await_twin(w, run.twin_id)
        return lifecycle.requeue(w, number).id


@flow(name="resume-run", flow_run_name="run {params.run}, resumed")
@one_sentence
def resume_run(params: ResumeRun) -> dict[str, Any]:
    """Go on with a run to its result; what is sealed is kept."""
    tag("resumed")
    phase("Waiting")
    try:
        return to_its_result(requeue(params.run), owed=True)
    except TwinpipeError as error:
        ended_badly(f"Run {params.run}", error, "see `twinpipe run why` with its number, then resume it again.")
        raise
