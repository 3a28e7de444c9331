-- Where the calls that stand at a commit came from: each dialect, outcome map and setting with the time its batches
-- span; and what was given new facts later, with the outcome map of that moment.
WITH (
    SELECT groupArray((commit, version)) FROM list_log WHERE kind = 'outcomes' AND commit <= {commit:UInt32}
) AS outcome_maps
SELECT
    dialect,
    outcome_map,
    indeterminate_as,
    toUnixTimestamp64Milli(min(first_start)) AS first,
    toUnixTimestamp64Milli(max(last_start)) AS last
FROM (
    SELECT dialect, outcome_map, indeterminate_as, assumeNotNull(first_start) AS first_start, assumeNotNull(last_start) AS last_start
    FROM batch_log
    WHERE state = 'loaded' AND isNotNull(first_start) AND batch IN (
        SELECT batch FROM commit_log
        WHERE state = 'complete' AND commit <= {commit:UInt32} AND kind IN ('load', 'rollback', 'restore')
        GROUP BY batch
        HAVING argMax(kind, commit) != 'rollback')
    UNION ALL
    SELECT
        '' AS dialect,
        arrayMax(arrayPushBack(arrayMap(known -> if(known.1 <= commit, known.2, 0), outcome_maps), 0)) AS outcome_map,
        '' AS indeterminate_as,
        min(start_time) AS first_start,
        max(start_time) AS last_start
    FROM cdr
    WHERE commit IN (
        SELECT commit FROM commit_log WHERE state = 'complete' AND kind = 'reenrich' AND commit <= {commit:UInt32})
    GROUP BY commit
)
GROUP BY dialect, outcome_map, indeterminate_as
ORDER BY dialect, outcome_map, indeterminate_as
