"""Tables of what is to be done outside Postgres, and of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from twinpipe.db.models.base import Base, Made, brin, json_is


class Outbox(Made, Base):
    """An effect outside Postgres, owed since the transaction that wrote it; done_at is the proof that it happened."""

    __tablename__ = "outbox"
    __table_args__ = (
        json_is("payload", "object"),
        json_is("outcome", "object", optional=True),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="proof"),
        Index("ix_outbox_owed", "topic", "available_at", postgresql_where=text("done_at IS NULL")),
        Index(None, "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )

    topic: Mapped[str]
    dedup_key: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    available_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    done_at: Mapped[datetime | None]
    error: Mapped[str | None]
    outcome: Mapped[dict[str, Any] | None]


class AuditLog(Made, Base):
    """Who did what to which row; never changed."""

    __tablename__ = "audit_log"
    __table_args__ = (json_is("detail", "object"), Index(None, "entity", "entity_id"), brin("created_at"))

    actor: Mapped[str]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[int | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
