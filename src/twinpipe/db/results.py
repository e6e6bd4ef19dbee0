"""Results in the ledger: exactly one for a completed run, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from twinpipe.db.encoding import INSERT, EncodedResult, encode_result
from twinpipe.db.learned import count_outcome
from twinpipe.db.leases import lock_run
from twinpipe.db.models import METRICS, SimulationResult
from twinpipe.db.outbox import RUN_COMPLETED, dedup_key
from twinpipe.db.refusals import explained
from twinpipe.db.rows import ResultRow
from twinpipe.db.segments import note_seals
from twinpipe.db.session import driver_cursor, retried, transaction
from twinpipe.db.statistics import ADD
from twinpipe.errors import Conflict, NotFound

NEW = """
    SELECT twin.solar_system_id, run.pattern, result.day, 1, overall_score, habitability_score, overall_score
    FROM result, run, twin"""
# twin, run, result, message and day in one statement, since each would be a round trip under locks
COMPLETE = f"""
    WITH result AS (
        {INSERT}, overall_score, habitability_score, (created_at AT TIME ZONE 'UTC')::date AS day
    ), run AS (
        UPDATE simulation_runs r SET status = 'completed', progress = 1, lease_until = NULL,
            completed_at = greatest(clock_timestamp(), started_at)
        FROM result WHERE r.id = %(run)s RETURNING r.pattern
    ), twin AS (
        UPDATE digital_twins t SET status = CASE WHEN %(member)s THEN t.status ELSE 'completed' END
        FROM result WHERE t.id = %(twin)s RETURNING t.solar_system_id
    ), message AS (
        INSERT INTO outbox (topic, dedup_key, payload)
        SELECT %(topic)s, %(dedup_key)s, jsonb_build_object(
            'run_id', CAST(%(run)s AS bigint), 'twin_id', CAST(%(twin)s AS bigint), 'result_id', result.id)
        FROM result ON CONFLICT (dedup_key) DO NOTHING
    ), counted AS (
        {ADD.format(sums=NEW)}
    )
    SELECT id FROM result"""


@retried
def complete_run(
    engine: Engine, run_id: int, generation: int, result: dict[str, Any], seals: Sequence[Mapping[str, Any]] = ()
) -> int:
    """Insert the result, complete the run and its twin, all or nothing; id of the result.

    The statistics of the day, the seals of what was written, a message to the outbox, and the outcome for the learned
    pattern that the run was made by, if any, are a part of it.  The twin of a sweep's member stays the sweep's.
    The same result again is the same row. Raises Conflict when the run has another result or belongs to
    another generation, InvalidInput when a payload is refused, BudgetError when the books do not close.
    """
    encoded = encode_result(result)
    with transaction(engine) as connection, explained():
        return _complete(connection, run_id, generation, encoded, result, seals)


@retried
def complete_members(engine: Engine, generation: int, results: Mapping[int, dict[str, Any]]) -> list[int]:
    """complete_run for some members of a sweep, by their runs, all or none of them; ids of the results."""
    encoded = {run_id: encode_result(result) for run_id, result in results.items()}
    with transaction(engine) as connection, explained():
        return [_complete(connection, i, generation, encoded[i], results[i], ()) for i in sorted(encoded)]


def _complete(
    connection: Connection,
    run_id: int,
    generation: int,
    encoded: EncodedResult,
    result: Mapping[str, Any],
    seals: Sequence[Mapping[str, Any]],
) -> int:
    payload = encoded.payload_sha256
    run = lock_run(connection, run_id)
    if run.status == "completed":
        return _same(connection, run_id, payload)
    if run.status != "running" or run.lease_generation != generation:
        raise Conflict(f"run {run_id} is {run.status} and no longer held by this process.")
    note_seals(connection, run.digital_twin_id, seals, run_id=run_id)
    if run.learned_pattern is not None:
        score = sum(result["success_metrics"][name] for name in METRICS) / len(METRICS)
        count_outcome(connection, run.learned_pattern, run_id, run.run_key, score)
    given = encoded.parameters(run_id, run.digital_twin_id)
    given |= {"member": run.sweep_id is not None, "topic": RUN_COMPLETED, "dedup_key": dedup_key(RUN_COMPLETED, run_id)}
    with driver_cursor(connection, COMPLETE) as cursor:  # last: the results of a day share a row
        row = cursor.execute(COMPLETE, given).fetchone()
    return _same(connection, run_id, payload) if row is None else int(row[0])


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
