-- The hours of a span of time, the ledger's postings in each, and the records that stand.
SELECT toUnixTimestamp(toStartOfHour(start_time)) AS hour, count() AS postings, sum(sign) AS standing
FROM cdr
WHERE start_time >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
GROUP BY hour
ORDER BY hour
