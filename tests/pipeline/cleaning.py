"""What tests of cleanup share: twins with stores that are bytes without meaning, days to come, and proofs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from tests.factories import make_twin
from tests.pipeline.folders import twin_folder

from twinpipe.db import ledger
from twinpipe.db.rows import TwinRow
from twinpipe.db.session import transaction
from twinpipe.workplace import Workplace

DAY = timedelta(days=1)
BYTES = 5000


def store_at(path: Path) -> Path:
    """A folder that is a store, of BYTES bytes."""
    (path / "atmosphere").mkdir(parents=True)
    (path / "zarr.json").write_bytes(b"{}" + b" " * 998)
    (path / "atmosphere" / "c").write_bytes(b"x" * (BYTES - 1000))
    return path


def stored_twin(w: Workplace, ttl_days: int = 30) -> TwinRow:
    """A ready twin with its store."""
    twin = make_twin(w.engine, ttl_days=ttl_days)
    ledger.mark_twin_ready(w.engine, twin.id, str(store_at(twin_folder(w, twin.id))))
    return ledger.get_twin(w.engine, twin.id)


def in_days(days: int) -> datetime:
    return datetime.now(UTC) + days * DAY


def proofs(w: Workplace) -> dict[str, int]:
    with transaction(w.engine) as connection:
        rows = connection.execute(text("SELECT dedup_key, outcome ->> 'bytes' FROM outbox WHERE done_at IS NOT NULL"))
        return {key: int(size or 0) for key, size in rows}
