"""Runs in the ledger: created once, held by one process at a time under a lease, ended once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Row, Select, Text, cast, func, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.models import PATTERNS, DigitalTwin, SimulationRun, Sweep, User
from twinpipe.db.pause import check_not_paused
from twinpipe.db.refusals import explained
from twinpipe.db.rows import RunRow
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.twins import lock_twin, release_twin, set_twin, user_id
from twinpipe.db.validations import check_duration, check_share, check_word
from twinpipe.errors import Conflict, NotFound
from twinpipe.payloads import check_payload

Live = type[SimulationRun] | type[Sweep]  # what is held under a lease

SILENT = "the process that ran it ended without saying so"
QUEUE_LIMIT = timedelta(days=1)
CREATION_LIMIT = timedelta(hours=1)
# as _locked, in one round trip: whoever waited for the twin gets the run as it is by then
LOCK_RUN = text("""
    WITH twin AS MATERIALIZED (
        SELECT id FROM digital_twins
        WHERE id = (SELECT digital_twin_id FROM simulation_runs WHERE id = :run) FOR UPDATE
    )
    SELECT r.id, r.digital_twin_id, r.status, r.lease_generation
    FROM twin JOIN simulation_runs r ON r.digital_twin_id = twin.id WHERE r.id = :run FOR UPDATE OF r""")
ALIVE = ("queued", "running", "completed")  # states in which a run stands for its spec


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

    The same spec is the same run unless again is set; one that failed, was cancelled or scrubbed does not count.
    The same key is the same run, however often it is created.  Raises NotFound, InvalidInput, and Conflict when
    the twin is deleted or not ready, or the key is that of another run.
    """
    check_word(pattern, PATTERNS, "pattern")
    check_duration(years)
    check_json(parameters, "parameters")
    check_payload("simulation_runs", "parameters", parameters)
    key = key or uuid4()  # minted outside what is retried, so that a repetition finds its own row

    @retried
    def create() -> tuple[RunRow, bool]:
        with transaction(engine) as connection, explained():
            status = lock_twin(connection, twin_id)
            if own := connection.execute(_runs().where(SimulationRun.run_key == key)).one_or_none():
                if (own.twin_id, own.spec_digest) != (twin_id, spec_digest):
                    raise Conflict(f"run_key: {key} is that of run {own.id}, which has other content.")
                return RunRow.of(own), True
            if status not in ("ready", "running_simulation", "completed"):
                raise Conflict(f"twin {twin_id} is {status}; runs need one that is ready.")
            same = _runs().where(SimulationRun.digital_twin_id == twin_id, SimulationRun.spec_digest == spec_digest)
            same = same.where(SimulationRun.status.in_(ALIVE), SimulationRun.purged_at.is_(None))
            newest = connection.execute(same.order_by(SimulationRun.id.desc()).limit(1)).one_or_none()
            if newest is not None and not again:
                return RunRow.of(newest), False
            connection.execute(
                insert(SimulationRun).values(
                    run_key=key,
                    digital_twin_id=twin_id,
                    initiated_by_id=user_id(connection, initiated_by),
                    pattern=pattern,
                    duration_years=years,
                    parameters=parameters,
                    spec_digest=spec_digest,
                )
            )
            return RunRow.of(connection.execute(_runs().where(SimulationRun.run_key == key)).one()), True

    return create()


def claim_run(
    engine: Engine, run_id: int, lease_seconds: float, now: datetime | None = None, flow_run_id: str | None = None
) -> int:
    """Start a queued run, or take over one whose lease has run out; the generation to write under.

    The twin goes to running_simulation in the same transaction. now is the database's clock unless given.
    Raises NotFound, and Conflict when somebody holds the run or its twin, when the run has ended, or when the
    ledger is paused.
    """
    holder = uuid4()  # tells a repetition of this claim from another's

    @retried
    def claim() -> int:
        with transaction(engine) as connection, explained():
            check_not_paused(connection)
            run, twin_status = _locked(connection, run_id)
            moment = _moment(connection, now)
            if run.status == "running":
                if run.lease_holder == holder:
                    return int(run.lease_generation)
                if run.lease_until > moment:
                    raise Conflict(f"run {run_id} is held by another process until {run.lease_until:%H:%M:%S}.")
            elif run.status != "queued":
                raise Conflict(f"run {run_id} is {run.status} already.")
            else:
                _displace(connection, run, moment)
                twin_status = lock_twin(connection, run.digital_twin_id)
            if twin_status not in ("ready", "completed", "running_simulation"):
                raise Conflict(f"twin {run.digital_twin_id} is {twin_status}; runs need one that is ready.")
            values: dict[str, Any] = {
                "status": "running",
                "attempt": run.attempt + 1,
                "started_at": run.started_at or moment,
                "lease_generation": run.lease_generation + 1,
                "lease_holder": holder,
                "lease_until": moment + timedelta(seconds=lease_seconds),
            }
            if flow_run_id:
                values["flow_run_id"] = UUID(flow_run_id)
            connection.execute(update(SimulationRun).where(SimulationRun.id == run_id).values(values))
            if twin_status != "running_simulation":
                set_twin(connection, run.digital_twin_id, "running_simulation")
            return int(run.lease_generation) + 1

    return claim()


def _displace(connection: Connection, run: Row[Any], moment: datetime) -> None:
    """Fail runs and sweeps that still hold the twin though their leases are over; raises Conflict when one is not."""
    twin = run.digital_twin_id
    for table, what in ((SimulationRun, "run"), (Sweep, "sweep")):
        holding = select(table.id, table.lease_until).where(table.digital_twin_id == twin, table.status == "running")
        for number, lease_until in connection.execute(holding.with_for_update()).all():
            if lease_until is not None and lease_until > moment:
                raise Conflict(f"{what} {number} is running on twin {twin}; one at a time.")
            _end(connection, number, twin, "failed", SILENT, moment, table)


@retried
def report_progress(engine: Engine, run_id: int, generation: int, progress: float, lease_seconds: float) -> bool:
    """Note progress (0..1) and renew the lease; False when the run is no longer this generation's to write.

    Raises InvalidInput when progress is out of range.
    """
    check_share(progress, "progress")
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))  # a lost tick is no loss
        done = connection.execute(
            update(SimulationRun)
            .where(*_held(run_id, generation))
            .values(progress=progress, lease_until=func.clock_timestamp() + timedelta(seconds=lease_seconds))
        )
        return done.rowcount == 1


@retried
def fail_run(engine: Engine, run_id: int, generation: int | None, message: str) -> bool:
    """End a run as failed and give its twin back; False when it has ended or belongs to another generation.

    Without a generation any queued or running run is meant. Raises NotFound.
    """
    message = message.replace("\0", "").strip()[:4000] or "it failed without a message"
    with transaction(engine) as connection:
        return _end_if(connection, run_id, "failed", message, generation)


@retried
def cancel_run(engine: Engine, run_id: int) -> bool:
    """End a queued or running run as cancelled and give its twin back; False when it has ended already.

    Who computes for it learns so from the next report_progress. Raises NotFound.
    """
    with transaction(engine) as connection:
        return _end_if(connection, run_id, "cancelled", None, None)


@retried
def silent_runs(engine: Engine, now: datetime | None = None) -> list[int]:
    """Ids of the runs that reap would end."""
    with transaction(engine) as connection:
        return [row.id for row in _silent(connection, SimulationRun, _moment(connection, now))]


def _silent(connection: Connection, r: Live, moment: datetime) -> Sequence[Row[int, str]]:
    silent = (r.status == "running") & (r.lease_until < moment)
    forgotten = (r.status == "queued") & or_(r.created_at < moment - QUEUE_LIMIT, DigitalTwin.deleted_at.is_not(None))
    wanted = select(r.id, r.status).join(DigitalTwin, DigitalTwin.id == r.digital_twin_id)
    return connection.execute(wanted.where(or_(silent, forgotten)).order_by(r.id)).all()


@retried
def reap(engine: Engine, now: datetime | None = None) -> list[int]:
    """End what nobody ended, and return the ids of the runs; sweeps end by the same rules, but are not told.

    Running ones whose lease ran out fail; queued ones older than a day or of a deleted twin are cancelled;
    twins in creation for over an hour fail. now is the database's clock unless given.
    """
    with transaction(engine) as connection:
        moment = _moment(connection, now)
        connection.execute(
            update(DigitalTwin)
            .where(DigitalTwin.status == "creating", DigitalTwin.created_at < moment - CREATION_LIMIT)
            .values(status="failed")
        )
    _reap(engine, Sweep, moment)
    return _reap(engine, SimulationRun, moment)


def _reap(engine: Engine, table: Live, moment: datetime) -> list[int]:
    with transaction(engine) as connection:
        found = _silent(connection, table, moment)
    reaped = []
    for number, status in found:
        with transaction(engine) as connection:
            row, _ = _locked(connection, number, table)
            if row.status != status or (status == "running" and row.lease_until >= moment):
                continue  # it moved since we looked
            message = SILENT if status == "running" else None
            ended = "failed" if message else "cancelled"
            _end(connection, number, row.digital_twin_id, ended, message, moment, table)
            reaped.append(number)
    return reaped


@retried
def list_runs(engine: Engine, twin_id: int | None = None, limit: int = 50) -> list[RunRow]:
    """The newest runs, of one twin or of all."""
    wanted = _runs().order_by(SimulationRun.created_at.desc(), SimulationRun.id.desc()).limit(limit)
    if twin_id is not None:
        wanted = wanted.where(SimulationRun.digital_twin_id == twin_id)
    with transaction(engine) as connection:
        return [RunRow.of(row) for row in connection.execute(wanted)]


@retried
def get_run(engine: Engine, run_id: int) -> RunRow:
    """The run; raises NotFound."""
    with transaction(engine) as connection:
        row = connection.execute(_runs().where(SimulationRun.id == run_id)).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return RunRow.of(row)


def lock_run(connection: Connection, run_id: int) -> Row[Any]:
    """The run's state, locked after its twin; raises NotFound."""
    row = connection.execute(LOCK_RUN, {"run": run_id}).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return row


def _locked(connection: Connection, run_id: int, r: Live = SimulationRun) -> tuple[Row[Any], str]:
    twin_id = connection.scalar(select(r.digital_twin_id).where(r.id == run_id))
    if twin_id is None:
        raise NotFound("run" if r is SimulationRun else "sweep", run_id)
    status = lock_twin(connection, twin_id)
    columns: tuple[Any, ...] = (r.id, r.digital_twin_id, r.status, r.attempt, r.started_at)
    lease: tuple[Any, ...] = (r.lease_generation, r.lease_holder, r.lease_until)
    return connection.execute(select(*columns, *lease).where(r.id == run_id).with_for_update()).one(), status


def _held(run_id: int, generation: int) -> tuple[Any, ...]:
    r = SimulationRun
    return (r.id == run_id, r.status == "running", r.lease_generation == generation)


def _end_if(connection: Connection, run_id: int, status: str, message: str | None, generation: int | None) -> bool:
    run, _ = _locked(connection, run_id)
    if run.status not in ("queued", "running") or generation not in (None, run.lease_generation):
        return False
    _end(connection, run_id, run.digital_twin_id, status, message)
    return True


def _end(
    connection: Connection,
    number: int,
    twin_id: int,
    status: str,
    message: str | None,
    moment: datetime | None = None,
    table: Live = SimulationRun,
) -> None:
    """End a locked run or sweep of a locked twin without a result, now or at a moment."""
    connection.execute(
        update(table)
        .where(table.id == number)
        .values(
            status=status,
            error_message=message,
            completed_at=func.greatest(moment or func.clock_timestamp(), table.started_at),
            lease_until=null(),
        )
    )
    r, s = SimulationRun, Sweep
    running = select(r.id).where(r.digital_twin_id == twin_id, r.status == "running")
    running_sweep = select(s.id).where(s.digital_twin_id == twin_id, s.status == "running")
    if not connection.scalar(select(running.exists() | running_sweep.exists())):
        release_twin(connection, twin_id)


def _moment(connection: Connection, now: datetime | None) -> datetime:
    return now or connection.scalars(select(func.clock_timestamp())).one()


def _runs() -> Select[Any]:
    r = SimulationRun
    return select(
        *(r.id, cast(r.run_key, Text).label("run_key"), r.digital_twin_id.label("twin_id"), r.status),
        *(r.pattern, r.duration_years, r.parameters, r.spec_digest, r.progress, r.attempt),
        *(r.lease_generation, r.lease_until, cast(r.flow_run_id, Text).label("flow_run_id")),
        *(r.error_message, User.name.label("initiated_by")),
        *(r.created_at, r.updated_at, r.started_at, r.completed_at),
    ).outerjoin(User, User.id == r.initiated_by_id)
