"""A completed run again from its row alone, compared with its seals bit for bit; a random one every week."""

from __future__ import annotations

import random
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.showing import Progress, ended_badly, given, one_sentence, replaced
from twinpipe.db.ledger import list_runs
from twinpipe.errors import Failure, TwinpipeError
from twinpipe.replay import verify_run as replay
from twinpipe.workplace import Workplace, open_workplace

NEWEST = 1000  # runs from which one is drawn


class VerifyRun(BaseModel):
    """Which run to verify."""

    model_config = ConfigDict(extra="forbid")

    run: int | None = Field(
        None, ge=1, le=2**53, title="Run", description="Number of a completed run; a random one when not given."
    )


def run_name() -> str:
    """Which run is verified."""
    number = given().get("run")
    return f"verify {'a random run' if number is None else f'run {number}'}"


def drawn(w: Workplace) -> int | None:
    """A random completed run, if there is any."""
    runs = [r.id for r in list_runs(w.engine, limit=NEWEST) if r.status == "completed"]
    return random.choice(runs) if runs else None


@flow(name="verify-run", flow_run_name=run_name)
@one_sentence
def verify_run(params: VerifyRun = VerifyRun()) -> Any:  # noqa: B008  (the form needs an instance)
    """Replay a completed run and compare every segment with its seal; fails when they differ."""
    if (skipped := replaced()) is not None:
        return skipped
    log = get_run_logger()
    try:
        with open_workplace() as w:
            number = params.run if params.run is not None else drawn(w)
            if number is None:
                log.info("there is no completed run yet")
                return {"run": None}
            found = replay(w, number, Progress(f"verify-{number}", f"Run {number}, again", "Verifying"))
        lines = "\n".join(f"- {line}" for line in found.sentences())
        text = f"# Run {number}, again\n\n{lines}\n"
        create_markdown_artifact(markdown=text, key=f"verified-{number}", description=f"Run {number} verified")
        if not found.identical:
            raise Failure(" ".join(found.sentences()))
    except TwinpipeError as error:
        ended_badly("The verification", error, "the sentence says what may have changed; run the audit with contents.")
        raise
    log.info("run %d: %s", number, "; ".join(found.sentences()))
    return {"run": number, "identical": found.identical}
