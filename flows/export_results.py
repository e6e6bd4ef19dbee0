"""Results of runs as JSON lines in a folder of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel, ConfigDict, Field

from flows.showing import ended_badly, one_sentence
from twinpipe import durable
from twinpipe.db.ledger import list_runs
from twinpipe.errors import NotFound, TwinpipeError
from twinpipe.exporting import export_results as exported
from twinpipe.workplace import open_workplace


class ExportResults(BaseModel):
    """Whose results to export."""

    model_config = ConfigDict(extra="forbid")

    twin: int | None = Field(
        None, ge=1, le=2**53, title="Twin", description="Only runs of this twin; all when not given."
    )
    newest: int = Field(1000, ge=1, le=100_000, title="Newest", description="The newest so many runs.")


@flow(name="export-results", flow_run_name="export of results")
@one_sentence
def export_results(params: ExportResults = ExportResults()) -> dict[str, Any]:  # noqa: B008  (the form needs an instance)
    """Write completed runs as the game reads them, as JSON lines below HOME/exports; the file and its digest."""
    try:
        with open_workplace() as w:
            folder = w.settings.home / "exports" / f"results-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
            durable.check_writable(folder)
            lines = []
            for run in list_runs(w.engine, params.twin, params.newest):
                if run.status == "completed":
                    try:
                        lines += [orjson.dumps(result) + b"\n" for result in exported(w, [run.id], None)]
                    except NotFound:
                        continue  # past its retention
            file = folder / "results.jsonl"
            durable.replace(file, lambda out: out.writelines(lines))
    except TwinpipeError as error:
        ended_badly("The export", error, "mend what the sentence names, and run it again.")
        raise
    digest = sha256(b"".join(lines)).hexdigest()
    text = f"# Exported results\n\n{len(lines)} results in `{file}`\n\nSHA-256 `{digest}`\n"
    create_markdown_artifact(markdown=text, key="export", description=f"{len(lines)} results")
    get_run_logger().info("%d results in %s", len(lines), file)
    return {"file": str(file), "results": len(lines), "sha256": digest}
