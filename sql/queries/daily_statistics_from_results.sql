-- The statistics of the days from :first on, counted anew; the days of a result are those of UTC.
INSERT INTO run_stats_daily (solar_system_id, pattern, day, n, sum_overall, sum_habitability, best_overall)
SELECT t.solar_system_id, r.pattern, (s.created_at AT TIME ZONE 'UTC')::date, count(*), sum(s.overall_score),
       sum(s.habitability_score), max(s.overall_score)
FROM simulation_results s
JOIN simulation_runs r ON r.id = s.simulation_run_id
JOIN digital_twins t ON t.id = s.digital_twin_id
WHERE s.created_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3
