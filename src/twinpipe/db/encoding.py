"""A result as the database takes it: JSON of each payload, made once, and the digest of the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from twinpipe.db.session import checked_json, driver_cursor
from twinpipe.payloads import check_result

PAYLOADS = (
    *("start_state", "end_state", "key_events", "resource_consumption"),
    *("success_metrics", "performance_data"),
)
SORTED = sorted(PAYLOADS)
WHOLE = b"{" + b",".join(b'"%b":%%b' % name.encode() for name in SORTED) + b"}"
INSERT = f"""
    INSERT INTO simulation_results (simulation_run_id, digital_twin_id, {", ".join(PAYLOADS)}, payload_sha256)
    VALUES (%(run)s, %(twin)s, {", ".join(f"CAST(%({name})s AS jsonb)" for name in PAYLOADS)}, %(payload_sha256)s)
    ON CONFLICT (simulation_run_id) DO NOTHING RETURNING id"""


@dataclass(frozen=True)
class EncodedResult:
    """A result that was checked."""

    columns: dict[str, bytes]
    payload_sha256: bytes

    def parameters(self, run_id: int, twin_id: int) -> dict[str, Any]:
        """What INSERT takes."""
        ids = {"run": run_id, "twin": twin_id, "payload_sha256": self.payload_sha256}
        return {name: value.decode() for name, value in self.columns.items()} | ids


def encode_result(result: Mapping[str, Any]) -> EncodedResult:
    """Check a result and encode it; raises InvalidInput naming the place, BudgetError."""
    check_result(result, checked_json)
    columns = {name: checked_json(result[name], f"result.{name}", finite=True) for name in PAYLOADS}
    # the digest is that of the whole as canonical JSON, put together from its parts
    whole = WHOLE % tuple(columns[name] for name in SORTED)
    return EncodedResult(columns, hashlib.sha256(whole).digest())


def insert_encoded(connection: Connection, run_id: int, twin_id: int, result: EncodedResult) -> int | None:
    """Insert the result of a run; its id, or None when the run has a result."""
    with driver_cursor(connection, INSERT) as cursor:
        row = cursor.execute(INSERT, result.parameters(run_id, twin_id)).fetchone()
    return None if row is None else int(row[0])
