"""A ledger as large as years of use would make it, by SQL alone.

Twins were made evenly over three years before now and live 200 to 600 days, one in twenty for ever; of those
that expired only the last two months are still to be cleaned up, so that some 40 % are active. Runs lie evenly
in the lives of their twins; about a thousand in a million wait in vain, and one active twin in fifty is being
simulated. The same arguments make the same rows, but for keys.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sqlalchemy import Engine, text

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SYSTEMS, BODIES = 100, 4  # bodies of each system

REFERENCES = """
INSERT INTO solar_systems (identifier, name)
    SELECT 'LOAD-' || s, 'System ' || s FROM generate_series(1, :systems) s;
INSERT INTO celestial_bodies (identifier, name, solar_system_id)
    SELECT identifier || '-' || b, 'Body ' || b, id FROM solar_systems, generate_series(1, :bodies) b
    WHERE identifier LIKE 'LOAD-%' ORDER BY id, b;
CREATE TEMP TABLE load_bodies ON COMMIT DROP AS
    SELECT id, solar_system_id, row_number() OVER (ORDER BY id) - 1 AS n FROM celestial_bodies
    WHERE identifier LIKE 'LOAD-%';
"""

TWINS = """
INSERT INTO digital_twins (name, description, celestial_body_id, solar_system_id, created_by_id, status,
    simulation_parameters, initial_state_snapshot, expires_at, twin_key, body_digest, content_digest,
    store_path, deleted_at, created_at, updated_at)
SELECT 'load ' || i, 'made by the load', b.id, b.solar_system_id, u.id,
    CASE WHEN dead THEN 'deleted' WHEN i % 50 = 0 AND i <= :runs AND coalesce(expires > :now, true)
         THEN 'running_simulation' ELSE 'completed' END,
    jsonb_build_object('grid', '36x72', 'steps_per_orbit', 96, 'tag', 't' || h % 500),
    jsonb_build_object('identifier', 'LOAD', 'n', i),
    expires, gen_random_uuid(), lpad(to_hex(h), 64, '0'), encode(sha256(int8send(i)), 'hex'),
    'stores/twin-' || i || '.zarr',
    CASE WHEN dead THEN expires END, created, created
FROM (
    SELECT *, coalesce(expires < :now - interval '60 days', false) AS dead FROM (
        SELECT i, h, created, CASE WHEN i % 20 <> 7 THEN created + make_interval(days => 200 + h % 400) END AS expires
        FROM (
            SELECT i, hashint8(i) & 2147483647 AS h,
                :now - interval '3 years' * ((:twins - i + 0.5) / :twins) AS created
            FROM generate_series(1, :twins) i
        ) made
    ) lived
) twin
JOIN load_bodies b ON b.n = h % (:systems * :bodies), users u
WHERE u.name = 'system' ORDER BY i;
CREATE TEMP TABLE load_twins ON COMMIT DROP AS
    SELECT id, created_at, least(coalesce(expires_at, :now), :now) AS until, status,
        row_number() OVER (ORDER BY id) AS i
    FROM digital_twins WHERE name LIKE 'load %';
CREATE UNIQUE INDEX ON load_twins (i);
ANALYZE load_twins;
"""

RUNS = """
INSERT INTO simulation_runs (digital_twin_id, initiated_by_id, status, pattern, duration_years, parameters,
    started_at, completed_at, error_message, progress, run_key, spec_digest, attempt, lease_generation,
    lease_until, created_at, updated_at)
SELECT twin, u.id, state,
    (ARRAY['mars_terraform', 'venus_industrial', 'titan_fuel', 'europa_ocean', 'custom'])[1 + h % 5],
    1 + h % 1000,
    jsonb_build_object('spec', jsonb_build_object('seed', h % 100, 'grid', '36x72', 'years', 1 + h % 1000),
        'store', 'runs/' || j || '.zarr', 'tag', 't' || h % 5000),
    CASE WHEN state <> 'queued' THEN created END, CASE WHEN state NOT IN ('queued', 'running') THEN ended END,
    CASE WHEN state = 'failed' THEN 'it froze over' END,
    CASE state WHEN 'completed' THEN 1 WHEN 'queued' THEN 0 ELSE 0.5 END,
    gen_random_uuid(), lpad(to_hex(j), 64, '0'), (state <> 'queued')::int, (state <> 'queued')::int,
    CASE WHEN state = 'running' THEN :now + interval '1 minute' END, created, created
FROM (
    SELECT *, least(created + interval '10 minutes', :now) AS ended, CASE WHEN live THEN 'running'
        WHEN rank <= :results THEN 'completed'
        WHEN h % 120 = 0 THEN 'queued' WHEN h % 2 = 0 THEN 'failed' ELSE 'cancelled' END AS state
    FROM (
        SELECT *, row_number() OVER (PARTITION BY live ORDER BY h, j) AS rank FROM (
            SELECT j, t.id AS twin, hashint8(j) & 2147483647 AS h,
                t.status = 'running_simulation' AND j + :twins > :runs AS live,
                t.created_at + (t.until - t.created_at) * (((j - 1) / :twins + 0.5) / :rounds) AS created
            FROM generate_series(1, :runs) j JOIN load_twins t ON t.i = 1 + (j - 1) % :twins
        ) placed
    ) ranked
) run, users u
WHERE u.name = 'system' ORDER BY created, j;
"""

RESULTS = """
INSERT INTO simulation_results (simulation_run_id, digital_twin_id, start_state, end_state, key_events,
    resource_consumption, success_metrics, performance_data, payload_sha256, created_at, updated_at)
SELECT id, digital_twin_id, jsonb_build_object('surface_temperature_k', 210 + h % 10),
    jsonb_build_object('surface_temperature_k', 220 + h % 60, 'surface_pressure_pa', h % 100000),
    jsonb_build_array(jsonb_build_object('year', 1 + h % 100, 'event', 'frost_gone', 'description', 'No frost')),
    jsonb_build_object('energy_j', h), jsonb_build_object('habitability_score', h % 1000 / 1000.0,
        'timeline_efficiency', h % 997 / 997.0, 'resource_efficiency', h % 991 / 991.0,
        'cost_efficiency', h % 983 / 983.0),
    jsonb_build_object('budget_closes', true, 'seconds', h % 100), sha256(int8send(id)), completed_at, completed_at
FROM (
    SELECT *, hashint8(id) & 2147483647 AS h FROM simulation_runs
    WHERE status = 'completed' AND digital_twin_id IN (SELECT id FROM load_twins)
) run ORDER BY id;
INSERT INTO run_stats_daily (solar_system_id, pattern, day, n, sum_overall, sum_habitability, best_overall)
    SELECT t.solar_system_id, r.pattern, (s.created_at AT TIME ZONE 'UTC')::date, count(*), sum(s.overall_score),
        sum(s.habitability_score), max(s.overall_score)
    FROM simulation_results s JOIN simulation_runs r ON r.id = s.simulation_run_id
    JOIN digital_twins t ON t.id = s.digital_twin_id WHERE t.name LIKE 'load %' GROUP BY 1, 2, 3;
"""

TABLES = {"twins": "digital_twins", "runs": "simulation_runs", "results": "simulation_results"}
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = :table
    AND indexdef NOT LIKE '%ANY%'  -- whose definition would come back in other words
    AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass))
"""


def load(
    engine: Engine, twins: int = 100_000, runs: int = 1_000_000, results: int = 880_000, now: datetime = NOW
) -> dict[str, float]:
    """Fill an empty ledger and gather its statistics; seconds of each part."""
    numbers = {"twins": twins, "runs": runs, "results": results, "systems": SYSTEMS, "bodies": BODIES}
    values = numbers | {"rounds": -(-runs // twins)}
    seconds = {}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET LOCAL work_mem = '256MB'; SET LOCAL synchronous_commit = off"))
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for part, statements in (("twins", REFERENCES + TWINS), ("runs", RUNS), ("results", RESULTS)):
            began = time.perf_counter()
            indexes = connection.execute(text(INDEXES), {"table": TABLES[part]}).all()
            for name, _ in indexes:  # made at once in the end, which takes a third of the time
                connection.execute(text(f"DROP INDEX {name}"))
            for statement in statements.split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(_filled(statement, values, now))
            for _, definition in indexes:
                connection.exec_driver_sql(definition)
            seconds[part] = time.perf_counter() - began
    began = time.perf_counter()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("RESET statement_timeout"))
    return seconds | {"analyze": time.perf_counter() - began}


def _filled(statement: str, values: dict[str, int], now: datetime) -> str:
    # as text: numbers of the prepared kind have no type in such expressions
    statement = statement.replace(":now", f"timestamptz '{now.isoformat()}'")
    for name, value in values.items():
        statement = statement.replace(f":{name}", f"{value}::bigint")
    return statement.replace("%", "%%")
