-- Runs that are queued or running, oldest first, with their twins; the page after (created_at, id).
-- A running member of a sweep has the progress and the lease of its sweep, under which it is held.
SELECT r.id, r.digital_twin_id AS twin_id, t.name AS twin_name, r.sweep_id, r.status, r.pattern, r.duration_years,
       coalesce(s.progress, r.progress) AS progress, r.attempt, r.created_at, r.started_at,
       coalesce(s.lease_until, r.lease_until) AS lease_until
FROM (
    SELECT id, digital_twin_id, sweep_id, status, pattern, duration_years, progress, attempt, created_at, started_at,
           lease_until
    FROM simulation_runs
    WHERE status IN ('queued', 'running') AND (created_at, id) > (:after_time, :after_id)
    ORDER BY created_at, id
    LIMIT :count
) r
JOIN digital_twins t ON t.id = r.digital_twin_id
LEFT JOIN LATERAL (
    SELECT progress, lease_until FROM sweeps WHERE id = r.sweep_id AND r.status = 'running' LIMIT 1
) s ON true
ORDER BY r.created_at, r.id
