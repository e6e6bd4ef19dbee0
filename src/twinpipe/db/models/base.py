"""What the tables share: names, column types, vocabularies, checks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, get_args
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Double,
    FetchedValue,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from twinpipe.scenario import PatternName

TWIN_STATUSES = ("creating", "ready", "running_simulation", "completed", "failed", "deleted")
RUN_STATUSES = ("queued", "running", "completed", "failed", "cancelled")
PATTERNS: tuple[str, ...] = get_args(PatternName)
METRICS = ("habitability_score", "timeline_efficiency", "resource_efficiency", "cost_efficiency")
PAYLOADS = {
    "start_state": "object",
    "end_state": "object",
    "key_events": "array",
    "resource_consumption": "object",
    "success_metrics": "object",
    "performance_data": "object",
}

NAMING = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        float: Double,
        bytes: LargeBinary,
        date: Date,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
    }


class Keyed:
    """A row with a number of its own."""

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, sort_order=-1)


class Made(Keyed):
    """A row that tells when it was made."""

    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=90)


class Dated(Made):
    """A row that tells when it was made and changed."""

    updated_at: Mapped[datetime] = mapped_column(
        server_default=text("now()"), server_onupdate=FetchedValue(), sort_order=91
    )


class Versioned(Dated):
    """A row that counts its changes, so that a writer of a stale copy is refused."""

    # a trigger counts, so that statements without the ORM count too
    lock_version: Mapped[int] = mapped_column(
        Integer, server_default=text("1"), server_onupdate=FetchedValue(), sort_order=92
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.lock_version, "version_id_generator": False, "eager_defaults": True}


def one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    """A check of a vocabulary."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def json_is(column: str, kind: str, *, optional: bool = False) -> CheckConstraint:
    """A check of the kind of a JSON column: object or array."""
    return CheckConstraint(
        (f"{column} IS NULL OR " if optional else "") + f"jsonb_typeof({column}) = '{kind}'", name=column
    )


def gin(column: str, where: str | None = None) -> Index:
    """An index for containment in a small JSON column; on a large one each insert would cost 80 times more."""
    return Index(
        None,
        column,
        postgresql_using="gin",
        postgresql_ops={column: "jsonb_path_ops"},
        postgresql_where=None if where is None else text(where),
    )


def brin(column: str) -> Index:
    """A tiny index of a column that grows with the table."""
    return Index(None, column, postgresql_using="brin", postgresql_with={"autosummarize": "on"})


def metric(name: str) -> str:
    """SQL of a metric of a result."""
    return f"(success_metrics ->> '{name}')::double precision"


def life_checks() -> tuple[CheckConstraint, ...]:
    """Checks of what is simulated: a run, or a sweep of runs."""
    return (
        one_of("status", RUN_STATUSES),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress"),  # refuses NaN too
        CheckConstraint("status NOT IN ('completed', 'failed', 'cancelled') OR completed_at IS NOT NULL", name="ended"),
        CheckConstraint("status <> 'completed' OR (progress = 1 AND started_at IS NOT NULL)", name="completed"),
        CheckConstraint("status <> 'failed' OR error_message IS NOT NULL OR purged_at IS NOT NULL", name="failed"),
        CheckConstraint("completed_at IS NULL OR started_at IS NULL OR completed_at >= started_at", name="in_order"),
        CheckConstraint(
            "(status = 'running') = (lease_until IS NOT NULL) AND (status <> 'running' OR attempt > 0)", name="lease"
        ),
    )
