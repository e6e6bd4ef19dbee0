-- Runs with their twins and what their results say, newest first; the page after id.
SELECT r.id AS run_id, r.digital_twin_id AS twin_id, t.name AS twin_name, b.identifier AS body, r.sweep_id, r.member,
       r.status, r.pattern, r.duration_years, r.parameters, r.created_at, r.completed_at,
       r.purged_at IS NOT NULL OR t.deleted_at IS NOT NULL AS gone, s.overall_score, s.success_metrics,
       (s.start_state #>> '{atmosphere,surface_temperature_k}')::float8 AS start_temperature_k,
       (s.end_state #>> '{atmosphere,surface_temperature_k}')::float8 AS end_temperature_k,
       (s.start_state #>> '{atmosphere,surface_pressure_pa}')::float8 AS start_pressure_pa,
       (s.end_state #>> '{atmosphere,surface_pressure_pa}')::float8 AS end_pressure_pa
FROM (
    SELECT id, digital_twin_id, sweep_id, member, status, pattern, duration_years, parameters, created_at,
           completed_at, purged_at
    FROM simulation_runs
    WHERE id < :before_id
    ORDER BY id DESC
    LIMIT :count
) r
JOIN digital_twins t ON t.id = r.digital_twin_id
JOIN celestial_bodies b ON b.id = t.celestial_body_id
LEFT JOIN simulation_results s ON s.simulation_run_id = r.id
ORDER BY r.id DESC
