"""Tables of results and of their daily sums."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from twinpipe.db.models.base import METRICS, PATTERNS, PAYLOADS, Base, Dated, brin, gin, json_is, metric, one_of
from twinpipe.db.models.run import SimulationRun
from twinpipe.db.models.twin import DigitalTwin


def _overall() -> str:
    return "(" + " + ".join(f"({metric(name)})" for name in METRICS) + ") / 4"


class SimulationResult(Dated, Base):
    """What a completed run found; exactly one row per completed run, never changed."""

    __tablename__ = "simulation_results"
    __table_args__ = (
        ForeignKeyConstraint(
            ["simulation_run_id", "digital_twin_id"],
            ["simulation_runs.id", "simulation_runs.digital_twin_id"],
            ondelete="RESTRICT",
        ),
        *(json_is(name, kind) for name, kind in PAYLOADS.items()),
        # IS TRUE, since a check lets the null of a missing key pass
        *(CheckConstraint(f"({metric(name)} BETWEEN 0 AND 1) IS TRUE", name=name) for name in METRICS),
        CheckConstraint("((performance_data ->> 'budget_closes')::boolean) IS TRUE", name="budget_closes"),
        CheckConstraint("octet_length(payload_sha256) = 32", name="payload_sha256"),
        Index(None, "digital_twin_id"),
        # with the id, since equal runs have equal scores
        Index("ix_simulation_results_best", text("overall_score DESC NULLS LAST"), text("id DESC")),
        brin("created_at"),
        gin("success_metrics"),
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
        Computed(metric("habitability_score"), persisted=True), nullable=True
    )
    overall_score: Mapped[float] = mapped_column(Computed(_overall(), persisted=True), nullable=True)

    simulation_run: Mapped[SimulationRun] = relationship()
    digital_twin: Mapped[DigitalTwin] = relationship(viewonly=True, foreign_keys=[digital_twin_id])


class RunStatsDaily(Base):
    """Sums of the results of a system, a pattern and a day (UTC), kept with each result."""

    __tablename__ = "run_stats_daily"
    __table_args__ = (
        one_of("pattern", PATTERNS),
        CheckConstraint("n > 0", name="n"),
        CheckConstraint("sum_overall BETWEEN 0 AND n AND sum_habitability BETWEEN 0 AND n", name="sums"),
        CheckConstraint("best_overall BETWEEN 0 AND 1", name="best_overall"),
        Index(None, "day"),
    )

    solar_system_id: Mapped[int] = mapped_column(ForeignKey("solar_systems.id", ondelete="RESTRICT"), primary_key=True)
    pattern: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    n: Mapped[int]
    sum_overall: Mapped[float]
    sum_habitability: Mapped[float]
    best_overall: Mapped[float]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"), server_onupdate=FetchedValue())
