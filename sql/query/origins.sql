-- Where the calls that stand at a commit came from: each dialect, outcome map and setting with the time its batches span.
SELECT
    dialect,
    outcome_map,
    indeterminate_as,
    toUnixTimestamp64Milli(min(first_start)) AS first,
    toUnixTimestamp64Milli(max(last_start)) AS last
FROM batch_log
WHERE state = 'loaded' AND isNotNull(first_start) AND batch IN (
    SELECT batch FROM commit_log
    WHERE state = 'complete' AND commit <= {commit:UInt32} AND kind IN ('load', 'rollback', 'restore')
    GROUP BY batch
    HAVING argMax(kind, commit) != 'rollback')
GROUP BY dialect, outcome_map, indeterminate_as
ORDER BY dialect, outcome_map, indeterminate_as
