"""Tables of the ledger. Migrations in sql/ make them; a test holds both to the same catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy import Column as PlainColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TWIN_STATUSES = ("creating", "ready", "running_simulation", "completed", "failed", "deleted")
RUN_STATUSES = ("queued", "running", "completed", "failed", "cancelled")
PATTERNS = ("mars_terraform", "venus_industrial", "titan_fuel", "europa_ocean", "custom")
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


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _metric(name: str) -> str:
    return f"(success_metrics ->> '{name}')::double precision"


def _overall() -> str:
    return "(" + " + ".join(f"({_metric(name)})" for name in METRICS) + ") / 4"


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        float: Double,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
    }


class _Keyed:
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True, sort_order=-1)


class _Dated(_Keyed):
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=91)


class _Versioned(_Dated):
    # a trigger counts, so that statements without the ORM count too
    lock_version: Mapped[int] = mapped_column(Integer, server_default=text("1"), sort_order=92)


class SolarSystem(_Dated, Base):
    """A star with its bodies, by the game's identifier."""

    __tablename__ = "solar_systems"

    identifier: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class CelestialBody(_Dated, Base):
    """A body by the game's identifier; its physics are in the twin's snapshot."""

    __tablename__ = "celestial_bodies"
    __table_args__ = (UniqueConstraint("id", "solar_system_id"),)

    identifier: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    solar_system_id: Mapped[int] = mapped_column(ForeignKey("solar_systems.id", ondelete="RESTRICT"), index=True)


class User(_Dated, Base):
    """Who made a twin or a run; the row 'system' stands for the pipeline itself."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(unique=True)


class DigitalTwin(_Versioned, Base):
    """An isolated clone of a body."""

    __tablename__ = "digital_twins"
    __table_args__ = (
        ForeignKeyConstraint(
            ["celestial_body_id", "solar_system_id"],
            ["celestial_bodies.id", "celestial_bodies.solar_system_id"],
            ondelete="RESTRICT",
        ),
        _one_of("status", TWIN_STATUSES),
        CheckConstraint("length(btrim(name)) BETWEEN 1 AND 200", name="name"),
        CheckConstraint("(status = 'deleted') = (deleted_at IS NOT NULL)", name="deleted"),
        CheckConstraint(
            "purged_at IS NULL OR (deleted_at IS NOT NULL AND initial_state_snapshot IS NULL "
            "AND simulation_parameters IS NULL)",
            name="purged",
        ),
        CheckConstraint(
            "simulation_parameters IS NULL OR jsonb_typeof(simulation_parameters) = 'object'",
            name="simulation_parameters",
        ),
        CheckConstraint(
            "initial_state_snapshot IS NULL OR jsonb_typeof(initial_state_snapshot) = 'object'",
            name="initial_state_snapshot",
        ),
        Index(None, "status"),
        Index(None, "expires_at", postgresql_where=text("deleted_at IS NULL AND expires_at IS NOT NULL")),
        Index(None, "celestial_body_id", "status", postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix_digital_twins_active_system_created",
            "solar_system_id",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            None,
            "simulation_parameters",
            postgresql_using="gin",
            postgresql_ops={"simulation_parameters": "jsonb_path_ops"},
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    name: Mapped[str]
    description: Mapped[str | None]
    celestial_body_id: Mapped[int]
    solar_system_id: Mapped[int] = mapped_column(ForeignKey("solar_systems.id", ondelete="RESTRICT"))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(32), server_default=text("'creating'"))
    simulation_parameters: Mapped[dict[str, Any] | None]
    initial_state_snapshot: Mapped[dict[str, Any] | None]
    expires_at: Mapped[datetime | None]
    twin_key: Mapped[UUID] = mapped_column(unique=True)
    body_digest: Mapped[str]
    store_path: Mapped[str | None]
    deleted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]


class SimulationRun(_Versioned, Base):
    """One scenario simulated on one twin."""

    __tablename__ = "simulation_runs"
    __table_args__ = (
        UniqueConstraint("id", "digital_twin_id"),  # what the result's composite key points to
        _one_of("status", RUN_STATUSES),
        _one_of("pattern", PATTERNS),
        CheckConstraint("duration_years BETWEEN 1 AND 1000", name="duration_years"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress"),  # refuses NaN too
        CheckConstraint("parameters IS NULL OR jsonb_typeof(parameters) = 'object'", name="parameters"),
        CheckConstraint("status NOT IN ('completed', 'failed', 'cancelled') OR completed_at IS NOT NULL", name="ended"),
        CheckConstraint("status <> 'completed' OR (progress = 1 AND started_at IS NOT NULL)", name="completed"),
        CheckConstraint("status <> 'failed' OR error_message IS NOT NULL OR purged_at IS NOT NULL", name="failed"),
        CheckConstraint("completed_at IS NULL OR started_at IS NULL OR completed_at >= started_at", name="in_order"),
        CheckConstraint(
            "(status = 'running') = (lease_until IS NOT NULL) AND (status <> 'running' OR attempt > 0)", name="lease"
        ),
        Index(None, "status"),
        Index(None, "digital_twin_id", "status"),
        Index("ix_simulation_runs_twin_created", "digital_twin_id", text("created_at DESC")),
        Index(None, "digital_twin_id", "spec_digest"),
        Index("ix_simulation_runs_live", "created_at", postgresql_where=text("status IN ('queued', 'running')")),
        Index(
            "uq_simulation_runs_one_running",
            "digital_twin_id",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
        Index(None, "parameters", postgresql_using="gin", postgresql_ops={"parameters": "jsonb_path_ops"}),
        {"postgresql_with": {"fillfactor": 85}},
    )

    digital_twin_id: Mapped[int] = mapped_column(ForeignKey("digital_twins.id", ondelete="RESTRICT"))
    initiated_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(String(32), server_default=text("'queued'"))
    pattern: Mapped[str] = mapped_column(String(32))
    duration_years: Mapped[int] = mapped_column(Integer)
    parameters: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    progress: Mapped[float] = mapped_column(server_default=text("0"))
    run_key: Mapped[UUID] = mapped_column(unique=True)
    spec_digest: Mapped[str]
    flow_run_id: Mapped[UUID | None]
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lease_generation: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lease_holder: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]


class SimulationResult(_Dated, Base):
    """What a completed run found; exactly one row per completed run, never changed."""

    __tablename__ = "simulation_results"
    __table_args__ = (
        ForeignKeyConstraint(
            ["simulation_run_id", "digital_twin_id"],
            ["simulation_runs.id", "simulation_runs.digital_twin_id"],
            ondelete="RESTRICT",
        ),
        *(CheckConstraint(f"jsonb_typeof({name}) = '{kind}'", name=name) for name, kind in PAYLOADS.items()),
        # IS TRUE, since a check lets the null of a missing key pass
        *(CheckConstraint(f"({_metric(name)} BETWEEN 0 AND 1) IS TRUE", name=name) for name in METRICS),
        CheckConstraint("((performance_data ->> 'budget_closes')::boolean) IS TRUE", name="budget_closes"),
        CheckConstraint("octet_length(payload_sha256) = 32", name="payload_sha256"),
        Index(None, "digital_twin_id"),
        Index("ix_simulation_results_best", text("overall_score DESC NULLS LAST")),
        Index(None, "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index(None, "success_metrics", postgresql_using="gin", postgresql_ops={"success_metrics": "jsonb_path_ops"}),
    )

    simulation_run_id: Mapped[int] = mapped_column(unique=True)
    digital_twin_id: Mapped[int] = mapped_column(ForeignKey("digital_twins.id", ondelete="RESTRICT"))
    start_state: Mapped[dict[str, Any]]
    end_state: Mapped[dict[str, Any]]
    key_events: Mapped[list[Any]]
    resource_consumption: Mapped[dict[str, Any]]
    success_metrics: Mapped[dict[str, Any]]
    performance_data: Mapped[dict[str, Any]]
    schema_version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    payload_sha256: Mapped[bytes]
    habitability_score: Mapped[float] = mapped_column(
        Computed(_metric("habitability_score"), persisted=True), nullable=True
    )
    overall_score: Mapped[float] = mapped_column(Computed(_overall(), persisted=True), nullable=True)


# Which status may follow which; a trigger looks here.
status_transition = Table(
    "status_transition",
    Base.metadata,
    PlainColumn("entity", Text, primary_key=True),
    PlainColumn("old", Text, primary_key=True),
    PlainColumn("new", Text, primary_key=True),
)
