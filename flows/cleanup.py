"""Cleanup as a flow: expired twins and their stores, rows past their retention, runs that nobody ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from flows.showing import coarse_task, ended_badly, one_sentence, replaced
from twinpipe.cleanup import clean
from twinpipe.errors import Failure, TwinpipeError
from twinpipe.workplace import open_workplace

REMEDY = "run `twinpipe audit`, mend what it names, and run the cleanup again: it takes up what was left."


class Cleanup(BaseModel):
    """What to clean up."""

    model_config = ConfigDict(extra="forbid")

    as_of: AwareDatetime | None = Field(
        None, title="As of", description="Clean up as if it were then; now when not given."
    )
    dry_run: bool = Field(False, title="Dry run", description="Only tell what would go.")


@coarse_task("clean")
def run_cleanup(as_of: datetime | None, dry_run: bool) -> dict[str, Any]:
    """Clean up and show the report as an artifact; the report."""
    with open_workplace(reap=False) as w:
        report = clean(w, as_of=as_of, dry_run=dry_run)
    lines = "\n".join(f"- {line}" for line in report.sentences())
    create_markdown_artifact(markdown=f"# Cleanup\n\n{lines}\n", key="cleanup", description="Newest cleanup")
    return report.as_dict()


@flow(name="cleanup", flow_run_name="cleanup")
@one_sentence
def cleanup(params: Cleanup = Cleanup()) -> Any:  # noqa: B008  (the form needs an instance)
    """Delete what expired and what is past its retention; fails when a store could not be dropped."""
    if (skipped := replaced()) is not None:
        return skipped
    try:
        report = run_cleanup(params.as_of, params.dry_run)
        get_run_logger().info("cleanup: %d bytes in %d stores", report["bytes"], len(report["dropped_stores"]))
        if report["failures"]:
            raise Failure(f"{len(report['failures'])} stores could not be dropped: {report['failures'][0]}")
    except TwinpipeError as error:
        ended_badly("Cleanup", error, REMEDY)
        raise
    return report


if __name__ == "__main__":
    cleanup()
