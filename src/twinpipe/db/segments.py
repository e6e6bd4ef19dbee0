"""Seals in the ledger: what a run or sweep wrote and sealed, noted with its end, gone with its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.models import Segment
from twinpipe.digest import digest


def note_seals(
    connection: Connection,
    twin_id: int,
    seals: Sequence[Mapping[str, Any]],
    *,
    run_id: int | None = None,
    sweep_id: int | None = None,
) -> None:
    """Note the seals of the store of a run or of a sweep; those that are noted already stay."""
    rows = [
        {
            "digital_twin_id": twin_id,
            "simulation_run_id": run_id,
            "sweep_id": sweep_id,
            "block": seal["block"],
            "segment": seal["segment"],
            "generation": seal["generation"],
            # the generation that sealed it does not count: the same content is the same digest
            "digest": digest({key: value for key, value in seal.items() if key != "generation"}),
            "files": len(seal["files"]) + 1,
            "bytes": sum(size for size, _ in seal["files"].values()) + seal["state"]["bytes"],
        }
        for seal in seals
    ]
    if rows:
        connection.execute(insert(Segment).on_conflict_do_nothing(), rows)


def forget_seals(connection: Connection, *, twin_id: int | None = None, run_id: int | None = None) -> int:
    """Forget the seals of a twin or of a run, whose bytes are gone; how many."""
    gone = delete(Segment)
    if twin_id is not None:
        gone = gone.where(Segment.digital_twin_id == twin_id)
    if run_id is not None:
        gone = gone.where(Segment.simulation_run_id == run_id)
    return connection.execute(gone).rowcount
