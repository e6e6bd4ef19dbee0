"""The rollback as a flow: it says what will go, and waits for somebody to approve in the page of the run."""

from __future__ import annotations

from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import BaseModel, ConfigDict, Field

from flows.showing import ended_badly, one_sentence
from twinpipe.db.ledger import list_runs, list_twins
from twinpipe.errors import Cancelled, TwinpipeError
from twinpipe.rollback import roll_back
from twinpipe.settings import load_settings
from twinpipe.workplace import open_workplace

HOUR = 3600
GO = "roll the ledger back"


class Rollback(BaseModel):
    """How far back to go."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(
        "base",
        pattern=r"^[A-Za-z0-9_]{1,64}$",
        title="Revision",
        description="Revision of the schema to go back to; base takes every table away.",
    )
    keep_stores: bool = Field(True, title="Keep stores", description="Leave the Zarr stores of the twins.")


class Approval(RunInput):
    """What somebody decides about a rollback."""

    decision: Literal["leave everything as it is", "roll the ledger back"] = "leave everything as it is"
    approved_by: str = Field("", max_length=100, description="Who decides; noted in the report.")


@flow(name="rollback", flow_run_name="rollback to {params.to}")
@one_sentence
def rollback(params: Rollback = Rollback()) -> Any:  # noqa: B008  (the form needs an instance)
    """Stop jobs, export all rows, reverse migrations, look for orphans, once somebody has approved within an hour."""
    log = get_run_logger()
    with open_workplace() as w:
        twins, runs = len(list_twins(w.engine, 10_000)), list_runs(w.engine, limit=10_000)
    running = sum(r.status == "running" for r in runs)
    stores = "stores stay" if params.keep_stores else "**stores are deleted**"
    told = f"Twins: {twins}. Runs: {len(runs)}, of which {running} are running. All rows are exported first; {stores}"
    question = (
        f"# Roll the ledger back to `{params.to}`?\n\n{told}.\n\nWithout an answer within an hour, nothing is done."
    )
    try:
        answer = pause_flow_run(
            wait_for_input=Approval.with_initial_data(description=question), timeout=HOUR, poll_interval=5
        )
    except FlowPauseTimeout:
        raise Cancelled("nobody approved the rollback within an hour; everything is as it was.") from None
    if answer.decision != GO or not answer.approved_by.strip():
        raise Cancelled("the rollback was not approved by anybody with a name; everything is as it was.")
    try:
        done = roll_back(load_settings(), params.to, None, keep_stores=params.keep_stores)
    except TwinpipeError as error:
        ended_badly("The rollback", error, "mend what the sentence names, and run it again: it exports first.")
        raise
    rows = sum(f["rows"] for f in done["fingerprints"].values())
    text = (
        f"# Rolled back from {done['from']} to {done['to']}\n\nApproved by {answer.approved_by.strip()}.\n\n"
        f"- {rows} rows exported to `{done['export']}`\n- {len(done['cancelled_runs'])} running runs cancelled\n"
        f"- {done['cleared_stores']} stores deleted\n- {sum(done['orphans'].values())} orphans\n\n"
        f"The way back: `twinpipe db migrate && twinpipe db import {done['export']}`\n"
    )
    create_markdown_artifact(markdown=text, key="rollback", description=f"Rollback to {params.to}")
    log.info("rolled back to %s by %s; %d rows in %s", done["to"], answer.approved_by, rows, done["export"])
    return {"to": done["to"], "export": done["export"], "rows": rows}
