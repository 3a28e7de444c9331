-- The last word on every month that was ever closed, the newest month first.
SELECT
    month,
    argMax(closes.zone, closes.word) AS zone,
    formatDateTime(argMax(closes.first, closes.word), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS start,
    formatDateTime(argMax(closes.until, closes.word), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS end,
    argMax(closes.commit, closes.word) AS commit,
    argMax(closes.state, closes.word) AS state,
    argMax(closes.who, closes.word) AS who,
    formatDateTime(argMax(closes.time, closes.word), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS said_at
FROM closes
GROUP BY month
ORDER BY month DESC
