-- Completed runs of a system per day and pattern, from the summary table.
SELECT day, pattern, n AS runs, sum_overall / n AS mean_overall, sum_habitability / n AS mean_habitability,
       best_overall
FROM run_stats_daily
WHERE solar_system_id = (SELECT id FROM solar_systems WHERE identifier = :system) AND day BETWEEN :first AND :last
ORDER BY day, pattern
