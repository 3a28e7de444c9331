-- The writer that took the database last, by its first word, and how long ago it spoke.
SELECT
    token,
    argMax(state, time) AS state,
    any(host) AS host,
    any(process) AS process,
    any(command) AS command,
    argMax(url, time) AS url,
    dateDiff('millisecond', max(time), now64(3, 'UTC')) / 1000 AS age
FROM writers
GROUP BY token
ORDER BY min(time) DESC, token DESC
LIMIT 1
