-- Days of a zone without tiles of its own: every tile crosses a day's end, so the ledger answers.
-- from route_minute15_v1_utc, about 50012 rows
-- not from breakout_day_v1_utc: zone_mismatch (every day of UTC crosses the end of a day of Asia/Kolkata)
-- not from breakout_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of Asia/Kolkata)
-- not from tech_prefix_day_v1_utc: zone_mismatch (every day of UTC crosses the end of a day of Asia/Kolkata)
-- not from tech_prefix_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of Asia/Kolkata)
-- not from rate_center_day_v1_utc: zone_mismatch (every day of UTC crosses the end of a day of Asia/Kolkata)
-- not from rate_center_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of Asia/Kolkata)
-- b0s0_from = '2026-09-30 18:30:00'
-- b0s0_to = '2026-10-31 18:30:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
-- zone = 'Asia/Kolkata'
WITH
found AS (
    SELECT
        toDate(t.tile, {zone:String}) AS day,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        max(c_max) > {commit:UInt32} AS mixed
    FROM route_minute15_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY day
)
SELECT
    toString(g.day) AS day,
    g.attempts AS attempts,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, toString(g.day) NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
