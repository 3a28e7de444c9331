-- Hours are finer than any rollup.
-- from cdr, about 34722 rows
-- not from breakout_day_v1_utc: grain_too_coarse (hour is finer than day)
-- not from breakout_day_v1_america_new_york: grain_too_coarse (hour is finer than day)
-- b0s0_from = '2026-11-01 04:00:00.000'
-- b0s0_to = '2026-11-02 05:00:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
-- zone = 'America/New_York'
WITH
found AS (
    SELECT
        tuple(toUnixTimestamp(t.start_time) + timezoneOffset(toTimeZone(t.start_time, {zone:String})) - (toUnixTimestamp(t.start_time) + timezoneOffset(toTimeZone(t.start_time, {zone:String}))) % 3600, timezoneOffset(toTimeZone(t.start_time, {zone:String}))) AS hour,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(connected)) AS connected,
        sum(sign * toInt64(if(connected, duration_ms, 0))) AS connected_ms,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY hour
),
groups AS (
    SELECT
        s.hour AS hour,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.connected_ms) AS connected_ms,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.hour
),
-- a group is listed while a record stands in it, and when it passes the filters on measures
passing AS (
    SELECT * FROM groups AS g
    WHERE g.mixed OR (g.standing > 0)
),
measured AS (
    SELECT
        concat(formatDateTime(toDateTime(g.hour.1, 'UTC'), '%Y-%m-%dT%H:%i:%S', 'UTC'), if(g.hour.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(g.hour.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(g.hour.2) % 3600, 60)), 2, '0')) AS hour,
        g.hour.1 - g.hour.2 AS hour_began,
        g.attempts AS attempts,
        if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
        if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
        g.connected AS asr_numerator,
        g.attempts AS asr_denominator,
        g.connected_ms / 1000 AS acd_numerator,
        g.connected AS acd_denominator,
        g.mixed AS mixed
    FROM passing AS g
)
SELECT
    measured.hour,
    measured.attempts,
    measured.asr,
    measured.asr_numerator,
    measured.asr_denominator,
    measured.acd,
    measured.acd_numerator,
    measured.acd_denominator,
    count() OVER () AS total_,
    max(mixed) OVER () AS mixed_
FROM measured
ORDER BY measured.hour_began NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
