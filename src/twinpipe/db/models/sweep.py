"""Tables of sweeps, and of the seals of what runs and sweeps wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from twinpipe.db.models.base import Base, Made, Versioned, json_is, life_checks
from twinpipe.db.models.reference import User
from twinpipe.db.models.twin import DigitalTwin


class Sweep(Versioned, Base):
    """A designed set of runs on one twin, simulated together."""

    __tablename__ = "sweeps"
    __table_args__ = (
        UniqueConstraint("id", "digital_twin_id"),  # what its members' composite key points to
        *life_checks(),
        CheckConstraint("length(btrim(name)) BETWEEN 1 AND 200", name="name"),
        CheckConstraint("members > 0", name="members"),
        json_is("spec", "object", optional=True),
        CheckConstraint(
            "purged_at IS NULL OR (status NOT IN ('queued', 'running') AND spec IS NULL AND error_message IS NULL)",
            name="purged",
        ),
        Index(None, "digital_twin_id", "spec_digest"),
        Index("ix_sweeps_live", "created_at", postgresql_where=text("status IN ('queued', 'running')")),
        Index("uq_sweeps_one_running", "digital_twin_id", unique=True, postgresql_where=text("status = 'running'")),
    )

    digital_twin_id: Mapped[int] = mapped_column(ForeignKey("digital_twins.id", ondelete="RESTRICT"))
    initiated_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    sweep_key: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    status: Mapped[str] = mapped_column(String(32), server_default=text("'queued'"))
    spec: Mapped[dict[str, Any] | None]
    spec_digest: Mapped[str]
    members: Mapped[int] = mapped_column(Integer)
    progress: Mapped[float] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    flow_run_id: Mapped[UUID | None]
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lease_generation: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    lease_holder: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]

    digital_twin: Mapped[DigitalTwin] = relationship()
    initiated_by: Mapped[User | None] = relationship()


class Segment(Made, Base):
    """The seal of a finished segment of a run or sweep, noted when its result was inserted; never changed."""

    __tablename__ = "segments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["simulation_run_id", "digital_twin_id"],
            ["simulation_runs.id", "simulation_runs.digital_twin_id"],
            ondelete="RESTRICT",
        ),
        ForeignKeyConstraint(
            ["sweep_id", "digital_twin_id"], ["sweeps.id", "sweeps.digital_twin_id"], ondelete="RESTRICT"
        ),
        UniqueConstraint("simulation_run_id", "sweep_id", "block", "segment", postgresql_nulls_not_distinct=True),
        CheckConstraint("num_nonnulls(simulation_run_id, sweep_id) = 1", name="owner"),
        CheckConstraint("block >= 0 AND segment >= 0", name="place"),
        CheckConstraint("bytes >= 0 AND files >= 0", name="bytes"),
        CheckConstraint("length(digest) = 64", name="digest"),
        Index(None, "digital_twin_id"),
        Index(None, "sweep_id", postgresql_where=text("sweep_id IS NOT NULL")),
    )

    digital_twin_id: Mapped[int] = mapped_column(ForeignKey("digital_twins.id", ondelete="RESTRICT"))
    simulation_run_id: Mapped[int | None]
    sweep_id: Mapped[int | None]
    block: Mapped[int] = mapped_column(Integer)
    segment: Mapped[int] = mapped_column(Integer)
    generation: Mapped[int]
    digest: Mapped[str]
    files: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int]
