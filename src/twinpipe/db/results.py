"""Results in the ledger: exactly one for a completed run, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, func, null, select, update

from twinpipe.db.encoding import encode_result, insert_encoded
from twinpipe.db.leases import lock
from twinpipe.db.models import SimulationResult, SimulationRun
from twinpipe.db.outbox import RUN_COMPLETED, owe
from twinpipe.db.refusals import explained
from twinpipe.db.rows import ResultRow
from twinpipe.db.segments import note_seals
from twinpipe.db.session import retried, transaction
from twinpipe.db.statistics import count_result
from twinpipe.db.twins import set_twin
from twinpipe.errors import Conflict, NotFound


@retried
def complete_run(
    engine: Engine, run_id: int, generation: int, result: dict[str, Any], seals: Sequence[Mapping[str, Any]] = ()
) -> int:
    """Insert the result, complete the run and its twin, all or nothing; id of the result.

    The statistics of the day, the seals of what was written and a message to the outbox are a part of it.  The
    twin of a sweep's member stays the sweep's.
    The same result again is the same row. Raises Conflict when the run has another result or belongs to
    another generation, InvalidInput when a payload is refused, BudgetError when the books do not close.
    """
    encoded = encode_result(result)
    payload = encoded.payload_sha256
    with transaction(engine) as connection, explained():
        run, _ = lock(connection, run_id)
        if run.status == "completed":
            return _same(connection, run_id, payload)
        if run.status != "running" or run.lease_generation != generation:
            raise Conflict(f"run {run_id} is {run.status} and no longer held by this process.")
        result_id = insert_encoded(connection, run_id, run.digital_twin_id, encoded)
        if result_id is None:
            return _same(connection, run_id, payload)
        connection.execute(
            update(SimulationRun)
            .where(SimulationRun.id == run_id, SimulationRun.status == "running")
            .values(
                status="completed",
                progress=1.0,
                completed_at=func.greatest(func.clock_timestamp(), SimulationRun.started_at),
                lease_until=null(),
            )
        )
        if run.sweep_id is None:
            set_twin(connection, run.digital_twin_id, "completed")
        note_seals(connection, run.digital_twin_id, seals, run_id=run_id)
        owe(connection, RUN_COMPLETED, run_id, run_id=run_id, twin_id=run.digital_twin_id, result_id=result_id)
        count_result(connection, result_id)  # last: a row that the results of a day share
        return result_id


def _same(connection: Connection, run_id: int, payload: bytes) -> int:
    """Id of the run's result when it has that payload; raises Conflict."""
    r = SimulationResult
    found = connection.execute(select(r.id, r.payload_sha256).where(r.simulation_run_id == run_id)).one_or_none()
    if found is None:
        raise Conflict(f"run {run_id} is completed, and its result has been removed.")
    if found.payload_sha256 != payload:
        raise Conflict(f"run {run_id} already has a different result.")
    return int(found.id)


@retried
def get_result(engine: Engine, run_id: int) -> ResultRow:
    """The result of a run; raises NotFound when there is none."""
    r = SimulationResult
    wanted = select(
        *(r.id, r.simulation_run_id.label("run_id"), r.digital_twin_id.label("twin_id")),
        *(r.start_state, r.end_state, r.key_events, r.resource_consumption),
        *(r.success_metrics, r.performance_data, r.habitability_score, r.overall_score),
        *(func.encode(r.payload_sha256, "hex").label("payload_sha256"), r.created_at),
    ).where(r.simulation_run_id == run_id)
    with transaction(engine) as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        raise NotFound("result of run", run_id)
    return ResultRow.of(row)
