"""The way back of the schema: jobs stopped, rows exported, migrations reversed, nothing left behind.

The export and the reversed migrations are one transaction that holds every table: no row can be written after
it was exported, and whatever interrupts leaves the ledger as it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from twinpipe.db.export import Manifest, check_export_folder, export_ledger, revision_of
from twinpipe.db.migrate import downgrade, revisions
from twinpipe.db.pause import end_others, paused
from twinpipe.db.session import engine, is_transient
from twinpipe.db.tables import orphans, quoted, remnants, tables
from twinpipe.errors import Conflict, Failure, InvalidInput

TRIES = 5
GRACE = 2.0  # seconds; a job asks once a second whether it is still wanted

CANCEL = """
    UPDATE {table} SET status = 'cancelled', completed_at = greatest(clock_timestamp(), started_at), lease_until = NULL
    WHERE status = 'running' RETURNING id"""
RELEASE = """
    UPDATE digital_twins t SET status = CASE WHEN EXISTS (
        SELECT FROM simulation_runs r WHERE r.digital_twin_id = t.id AND r.status = 'completed'
    ) THEN 'completed' ELSE 'ready' END
    WHERE status = 'running_simulation'"""


@dataclass(frozen=True)
class Rollback:
    """What a rollback did."""

    revision: str
    manifest: Manifest
    cancelled: tuple[int, ...]  # runs that were running
    ended_connections: int
    dropped_tables: tuple[str, ...]
    orphans: dict[str, int]
    twins: tuple[tuple[int, str, str | None], ...]  # whose rows are gone: number, key and where the store was
    cancelled_sweeps: tuple[int, ...] = ()


def check_target(current: str | None, target: str) -> None:
    """Raise InvalidInput unless the target is an older revision than the current one, or base."""
    known = revisions()
    if current not in known:
        raise Failure(f"there is nothing to roll back: the schema is at revision {current}.")
    older = ["base", *known[: known.index(current)]]
    if target not in older:
        raise InvalidInput("--to", target, f"it is a revision older than {current}: {', '.join(older)}")


def rollback_ledger(url: str, target: str, folder: Path) -> Rollback:
    """Stop all jobs, export all rows to a folder, reverse the migrations and look for orphans.

    Raises InvalidInput for a target that is not older or a folder that is not empty, StoreError when it
    cannot be written, Conflict when another process rolls back or a table stays busy, Failure when anything
    would be left behind; the tables are then as they were, except for runs that were cancelled.
    """
    with paused(engine(url)) as connection:
        check_target(revision_of(connection), target)
        connection.rollback()
        check_export_folder(folder)
        ended = end_others(connection)
        try:
            stopped = _stop_jobs(connection)
            _take_all_tables(connection)
            done = _export_and_reverse(connection, target, folder)
            connection.commit()
        except DBAPIError as error:
            said = str(error.orig).strip().splitlines()[0].strip(" .")
            raise Conflict(f"the ledger could not be rolled back: {said}.") from None
    return replace(
        done,
        cancelled=stopped.get("simulation_runs", ()),
        cancelled_sweeps=stopped.get("sweeps", ()),
        ended_connections=ended,
    )


def _stop_jobs(connection: Connection) -> dict[str, tuple[int, ...]]:
    """Cancel what is running and let it hear of that; queued runs stay queued, and come back so with the export.

    In plain SQL, since the schema may be older than the models.
    """
    with connection.begin():
        here = {table.name for table in tables(connection)}
        cancelled: dict[str, tuple[int, ...]] = {
            table: tuple(sorted(connection.scalars(text(CANCEL.format(table=table)))))
            for table in ("sweeps", "simulation_runs")
            if table in here
        }
        if "simulation_runs" in here:
            connection.execute(text(RELEASE))
    if any(cancelled.values()):
        time.sleep(GRACE)
    return cancelled


def _take_all_tables(connection: Connection) -> None:
    """Begin the transaction that nobody else reads or writes beside, ending whoever is in the way."""
    for left in range(TRIES)[::-1]:
        end_others(connection)
        try:
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            names = quoted(sorted(table.name for table in tables(connection)))
            connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
            return
        except DBAPIError as error:
            if not left or error.connection_invalidated or not is_transient(error):
                raise
            connection.rollback()


def _export_and_reverse(connection: Connection, target: str, folder: Path) -> Rollback:
    revision = revision_of(connection)
    assert revision is not None
    before = [table.name for table in tables(connection)]
    lost = orphans(connection)
    twins = connection.execute(text("SELECT id, twin_key::text, store_path FROM digital_twins ORDER BY id")).all()
    manifest = export_ledger(connection, folder, revision)
    downgrade(connection, target)
    after = [table.name for table in tables(connection)]
    lost |= orphans(connection)
    if target == "base" and (left := remnants(connection)):
        raise Failure(f"the migrations leave {', '.join(left)} behind, so that they were not reversed.")
    return Rollback(
        revision=target,
        manifest=manifest,
        cancelled=(),
        ended_connections=0,
        dropped_tables=tuple(name for name in before if name not in after),
        orphans=lost,
        twins=() if "digital_twins" in after else tuple((row.id, row.twin_key, row.store_path) for row in twins),
    )
