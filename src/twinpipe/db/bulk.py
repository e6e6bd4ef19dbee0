"""Many results at once: one binary COPY of what the ledger does not have yet.

Straight into the table, behind locks of the runs, it is as idempotent as a COPY aside with an insert that skips
conflicts, and does not write everything twice.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine

from twinpipe.db.encoding import PAYLOADS, EncodedResult, encode_result
from twinpipe.db.export import copying
from twinpipe.db.refusals import explained
from twinpipe.db.session import driver_cursor, retried, transaction
from twinpipe.db.statistics import count_results_of
from twinpipe.errors import Conflict, NotFound

Results = list[tuple[int, Mapping[str, Any]]]

BATCH = 4000  # results of a transaction
PART_BYTES = 60_000
# binary COPY: fields of a row, each with its length; JSON has the version of its format before it
HEAD, TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), struct.pack(">h", -1)
IDS, JSONB, LENGTH = struct.Struct(">hiqiq"), struct.Struct(">ib"), struct.Struct(">i")

# whoever writes a result holds its run, so that none comes between this look and the COPY
LOOK = """
    SELECT r.id, r.digital_twin_id, r.status,
           (SELECT payload_sha256 FROM simulation_results s WHERE s.simulation_run_id = r.id)
    FROM simulation_runs r WHERE r.id = ANY (%(runs)s) ORDER BY r.id FOR NO KEY UPDATE"""
COPY = f"""
    COPY simulation_results (simulation_run_id, digital_twin_id, {", ".join(PAYLOADS)}, payload_sha256)
    FROM STDIN (FORMAT binary)"""


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
    rest = iter(results)
    while batch := list(islice(rest, BATCH)):
        new = _insert(engine, batch)
        inserted, known = inserted + new, known + len(batch) - new
    return Imported(inserted, known)


@retried
def _insert(engine: Engine, batch: Results) -> int:
    with transaction(engine) as connection, explained():
        twins = _twins_of_new(connection, batch)
        with copying(connection, COPY) as copy:
            copy.write(HEAD)
            for part in _parts(_new_rows(batch, twins)):
                copy.write(part)
            copy.write(TAIL)
        count_results_of(connection, list(twins))
        return len(twins)


def _twins_of_new(connection: Connection, batch: Results) -> dict[int, int]:
    """Twins of the runs that lack a result, by run, which are locked; raises NotFound or Conflict."""
    with driver_cursor(connection, LOOK, binary=True) as cursor:
        cursor.execute(LOOK, {"runs": [run for run, _ in batch]})
        found = {run: (twin, status, digest) for run, twin, status, digest in cursor.fetchall()}
    for run, result in batch:
        if run not in found:
            raise NotFound("run", run)
        _, status, digest = found[run]
        if digest is not None and encode_result(result).payload_sha256 != digest:
            raise Conflict(f"run {run} already has a different result.")
        if status != "completed":
            raise Conflict(f"run {run} is {status}; a result is of a run that is completed.")
    return {run: twin for run, (twin, _, digest) in found.items() if digest is None}


def _new_rows(batch: Results, twins: dict[int, int]) -> Iterator[bytes]:
    """Rows as binary COPY wants them, each run once; raises Conflict when a run has two results."""
    seen: dict[int, bytes] = {}
    for run, result in batch:
        if run in twins:
            made = encode_result(result)
            if seen.setdefault(run, made.payload_sha256) != made.payload_sha256:
                raise Conflict(f"run {run} is given with different results.")
            if seen[run] is made.payload_sha256:
                yield _row(run, twins[run], made)


def _row(run: int, twin: int, result: EncodedResult) -> bytes:
    row = [IDS.pack(len(PAYLOADS) + 3, 8, run, 8, twin)]
    for value in result.columns.values():
        row += (JSONB.pack(len(value) + 1, 1), value)
    return b"".join((*row, LENGTH.pack(len(result.payload_sha256)), result.payload_sha256))


def _parts(rows: Iterator[bytes]) -> Iterator[bytes]:
    """Rows in parts that a socket takes at once, so that the server works while the next are encoded."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(row)
        if size > PART_BYTES:
            yield b"".join(part)
            part, size = [], 0
    yield b"".join(part)
