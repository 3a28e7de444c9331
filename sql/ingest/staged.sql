-- How far the staged batches have been committed: the last row of their files, and the last one covered.
SELECT batch, rows, done
FROM (SELECT batch, max(row) AS rows FROM staging WHERE batch IN {batches:Array(UInt32)} GROUP BY batch) AS files
LEFT JOIN (
    SELECT batch, max(until) AS done FROM commit_log WHERE kind = 'load' AND batch IN {batches:Array(UInt32)} GROUP BY batch
) AS covered USING (batch)
ORDER BY batch
