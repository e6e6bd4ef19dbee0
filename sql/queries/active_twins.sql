-- Active twins of a system, newest first, each with its body and latest run; the page after (created_at, id).
SELECT t.id, t.name, b.identifier AS body, b.name AS body_name, t.status, t.created_at, t.expires_at,
       r.id AS run_id, r.status AS run_status, r.pattern, r.duration_years, r.progress, r.created_at AS run_created_at
FROM (
    SELECT id, name, celestial_body_id, status, created_at, expires_at
    FROM digital_twins
    WHERE solar_system_id = (SELECT id FROM solar_systems WHERE identifier = :system)
      AND deleted_at IS NULL
      AND (created_at, id) < (:after_time, :after_id)
    ORDER BY created_at DESC, id DESC
    LIMIT :count
) t
JOIN celestial_bodies b ON b.id = t.celestial_body_id
LEFT JOIN LATERAL (
    SELECT id, status, pattern, duration_years, progress, created_at
    FROM simulation_runs
    WHERE digital_twin_id = t.id AND purged_at IS NULL
    ORDER BY created_at DESC, id DESC
    LIMIT 1
) r ON true
ORDER BY t.created_at DESC, t.id DESC
