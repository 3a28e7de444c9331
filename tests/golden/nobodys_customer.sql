-- A principal without any account sees nothing, and everything is still asked with its scope.
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: dimension_missing (customer_destination)
-- not from tech_prefix_day_v1_utc: dimension_missing (customer_destination)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (customer_destination)
-- not from rate_center_day_v1_utc: dimension_missing (customer_destination)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer_destination)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
-- scope = []
WITH
found AS (
    SELECT
        t.customer_destination AS customer_destination,
        sum(standing) AS standing,
        sumIf(attempts, is_final) AS attempts,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.customer IN {scope:Array(String)}
    GROUP BY customer_destination
)
SELECT
    g.customer_destination AS customer_destination,
    g.attempts AS attempts,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer_destination NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
