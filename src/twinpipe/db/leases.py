"""What runs and sweeps share: locks in one order, leases under which a twin is held, ends that give it back.

The members of a sweep are runs under the sweep's lease: for as long as it is queued or running, nobody but the
sweep starts, displaces or reaps them, and they end with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, literal, null, select, text, update

from twinpipe.db.models import SimulationRun, Sweep
from twinpipe.db.pause import check_not_paused
from twinpipe.db.refusals import explained
from twinpipe.db.session import retried, transaction
from twinpipe.db.twins import lock_twin, release_twin, set_twin
from twinpipe.db.validations import check_share
from twinpipe.errors import Busy, Conflict, NotFound

Live = type[SimulationRun] | type[Sweep]  # what is held under a lease

OPEN = ("queued", "running")
SILENT = "the process that ran it ended without saying so"
# as lock, in one round trip: whoever waited for the twin gets the run as it is by then
LOCK_RUN = text("""
    WITH twin AS MATERIALIZED (
        SELECT id FROM digital_twins
        WHERE id = (SELECT digital_twin_id FROM simulation_runs WHERE id = :run) FOR UPDATE
    )
    SELECT r.id, r.digital_twin_id, r.status, r.lease_generation, r.sweep_id, r.run_key,
        r.parameters #>> '{spec,scenario,learned_pattern}' AS learned_pattern
    FROM twin JOIN simulation_runs r ON r.digital_twin_id = twin.id WHERE r.id = :run FOR UPDATE OF r""")


def lock(connection: Connection, number: int, table: Live = SimulationRun) -> tuple[Row[Any], str]:
    """State of a run or sweep, locked after its twin, and status of the twin; raises NotFound."""
    t = table
    twin_id = connection.scalar(select(t.digital_twin_id).where(t.id == number))
    if twin_id is None:
        raise NotFound(_word(table), number)
    status = lock_twin(connection, twin_id)
    sweep = SimulationRun.sweep_id if table is SimulationRun else literal(None).label("sweep_id")
    columns: tuple[Any, ...] = (t.id, t.digital_twin_id, t.status, t.attempt, t.started_at, sweep)
    lease: tuple[Any, ...] = (t.lease_generation, t.lease_holder, t.lease_until)
    return connection.execute(select(*columns, *lease).where(t.id == number).with_for_update()).one(), status


def lock_run(connection: Connection, run_id: int) -> Row[Any]:
    """What the end of a run needs of its state, locked after its twin; raises NotFound."""
    row = connection.execute(LOCK_RUN, {"run": run_id}).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return row


def check_ready(twin_id: int, status: str) -> None:
    """Raise Conflict when nothing can be simulated on a twin in that status."""
    if status not in ("ready", "running_simulation", "completed"):
        raise Conflict(f"twin {twin_id} is {status}; runs need one that is ready.")


def claim(
    engine: Engine, table: Live, number: int, lease_seconds: float, now: datetime | None, flow_run_id: str | None
) -> int:
    """Start what is queued, or take over what a lease has run out of; the generation to write under.

    A sweep's members that are owed start with it, and the twin goes to running_simulation.  Raises NotFound, Busy
    while somebody holds it or its twin, and Conflict when it has ended or is a member, or when the ledger is paused.
    """
    holder, what = uuid4(), f"{_word(table)} {number}"  # the holder tells a repetition of this claim from another's

    @retried
    def once() -> int:
        with transaction(engine) as connection, explained():
            check_not_paused(connection)
            row, twin_status = lock(connection, number, table)
            moment = moment_of(connection, now)
            if row.sweep_id is not None:
                raise Conflict(f"{what} is a member of sweep {row.sweep_id}, whose members are simulated together.")
            if row.status == "running":
                if row.lease_holder == holder:
                    return int(row.lease_generation)
                if row.lease_until > moment:
                    raise Busy(f"{what} is held by another process until {row.lease_until:%H:%M:%S}.")
            elif row.status != "queued":
                raise Conflict(f"{what} is {row.status} already.")
            else:
                _displace(connection, row.digital_twin_id, moment)
                twin_status = lock_twin(connection, row.digital_twin_id)
            check_ready(row.digital_twin_id, twin_status)
            lease = {
                "status": "running",
                "lease_generation": row.lease_generation + 1,
                "lease_holder": holder,
                "lease_until": moment + timedelta(seconds=lease_seconds),
            }
            flow = {"flow_run_id": UUID(flow_run_id)} if flow_run_id else {}
            for t in (table, SimulationRun)[: 2 if table is Sweep else 1]:
                which = t.id == number if t is table else _owed(number)
                begun = {"attempt": t.attempt + 1, "started_at": func.coalesce(t.started_at, moment)}
                connection.execute(update(t).where(which).values(lease | begun | (flow if t is table else {})))
            if twin_status != "running_simulation":
                set_twin(connection, row.digital_twin_id, "running_simulation")
            return int(row.lease_generation) + 1

    return once()


def _displace(connection: Connection, twin: int, moment: datetime) -> None:
    """Fail what still holds the twin though its lease is over; raises Conflict when one is not."""
    for table in (Sweep, SimulationRun):
        holding = select(table.id, table.lease_until).where(table.digital_twin_id == twin, table.status == "running")
        if table is SimulationRun:
            holding = holding.where(on_its_own())
        for number, lease_until in connection.execute(holding.with_for_update()).all():
            if lease_until is not None and lease_until > moment:
                raise Busy(f"{_word(table)} {number} is running on twin {twin}; one at a time.")
            end(connection, table, number, twin, "failed", SILENT, moment)


@retried
def holder(engine: Engine, twin_id: int) -> tuple[str, datetime | None] | None:
    """What runs on a twin, such as "sweep 3", and until when it is held; None when the twin is free."""
    with transaction(engine) as connection:
        for table in (Sweep, SimulationRun):
            holding = select(table.id, table.lease_until).where(table.digital_twin_id == twin_id)
            found = connection.execute(holding.where(table.status == "running").limit(1)).one_or_none()
            if found is not None:
                return f"{_word(table)} {found.id}", found.lease_until
    return None


@retried
def renew(engine: Engine, table: Live, number: int, generation: int, progress: float, lease_seconds: float) -> bool:
    """Note progress (0..1) and renew the lease; False when it is no longer this generation's to write.

    Raises InvalidInput when progress is out of range.
    """
    check_share(progress, "progress")
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))  # a lost tick is no loss
        done = connection.execute(
            update(table)
            .where(table.id == number, table.status == "running", table.lease_generation == generation)
            .values(progress=progress, lease_until=func.clock_timestamp() + timedelta(seconds=lease_seconds))
        )
        return done.rowcount == 1


@retried
def end_if(engine: Engine, table: Live, number: int, status: str, message: str | None, generation: int | None) -> bool:
    """End what is queued or running without a result; False when it has ended or is of another generation."""
    if message is not None:
        message = message.replace("\0", "").strip()[:4000] or "it failed without a message"
    with transaction(engine) as connection:
        row, _ = lock(connection, number, table)
        if row.status not in OPEN or generation not in (None, row.lease_generation):
            return False
        end(connection, table, number, row.digital_twin_id, status, message)
        return True


def end(
    connection: Connection,
    table: Live,
    number: int,
    twin_id: int,
    status: str,
    message: str | None,
    moment: datetime | None = None,
) -> list[int]:
    """End a locked run or sweep of a locked twin without a result, now or at a moment; the runs that ended by it."""
    r, s = SimulationRun, Sweep
    ended = _end(connection, table, table.id == number, status, message, moment)
    if table is Sweep:
        ended = _end(connection, r, _owed(number), status, message, moment)
    running = select(r.id).where(r.digital_twin_id == twin_id, r.status == "running")
    running_sweep = select(s.id).where(s.digital_twin_id == twin_id, s.status == "running")
    if not connection.scalar(select(running.exists() | running_sweep.exists())):
        release_twin(connection, twin_id)
    return ended


def _end(
    connection: Connection,
    t: Live,
    which: ColumnElement[bool],
    status: str,
    message: str | None,
    moment: datetime | None,
) -> list[int]:
    values = {
        "status": status,
        "error_message": message,
        "completed_at": func.greatest(moment or func.clock_timestamp(), t.started_at),
        "lease_until": null(),
    }
    return sorted(connection.scalars(update(t).where(which).values(values).returning(t.id)))


def on_its_own() -> ColumnElement[bool]:
    """Whether a run is no member of a sweep that is queued or running."""
    return ~select(Sweep.id).where(Sweep.id == SimulationRun.sweep_id, Sweep.status.in_(OPEN)).exists()


def _owed(sweep_id: int) -> ColumnElement[bool]:
    """Members of a sweep that have not ended."""
    return (SimulationRun.sweep_id == sweep_id) & SimulationRun.status.in_(OPEN)


def moment_of(connection: Connection, now: datetime | None) -> datetime:
    """now, or the database's clock."""
    return now or connection.scalars(select(func.clock_timestamp())).one()


def _word(table: Live) -> str:
    return "run" if table is SimulationRun else "sweep"
