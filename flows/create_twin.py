"""Clone a body into a twin: a row, an immutable snapshot, a store with the climate it starts from."""

from __future__ import annotations

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict, Field

from flows.choices import BodyName, GridText, ImportedName, imported_name
from flows.showing import ended_badly, logs_shown, one_sentence, tag
from twinpipe import lifecycle
from twinpipe.body import load_body
from twinpipe.errors import TwinpipeError
from twinpipe.markdown import plain
from twinpipe.workplace import open_workplace


class CreateTwin(BaseModel):
    """What to clone."""

    model_config = ConfigDict(extra="forbid")

    body: BodyName = Field("mars", title="Body", description="Built-in body to clone.")
    imported_body: ImportedName = Field(
        "",
        title="Imported body",
        description="Identifier of an imported body, such as MARS-01, to clone instead; empty for the built-in one.",
    )
    name: str = Field("", max_length=200, title="Name", description="Name of the twin; that of its body when empty.")
    days_to_live: int = Field(
        30, ge=0, le=36_525, title="Days to live", description="Days until the twin expires; 0 means never."
    )
    grid: GridText = Field("36x72", title="Grid", description="Latitudes x longitudes, such as 18x36, 36x72 or 90x180.")
    again: bool = Field(
        False, title="Another twin", description="Make another twin, though one of the same content lives."
    )


def run_name() -> str:
    """Whose twin it is."""
    p = CreateTwin.model_validate(flow_run.get_parameters()["params"])
    return f"twin of {imported_name(p.body, p.imported_body)}"


@flow(name="create-twin", flow_run_name=run_name)
@one_sentence
def create_twin(params: CreateTwin = CreateTwin()) -> dict[str, Any]:  # noqa: B008  (the form needs an instance)
    """Clone a body into a twin; the same request is the same twin for as long as it lives."""
    tag(params.imported_body or params.body)
    try:
        with open_workplace() as w, logs_shown():
            body = load_body(imported_name(params.body, params.imported_body), imported=w.bodies)
            twin, new = lifecycle.create_twin(
                w,
                body,
                params.name.strip() or body.name,
                ttl_days=params.days_to_live,
                grid=params.grid,
                again=params.again,
            )
            path = w.twin_path(twin.id)
    except TwinpipeError as error:
        ended_badly(
            f"The twin of {params.imported_body or params.body}",
            error,
            "mend what the sentence names, and run it again.",
        )
        raise
    expires = f"{twin.expires_at:%Y-%m-%d %H:%M} UTC" if twin.expires_at else "never"
    told = "" if new else "It was there already.\n\n"
    rows = {"body": plain(twin.body), "grid": params.grid, "expires": expires, "store": f"`{path}`"}
    table = "\n".join(f"| {k} | {v} |" for k, v in rows.items())
    text = f"# Twin {twin.id}: {plain(twin.name)}\n\n{told}| | |\n|---|---|\n{table}\n"
    create_markdown_artifact(markdown=text, key=f"twin-{twin.id}", description=f"Twin {twin.id}, {twin.name}")
    get_run_logger().info("twin %d is %s", twin.id, "made" if new else "there already")
    return {"twin_id": twin.id, "new": new}


if __name__ == "__main__":
    create_twin()
