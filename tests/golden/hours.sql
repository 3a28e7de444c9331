-- Hours are finer than any rollup.
-- from route_minute15_v1_utc, about 1736 rows
-- not from breakout_day_v1_utc: grain_too_coarse (hour is finer than day)
-- not from breakout_day_v1_america_new_york: grain_too_coarse (hour is finer than day)
-- not from tech_prefix_day_v1_utc: grain_too_coarse (hour is finer than day)
-- not from tech_prefix_day_v1_america_new_york: grain_too_coarse (hour is finer than day)
-- not from rate_center_day_v1_utc: grain_too_coarse (hour is finer than day)
-- not from rate_center_day_v1_america_new_york: grain_too_coarse (hour is finer than day)
-- b0s0_from = '2026-11-01 04:00:00'
-- b0s0_to = '2026-11-02 05:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
-- zone = 'America/New_York'
WITH
found AS (
    SELECT
        tuple(toUnixTimestamp(t.tile) + timezoneOffset(toTimeZone(t.tile, {zone:String})) - (toUnixTimestamp(t.tile) + timezoneOffset(toTimeZone(t.tile, {zone:String}))) % 3600, timezoneOffset(toTimeZone(t.tile, {zone:String}))) AS hour,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(connected_ms) AS connected_ms,
        max(c_max) > {commit:UInt32} AS mixed
    FROM route_minute15_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY hour
)
SELECT
    concat(formatDateTime(toDateTime(g.hour.1, 'UTC'), '%Y-%m-%dT%H:%i:%S', 'UTC'), if(g.hour.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(g.hour.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(g.hour.2) % 3600, 60)), 2, '0')) AS hour,
    g.attempts AS attempts,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    g.connected AS asr_numerator,
    g.attempts AS asr_denominator,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    g.connected_ms / 1000 AS acd_numerator,
    g.connected AS acd_denominator,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.hour.1 - g.hour.2 NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
