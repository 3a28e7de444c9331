-- The batches are done: what became of their records, counted from what was committed.
INSERT INTO batch_log
    (batch, state, source, dialect, origin, outcome_map, forced, request, body,
     received, accepted, duplicates, stale, corrections, withdrawn, rejected, first_start, last_start)
SELECT
    batch, 'loaded', source, dialect, origin, outcome_map, forced, request, body,
    accepted + duplicates + stale + corrections + withdrawn + rejected,
    verdicts['accepted'] AS accepted,
    verdicts['duplicate'] AS duplicates,
    verdicts['stale'] AS stale,
    verdicts['correction'] AS corrections,
    verdicts['withdrawn'] AS withdrawn,
    rejected, first_start, last_start
FROM (
    SELECT batch, source, dialect, origin, outcome_map, forced, request, body
    FROM batch_log WHERE batch IN {batches:Array(UInt32)} AND state = 'staged'
) AS said
LEFT JOIN (
    SELECT batch, sumMap(verdicts) AS verdicts
    FROM commit_log WHERE batch IN {batches:Array(UInt32)} AND kind = 'load' AND state = 'complete'
    GROUP BY batch
) AS committed USING (batch)
LEFT JOIN (
    SELECT batch, count() AS rejected FROM rejects WHERE batch IN {batches:Array(UInt32)} GROUP BY batch
) AS refused USING (batch)
LEFT JOIN (
    SELECT batch, minOrNull(start_time) AS first_start, maxOrNull(start_time) AS last_start
    FROM staging WHERE batch IN {batches:Array(UInt32)} AND reject_reason = '' AND NOT moves_away
    GROUP BY batch
) AS span USING (batch)
