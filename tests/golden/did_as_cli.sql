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
        max(c_max) > {commit:UInt32} AS mixed
    FROM tech_prefix_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.did != ''
    GROUP BY account, did
)
SELECT
    g.account AS account,
    g.did AS did,
    g.calls AS calls,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.calls DESC NULLS LAST, g.account NULLS LAST, g.did NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        t.account AS account,
        t.did AS did,
        sum(standing) AS standing,
        sum(calls) AS calls,
        max(c_max) > {commit:UInt32} AS mixed
    FROM tech_prefix_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.did != ''
    GROUP BY account, did
)
,
rolled AS (
    SELECT
        g.account AS account,
        1 - grouping(g.account) AS level,
        sum(g.standing) AS standing,
        sum(g.calls) AS calls,
        max(g.mixed) AS mixed
    FROM found AS g
    -- a group is listed while a record stands in it, and when it passes the filters on measures
    WHERE g.mixed OR (g.standing > 0)
    GROUP BY GROUPING SETS ((), (g.account))
)
SELECT
    g.account AS account,
    NULL AS did,
    g.calls AS calls,
    g.level AS level_,
    g.mixed AS mixed_
FROM rolled AS g
ORDER BY level_ DESC, g.calls DESC NULLS LAST, g.account NULLS LAST, NULL NULLS LAST
