-- The months (UTC) of [from, to) in which the ledger has calls, each cut to it, as [first, until) in seconds.
SELECT
    toUnixTimestamp(greatest(toDateTime(month, 'UTC'), toDateTime({from:UInt32}, 'UTC'))) AS first,
    toUnixTimestamp(least(toDateTime(addMonths(month, 1), 'UTC'), toDateTime({to:UInt32}, 'UTC'))) AS until
FROM (SELECT DISTINCT YYYYMMDDToDate(toUInt32(_partition_id) * 100 + 1) AS month FROM cdr)
WHERE first < until
ORDER BY first
