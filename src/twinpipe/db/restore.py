"""An export brought back into the ledger: all of it, proved by its fingerprints, or nothing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from twinpipe.db.export import Manifest, Part, copy_in, read_manifest, revision_of
from twinpipe.db.migrate import downgrade, migrate, revisions
from twinpipe.db.pause import end_others, paused
from twinpipe.db.session import engine
from twinpipe.db.tables import Table, fingerprint, orphans, quoted, tables
from twinpipe.errors import Conflict, Failure, StoreError

# rows that migrations make, which do not stand in the way of an export
SEEDED = {"users": "name = 'system'", "status_transition": "true"}


def import_ledger(url: str, folder: Path) -> Manifest:
    """Bring the export in a folder back, in one transaction, and the schema to the newest revision.

    Rows of the export that are still there are replaced by themselves. Raises StoreError when the export is
    damaged, Conflict when the ledger holds rows that it would lose, Failure when fingerprints differ; then
    no row has changed.
    """
    manifest = read_manifest(folder)
    if manifest.revision not in revisions():
        raise Failure(f"{folder} was exported at revision {manifest.revision}, which this twinpipe does not know.")
    with paused(engine(url)) as connection:
        end_others(connection)
        if revision_of(connection) is None:
            connection.rollback()
            migrate(url, manifest.revision)
        else:
            connection.rollback()
            migrate(url)
        try:
            with connection.begin():
                _restore(connection, manifest, folder)
        except DBAPIError as error:
            said = str(error.orig).strip().splitlines()[0].strip(" .")
            raise Failure(f"the export in {folder} cannot be brought back: {said}.") from None
    migrate(url)
    return manifest


def _restore(connection: Connection, manifest: Manifest, folder: Path) -> None:
    here = {table.name: table for table in tables(connection)}
    for part in manifest.parts:
        known = here.get(part.table.name)
        if known is None or not set(part.table.columns) <= set(known.columns):
            raise Conflict(f"the schema here has no place for table {part.table.name} of the export.")
    connection.execute(text(f"LOCK TABLE {quoted(sorted(here))} IN ACCESS EXCLUSIVE MODE"))
    new = [Part(here[name], fingerprint(connection, here[name]), None) for name in here]
    for part in new:
        if part.table.name not in manifest.fingerprints and part.fingerprint.rows:
            raise Conflict(f"table {part.table.name} has {part.fingerprint.rows} rows, which are not in the export.")
    for part in manifest.parts:
        _stage(connection, part, folder / part.file)
        _check_nothing_lost(connection, part.table, here[part.table.name])
    connection.execute(text(f"TRUNCATE {quoted(sorted(here))}"))
    if revision_of(connection) != manifest.revision:  # rows of an older schema come up with it, as all rows did
        downgrade(connection, manifest.revision)
        here = {table.name: table for table in tables(connection)}
    for part in manifest.parts:
        _load(connection, part, here[part.table.name])
    connection.execute(text(f"ANALYZE {quoted(sorted(here))}"))  # else the first queries are planned for empty tables
    if lost := orphans(connection):
        raise Failure(f"the export has orphans: {', '.join(f'{n} {what}' for what, n in lost.items())}.")


def _stage(connection: Connection, part: Part, path: Path) -> None:
    connection.execute(text(f"CREATE TEMP TABLE {_staged(part.table)} (line jsonb NOT NULL) ON COMMIT DROP"))
    copy_in(connection, _staged(part.table), path)


def _check_nothing_lost(connection: Connection, old: Table, here: Table) -> None:
    """Raise Conflict when the table holds rows that are not in the export, or that changed since."""
    shared = [c for c in old.stored if c in here.columns]
    if "updated_at" in shared:  # which every change moves; without it only whole rows tell
        shared = [c for c in shared if c in (*old.key, "created_at", "updated_at")]
    seeded = SEEDED.get(old.name, "false")
    unknown = connection.scalar(
        text(
            f'SELECT count(*) FROM (SELECT {quoted(shared)} FROM "{old.name}" WHERE NOT ({seeded}) '
            f"EXCEPT SELECT {quoted(shared, 'r.')} FROM {_staged(old)} s, "
            f'jsonb_populate_record(NULL::"{old.name}", s.line) r) AS unknown'
        )
    )
    if unknown:
        raise Conflict(f"table {old.name} has {unknown} rows that are not in the export or were changed after it.")


def _load(connection: Connection, part: Part, here: Table) -> None:
    """Fill an empty table from its staged lines, without its own triggers; foreign keys are checked."""
    name, columns = part.table.name, part.table.stored
    order = f" ORDER BY {quoted(part.table.key, 'r.')}" if part.table.key else ""
    connection.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER USER'))
    connection.execute(
        text(
            f'INSERT INTO "{name}" ({quoted(columns)}) OVERRIDING SYSTEM VALUE SELECT {quoted(columns, "r.")} '
            f'FROM {_staged(part.table)} s, jsonb_populate_record(NULL::"{name}", s.line) r{order}'
        )
    )
    connection.execute(text(f'ALTER TABLE "{name}" ENABLE TRIGGER USER'))
    if part.sequence is not None:
        last, called = part.sequence
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :column), :last, :called)"),
            {"table": name, "column": here.identity, "last": last, "called": called},
        )
    found = fingerprint(connection, part.table)
    if found != part.fingerprint:
        raise StoreError(
            f"fingerprint of table {name} differs: {found.rows} rows ({found.hash}) came back, "
            f"{part.fingerprint.rows} ({part.fingerprint.hash}) were exported."
        )


def _staged(table: Table) -> str:
    return f'"_import_{table.name}"'
