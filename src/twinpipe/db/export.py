"""The ledger as JSON lines in a folder: one file for each table, and a manifest that is written last."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError

from twinpipe import durable
from twinpipe.db.session import driver_cursor
from twinpipe.db.tables import Fingerprint, Table, fingerprint, quoted, sequence, tables
from twinpipe.errors import InvalidInput, StoreError

MANIFEST = "manifest.json"
FORMAT = "twinpipe ledger 1"
# JSON has no control characters, so that with these nothing in a line is quoted or escaped
LINES = "(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02', ENCODING 'UTF8')"


@dataclass(frozen=True)
class Part:
    """A table in an export: what it looked like, and what was in it."""

    table: Table
    fingerprint: Fingerprint
    sequence: tuple[int, bool] | None

    @property
    def file(self) -> str:
        return f"{self.table.name}.jsonl"


@dataclass(frozen=True)
class Manifest:
    """What an export holds, parents before children."""

    revision: str
    exported_at: str
    parts: tuple[Part, ...]

    @property
    def fingerprints(self) -> dict[str, Fingerprint]:
        return {part.table.name: part.fingerprint for part in self.parts}

    def as_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}


def check_export_folder(folder: Path) -> None:
    """Make the folder and write to it; raises InvalidInput when it is not empty, StoreError when it is closed."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput("--export", str(folder), "it is a new or empty folder")
    durable.check_writable(folder)


def export_ledger(connection: Connection, folder: Path, revision: str) -> Manifest:
    """Write every table, within the connection's transaction, which must see no changes meanwhile.

    Raises InvalidInput or StoreError; what was written until then is removed.
    """
    check_export_folder(folder)
    written: list[Path] = []
    parts = []
    try:
        with durable.disk(folder):
            for table in tables(connection):
                written.append(folder / f"{table.name}.jsonl")
                with written[-1].open("wb") as file:
                    _copy_out(connection, table, file)
                    file.flush()
                    os.fsync(file.fileno())
                parts.append(Part(table, fingerprint(connection, table), sequence(connection, table)))
            made = Manifest(revision, datetime.now(UTC).isoformat(timespec="seconds"), tuple(parts))
            written.append(folder / MANIFEST)
            content = orjson.dumps(made.as_dict(), option=orjson.OPT_INDENT_2)
            durable.replace(folder / MANIFEST, lambda file: file.write(content))
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return made


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export; raises StoreError when it is missing, damaged or lacks a file."""
    path = folder / MANIFEST
    try:
        values = orjson.loads(path.read_bytes())
        if values["format"] != FORMAT:
            raise StoreError(f"{path} is of another format than {FORMAT!r}.")
        parts = tuple(
            Part(
                Table.of(p["table"]),
                Fingerprint(**p["fingerprint"]),
                (p["sequence"][0], p["sequence"][1]) if p["sequence"] else None,
            )
            for p in values["parts"]
        )
        made = Manifest(values["revision"], values["exported_at"], parts)
    except OSError as error:
        raise StoreError(f"{path} cannot be read, so that {folder} is no export: {error.strerror}.") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        raise StoreError(f"{path} is damaged.") from None
    for part in parts:
        if not (folder / part.file).is_file():
            raise StoreError(f"{folder / part.file} is missing from the export.")
    return made


def _copy_out(connection: Connection, table: Table, file: BinaryIO) -> None:
    less = "".join(f" - '{name}'" for name in table.generated)
    order = f" ORDER BY {quoted(table.key, 't.')}" if table.key else ""
    with copying(connection, f'COPY (SELECT to_jsonb(t){less} FROM "{table.name}" t{order}) TO STDOUT {LINES}') as copy:
        for block in copy:
            file.write(block)


def copy_in(connection: Connection, target: str, path: Path) -> None:
    """Load the lines of a file into a table of one JSON column; raises StoreError naming a damaged line."""
    try:
        with path.open("rb") as file, copying(connection, f"COPY {target} FROM STDIN {LINES}") as copy:
            while block := file.read(1 << 18):
                copy.write(block)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from None
    except DataError as error:
        context = error.orig.diag.context if isinstance(error.orig, psycopg.Error) else None
        line = re.search(r"^COPY .*?, line (\d+)", context or "", re.MULTILINE)
        raise StoreError(f"{path} is damaged at line {line[1] if line else '?'}.") from None


@contextmanager
def copying(connection: Connection, statement: str) -> Iterator[psycopg.Copy]:
    """A COPY of the driver within the connection's transaction; its errors are those of other statements."""
    with driver_cursor(connection, statement) as cursor, cursor.copy(statement) as copy:
        yield copy


def revision_of(connection: Connection) -> str | None:
    """Revision that the schema is at, as the connection's transaction sees it; None when there is none."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
