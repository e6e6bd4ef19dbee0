"""The audit log: who did what to which row, written in the transaction that did it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.models import AuditLog, SimulationRun
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.validations import check_word
from twinpipe.messages import Expiry, Exported, OutputsGivenUp, Repair, RowsPurged, TwinDeletion
from twinpipe.payloads import check_shape

GIVE_UP = "give up outputs"  # noted for as long as there is a ledger
DETAILS = {
    "delete": TwinDeletion,
    "expire": Expiry,
    "purge": RowsPurged,
    "repair": Repair,
    "export": Exported,
    GIVE_UP: OutputsGivenUp,
}


def note(connection: Connection, actor: str, action: str, entity: str, entity_id: int | None, **detail: Any) -> None:
    """Note in the audit log what this transaction does; raises InvalidInput when the detail is not the action's."""
    check_word(action, tuple(DETAILS), "action")
    check_json(detail, "detail")
    check_shape(DETAILS[action], detail, "detail")
    row = {"actor": actor, "action": action, "entity": entity, "entity_id": entity_id, "detail": detail}
    connection.execute(insert(AuditLog).values(row))


def given_up() -> ColumnElement[bool]:
    """Whether the outputs of a run are known to be lost."""
    noted = (AuditLog.entity == "simulation_runs", AuditLog.entity_id == SimulationRun.id, AuditLog.action == GIVE_UP)
    return select(AuditLog.id).where(*noted).exists()


def outputs_gone() -> ColumnElement[bool]:
    """Whether the outputs of a run were taken by retention, or are known to be lost."""
    return SimulationRun.purged_at.is_not(None) | given_up()


@retried
def note_export(engine: Engine, what: str, run_id: int, sha256: str, actor: str = "system") -> None:
    """Note that something of a run is given out; twice, at worst, when the reply to the first note is lost."""
    with transaction(engine) as connection:
        note(connection, actor, "export", "simulation_runs", run_id, what=what, sha256=sha256)
