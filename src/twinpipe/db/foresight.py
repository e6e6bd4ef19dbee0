"""What a cleanup would do, foretold by one statement that only reads.

Rows go bottom-up: results by their age, runs that no result needs any more, sweeps and twins that no run needs.  So
what is left of each table tells what the next one needs; nothing has to be deleted to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from twinpipe.db.deletion import ONLY_COPY, RUNNING, SWEEPING
from twinpipe.db.outbox import RUN_PURGED, TWIN_DELETED
from twinpipe.db.reaper import CREATION_LIMIT, QUEUE_LIMIT
from twinpipe.db.retention import TABLES, Limits, Purged
from twinpipe.db.session import retried, transaction

SILENT = """
    SELECT x.id, x.digital_twin_id FROM {table} x JOIN digital_twins t ON t.id = x.digital_twin_id
    WHERE (x.status = 'running' AND x.lease_until < :alive
        OR x.status = 'queued' AND (x.created_at < :queued OR t.deleted_at IS NOT NULL))"""
# the reaper ends what is silent, and after the expiry what waited for a twin that is now deleted
DUE = """
    x.purged_at IS NULL AND CASE
        WHEN x.status NOT IN ('queued', 'running') THEN coalesce(x.completed_at, x.created_at) < :runs
        WHEN x.id IN (SELECT id FROM silent_{name})
            OR x.status = 'queued' AND x.digital_twin_id IN (SELECT id FROM expired)
        THEN greatest(CAST(:alive AS timestamptz), x.started_at) < :runs
        ELSE false END"""
GOES = "(due OR stub) AND NOT needed"
COUNTS = f"jsonb_build_array(count(*) FILTER (WHERE {GOES}), count(*) FILTER (WHERE due AND needed))"
FORESEEN = f"""
WITH silent_sweeps AS MATERIALIZED ({SILENT.format(table="sweeps")}),
silent_runs AS MATERIALIZED (
    {SILENT.format(table="simulation_runs")} AND NOT EXISTS (
        SELECT FROM sweeps w WHERE w.id = x.sweep_id AND w.status IN ('queued', 'running'))
    UNION SELECT m.id, m.digital_twin_id FROM simulation_runs m JOIN silent_sweeps w ON w.id = m.sweep_id
        WHERE m.status IN ('queued', 'running')
),
expired AS MATERIALIZED (
    SELECT t.id, t.store_path FROM digital_twins t
    WHERE t.expires_at < :now AND t.deleted_at IS NULL
        AND (t.status IN ('ready', 'completed', 'failed') OR t.status = 'creating' AND t.created_at < :creating
            OR t.status = 'running_simulation' AND t.id IN (
                SELECT digital_twin_id FROM silent_runs UNION ALL SELECT digital_twin_id FROM silent_sweeps))
        AND NOT EXISTS ({RUNNING} AND r.id NOT IN (SELECT id FROM silent_runs))
        AND NOT EXISTS ({SWEEPING} AND s.id NOT IN (SELECT id FROM silent_sweeps)) AND NOT EXISTS ({ONLY_COPY})
), runs AS MATERIALIZED (
    SELECT x.id, x.digital_twin_id AS twin, x.sweep_id AS sweep, x.purged_at IS NOT NULL AS stub,
        c.id IS NOT NULL AS needed, {DUE.format(name="runs")} AS due
    FROM simulation_runs x
    LEFT JOIN simulation_results c ON c.simulation_run_id = x.id AND c.created_at >= :results
), sweep_rows AS MATERIALIZED (
    SELECT x.digital_twin_id AS twin, x.purged_at IS NOT NULL AS stub, c.sweep IS NOT NULL AS needed,
        {DUE.format(name="sweeps")} AS due
    FROM sweeps x LEFT JOIN (SELECT DISTINCT sweep FROM runs WHERE NOT ({GOES})) c ON c.sweep = x.id
), messages AS MATERIALIZED (
    SELECT topic, dedup_key, payload, available_at <= clock_timestamp() AS at_hand FROM outbox WHERE done_at IS NULL
), twin_rows AS (
    SELECT x.purged_at IS NOT NULL AS stub, c.twin IS NOT NULL AS needed,
        x.purged_at IS NULL AND x.expires_at < :twins AND (x.deleted_at IS NOT NULL OR e.id IS NOT NULL)
            AND m.dedup_key IS NULL AS due
    FROM digital_twins x
    LEFT JOIN expired e ON e.id = x.id
    LEFT JOIN messages m ON m.dedup_key = '{TWIN_DELETED}:' || x.id AND NOT m.at_hand
    LEFT JOIN (
        SELECT twin FROM runs WHERE NOT ({GOES}) UNION SELECT twin FROM sweep_rows WHERE NOT ({GOES})
    ) c ON c.twin = x.id
), outputs AS (
    SELECT t.id, t.store_path, x.parameters ->> 'store' AS folder
    FROM runs r JOIN simulation_runs x ON x.id = r.id JOIN digital_twins t ON t.id = r.twin
    WHERE t.deleted_at IS NULL AND t.id NOT IN (SELECT id FROM expired) AND x.purged_at IS NULL
        AND t.id IN (SELECT twin FROM runs WHERE due)
    GROUP BY 1, 2, 3 HAVING bool_and(r.due) AND x.parameters ->> 'store' IS NOT NULL
), stores AS (
    SELECT id, store_path, NULL AS folder FROM expired
    UNION SELECT CAST(payload ->> 'twin_id' AS bigint), payload ->> 'store', payload ->> 'folder'
        FROM messages m WHERE at_hand AND (topic = '{TWIN_DELETED}' OR topic = '{RUN_PURGED}' AND NOT EXISTS (
            SELECT FROM simulation_runs x JOIN runs r ON r.id = x.id
            WHERE x.digital_twin_id = CAST(m.payload ->> 'twin_id' AS bigint) AND x.purged_at IS NULL AND NOT r.due
                AND x.parameters ->> 'store' = m.payload ->> 'folder'))
    UNION SELECT * FROM outputs
)
SELECT
    ARRAY(SELECT id FROM silent_runs UNION SELECT x.id FROM simulation_runs x JOIN expired e
        ON e.id = x.digital_twin_id WHERE x.status = 'queued' ORDER BY 1) AS reaped,
    ARRAY(SELECT id FROM expired ORDER BY 1) AS expired,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(id, store_path, folder) ORDER BY id, folder), '[]')
        FROM stores) AS stores,
    jsonb_build_object(
        'simulation_results',
        (SELECT jsonb_build_array(count(*), 0) FROM simulation_results WHERE created_at < :results),
        'simulation_runs', (SELECT {COUNTS} FROM runs),
        'sweeps', (SELECT {COUNTS} FROM sweep_rows),
        'digital_twins', (SELECT {COUNTS} FROM twin_rows)) AS rows,
    (SELECT count(*) FROM outbox WHERE done_at < :proofs) AS forgotten
"""


@dataclass(frozen=True)
class Foreseen:
    """What a cleanup would do, if nobody else does anything and every store can be dropped."""

    reaped_runs: list[int]
    expired_twins: list[int]
    stores: list[tuple[int, str | None, str | None]]  # twin, where its row says its store is, folder if not all of it
    rows: dict[str, Purged]
    forgotten_messages: int


@retried
def foresee(engine: Engine, now: datetime, alive: datetime, limits: Limits, proofs: datetime) -> Foreseen:
    """What a cleanup as of now would do that takes for dead what is silent at alive, and forgets older proofs."""
    values = {
        **{"now": now, "alive": alive, "queued": alive - QUEUE_LIMIT, "creating": alive - CREATION_LIMIT},
        **{"kept": now - limits.results, "results": now - limits.results, "runs": now - limits.runs},
        **{"twins": now - limits.twins, "proofs": proofs},
    }
    with transaction(engine) as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        connection.execute(text("SET LOCAL work_mem = '64MB'"))  # the sets above are hashed, however large
        found = connection.execute(text(FORESEEN), values).one()
    rows = {table.name: Purged(*found.rows[table.name]) for table in TABLES}
    return Foreseen(found.reaped, found.expired, [tuple(store) for store in found.stores], rows, found.forgotten)
