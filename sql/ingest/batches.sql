-- What each batch is by its newest word, the newest batch first.
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
    max(after_close)
FROM batch_log
GROUP BY batch
ORDER BY batch DESC
LIMIT {limit:UInt64}
