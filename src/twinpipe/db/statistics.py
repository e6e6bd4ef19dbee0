"""Daily statistics of results: kept with each result, repaired from the results themselves."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Engine, text

from twinpipe.db.session import retried, transaction

SUMS = """
    SELECT t.solar_system_id, r.pattern, (s.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n,
        sum(s.overall_score) AS sum_overall, sum(s.habitability_score) AS sum_habitability,
        max(s.overall_score) AS best_overall
    FROM simulation_results s
    JOIN simulation_runs r ON r.id = s.simulation_run_id
    JOIN digital_twins t ON t.id = s.digital_twin_id
    WHERE {which} GROUP BY 1, 2, 3
"""

ADD = """
    INSERT INTO run_stats_daily AS d
        (solar_system_id, pattern, day, n, sum_overall, sum_habitability, best_overall)
    {sums}
    ON CONFLICT (solar_system_id, pattern, day) DO UPDATE SET
        n = d.n + excluded.n,
        sum_overall = d.sum_overall + excluded.sum_overall,
        sum_habitability = d.sum_habitability + excluded.sum_habitability,
        best_overall = greatest(d.best_overall, excluded.best_overall)
"""
COUNT = ADD.format(sums=SUMS)

REPAIR = f"""
    WITH fresh AS MATERIALIZED (
        {SUMS.format(which="s.created_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'")}
    ), gone AS (
        DELETE FROM run_stats_daily d WHERE d.day >= :since AND NOT EXISTS (
            SELECT FROM fresh f
            WHERE (f.solar_system_id, f.pattern, f.day) = (d.solar_system_id, d.pattern, d.day)
        ) RETURNING 1
    ), put AS (
        INSERT INTO run_stats_daily AS d
            (solar_system_id, pattern, day, n, sum_overall, sum_habitability, best_overall)
        SELECT * FROM fresh
        ON CONFLICT (solar_system_id, pattern, day) DO UPDATE SET
            n = excluded.n,
            sum_overall = excluded.sum_overall,
            sum_habitability = excluded.sum_habitability,
            best_overall = excluded.best_overall
        WHERE d.n <> excluded.n OR d.best_overall <> excluded.best_overall
            OR abs(d.sum_overall - excluded.sum_overall) > 1e-9 * d.n
            OR abs(d.sum_habitability - excluded.sum_habitability) > 1e-9 * d.n
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put)
"""


def count_results_of(connection: Connection, run_ids: list[int]) -> None:
    """Add the new results of runs to the sums of their days."""
    if run_ids:
        connection.execute(text(COUNT.format(which="s.simulation_run_id = ANY (:runs)")), {"runs": run_ids})


@retried
def repair_statistics(engine: Engine, since: date) -> int:
    """Make the sums of the days from since on those of the results; how many were wrong.

    Days whose results have been purged are not to be repaired: the sums are all that is left of them.
    """
    with transaction(engine) as connection:
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        # no result is counted meanwhile: it would be counted twice, or not at all
        connection.execute(text("LOCK TABLE run_stats_daily IN SHARE ROW EXCLUSIVE MODE"))
        return int(connection.execute(text(REPAIR), {"since": since}).scalar_one())
