-- Completed runs per day and pattern, from the summary table; of one system, or of all.
SELECT day, pattern, sum(n)::bigint AS runs, sum(sum_overall) / sum(n) AS mean_overall,
       sum(sum_habitability) / sum(n) AS mean_habitability, max(best_overall) AS best_overall
FROM run_stats_daily
WHERE day BETWEEN :first AND :last
  AND (CAST(:system AS text) IS NULL
       OR solar_system_id = (SELECT id FROM solar_systems WHERE identifier = CAST(:system AS text)))
GROUP BY day, pattern
ORDER BY day, pattern
