"""The table of digital twins, and the requirement's two scopes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Select, String, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from twinpipe.db.models.base import TWIN_STATUSES, Base, Versioned, gin, json_is, one_of
from twinpipe.db.models.reference import CelestialBody, SolarSystem, User
from twinpipe.db.validations import check_name, check_word

if TYPE_CHECKING:
    from twinpipe.db.models.result import SimulationResult
    from twinpipe.db.models.run import SimulationRun


class DigitalTwin(Versioned, Base):
    """An isolated clone of a body."""

    __tablename__ = "digital_twins"
    __table_args__ = (
        ForeignKeyConstraint(
            ["celestial_body_id", "solar_system_id"],
            ["celestial_bodies.id", "celestial_bodies.solar_system_id"],
            ondelete="RESTRICT",
        ),
        one_of("status", TWIN_STATUSES),
        CheckConstraint("length(btrim(name)) BETWEEN 1 AND 200", name="name"),
        CheckConstraint("(status = 'deleted') = (deleted_at IS NOT NULL)", name="deleted"),
        CheckConstraint("deleted_at IS NULL OR expires_at IS NOT NULL", name="deleted_is_expired"),
        CheckConstraint("expires_at >= created_at", name="expires_at"),
        CheckConstraint(
            "purged_at IS NULL OR (deleted_at IS NOT NULL AND initial_state_snapshot IS NULL "
            "AND simulation_parameters IS NULL AND description IS NULL)",
            name="purged",
        ),
        json_is("simulation_parameters", "object", optional=True),
        json_is("initial_state_snapshot", "object", optional=True),
        Index(None, "status"),
        Index(
            "ix_digital_twins_to_expire",
            "expires_at",
            postgresql_where=text("deleted_at IS NULL AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_digital_twins_to_purge",
            "expires_at",
            postgresql_where=text("deleted_at IS NOT NULL AND purged_at IS NULL"),
        ),
        Index("ix_digital_twins_stubs", "id", postgresql_where=text("purged_at IS NOT NULL")),
        Index(None, "celestial_body_id", "status", postgresql_where=text("deleted_at IS NULL")),
        Index(
            "ix_digital_twins_active_system_created",
            "solar_system_id",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(None, "content_digest", postgresql_where=text("deleted_at IS NULL")),
        gin("simulation_parameters", where="deleted_at IS NULL"),
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
    content_digest: Mapped[str]

    celestial_body: Mapped[CelestialBody] = relationship()
    solar_system: Mapped[SolarSystem] = relationship(viewonly=True)
    created_by: Mapped[User | None] = relationship()
    simulation_runs: Mapped[list[SimulationRun]] = relationship(viewonly=True, order_by="SimulationRun.id")
    simulation_results: Mapped[list[SimulationResult]] = relationship(
        viewonly=True,
        primaryjoin="DigitalTwin.id == foreign(SimulationResult.digital_twin_id)",
        order_by="SimulationResult.id",
    )

    @classmethod
    def expired(cls, now: datetime | None = None) -> Select[Self]:
        """Twins whose time to live is over, deleted or not."""
        return select(cls).where(cls.expires_at < (now or datetime.now(UTC)))

    @classmethod
    def active(cls) -> Select[Self]:
        """Twins that are not deleted."""
        return select(cls).where(cls.deleted_at.is_(None))  # needs no parameter, so that partial indexes serve

    @validates("name")
    def _name(self, key: str, value: str) -> str:
        return check_name(value, key)

    @validates("status")
    def _status(self, key: str, value: str) -> str:
        return check_word(value, TWIN_STATUSES, key)
