-- The last commit of a batch: of its records when some were posted, else the one complete when it was done.
SELECT
    if(posted > 0, posted, at_the_time) AS commit,
    isNotNull(loaded_at) AS is_loaded,
    words > 0 AS is_known
FROM (
    SELECT
        (SELECT minOrNull(time) FROM batch_log WHERE batch = {batch:UInt32} AND state = 'loaded') AS loaded_at,
        (SELECT count() FROM batch_log WHERE batch = {batch:UInt32}) AS words,
        maxIf(commit, batch = {batch:UInt32} AND kind = 'load') AS posted,
        maxIf(commit, ifNull(time <= loaded_at, false)) AS at_the_time
    FROM commit_log
    WHERE state = 'complete')
