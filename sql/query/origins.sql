-- Where the calls that stand at a commit came from: each dialect, outcome map and setting with the time its batches
-- span. A reenrichment gave the calls of its span what was known then: one that is done took the place of what was
-- known when they were loaded, one that only begun may have.
WITH
batches AS (
    SELECT
        dialect, outcome_map, indeterminate_as, loaded,
        assumeNotNull(first_start) AS first_start, assumeNotNull(last_start) AS last_start
    FROM batch_log
    INNER JOIN (
        SELECT batch, maxIf(commit, kind = 'load') AS loaded FROM commit_log
        WHERE state = 'complete' AND commit <= {commit:UInt32} AND kind IN ('load', 'rollback', 'restore')
        GROUP BY batch
        HAVING argMax(kind, commit) != 'rollback'
    ) AS there USING (batch)
    WHERE state = 'loaded' AND isNotNull(first_start)
),
(
    SELECT groupArray((first, until, commit, time, outcome_map, indeterminate_as)) FROM reenrichments
    WHERE commit <= {commit:UInt32} AND state = 'done'
) AS done,
(
    SELECT groupArray((first, until, commit, time, outcome_map, indeterminate_as)) FROM reenrichments
    WHERE commit <= {commit:UInt32}
) AS begun
SELECT
    dialect,
    outcome_map,
    indeterminate_as,
    toUnixTimestamp64Milli(min(first_start)) AS first,
    toUnixTimestamp64Milli(max(last_start)) AS last
FROM (
    SELECT dialect, outcome_map, indeterminate_as, first_start, last_start
    FROM batches
    WHERE NOT arrayExists(r -> r.1 <= first_start AND r.2 > last_start AND r.3 >= loaded, done)
    UNION ALL
    SELECT dialect, r.5 AS outcome_map, r.6 AS indeterminate_as, greatest(first_start, r.1) AS first_start, least(last_start, r.2) AS last_start
    FROM (
        SELECT
            dialect, first_start, last_start,
            arrayJoin(arrayFilter(
                r -> r.1 <= last_start AND r.2 > first_start AND r.3 >= loaded
                    AND NOT arrayExists(later -> later.4 > r.4 AND later.1 <= r.1 AND later.2 >= r.2, done),
                begun)) AS r
        FROM batches)
)
GROUP BY dialect, outcome_map, indeterminate_as
ORDER BY dialect, outcome_map, indeterminate_as
