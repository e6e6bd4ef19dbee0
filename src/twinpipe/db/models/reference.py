"""Reference rows: systems, bodies, users, and which status may follow which."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from twinpipe.db.models.base import Base, Dated


class SolarSystem(Dated, Base):
    """A star with its bodies, by the game's identifier."""

    __tablename__ = "solar_systems"

    identifier: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class CelestialBody(Dated, Base):
    """A body by the game's identifier; its physics are in the twin's snapshot."""

    __tablename__ = "celestial_bodies"
    __table_args__ = (UniqueConstraint("id", "solar_system_id"),)

    identifier: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    solar_system_id: Mapped[int] = mapped_column(ForeignKey("solar_systems.id", ondelete="RESTRICT"), index=True)

    solar_system: Mapped[SolarSystem] = relationship()


class User(Dated, Base):
    """Who made a twin or a run; the row 'system' stands for the pipeline itself."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(unique=True)


# Which status may follow which; a trigger looks here.
status_transition = Table(
    "status_transition",
    Base.metadata,
    Column("entity", Text, primary_key=True),
    Column("old", Text, primary_key=True),
    Column("new", Text, primary_key=True),
)
