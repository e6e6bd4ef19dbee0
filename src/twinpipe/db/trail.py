"""The audit log: who did what to which row, written in the transaction that did it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.models import AuditLog


def note(connection: Connection, actor: str, action: str, entity: str, entity_id: int | None, **detail: Any) -> None:
    """Note in the audit log what this transaction does."""
    row = {"actor": actor, "action": action, "entity": entity, "entity_id": entity_id, "detail": detail}
    connection.execute(insert(AuditLog).values(row))
