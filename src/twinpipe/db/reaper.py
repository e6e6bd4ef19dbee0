"""The reaper: ends what nobody ended, be it a creation, a run or a sweep with its members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Row, or_, select, update

from twinpipe.db.leases import SILENT, Live, end, lock, moment_of, on_its_own
from twinpipe.db.models import DigitalTwin, SimulationRun, Sweep
from twinpipe.db.session import retried, transaction

QUEUE_LIMIT = timedelta(days=1)
CREATION_LIMIT = timedelta(hours=1)


def _silent(connection: Connection, r: Live, moment: datetime) -> Sequence[Row[int, str]]:
    silent = (r.status == "running") & (r.lease_until < moment)
    forgotten = (r.status == "queued") & or_(r.created_at < moment - QUEUE_LIMIT, DigitalTwin.deleted_at.is_not(None))
    wanted = select(r.id, r.status).join(DigitalTwin, DigitalTwin.id == r.digital_twin_id)
    if r is SimulationRun:
        wanted = wanted.where(on_its_own())
    return connection.execute(wanted.where(or_(silent, forgotten)).order_by(r.id)).all()


@retried
def reap(engine: Engine, now: datetime | None = None) -> list[int]:
    """End what nobody ended, and return the ids of the runs, among them the members of sweeps.

    Running ones whose lease ran out fail; queued ones older than a day or of a deleted twin are cancelled;
    twins in creation for over an hour fail. now is the database's clock unless given.
    """
    with transaction(engine) as connection:
        moment = moment_of(connection, now)
        connection.execute(
            update(DigitalTwin)
            .where(DigitalTwin.status == "creating", DigitalTwin.created_at < moment - CREATION_LIMIT)
            .values(status="failed")
        )
    return sorted(_reap(engine, Sweep, moment) + _reap(engine, SimulationRun, moment))


def _reap(engine: Engine, table: Live, moment: datetime) -> list[int]:
    with transaction(engine) as connection:
        found = _silent(connection, table, moment)
    reaped: list[int] = []
    for number, status in found:
        with transaction(engine) as connection:
            row, _ = lock(connection, number, table)
            if row.status != status or (status == "running" and row.lease_until >= moment):
                continue  # it moved since we looked
            message = SILENT if status == "running" else None
            ended = "failed" if message else "cancelled"
            reaped += end(connection, table, number, row.digital_twin_id, ended, message, moment)
    return reaped
