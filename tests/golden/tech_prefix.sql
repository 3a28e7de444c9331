-- A dimension that the rollup does not keep.
-- from cdr, about 1000000 rows
-- not from breakout_day_v1_utc: dimension_missing (tech_prefix)
-- not from breakout_day_v1_america_new_york: dimension_missing (tech_prefix)
-- b0s0_from = '2026-10-01 00:00:00.000'
-- b0s0_to = '2026-11-01 00:00:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.tech_prefix AS tech_prefix,
        sum(toInt64(sign)) AS standing,
        sum(sign * toInt64(connected)) AS connected,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(if(connected, duration_ms, 0))) AS connected_ms,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY tech_prefix
),
groups AS (
    SELECT
        s.tech_prefix AS tech_prefix,
        sum(s.standing) AS standing,
        sum(s.connected) AS connected,
        sum(s.attempts) AS attempts,
        sum(s.connected_ms) AS connected_ms,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.tech_prefix
),
-- a group is listed while a record stands in it, and when it passes the filters on measures
passing AS (
    SELECT * FROM groups AS g
    WHERE g.mixed OR (g.standing > 0)
),
measured AS (
    SELECT
        g.tech_prefix AS tech_prefix,
        if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
        if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
        g.connected AS connected,
        g.attempts AS attempts,
        g.mixed AS mixed
    FROM passing AS g
)
SELECT
    measured.tech_prefix,
    measured.asr,
    measured.acd,
    measured.connected,
    measured.attempts,
    count() OVER () AS total_,
    max(mixed) OVER () AS mixed_
FROM measured
ORDER BY measured.connected DESC NULLS LAST, measured.tech_prefix NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
