"""The daily statistics made again from the results that they sum up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.showing import ended_badly, one_sentence, replaced
from twinpipe.db.statistics import repair_statistics as mend
from twinpipe.errors import TwinpipeError
from twinpipe.workplace import open_workplace


class RepairStatistics(BaseModel):
    """How far back to look."""

    model_config = ConfigDict(extra="forbid")

    days: int = Field(
        31, ge=1, le=365, title="Days", description="Days to look back, but never beyond what is kept of results."
    )


@flow(name="repair-statistics", flow_run_name="statistics of {params.days} days")
@one_sentence
def repair_statistics(params: RepairStatistics = RepairStatistics()) -> Any:  # noqa: B008  (the form needs an instance)
    """Make the sums of each day those of its results again; how many were wrong."""
    if (skipped := replaced()) is not None:
        return skipped
    try:
        with open_workplace() as w:
            days = min(params.days, w.settings.retention_results - 1)
            wrong = mend(w.engine, (datetime.now(UTC) - timedelta(days=days)).date())
    except TwinpipeError as error:
        ended_badly("The repair of the statistics", error, "mend what the sentence names; every night does it.")
        raise
    told = f"{wrong} sums of {days} days were not those of their results, and are made again."
    create_markdown_artifact(markdown=f"# Daily statistics\n\n{told}\n", key="statistics", description=told)
    get_run_logger().info("%d daily statistics of %d days were repaired", wrong, days)
    return {"days": days, "repaired": wrong}
