-- What could not be read, or contradicts its own file, is kept with everything needed to read it again: once,
-- also when the batch is closed a second time after a crash.
INSERT INTO rejects
SELECT batch, row, field, reason, said
FROM (
    SELECT batch, row, reject_field AS field, reject_reason AS reason, raw AS said
    FROM staging
    WHERE batch IN {batches:Array(UInt32)} AND reject_reason != ''
    UNION ALL
    SELECT batch, row, 'identity', 'identity_conflict: two different contents under one identity and revision',
        formatRow('JSONEachRow', * EXCEPT (batch, row, moves_away, identity, content, reject_field, reject_reason, raw))
    FROM staging
    WHERE batch IN {batches:Array(UInt32)} AND reject_reason = '' AND NOT moves_away
      AND (batch, row) IN (SELECT batch, row FROM contradictions WHERE batch IN {batches:Array(UInt32)})
)
WHERE batch NOT IN (SELECT batch FROM rejects WHERE batch IN {batches:Array(UInt32)})
