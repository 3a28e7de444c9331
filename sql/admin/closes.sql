-- The last word on every month that was ever closed, the newest month first.
SELECT
    month,
    argMax(closes.zone, closes.time) AS zone,
    formatDateTime(argMax(closes.first, closes.time), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS start,
    formatDateTime(argMax(closes.until, closes.time), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS end,
    argMax(closes.commit, closes.time) AS commit,
    argMax(closes.state, closes.time) AS state,
    argMax(closes.who, closes.time) AS who,
    formatDateTime(max(closes.time), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS said_at
FROM closes
GROUP BY month
ORDER BY month DESC
