"""Many results at once: a binary COPY into a table aside, then one idempotent insert."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, text

from twinpipe.db.export import copying
from twinpipe.db.refusals import explained
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.statistics import count_results
from twinpipe.digest import canonical_json
from twinpipe.errors import Conflict, InvalidInput, NotFound
from twinpipe.payloads import check_result

PAYLOADS = (
    *("start_state", "end_state", "key_events", "resource_consumption"),
    *("success_metrics", "performance_data"),
)
BATCH_BYTES = 16_000_000
HEAD, TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), struct.pack(">h", -1)

STAGE = f"""
    CREATE TEMP TABLE _staged (run_id bigint NOT NULL, {", ".join(f"{name} jsonb NOT NULL" for name in PAYLOADS)},
                               payload_sha256 bytea NOT NULL) ON COMMIT DROP"""
INSERT = f"""
    INSERT INTO simulation_results (simulation_run_id, digital_twin_id, {", ".join(PAYLOADS)}, payload_sha256)
    SELECT s.run_id, r.digital_twin_id, {", ".join(f"s.{name}" for name in PAYLOADS)}, s.payload_sha256
    FROM _staged s JOIN simulation_runs r ON r.id = s.run_id AND r.status = 'completed'
    ON CONFLICT (simulation_run_id) DO NOTHING RETURNING id"""
REFUSED = """
    SELECT s.run_id, r.status, x.id AS result_id
    FROM _staged s LEFT JOIN simulation_runs r ON r.id = s.run_id
    LEFT JOIN simulation_results x ON x.simulation_run_id = s.run_id
    WHERE x.payload_sha256 IS DISTINCT FROM s.payload_sha256 ORDER BY s.run_id LIMIT 1"""


@dataclass(frozen=True)
class Imported:
    """How many results of a bulk import were new, and how many were there already."""

    inserted: int
    known: int


def bulk_insert_results(engine: Engine, results: Iterable[tuple[int, Mapping[str, Any]]]) -> Imported:
    """Insert results of runs that are completed and lack theirs, such as those of another ledger, by run id.

    Batches are transactions of their own: after an error those before it stay, and the whole can be given
    again. Raises NotFound for a run that does not exist, Conflict for one that is not completed or has another
    result, InvalidInput or BudgetError for a payload that is refused.
    """
    inserted = known = 0
    rows = (_encoded(run, result) for run, result in results)
    for batch in _batches(rows):
        new = _insert(engine, batch)
        inserted, known = inserted + new, known + len(batch) - new
    return Imported(inserted, known)


@retried
def _insert(engine: Engine, batch: list[bytes]) -> int:
    with transaction(engine) as connection, explained():
        connection.execute(text(STAGE))
        _copy(connection, batch)
        connection.execute(text("ANALYZE _staged (run_id)"))
        new = list(connection.scalars(text(INSERT)))
        if len(new) < len(batch):
            _check_known(connection)
        count_results(connection, new)
        return len(new)


def _copy(connection: Connection, batch: list[bytes]) -> None:
    with copying(connection, "COPY _staged FROM STDIN (FORMAT binary)") as copy:
        copy.write(HEAD)
        for rows in _chunks(batch, 64):
            copy.write(b"".join(rows))
        copy.write(TAIL)


def _check_known(connection: Connection) -> None:
    """Raise NotFound or Conflict unless every staged result is in the ledger as it is here."""
    found = connection.execute(text(REFUSED)).one_or_none()
    if found is None:
        return
    if found.status is None:
        raise NotFound("run", found.run_id)
    if found.result_id is not None:
        raise Conflict(f"run {found.run_id} already has a different result.")
    raise Conflict(f"run {found.run_id} is {found.status}; a result is of a run that is completed.")


def _encoded(run: int, result: Mapping[str, Any]) -> bytes:
    """A row as binary COPY wants it; raises InvalidInput or BudgetError."""
    check_result(result)
    columns = {name: _json(name, result[name]) for name in PAYLOADS}
    # the digest is that of the whole as canonical JSON, put together from its parts
    whole = b"{" + b",".join(b'"%b":%b' % (name.encode(), columns[name]) for name in sorted(columns)) + b"}"
    fields = [struct.pack(">q", run), *(b"\x01" + value for value in columns.values()), hashlib.sha256(whole).digest()]
    return struct.pack(">h", len(fields)) + b"".join(struct.pack(">i", len(field)) + field for field in fields)


def _json(name: str, value: Any) -> bytes:
    try:
        made = canonical_json(value)
    except TypeError as error:
        check_json(value, f"result.{name}")
        raise InvalidInput(f"result.{name}", type(value).__name__, f"it must be JSON ({error})") from None
    if b"null" in made or b"\\u0000" in made:  # what orjson makes of NaN, and what jsonb refuses: look closely
        check_json(value, f"result.{name}")
    return made


def _batches(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _chunks(rows: list[bytes], length: int) -> Iterator[list[bytes]]:
    rest = iter(rows)
    while chunk := list(islice(rest, length)):
        yield chunk
