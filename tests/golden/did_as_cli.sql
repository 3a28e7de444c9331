-- A preset with a filter and subtotals of its own.
-- from tech_prefix_day_v1_utc, about 50000 rows
-- not from breakout_day_v1_utc: dimension_missing (account, did)
-- not from breakout_day_v1_america_new_york: dimension_missing (account, did)
-- not from route_minute15_v1_utc: dimension_missing (account, did)
-- not from rate_center_day_v1_utc: dimension_missing (account, did)
-- not from rate_center_day_v1_america_new_york: dimension_missing (account, did)
-- not from tech_prefix_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.account AS account,
        t.did AS did,
        sum(standing) AS standing,
        sum(calls) AS calls,
        max(c_max > {commit:UInt32}) AS mixed
    FROM tech_prefix_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.did != ''
    GROUP BY account, did
),
groups AS (
    SELECT * FROM found -- one table gives each group once
),
-- a group is listed while a record stands in it, and when it passes the filters on measures
passing AS (
    SELECT * FROM groups AS g
    WHERE g.mixed OR (g.standing > 0)
),
measured AS (
    SELECT
        g.account AS account,
        g.did AS did,
        g.calls AS calls,
        g.mixed AS mixed
    FROM passing AS g
)
SELECT
    measured.account,
    measured.did,
    measured.calls,
    mixed AS mixed_
FROM measured
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, measured.calls DESC NULLS LAST, measured.account NULLS LAST, measured.did NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        t.account AS account,
        t.did AS did,
        sum(standing) AS standing,
        sum(calls) AS calls,
        max(c_max > {commit:UInt32}) AS mixed
    FROM tech_prefix_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.did != ''
    GROUP BY account, did
),
groups AS (
    SELECT * FROM found -- one table gives each group once
),
-- a group is listed while a record stands in it, and when it passes the filters on measures
passing AS (
    SELECT * FROM groups AS g
    WHERE g.mixed OR (g.standing > 0)
),
rolled AS (
    SELECT
        account,
        1 - grouping(account) AS level,
        sum(passing.standing) AS standing,
        sum(passing.calls) AS calls,
        max(passing.mixed) AS mixed
    FROM passing
    GROUP BY GROUPING SETS ((), (account))
),
measured AS (
    SELECT
        g.account AS account,
        NULL AS did,
        g.calls AS calls,
        g.mixed AS mixed,
        g.level AS level
    FROM rolled AS g
)
SELECT
    measured.account,
    measured.did,
    measured.calls,
    level AS level_,
    mixed AS mixed_
FROM measured
ORDER BY level_ DESC, measured.calls DESC NULLS LAST, measured.account NULLS LAST, measured.did NULLS LAST
