"""What the outbox and the audit log hold, by topic and by action; a column's values are told apart by their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from twinpipe.part import Part

Number = Annotated[int, Field(ge=1, description="id of a row")]
Count = Annotated[int, Field(ge=0)]
Place = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$", description="path of a folder")]
Words = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]+$")]


class TwinDeleted(Part):
    """twin.deleted: the store of a twin is to be dropped; null when the twin never was ready."""

    twin_id: Number
    store: Place | None


class RunPurged(Part):
    """run.purged: the outputs of a run are to be dropped, its twin living on."""

    run_id: Number
    twin_id: Number
    store: Place | None
    folder: Place = Field(description="below the twin's store")


class RunCompleted(Part):
    """run.completed: a result is to be told of."""

    run_id: Number
    twin_id: Number
    result_id: Number


class Dropped(Part):
    """The proof that an effect happened: which stores were looked for, and how many bytes went."""

    bytes: Count
    stores: list[Place]


class NoDetail(Part):
    """expire, by hand: the row says it all."""


class TwinDeletion(Part):
    """delete: what the twin was until then."""

    was: Literal["creating", "ready", "running_simulation", "completed", "failed"]


class TwinsExpired(Part):
    """expire, by cleanup: how many twins were deleted, and the first and last of them."""

    count: Number
    first: Number
    last: Number


class RowsPurged(Part):
    """purge: how many rows of a batch went and were scrubbed, and the first and last of them."""

    deleted: Count
    scrubbed: Count
    first: Number
    last: Number


class OutputsGivenUp(Part):
    """give up outputs: what was wrong with them."""

    reason: Words


class Repair(Part):
    """repair: the drift that was found, of what, and what was done about it."""

    kind: Words
    subject: Words
    done: Words


class Exported(Part):
    """export: what of a run was given out, and the digest of its bytes."""

    what: Literal["result", "manifest", "body"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _by_key(tags: dict[str, str], otherwise: str) -> Callable[[Any], str]:
    """The tag of a value by the first of the keys that it has."""

    def tag(value: Any) -> str:
        keys = value if isinstance(value, dict) else type(value).__annotations__
        return next((tag for key, tag in tags.items() if key in keys), otherwise)

    return tag


OutboxPayload = Annotated[
    Annotated[TwinDeleted, Tag("twin.deleted")]
    | Annotated[RunPurged, Tag("run.purged")]
    | Annotated[RunCompleted, Tag("run.completed")],
    Discriminator(_by_key({"folder": "run.purged", "result_id": "run.completed"}, "twin.deleted")),
]

Expiry = Annotated[
    Annotated[NoDetail, Tag("expire")] | Annotated[TwinsExpired, Tag("expire twins")],
    Discriminator(_by_key({"count": "expire twins"}, "expire")),
]

AuditDetail = Annotated[
    Annotated[NoDetail, Tag("expire")]
    | Annotated[TwinsExpired, Tag("expire twins")]
    | Annotated[TwinDeletion, Tag("delete")]
    | Annotated[RowsPurged, Tag("purge")]
    | Annotated[OutputsGivenUp, Tag("give up outputs")]
    | Annotated[Repair, Tag("repair")]
    | Annotated[Exported, Tag("export")],
    Discriminator(
        _by_key(
            {
                "count": "expire twins",
                "was": "delete",
                "deleted": "purge",
                "reason": "give up outputs",
                "subject": "repair",
                "what": "export",
            },
            "expire",
        )
    ),
]
