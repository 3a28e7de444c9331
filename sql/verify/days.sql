-- The days (UTC, in seconds) of [first, until) in which the ledger has calls.
SELECT DISTINCT toUnixTimestamp(toStartOfDay(toStartOfHour(start_time))) AS day_seconds
FROM cdr
WHERE toStartOfHour(start_time) >= toDateTime({first:UInt32}, 'UTC')
  AND toStartOfHour(start_time) < toDateTime({until:UInt32}, 'UTC')
ORDER BY day_seconds
