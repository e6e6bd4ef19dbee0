-- Runs that are queued or running, oldest first, with their twins; the page after (created_at, id).
SELECT r.id, r.digital_twin_id AS twin_id, t.name AS twin_name, r.status, r.pattern, r.duration_years, r.progress,
       r.attempt, r.created_at, r.started_at, r.lease_until
FROM (
    SELECT id, digital_twin_id, status, pattern, duration_years, progress, attempt, created_at, started_at, lease_until
    FROM simulation_runs
    WHERE status IN ('queued', 'running') AND (created_at, id) > (:after_time, :after_id)
    ORDER BY created_at, id
    LIMIT :count
) r
JOIN digital_twins t ON t.id = r.digital_twin_id
ORDER BY r.created_at, r.id
