-- Days of a zone without tiles of its own: every tile crosses a day's end, so the ledger answers.
-- from cdr, about 1000246 rows
-- not from breakout_day_v1_utc: zone_mismatch (days of UTC cross day of Asia/Kolkata)
-- not from breakout_day_v1_america_new_york: zone_mismatch (days of America/New_York cross day of Asia/Kolkata)
-- b0s0_from = '2026-09-30 18:30:00.000'
-- b0s0_to = '2026-10-31 18:30:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
-- zone = 'Asia/Kolkata'
WITH
found AS (
    SELECT
        toDate(t.start_time, {zone:String}) AS day,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY day
),
groups AS (
    SELECT
        s.day AS day,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.day
),
-- a group is listed while a record stands in it, and when it passes the filters on measures
passing AS (
    SELECT * FROM groups AS g
    WHERE g.mixed OR (g.standing > 0)
),
measured AS (
    SELECT
        toString(g.day) AS day,
        g.attempts AS attempts,
        g.mixed AS mixed
    FROM passing AS g
)
SELECT
    measured.day,
    measured.attempts,
    count() OVER () AS total_,
    max(mixed) OVER () AS mixed_
FROM measured
ORDER BY measured.day NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
