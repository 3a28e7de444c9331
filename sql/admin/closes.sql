-- The months that are closed, the newest first.
SELECT
    month, argMax(closes.zone, closes.time) AS zone,
    toUnixTimestamp(argMax(closes.first, closes.time)) AS first_s,
    toUnixTimestamp(argMax(closes.until, closes.time)) AS until_s,
    argMax(closes.commit, closes.time) AS commit,
    argMax(closes.who, closes.time) AS who,
    formatDateTime(max(closes.time), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS closed_at
FROM closes
GROUP BY month
HAVING argMax(closes.state, closes.time) = 'closed'
ORDER BY month DESC
