-- Results by overall score, best first, with their runs and twins; the page after (overall_score, id).
SELECT s.id, s.simulation_run_id AS run_id, s.digital_twin_id AS twin_id, t.name AS twin_name,
       r.pattern, r.duration_years, s.overall_score, s.success_metrics, s.created_at
FROM (
    SELECT id, simulation_run_id, digital_twin_id, overall_score, success_metrics, created_at
    FROM simulation_results
    WHERE (overall_score, id) < (:after_score, :after_id)
    ORDER BY overall_score DESC NULLS LAST, id DESC
    LIMIT :count
) s
JOIN simulation_runs r ON r.id = s.simulation_run_id
JOIN digital_twins t ON t.id = s.digital_twin_id
ORDER BY s.overall_score DESC NULLS LAST, s.id DESC
