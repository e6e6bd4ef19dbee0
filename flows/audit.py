"""The audit as a flow: ledger, stores and Prefect compared, and what is safe repaired."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.showing import ended_badly, one_sentence, replaced
from twinpipe.audit import audit as compare
from twinpipe.errors import Failure, TwinpipeError
from twinpipe.repairs import repair as mend
from twinpipe.workplace import open_workplace


class Audit(BaseModel):
    """How to audit."""

    model_config = ConfigDict(extra="forbid")

    repair: bool = Field(False, title="Repair", description="Do the repairs that are safe; each is noted in audit_log.")
    contents: bool = Field(
        False, title="Contents", description="Read every sealed file whole, and not just its size: slow."
    )


@flow(name="audit", flow_run_name="audit")
@one_sentence
def audit(params: Audit = Audit()) -> Any:  # noqa: B008  (the form needs an instance)
    """Name each difference in one sentence with its repair; fails when any is left that somebody must look at."""
    if (skipped := replaced()) is not None:
        return skipped
    try:
        with open_workplace(reap=False) as w:
            report = compare(w, contents=params.contents)
            done, failed = mend(w, report) if params.repair else ([], [])
            left = compare(w, contents=params.contents).drifts if done else report.drifts
    except TwinpipeError as error:
        ended_badly("The audit", error, "mend what the sentence names, and run it again.")
        raise
    summary = f"{report.twins} twins, {report.runs} runs, {report.stores} stores; Prefect: {report.prefect}"
    lines = [f"# Audit\n\n{summary}\n", "No drift.\n" if not report.drifts else ""]
    for drift in report.drifts:
        mark = "repaired" if drift in done else "safe to repair" if drift.safe else "**for you**"
        lines.append(f"- {drift.kind}: {drift.sentence} ({mark}: {drift.repair})")
    lines += [f"- not repaired: {sentence}" for sentence in failed]
    create_markdown_artifact(markdown="\n".join(lines), key="audit", description="Newest audit")
    if report.drifts:
        rows = [
            {"kind": str(d.kind), "of": d.subject, "what": d.sentence, "repair": str(d.repair)} for d in report.drifts
        ]
        create_table_artifact(table=rows, key="audit-drifts", description="Drifts of the newest audit")
    get_run_logger().info("%s: %d drifts, %d repaired, %d left", summary, len(report.drifts), len(done), len(left))
    strange = [d for d in left if not d.safe]
    if strange:
        raise Failure(f"{len(strange)} drifts are for you to look at; the first: {strange[0].sentence}")
    return {"drifts": len(report.drifts), "repaired": len(done), "left": len(left)}
