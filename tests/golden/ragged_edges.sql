-- A window that begins and ends within a day: whole days from the rollup, edges from the ledger.
-- from breakout_day_v1_utc + cdr, about 44332 rows
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 74977 rows against 44332)
-- not from tech_prefix_day_v1_america_new_york: reads_more_rows (about 74977 rows against 44332)
-- not from tech_prefix_day_v1_utc: reads_more_rows (about 44332 rows against 44332)
-- b0s0_from = '2026-10-02 00:00:00'
-- b0s0_to = '2026-10-20 00:00:00'
-- b1s0_from = '2026-10-01 13:37:00.250'
-- b1s0_to = '2026-10-02 00:00:00.000'
-- b1s1_from = '2026-10-20 00:00:00.000'
-- b1s1_to = '2026-10-20 01:00:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.customer AS customer,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer
    UNION ALL
    SELECT
        t.customer AS customer,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(connected)) AS connected,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')})
        OR start_time >= {b1s1_from:DateTime64(3, 'UTC')} AND start_time < {b1s1_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s1_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s1_to:DateTime64(3, 'UTC')}))
    GROUP BY customer
),
groups AS (
    SELECT
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.customer
)
SELECT
    g.customer AS customer,
    g.attempts AS attempts,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
