-- No whole day in the window: the ledger answers.
-- from route_minute15_v1_utc, about 538 rows
-- not from breakout_day_v1_utc: no_whole_tile (the window holds no whole day of UTC)
-- not from breakout_day_v1_america_new_york: no_whole_tile (the window holds no whole day of America/New_York)
-- not from tech_prefix_day_v1_utc: dimension_missing (provider_card)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (provider_card)
-- not from rate_center_day_v1_utc: dimension_missing (provider_card)
-- not from rate_center_day_v1_america_new_york: dimension_missing (provider_card)
-- b0s0_from = '2026-10-01 10:00:00'
-- b0s0_to = '2026-10-01 18:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.provider_card AS provider_card,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(connected_ms) AS connected_ms,
        max(c_max) > {commit:UInt32} AS mixed
    FROM route_minute15_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY provider_card
)
SELECT
    g.provider_card AS provider_card,
    g.attempts AS attempts,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.provider_card NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
