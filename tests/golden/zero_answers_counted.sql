-- A site that counts answers without talk.
-- from breakout_day_v1_utc, about 50000 rows
-- not from tech_prefix_day_v1_utc: dimension_missing (provider)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (provider)
-- not from rate_center_day_v1_utc: dimension_missing (provider)
-- not from rate_center_day_v1_america_new_york: dimension_missing (provider)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 50000 rows against 50000)
-- not from route_minute15_v1_utc: reads_more_rows (about 50000 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.provider AS provider,
        sum(standing) AS standing,
        sum(connected) AS connected,
        sum(answered_zero) AS answered_zero,
        sum(attempts) AS attempts,
        sum(connected_ms) AS connected_ms,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY provider
)
SELECT
    g.provider AS provider,
    (g.connected + g.answered_zero) AS connected,
    if(g.attempts = 0, NULL, toFloat64(100 * (g.connected + g.answered_zero)) / toFloat64(g.attempts)) AS asr,
    if((g.connected + g.answered_zero) = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64((g.connected + g.answered_zero))) AS acd,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, (g.connected + g.answered_zero) DESC NULLS LAST, g.provider NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
