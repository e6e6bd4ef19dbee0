-- Completed runs of all systems per day and pattern, from the summary table.
SELECT day, pattern, sum(n)::bigint AS runs, sum(sum_overall) / sum(n) AS mean_overall,
       sum(sum_habitability) / sum(n) AS mean_habitability, max(best_overall) AS best_overall
FROM run_stats_daily
WHERE day BETWEEN :first AND :last
GROUP BY day, pattern
ORDER BY day, pattern
