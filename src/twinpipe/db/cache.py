"""Results read by content: the ETag is the digest of the payloads, which never change once written."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
from sqlalchemy import Engine, func, select

from twinpipe.db.encoding import PAYLOADS
from twinpipe.db.models import SimulationResult
from twinpipe.db.rows import ResultRow
from twinpipe.db.session import retried, transaction
from twinpipe.errors import NotFound

LARGEST = 32_000_000  # bytes of JSON that a process keeps


class Contents:
    """JSON by digest; what was not asked for longest goes first."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, digest: str) -> dict[str, Any] | None:
        """A copy of its own for each caller."""
        with self._lock:
            if digest not in self._kept:
                return None
            self._kept.move_to_end(digest)
            content = self._kept[digest]
        found: dict[str, Any] = orjson.loads(content)
        return found

    def put(self, digest: str, value: dict[str, Any]) -> None:
        content = orjson.dumps(value)
        with self._lock:
            self._bytes += len(content) - len(self._kept.pop(digest, b""))
            self._kept[digest] = content
            while self._bytes > self._largest:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)


contents = Contents()


@dataclass(frozen=True)
class CachedResult:
    """A result with its ETag; the row is None when the caller has it already."""

    etag: str
    row: ResultRow | None


@retried
def read_result(engine: Engine, run_id: int, etag: str | None = None) -> CachedResult:
    """The result of a run, unless the caller's etag is still that of it; raises NotFound.

    The database is always asked whether the result exists and what its digest is, but for the payloads only
    when this process has not kept them.
    """
    r = SimulationResult
    head = select(
        *(r.id, r.simulation_run_id.label("run_id"), r.digital_twin_id.label("twin_id")),
        *(r.habitability_score, r.overall_score),
        *(func.encode(r.payload_sha256, "hex").label("payload_sha256"), r.created_at),
    ).where(r.simulation_run_id == run_id)
    with transaction(engine) as connection:
        row = connection.execute(head).one_or_none()
        if row is None:
            raise NotFound("result of run", run_id)
        digest: str = row.payload_sha256
        if etag is not None and etag.removeprefix("W/").strip('"') == digest:
            return CachedResult(digest, None)
        payloads = contents.get(digest)
        if payloads is None:
            columns = [getattr(r, name) for name in PAYLOADS]
            body = connection.execute(select(*columns).where(r.id == row.id)).one_or_none()
            if body is None:  # purged this moment
                raise NotFound("result of run", run_id)
            payloads = dict(body._mapping)
            contents.put(digest, payloads)
    return CachedResult(digest, ResultRow(**row._asdict(), **payloads))
