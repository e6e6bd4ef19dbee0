"""Runs in the ledger: created once, held by one process at a time under a lease, ended once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, Select, Text, cast, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.leases import check_ready, claim, end_if, renew
from twinpipe.db.models import PATTERNS, SimulationRun, Sweep, User
from twinpipe.db.refusals import explained
from twinpipe.db.rows import RunRow
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.twins import lock_twin, user_id
from twinpipe.db.validations import check_duration, check_word
from twinpipe.errors import Conflict, NotFound
from twinpipe.payloads import check_payload

ALIVE = ("queued", "running", "completed")  # states in which a run or sweep stands for its spec


def create_run(
    engine: Engine,
    *,
    twin_id: int,
    pattern: str,
    years: int,
    parameters: dict[str, Any],
    spec_digest: str,
    again: bool = False,
    initiated_by: str = "system",
    key: UUID | None = None,
) -> tuple[RunRow, bool]:
    """The run of a spec on a twin, and whether it is new.

    The same spec is the same run unless again is set; one that failed, was cancelled or scrubbed does not count,
    nor a member of a sweep that is still owed.  The same key is the same run, however often it is created.
    Raises NotFound, InvalidInput, and Conflict when the twin is deleted or not ready, or the key is that of
    another run.
    """
    check_word(pattern, PATTERNS, "pattern")
    check_duration(years)
    check_json(parameters, "parameters")
    check_payload("simulation_runs", "parameters", parameters)
    key = key or uuid4()  # minted outside what is retried, so that a repetition finds its own row
    r = SimulationRun

    @retried
    def create() -> tuple[RunRow, bool]:
        with transaction(engine) as connection, explained():
            status = lock_twin(connection, twin_id)
            if own := connection.execute(run_rows().where(r.run_key == key)).one_or_none():
                if (own.twin_id, own.spec_digest) != (twin_id, spec_digest):
                    raise Conflict(f"run_key: {key} is that of run {own.id}, which has other content.")
                return RunRow.of(own), True
            check_ready(twin_id, status)
            same = run_rows().where(r.digital_twin_id == twin_id, r.spec_digest == spec_digest)
            same = same.where(r.status.in_(ALIVE), r.purged_at.is_(None))
            same = same.where(or_(r.sweep_id.is_(None), r.status == "completed"))
            newest = connection.execute(same.order_by(r.id.desc()).limit(1)).one_or_none()
            if newest is not None and not again:
                return RunRow.of(newest), False
            connection.execute(
                insert(r).values(
                    run_key=key,
                    digital_twin_id=twin_id,
                    initiated_by_id=user_id(connection, initiated_by),
                    pattern=pattern,
                    duration_years=years,
                    parameters=parameters,
                    spec_digest=spec_digest,
                )
            )
            return RunRow.of(connection.execute(run_rows().where(r.run_key == key)).one()), True

    return create()


def claim_run(
    engine: Engine, run_id: int, lease_seconds: float, now: datetime | None = None, flow_run_id: str | None = None
) -> int:
    """Start a queued run, or take over one whose lease has run out; the generation to write under.

    The twin goes to running_simulation in the same transaction. now is the database's clock unless given.
    Raises NotFound, and Conflict when somebody holds the run or its twin, when the run has ended or is a member of
    a sweep, or when the ledger is paused.
    """
    return claim(engine, SimulationRun, run_id, lease_seconds, now, flow_run_id)


def report_progress(engine: Engine, run_id: int, generation: int, progress: float, lease_seconds: float) -> bool:
    """Note progress (0..1) and renew the lease; False when the run is no longer this generation's to write.

    Raises InvalidInput when progress is out of range.
    """
    return renew(engine, SimulationRun, run_id, generation, progress, lease_seconds)


def fail_run(engine: Engine, run_id: int, generation: int | None, message: str) -> bool:
    """End a run as failed and give its twin back; False when it has ended or belongs to another generation.

    Without a generation any queued or running run is meant. A member's sweep goes on. Raises NotFound.
    """
    return end_if(engine, SimulationRun, run_id, "failed", message, generation)


def cancel_run(engine: Engine, run_id: int) -> bool:
    """End a queued or running run as cancelled and give its twin back; False when it has ended already.

    Who computes for it learns so from the next report_progress, or of a member from complete_run. Raises NotFound.
    """
    return end_if(engine, SimulationRun, run_id, "cancelled", None, None)


@retried
def list_runs(engine: Engine, twin_id: int | None = None, limit: int = 50) -> list[RunRow]:
    """The newest runs, of one twin or of all."""
    wanted = run_rows().order_by(SimulationRun.id.desc()).limit(limit)
    if twin_id is not None:
        wanted = wanted.where(SimulationRun.digital_twin_id == twin_id)
    with transaction(engine) as connection:
        return [RunRow.of(row) for row in connection.execute(wanted)]


@retried
def get_run(engine: Engine, run_id: int) -> RunRow:
    """The run; raises NotFound."""
    with transaction(engine) as connection:
        row = connection.execute(run_rows().where(SimulationRun.id == run_id)).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return RunRow.of(row)


def run_rows() -> Select[Any]:
    """Rows of runs; progress and lease of a running member are those of its sweep."""
    r, s = SimulationRun, Sweep
    progress = func.coalesce(s.progress, r.progress).label("progress")
    held = func.coalesce(s.lease_until, r.lease_until).label("lease_until")
    return (
        select(
            *(r.id, cast(r.run_key, Text).label("run_key"), r.digital_twin_id.label("twin_id")),
            *(r.sweep_id, r.member, r.status),
            *(r.pattern, r.duration_years, r.parameters, r.spec_digest, progress, r.attempt),
            *(r.lease_generation, held, cast(r.flow_run_id, Text).label("flow_run_id")),
            *(r.error_message, User.name.label("initiated_by")),
            *(r.created_at, r.updated_at, r.started_at, r.completed_at),
        )
        .outerjoin(User, User.id == r.initiated_by_id)
        .outerjoin(s, (s.id == r.sweep_id) & (r.status == "running"))
    )
