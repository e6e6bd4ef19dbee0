"""A result as the database takes it: JSON of each payload, made once, and the digest of the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from twinpipe.db.session import checked_json
from twinpipe.payloads import check_result

PAYLOADS = (
    *("start_state", "end_state", "key_events", "resource_consumption"),
    *("success_metrics", "performance_data"),
)
SORTED = sorted(name.encode() for name in PAYLOADS)
WHOLE = b"{" + b",".join(b'"%b":%%(%b)b' % (name, name) for name in SORTED) + b"}"
INSERT = f"""
    INSERT INTO simulation_results (simulation_run_id, digital_twin_id, {", ".join(PAYLOADS)}, payload_sha256)
    VALUES (:run, :twin, {", ".join(f"CAST(:{name} AS jsonb)" for name in PAYLOADS)}, :payload_sha256)
    ON CONFLICT (simulation_run_id) DO NOTHING RETURNING id"""


@dataclass(frozen=True)
class EncodedResult:
    """A result that was checked."""

    columns: dict[str, bytes]
    payload_sha256: bytes


def encode_result(result: Mapping[str, Any]) -> EncodedResult:
    """Check a result and encode it; raises InvalidInput naming the place, BudgetError."""
    columns = {name: checked_json(result[name], f"result.{name}") for name in PAYLOADS if name in result}
    check_result(result, columns)
    # the digest is that of the whole as canonical JSON, put together from its parts
    return EncodedResult(columns, hashlib.sha256(WHOLE % {name: columns[name.decode()] for name in SORTED}).digest())


def insert_encoded(connection: Connection, run_id: int, twin_id: int, result: EncodedResult) -> int | None:
    """Insert the result of a run; its id, or None when the run has a result."""
    ids = {"run": run_id, "twin": twin_id, "payload_sha256": result.payload_sha256}
    columns = {name: value.decode() for name, value in result.columns.items()}
    found: int | None = connection.scalar(text(INSERT), ids | columns)
    return found
