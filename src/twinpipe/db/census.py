"""What the ledger says is on disk and at work: the rows that an audit compares with stores and orchestrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Connection, Engine, Text, any_, cast, func, literal, select

from twinpipe.db.leases import lock
from twinpipe.db.models import DigitalTwin, Outbox, Segment, SimulationResult, SimulationRun, Sweep
from twinpipe.db.outbox import RUN_PURGED, TWIN_DELETED
from twinpipe.db.segments import forget_seals
from twinpipe.db.session import retried, transaction
from twinpipe.db.trail import GIVE_UP, given_up, note, outputs_gone
from twinpipe.db.twins import held_twin
from twinpipe.errors import Conflict

FLOW_RUN = "flow-run"  # before the id of one that a drift is about


@dataclass(frozen=True)
class TwinEntry:
    """A twin, and whether the outbox still owes the deletion of its store."""

    id: int
    twin_key: str
    status: str
    store_path: str | None
    drop_owed: bool


@dataclass(frozen=True)
class RunEntry:
    """A run of a twin that lives, the folder of its outputs, and whether those have been given up."""

    id: int
    twin_id: int
    status: str
    folder: str | None
    lease_until: datetime | None
    completed_at: datetime | None
    flow_run_id: str | None
    held_by: int | None  # the running sweep whose member it is
    has_result: bool
    given_up: bool
    seals: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SweepEntry:
    """A sweep of a twin that lives, by what it is held."""

    id: int
    status: str
    lease_until: datetime | None
    completed_at: datetime | None
    flow_run_id: str | None


@dataclass(frozen=True)
class Census:
    """Everything that the ledger says about stores, at a moment."""

    moment: datetime
    twins: dict[int, TwinEntry]
    runs: dict[int, RunEntry]
    sweeps: dict[int, SweepEntry]
    owed: frozenset[tuple[int, str]]  # outputs by twin and folder that the outbox is about to drop
    swept: frozenset[int]  # twins with sweeps, whose members share a folder


@retried
def take_census(engine: Engine, now: datetime | None = None) -> Census:
    """Twins, runs and sweeps, as of one snapshot; the moment is the database's clock unless given."""
    t, r, o, s = DigitalTwin, SimulationRun, Outbox, Segment
    twin_owed = select(o.id).where(o.dedup_key == TWIN_DELETED + ":" + cast(t.id, Text), o.done_at.is_(None)).exists()
    run_owed = select(o.payload).where(o.topic == RUN_PURGED, o.done_at.is_(None))
    result = select(SimulationResult.id).where(SimulationResult.simulation_run_id == r.id).exists()
    with transaction(engine) as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
        moment = now or connection.scalars(select(func.clock_timestamp())).one()
        key = cast(t.twin_key, Text).label("twin_key")
        known = select(t.id, key, t.status, t.store_path, twin_owed.label("drop_owed"))
        twins = {row.id: TwinEntry(**row._asdict()) for row in connection.execute(known.order_by(t.id))}
        kept = select(
            *(r.id, r.digital_twin_id.label("twin_id"), r.status, r.parameters["store"].astext.label("folder")),
            *(
                func.coalesce(Sweep.lease_until, r.lease_until).label("lease_until"),  # a member's is its sweep's
                r.completed_at,
                cast(r.flow_run_id, Text).label("flow_run_id"),
                Sweep.id.label("held_by"),
                result.label("has_result"),
            ),
            outputs_gone().label("given_up"),
        ).join(t, t.id == r.digital_twin_id)
        held = (Sweep.id == r.sweep_id) & (r.status == "running") & (Sweep.status == "running")
        kept = kept.outerjoin(Sweep, held)
        runs = connection.execute(kept.where(t.deleted_at.is_(None)).order_by(r.id)).all()
        known_sweeps = select(
            *(Sweep.id, Sweep.status, Sweep.lease_until, Sweep.completed_at),
            cast(Sweep.flow_run_id, Text).label("flow_run_id"),
        ).join(t, t.id == Sweep.digital_twin_id)
        of_living = known_sweeps.where(t.deleted_at.is_(None), Sweep.purged_at.is_(None)).order_by(Sweep.id)
        sweeps = {row.id: SweepEntry(**row._asdict()) for row in connection.execute(of_living)}
        sealed: dict[int, list[tuple[int, int]]] = {}
        noted = select(s.simulation_run_id, s.block, s.segment).where(s.simulation_run_id.is_not(None))
        for run_id, block, segment in connection.execute(noted):
            sealed.setdefault(int(run_id or 0), []).append((block, segment))
        owed = frozenset((int(p["twin_id"]), str(p["folder"])) for p in connection.scalars(run_owed))
        swept = frozenset(connection.scalars(select(Sweep.digital_twin_id).where(Sweep.purged_at.is_(None))))
    seals = {run_id: tuple(sorted(places)) for run_id, places in sealed.items()}
    entries = {row.id: RunEntry(**row._asdict(), seals=seals.get(row.id, ())) for row in runs}
    return Census(moment, twins, entries, sweeps, owed, swept)


@retried
def deleted_twins(engine: Engine, ids: list[int]) -> set[int]:
    """Which of these twins are deleted, or gone."""
    t = DigitalTwin
    with transaction(engine) as connection:
        these = t.id == any_(literal(ids, ARRAY(BigInteger)))
        return set(ids) - set(connection.scalars(select(t.id).where(these, t.deleted_at.is_(None))))


@contextmanager
def idle_outputs(engine: Engine, twin_id: int, folder: str) -> Iterator[bool]:
    """Whether no run needs a folder of a twin, which none can begin to need before the context ends."""
    r = SimulationRun
    with held_twin(engine, twin_id) as connection:
        needed = r.status.in_(("queued", "running")) | ((r.status == "completed") & ~given_up())
        using = select(r.id).where(r.digital_twin_id == twin_id, r.parameters["store"].astext == folder, needed)
        yield connection.scalar(using.limit(1)) is None


@retried
def give_up_outputs(engine: Engine, run_id: int, reason: str) -> None:
    """Say of a completed run that its outputs are lost; its result stays.  Raises NotFound, Conflict."""
    with transaction(engine) as connection:
        run, _ = lock(connection, run_id)
        if run.status != "completed":
            raise Conflict(f"run {run_id} is {run.status}.")
        note(connection, "audit", GIVE_UP, "simulation_runs", run_id, reason=reason)
        forget_seals(connection, run_id=run_id)


@retried
def note_repair(engine: Engine, kind: str, subject: str, action: str) -> None:
    """Note in the audit log what was repaired."""
    with transaction(engine) as connection:
        _note(connection, kind, subject, action)


def _note(connection: Connection, kind: str, subject: str, action: str) -> None:
    entity, _, number = subject.partition(" ")
    rows = {"twin": "digital_twins", "run": "simulation_runs", "sweep": "sweeps"}
    table = rows.get(entity, "flow_runs" if entity == FLOW_RUN else "stores")
    entity_id = int(number) if entity in rows and number.isdigit() else None
    note(connection, "audit", "repair", table, entity_id, kind=kind, subject=subject, done=action)
