"""Databases of a test's own, and rows made by SQL to fill them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Engine, create_engine, make_url, text

from twinpipe.db.session import close
from twinpipe.db.statistics import COUNT

# awkward on purpose: what JSON, COPY and SQL quote differently
AWKWARD = r"""E'quote " backslash \\ apostrophe '' newline \n tab \t bell \x07 delete \x7f \\. é 火星 🪐'"""

FILL = f"""
INSERT INTO solar_systems (identifier, name) SELECT 'SYS-' || i, {AWKWARD} || i FROM generate_series(1, 10) i;
INSERT INTO celestial_bodies (identifier, name, solar_system_id)
    SELECT 'BODY-' || s.id, 'body', s.id FROM solar_systems s;
INSERT INTO digital_twins (name, description, celestial_body_id, solar_system_id, created_by_id, status,
    simulation_parameters, initial_state_snapshot, expires_at, twin_key, body_digest, content_digest, deleted_at,
    created_at)
    SELECT 'twin ' || i, {AWKWARD}, b.id, b.solar_system_id, 1, CASE WHEN i % 5 = 0 THEN 'deleted' ELSE 'ready' END,
           '{{"grid": "36x72", "steps_per_orbit": 96}}',
           jsonb_build_object('identifier', 'X', 'text', {AWKWARD}, 'n', 1e-300, 'big', 12345678901234567890.123,
                              'none', NULL, 'list', '[1.0, 1, 1e2]'::jsonb),
           now() + i * interval '1 hour 1 microsecond', gen_random_uuid(), md5(i::text),
           md5('content ' || i), CASE WHEN i % 5 = 0 THEN now() END, now() - i * interval '1 minute'
    FROM generate_series(1, :twins) i JOIN celestial_bodies b ON b.id = (SELECT min(id) FROM celestial_bodies) + i % 10;
INSERT INTO simulation_runs (digital_twin_id, status, pattern, duration_years, parameters, started_at, completed_at,
    error_message, progress, run_key, spec_digest, attempt, created_at)
    SELECT t.id, s.status, 'mars_terraform', 1 + i % 1000, jsonb_build_object('i', i, 'rate', random()),
           CASE WHEN s.status <> 'queued' THEN t.created_at END,
           CASE WHEN s.status <> 'queued' THEN t.created_at + interval '1 second' END,
           CASE WHEN s.status = 'failed' THEN {AWKWARD} END, CASE WHEN s.status = 'completed' THEN 1 ELSE random() END,
           gen_random_uuid(), md5(i::text), 1, t.created_at + i * interval '1 second'
    FROM digital_twins t, generate_series(1, :runs / :twins) i,
         LATERAL (SELECT (ARRAY['completed', 'completed', 'completed', 'failed', 'queued'])[1 + (i + t.id) % 5]
                  AS status) s;
INSERT INTO sweeps (digital_twin_id, initiated_by_id, sweep_key, name, status, spec, spec_digest, members, progress,
    started_at, completed_at, error_message, attempt, lease_holder)
    SELECT t.id, 1, gen_random_uuid(), {AWKWARD}, s.status, jsonb_build_object('text', {AWKWARD}, 'n', 1e-300),
           md5(t.id::text), 3, CASE WHEN s.status = 'completed' THEN 1 ELSE 0.1 END,
           CASE WHEN s.status <> 'queued' THEN t.created_at END, CASE WHEN s.status <> 'queued' THEN now() END,
           CASE WHEN s.status = 'failed' THEN {AWKWARD} END, 1, gen_random_uuid()
    FROM digital_twins t, LATERAL (SELECT (ARRAY['completed', 'failed', 'queued'])[1 + t.id % 3] AS status) s
    WHERE t.id % 4 = 1;
UPDATE simulation_runs r SET sweep_id = m.sweep, member = m.n FROM (
    SELECT r.id, s.id AS sweep, row_number() OVER (PARTITION BY s.id ORDER BY r.id) - 1 AS n
    FROM simulation_runs r JOIN sweeps s ON s.digital_twin_id = r.digital_twin_id) m
    WHERE m.id = r.id AND m.n < 3;
INSERT INTO segments (digital_twin_id, simulation_run_id, sweep_id, block, segment, generation, digest, files, bytes)
    SELECT digital_twin_id, id, NULL::bigint, 0, 1, 9007199254740993, repeat('a', 64), 3, 12345678901
    FROM simulation_runs WHERE status = 'completed' AND sweep_id IS NULL
    UNION ALL SELECT digital_twin_id, NULL, id, 2, 0, 1, repeat('b', 64), 0, 0 FROM sweeps;
INSERT INTO outbox (topic, dedup_key, payload, attempts, available_at, done_at, error, outcome, created_at)
    SELECT 'run.completed', 'run.completed:' || id, jsonb_build_object('run_id', id, 'text', {AWKWARD}), id % 3,
           created_at, CASE WHEN id % 2 = 0 THEN now() END, CASE WHEN id % 2 = 1 THEN {AWKWARD} END,
           CASE WHEN id % 2 = 0 THEN '{{"bytes": 0, "stores": []}}'::jsonb END, created_at
    FROM simulation_runs WHERE status = 'completed';
INSERT INTO audit_log (actor, action, entity, entity_id, detail)
    SELECT {AWKWARD}, 'delete', 'digital_twins', nullif(id, 1), jsonb_build_object('was', {AWKWARD})
    FROM digital_twins WHERE status = 'deleted';
INSERT INTO learned_patterns (pattern_id, source_mission_id, created_by_id, success_score, required_conditions,
    deployment_sequence, optimizations, times_applied, success_rate)
    SELECT {AWKWARD} || i, nullif(i, 1), 1, random(), jsonb_build_object('text', {AWKWARD}),
           '[{{"year": 1.0}}, 1e2, null]', '[]', i, random() FROM generate_series(1, 5) i;
INSERT INTO pattern_applications (learned_pattern_id, simulation_run_id, run_key, succeeded, score)
    SELECT p.id, CASE WHEN r.id % 2 = 0 THEN r.id END, r.run_key, r.status = 'completed', random()
    FROM learned_patterns p, simulation_runs r WHERE r.id % 7 = 0;
INSERT INTO simulation_results (simulation_run_id, digital_twin_id, start_state, end_state, key_events,
    resource_consumption, success_metrics, performance_data, payload_sha256, created_at)
    SELECT r.id, r.digital_twin_id, '{{"surface_temperature_k": 210.0}}', jsonb_build_object('t', random()),
           '[{{"year": 15, "event": "x", "description": "y", "data": {{}}}}]', '{{}}',
           jsonb_build_object('habitability_score', random(), 'timeline_efficiency', random(),
                              'resource_efficiency', random(), 'cost_efficiency', random()),
           '{{"budget_closes": true}}', sha256(r.id::text::bytea), r.completed_at
    FROM simulation_runs r WHERE r.status = 'completed';
DELETE FROM simulation_results WHERE id % 97 = 0;
{COUNT.format(which="true")};
ANALYZE
"""


@contextmanager
def database(server: str) -> Iterator[str]:
    """URL of an empty database on a server, dropped afterwards."""
    name = f"of_a_test_{uuid4().hex[:8]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} STRATEGY file_copy"))
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    try:
        yield url
    finally:
        close(url)
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def fill(engine: Engine, twins: int, runs: int) -> None:
    """Fill every table of an empty ledger: twins, runs, results of three runs in five, and what belongs to them."""
    with engine.begin() as connection:
        for statement in FILL.split(";\n"):
            given = {"twins": twins, "runs": runs}
            connection.execute(text(statement), {k: v for k, v in given.items() if f":{k}" in statement})
