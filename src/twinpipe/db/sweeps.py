"""Sweeps in the ledger: sets of runs on one twin that are created, held and ended together, each with its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Select, Text, cast, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.leases import OPEN, check_ready, claim, end, end_if, lock, renew
from twinpipe.db.models import SimulationRun, Sweep, User
from twinpipe.db.refusals import explained
from twinpipe.db.rows import RunRow, SweepRow
from twinpipe.db.runs import ALIVE, run_rows
from twinpipe.db.segments import note_seals
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.trail import outputs_gone
from twinpipe.db.twins import lock_twin, release_twin, user_id
from twinpipe.db.validations import check_name
from twinpipe.digest import digest
from twinpipe.errors import Conflict, InvalidInput, NotFound
from twinpipe.payloads import RunParameters, SweepDesign, check_payload


def create_sweep(
    engine: Engine,
    *,
    twin_id: int,
    name: str,
    spec: dict[str, Any],
    members: Sequence[dict[str, Any]],
    again: bool = False,
    initiated_by: str = "system",
    key: UUID | None = None,
) -> tuple[SweepRow, bool]:
    """The sweep of a design on a twin with its member runs, all queued or nothing, and whether it is new.

    members: parameters of the run of each member that has none yet, in the order of the spec, which names them by
    content; pattern and years of a run are those of its parameters.  The same spec is the same sweep, whatever it is
    called, unless again is set; one that failed, was cancelled or scrubbed does not count, nor one of whose members
    outputs are gone, and the same key is the same sweep.  Raises NotFound, InvalidInput naming
    the field and the member, and Conflict when the twin is deleted or not ready, or the key is that of another sweep.
    """
    check_name(name)
    check_json(name, "name")
    runs = _member_runs(spec, members)
    # which members were there before does not count: the same file is the same sweep
    by_content: Any = {"asked": {"name": True}, "members": {"__all__": {"run"}}}
    spec_digest = digest(
        SweepDesign.model_validate(spec).model_dump(mode="json", exclude=by_content, exclude_none=True)
    )
    key = key or uuid4()  # minted outside what is retried, so that a repetition finds its own row

    @retried
    def create() -> tuple[SweepRow, bool]:
        with transaction(engine) as connection, explained():
            status = lock_twin(connection, twin_id)
            if own := connection.execute(_sweeps().where(Sweep.sweep_key == key)).one_or_none():
                if (own.twin_id, own.spec_digest) != (twin_id, spec_digest):
                    raise Conflict(f"sweep_key: {key} is that of sweep {own.id}, which has other content.")
                return SweepRow.of(own), True
            check_ready(twin_id, status)
            same = _sweeps().where(Sweep.digital_twin_id == twin_id, Sweep.spec_digest == spec_digest)
            same = same.where(Sweep.status.in_(ALIVE), Sweep.purged_at.is_(None))
            newest = connection.execute(same.order_by(Sweep.id.desc()).limit(1)).one_or_none()
            if newest is not None and not again and _are_there(connection, newest.id, newest.status, newest.spec):
                return SweepRow.of(newest), False
            who = user_id(connection, initiated_by)
            row = {"digital_twin_id": twin_id, "initiated_by_id": who, "sweep_key": key, "name": name, "spec": spec}
            row |= {"spec_digest": spec_digest, "members": len(spec["members"])}
            number = connection.execute(insert(Sweep).values(row).returning(Sweep.id)).scalar_one()
            place = {"digital_twin_id": twin_id, "initiated_by_id": who, "sweep_id": number}
            if runs:
                connection.execute(insert(SimulationRun), [place | run for run in runs])
            return _get(connection, number), True

    return create()


def _are_there(connection: Connection, number: int, status: str, spec: dict[str, Any]) -> bool:
    """Whether the members of a sweep that are completed, and the runs before it that stand for others, have outputs."""
    r, named = SimulationRun, {m["run"] for m in spec["members"] if m.get("run") is not None}
    own = select(func.count(r.id)).where(r.sweep_id == number, r.status == "completed", outputs_gone())
    before = select(func.count(r.id)).where(r.id.in_(named), ~outputs_gone())
    lost = status == "completed" and connection.scalar(own)
    return not lost and (not named or connection.scalar(before) == len(named))


def _member_runs(spec: dict[str, Any], members: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is in the rows of the members; raises InvalidInput."""
    check_json(spec, "spec")
    check_payload("sweeps", "spec", spec)
    new = [(number, m["spec_digest"]) for number, m in enumerate(spec["members"]) if m.get("run") is None]
    if len(members) != len(new):
        raise InvalidInput("members", len(members), f"the spec names {len(new)} members")
    runs = []
    for (number, name), parameters in zip(new, members, strict=True):
        field = f"members.{number}.parameters"
        check_json(parameters, field)
        check_payload("simulation_runs", "parameters", parameters, field)
        choices = RunParameters.model_validate(parameters).spec
        runs.append(
            {
                "run_key": uuid4(),
                "member": number,
                "pattern": choices.scenario.pattern,
                "duration_years": choices.years,
                "parameters": parameters,
                "spec_digest": name,
            }
        )
    return runs


def claim_sweep(
    engine: Engine, sweep_id: int, lease_seconds: float, now: datetime | None = None, flow_run_id: str | None = None
) -> int:
    """Start a queued sweep, or take over one whose lease has run out; the generation that its members write under.

    Members that are owed start with it under one lease, and the twin goes to running_simulation, in one
    transaction.  Raises NotFound, and Conflict as claim_run does.
    """
    return claim(engine, Sweep, sweep_id, lease_seconds, now, flow_run_id)


def report_sweep_progress(
    engine: Engine, sweep_id: int, generation: int, progress: float, lease_seconds: float
) -> bool:
    """Note progress (0..1) and renew the lease of the sweep and so of its members; False when it is lost.

    Raises InvalidInput when progress is out of range.
    """
    return renew(engine, Sweep, sweep_id, generation, progress, lease_seconds)


@retried
def finish_sweep(engine: Engine, sweep_id: int, generation: int, seals: Sequence[Mapping[str, Any]] = ()) -> str:
    """End a sweep whose members have all ended, note its seals and give its twin back; its status.

    It is completed when at least one member is, or was before, failed otherwise.  To finish again is the same.
    Raises NotFound, and Conflict when members are still owed, or when the sweep was cancelled or belongs to another
    generation.
    """
    s, r = Sweep, SimulationRun
    with transaction(engine) as connection, explained():
        sweep, _ = lock(connection, sweep_id, s)
        held = sweep.lease_generation == generation
        if held and sweep.status in ("completed", "failed"):
            return str(sweep.status)
        if sweep.status != "running" or not held:
            raise Conflict(f"sweep {sweep_id} is {sweep.status} and no longer held by this process.")
        counted = select(r.status, func.count()).where(r.sweep_id == sweep_id).group_by(r.status)
        members = {status: int(number) for status, number in connection.execute(counted)}
        if owed := sum(members.get(status, 0) for status in OPEN):
            raise Conflict(f"sweep {sweep_id} has {owed} members that have not ended.")
        design = connection.execute(select(s.spec).where(s.id == sweep_id)).scalar_one()
        if not members.get("completed") and not any(m.get("run") for m in design["members"]):
            message = f"none of its {sum(members.values())} members completed"
            end(connection, s, sweep_id, sweep.digital_twin_id, "failed", message)
            return "failed"
        ended = func.greatest(func.clock_timestamp(), s.started_at)
        values = {"status": "completed", "progress": 1.0, "completed_at": ended, "lease_until": null()}
        connection.execute(update(s).where(s.id == sweep_id).values(values))
        note_seals(connection, sweep.digital_twin_id, seals, sweep_id=sweep_id)
        release_twin(connection, sweep.digital_twin_id)
        return "completed"


def fail_sweep(engine: Engine, sweep_id: int, generation: int | None, message: str) -> bool:
    """End a sweep as failed, and with it the members that are owed; False when it has ended or is another's.

    Members that are completed stay so.  Without a generation any queued or running sweep is meant. Raises NotFound.
    """
    return end_if(engine, Sweep, sweep_id, "failed", message, generation)


def cancel_sweep(engine: Engine, sweep_id: int) -> bool:
    """End a queued or running sweep as cancelled, and with it the members that are owed; False when it has ended.

    Who computes for it learns so from the next report_sweep_progress. Raises NotFound.
    """
    return end_if(engine, Sweep, sweep_id, "cancelled", None, None)


@retried
def list_sweeps(engine: Engine, twin_id: int | None = None, limit: int = 50) -> list[SweepRow]:
    """The newest sweeps, of one twin or of all."""
    wanted = _sweeps().order_by(Sweep.id.desc()).limit(limit)
    if twin_id is not None:
        wanted = wanted.where(Sweep.digital_twin_id == twin_id)
    with transaction(engine) as connection:
        return [SweepRow.of(row) for row in connection.execute(wanted)]


@retried
def get_sweep(engine: Engine, sweep_id: int) -> SweepRow:
    """The sweep; raises NotFound."""
    with transaction(engine) as connection:
        return _get(connection, sweep_id)


@retried
def list_members(engine: Engine, sweep_id: int) -> list[RunRow]:
    """The runs of a sweep in the order of its design; raises NotFound."""
    r = SimulationRun
    with transaction(engine) as connection:
        _get(connection, sweep_id)
        members = run_rows().where(r.sweep_id == sweep_id).order_by(r.member)
        return [RunRow.of(row) for row in connection.execute(members)]


def _get(connection: Connection, sweep_id: int) -> SweepRow:
    row = connection.execute(_sweeps().where(Sweep.id == sweep_id)).one_or_none()
    if row is None:
        raise NotFound("sweep", sweep_id)
    return SweepRow.of(row)


def _sweeps() -> Select[Any]:
    s = Sweep
    return select(
        *(s.id, cast(s.sweep_key, Text).label("sweep_key"), s.digital_twin_id.label("twin_id"), s.name, s.status),
        *(s.spec, s.spec_digest, s.members, s.progress, s.attempt, s.lease_generation, s.lease_until),
        *(cast(s.flow_run_id, Text).label("flow_run_id"), s.error_message, User.name.label("initiated_by")),
        *(s.created_at, s.updated_at, s.started_at, s.completed_at),
    ).outerjoin(User, User.id == s.initiated_by_id)
