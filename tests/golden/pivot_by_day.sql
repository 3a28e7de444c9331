-- Days across: each row comes with its cells, sorted by one of them; filters look at the row as a whole.
-- from breakout_day_v1_utc, about 50000 rows
-- not from breakout_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of UTC)
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from tech_prefix_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of UTC)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- not from tech_prefix_day_v1_utc: reads_more_rows (about 50000 rows against 50000)
-- across0 = '2026-10-05'
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- h0 = [100.0]
-- limit = 1000001
-- offset = 0
-- zone = 'UTC'
WITH
found AS (
    SELECT
        t.customer AS customer,
        toDate(t.tile, {zone:String}) AS day,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer, day
)
,
cells AS (
    SELECT
        g.customer AS customer,
        0 AS period_,
        toString(g.day) AS across_,
        g.standing AS standing,
        g.attempts AS attempts,
        g.connected AS connected,
        g.mixed AS mixed,
        0 AS empty
    FROM found AS g
    WHERE g.mixed OR g.standing > 0
),
-- filters on measures act on a row as a whole
whole AS (
    SELECT
        cells.*,
        sum(cells.attempts) OVER line AS line_attempts,
        max(cells.mixed) OVER line AS line_mixed
    FROM cells
    WINDOW line AS (PARTITION BY customer)
),
kept AS (
    SELECT * FROM whole AS g
    WHERE g.line_mixed OR (g.line_attempts >= {h0:Array(Float64)}[1])
),
-- a cell for every value across, and one over all of them
rolled AS (
    SELECT
        customer,
        1 - grouping(customer) AS level,
        period_,
        across_ AS across_,
        grouping(across_) = 0 AS pivoted,
        sum(kept.standing) AS standing,
        sum(kept.attempts) AS attempts,
        sum(kept.connected) AS connected,
        max(kept.mixed) AS mixed,
        min(kept.empty) AS empty
    FROM kept
    GROUP BY GROUPING SETS ((customer, period_), (customer, period_, across_))
),
measured AS (
    SELECT
        g.customer AS customer,
        g.level AS level,
        g.period_ AS period_,
        g.across_ AS across_,
        g.pivoted AS pivoted,
        g.pivoted AND g.empty AS empty,
        g.attempts AS attempts,
        if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
        g.mixed AS mixed
    FROM rolled AS g
),
lined AS (
    SELECT
        level,
        customer,
        groupArrayIf(1002)((period_, pivoted, across_, attempts, asr), NOT empty) AS laid,
        if(countIf(period_ = 0 AND pivoted AND across_ = {across0:String}) = 0, 0, maxIf(toNullable(measured.attempts), period_ = 0 AND pivoted AND across_ = {across0:String})) AS order_0,
        max(measured.mixed) AS mixed
    FROM measured
    GROUP BY level, customer
)
SELECT
    lined.customer AS customer_,
    laid AS cells_,
    level AS level_,
    lined.mixed AS mixed_
FROM lined
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, order_0 DESC NULLS LAST, lined.customer NULLS LAST, tuple()
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        t.customer AS customer,
        toDate(t.tile, {zone:String}) AS day,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer, day
)
,
cells AS (
    SELECT
        g.customer AS customer,
        0 AS period_,
        toString(g.day) AS across_,
        g.standing AS standing,
        g.attempts AS attempts,
        g.connected AS connected,
        g.mixed AS mixed,
        0 AS empty
    FROM found AS g
    WHERE g.mixed OR g.standing > 0
),
-- filters on measures act on a row as a whole
whole AS (
    SELECT
        cells.*,
        sum(cells.attempts) OVER line AS line_attempts,
        max(cells.mixed) OVER line AS line_mixed
    FROM cells
    WINDOW line AS (PARTITION BY customer)
),
kept AS (
    SELECT * FROM whole AS g
    WHERE g.line_mixed OR (g.line_attempts >= {h0:Array(Float64)}[1])
),
-- a cell for every value across, and one over all of them
rolled AS (
    SELECT
        0 AS level,
        period_,
        across_ AS across_,
        grouping(across_) = 0 AS pivoted,
        sum(kept.standing) AS standing,
        sum(kept.attempts) AS attempts,
        sum(kept.connected) AS connected,
        max(kept.mixed) AS mixed,
        min(kept.empty) AS empty
    FROM kept
    GROUP BY GROUPING SETS ((period_), (period_, across_))
),
measured AS (
    SELECT
        g.level AS level,
        g.period_ AS period_,
        g.across_ AS across_,
        g.pivoted AS pivoted,
        g.pivoted AND g.empty AS empty,
        g.attempts AS attempts,
        if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
        g.mixed AS mixed
    FROM rolled AS g
),
lined AS (
    SELECT
        level,
        groupArrayIf(1002)((period_, pivoted, across_, attempts, asr), NOT empty) AS laid,
        max(measured.mixed) AS mixed
    FROM measured
    GROUP BY level
)
SELECT
    NULL AS customer_,
    laid AS cells_,
    level AS level_,
    lined.mixed AS mixed_
FROM lined
ORDER BY tuple()
