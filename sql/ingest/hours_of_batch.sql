-- The hours a batch speaks of, and of how many identities in each.
SELECT
    toUnixTimestamp(toStartOfHour(start_time)) AS hour,
    uniqExact(source, call_id, leg, start_time) AS identities
FROM cdr
WHERE (batch = {batch:UInt32} OR joined = {batch:UInt32}) AND sign >= 0
GROUP BY hour
ORDER BY hour
