-- The months of the ledger that lie wholly before the month before the horizon, and their rows.
SELECT toUInt32(partition) AS month, sum(rows) AS postings
FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'cdr'
  AND toUInt32(partition) < toYYYYMM(toDate({horizon:String}) - INTERVAL 1 MONTH)
GROUP BY month
ORDER BY month
