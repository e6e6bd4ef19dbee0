"""Tables of learned patterns and of where they were applied."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from twinpipe.db.models.base import Base, Made, Versioned, gin, json_is
from twinpipe.db.models.reference import User
from twinpipe.db.models.run import SimulationRun
from twinpipe.db.validations import check_name, check_share


class LearnedPattern(Versioned, Base):
    """A deployment that did well, and on which bodies it may be repeated."""

    __tablename__ = "learned_patterns"
    __table_args__ = (
        CheckConstraint("length(btrim(pattern_id)) BETWEEN 1 AND 200", name="pattern_id"),
        CheckConstraint("success_score BETWEEN 0 AND 1", name="success_score"),
        CheckConstraint("success_rate BETWEEN 0 AND 1", name="success_rate"),
        CheckConstraint("times_applied >= 0", name="times_applied"),
        json_is("required_conditions", "object"),
        json_is("deployment_sequence", "array"),
        json_is("optimizations", "array"),
        Index("ix_learned_patterns_best", text("success_score DESC")),
        gin("required_conditions"),
    )

    pattern_id: Mapped[str] = mapped_column(unique=True)
    source_mission_id: Mapped[int | None]  # missions are the game's, so that there is no table to point to
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    success_score: Mapped[float] = mapped_column(server_default=text("0"))
    required_conditions: Mapped[dict[str, Any]]
    deployment_sequence: Mapped[list[Any]]
    optimizations: Mapped[list[Any]]
    times_applied: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    success_rate: Mapped[float] = mapped_column(server_default=text("0"))

    created_by: Mapped[User | None] = relationship()
    pattern_applications: Mapped[list[PatternApplication]] = relationship(
        viewonly=True, order_by="PatternApplication.id"
    )

    @validates("pattern_id")
    def _pattern_id(self, key: str, value: str) -> str:
        return check_name(value, key)

    @validates("success_score", "success_rate")
    def _share(self, key: str, value: float) -> float:
        return check_share(value, key)


class PatternApplication(Made, Base):
    """A learned pattern applied in a run; it outlives the run, whose key it keeps."""

    __tablename__ = "pattern_applications"
    __table_args__ = (
        UniqueConstraint("learned_pattern_id", "run_key"),
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        Index(None, "simulation_run_id"),
    )

    learned_pattern_id: Mapped[int] = mapped_column(ForeignKey("learned_patterns.id", ondelete="RESTRICT"))
    simulation_run_id: Mapped[int | None] = mapped_column(ForeignKey("simulation_runs.id", ondelete="SET NULL"))
    run_key: Mapped[UUID]
    succeeded: Mapped[bool]
    score: Mapped[float]
    applied_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    learned_pattern: Mapped[LearnedPattern] = relationship()
    simulation_run: Mapped[SimulationRun | None] = relationship()

    @validates("score")
    def _score(self, key: str, value: float) -> float:
        return check_share(value, key)
