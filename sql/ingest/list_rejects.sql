-- What could not be taken, with the file it came from.
SELECT batch, origin, row, field, reason, raw
FROM rejects
LEFT JOIN (SELECT batch, argMaxIf(origin, time, origin != '') AS origin FROM batch_log GROUP BY batch) AS batches
    USING (batch)
WHERE {every:Bool} OR batch = {batch:UInt32}
ORDER BY batch DESC, row
LIMIT {limit:UInt64}
