"""The table of runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from twinpipe.db.models.base import PATTERNS, RUN_STATUSES, Base, Versioned, brin, gin, json_is, life_checks, one_of
from twinpipe.db.models.reference import User
from twinpipe.db.models.twin import DigitalTwin
from twinpipe.db.validations import check_duration, check_share, check_word

if TYPE_CHECKING:
    from twinpipe.db.models.result import SimulationResult


class SimulationRun(Versioned, Base):
    """One scenario simulated on one twin."""

    __tablename__ = "simulation_runs"
    __table_args__ = (
        UniqueConstraint("id", "digital_twin_id"),  # what the result's composite key points to
        ForeignKeyConstraint(
            ["sweep_id", "digital_twin_id"], ["sweeps.id", "sweeps.digital_twin_id"], ondelete="RESTRICT"
        ),
        *life_checks(),
        one_of("pattern", PATTERNS),
        CheckConstraint("duration_years BETWEEN 1 AND 1000", name="duration_years"),
        json_is("parameters", "object", optional=True),
        CheckConstraint("(sweep_id IS NULL) = (member IS NULL) AND member >= 0", name="member"),
        CheckConstraint(
            "purged_at IS NULL OR (status NOT IN ('queued', 'running') AND parameters IS NULL "
            "AND error_message IS NULL)",
            name="purged",
        ),
        Index(None, "status"),
        Index(None, "digital_twin_id", "status"),
        # with the id, since the members of a sweep are of one moment
        Index("ix_simulation_runs_twin_created", "digital_twin_id", text("created_at DESC"), text("id DESC")),
        Index(None, "digital_twin_id", "spec_digest"),
        Index("ix_simulation_runs_live", "created_at", "id", postgresql_where=text("status IN ('queued', 'running')")),
        Index(
            "ix_simulation_runs_to_purge",
            text("COALESCE(completed_at, created_at)"),
            postgresql_where=text("purged_at IS NULL"),
        ),
        Index("ix_simulation_runs_stubs", "id", postgresql_where=text("purged_at IS NOT NULL")),
        Index(
            "uq_simulation_runs_one_running",
            "digital_twin_id",
            unique=True,
            postgresql_where=text("status = 'running' AND sweep_id IS NULL"),
        ),
        Index(None, "sweep_id", "member", unique=True, postgresql_where=text("sweep_id IS NOT NULL")),
        brin("created_at"),
        gin("parameters"),
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
    sweep_id: Mapped[int | None]
    member: Mapped[int | None] = mapped_column(Integer)

    digital_twin: Mapped[DigitalTwin] = relationship(foreign_keys=[digital_twin_id])
    initiated_by: Mapped[User | None] = relationship()
    simulation_result: Mapped[SimulationResult | None] = relationship(viewonly=True, uselist=False)

    @validates("status")
    def _status(self, key: str, value: str) -> str:
        return check_word(value, RUN_STATUSES, key)

    @validates("pattern")
    def _pattern(self, key: str, value: str) -> str:
        return check_word(value, PATTERNS, key)

    @validates("duration_years")
    def _duration(self, key: str, value: int) -> int:
        return check_duration(value, key)

    @validates("progress")
    def _progress(self, key: str, value: float) -> float:
        return check_share(value, key)
