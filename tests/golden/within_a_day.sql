-- No whole day in the window: the ledger answers.
-- from cdr, about 10753 rows
-- not from breakout_day_v1_utc: no_whole_tile (the window holds no whole day of UTC)
-- not from breakout_day_v1_america_new_york: no_whole_tile (the window holds no whole day of America/New_York)
-- b0s0_from = '2026-10-01 10:00:00.000'
-- b0s0_to = '2026-10-01 18:00:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.provider_card AS provider_card,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(connected)) AS connected,
        sum(sign * toInt64(if(connected, duration_ms, 0))) AS connected_ms,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY provider_card
),
groups AS (
    SELECT
        s.provider_card AS provider_card,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.connected_ms) AS connected_ms,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.provider_card
),
-- a group is listed while a record stands in it, and when it passes the filters on measures
passing AS (
    SELECT * FROM groups AS g
    WHERE g.mixed OR (g.standing > 0)
),
measured AS (
    SELECT
        g.provider_card AS provider_card,
        g.attempts AS attempts,
        if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
        if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
        g.mixed AS mixed
    FROM passing AS g
)
SELECT
    measured.provider_card,
    measured.attempts,
    measured.asr,
    measured.acd,
    count() OVER () AS total_,
    max(mixed) OVER () AS mixed_
FROM measured
ORDER BY measured.attempts DESC NULLS LAST, measured.provider_card NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
