-- A rollup that holds as many rows as the ledger is no help.
-- from cdr, about 1000000 rows
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- not from breakout_day_v1_utc: reads_more_rows (about 1000000 rows against 1000000)
-- not from tech_prefix_day_v1_utc: reads_more_rows (about 1000000 rows against 1000000)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 1000000 rows against 1000000)
-- not from tech_prefix_day_v1_america_new_york: reads_more_rows (about 1000000 rows against 1000000)
-- b0s0_from = '2026-10-01 00:00:00.000'
-- b0s0_to = '2026-11-01 00:00:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.customer AS customer,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY customer
)
SELECT
    g.customer AS customer,
    g.attempts AS attempts,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
