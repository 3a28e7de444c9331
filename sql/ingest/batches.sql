-- What each batch is by its newest word, the newest batch first. Not every word on a batch names its origin.
SELECT
    batch,
    formatDateTime(min(time), '%Y-%m-%dT%H:%i:%SZ', 'UTC'),
    argMaxIf(source, time, source != ''),
    argMaxIf(dialect, time, dialect != ''),
    argMaxIf(origin, time, origin != ''),
    argMax(state, time),
    formatDateTime(max(first_start), '%Y-%m-%dT%H:%i:%SZ', 'UTC'),
    formatDateTime(max(last_start), '%Y-%m-%dT%H:%i:%SZ', 'UTC'),
    max(received), max(accepted), max(duplicates), max(stale), max(corrections), max(withdrawn), max(rejected),
    max(after_close), max(skipped), max(forced),
    argMax(problem, time)
FROM batch_log
WHERE batch IN (
    SELECT batch
    FROM batch_log
    WHERE batch >= {least:UInt64} AND batch < {before:UInt64}
    GROUP BY batch
    HAVING ({state:String} = '' OR argMax(state, time) = {state:String})
        AND ({source:String} = '' OR argMaxIf(source, time, source != '') = {source:String})
        AND positionCaseInsensitiveUTF8(argMaxIf(origin, time, origin != ''), {origin:String}) > 0
    ORDER BY batch DESC
    LIMIT {limit:UInt64})
GROUP BY batch
ORDER BY batch DESC
