-- A preset with a parameter: words that mean the LATA's classes, parts made of others.
-- from tech_prefix_day_v1_utc, about 50000 rows
-- not from breakout_day_v1_utc: measure_missing (intralata, interlata, indeterminate_lata, intralata_connected, interlata_connected, indeterminate_lata_connected, intralata_ms, interlata_ms, indeterminate_lata_ms, international, toll_free, on_net_ms, off_net_ms, abroad_ms)
-- not from breakout_day_v1_america_new_york: measure_missing (intralata, interlata, indeterminate_lata, intralata_connected, interlata_connected, indeterminate_lata_connected, intralata_ms, interlata_ms, indeterminate_lata_ms, international, toll_free, on_net_ms, off_net_ms, abroad_ms)
-- not from route_minute15_v1_utc: measure_missing (intralata, interlata, indeterminate_lata, intralata_connected, interlata_connected, indeterminate_lata_connected, intralata_ms, interlata_ms, indeterminate_lata_ms, international, toll_free, on_net_ms, off_net_ms, abroad_ms)
-- not from rate_center_day_v1_utc: measure_missing (intralata, interlata, indeterminate_lata, intralata_connected, interlata_connected, indeterminate_lata_connected, intralata_ms, interlata_ms, indeterminate_lata_ms, international, toll_free, on_net_ms, off_net_ms, abroad_ms)
-- not from rate_center_day_v1_america_new_york: measure_missing (intralata, interlata, indeterminate_lata, intralata_connected, interlata_connected, indeterminate_lata_connected, intralata_ms, interlata_ms, indeterminate_lata_ms, international, toll_free, on_net_ms, off_net_ms, abroad_ms)
-- not from tech_prefix_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        sumIf(attempts, jurisdiction_lata = 'intralata' AND is_final) AS intralata,
        sumIf(attempts, jurisdiction_lata = 'interlata' AND is_final) AS interlata,
        sumIf(attempts, jurisdiction_lata = 'indeterminate' AND is_final) AS indeterminate_lata,
        sumIf(connected, jurisdiction_lata = 'intralata' AND is_final) AS intralata_connected,
        sumIf(connected, jurisdiction_lata = 'interlata' AND is_final) AS interlata_connected,
        sumIf(connected, jurisdiction_lata = 'indeterminate' AND is_final) AS indeterminate_lata_connected,
        sumIf(duration_ms, jurisdiction_lata = 'intralata') AS intralata_ms,
        sumIf(duration_ms, jurisdiction_lata = 'interlata') AS interlata_ms,
        sumIf(duration_ms, jurisdiction_lata = 'indeterminate') AS indeterminate_lata_ms,
        sum(duration_ms) AS duration_ms,
        sumIf(attempts, jurisdiction = 'international' AND is_final) AS international,
        sumIf(attempts, jurisdiction = 'toll_free' AND is_final) AS toll_free,
        sumIf(duration_ms, network = 'on_net') AS on_net_ms,
        sumIf(duration_ms, network = 'off_net') AS off_net_ms,
        sumIf(duration_ms, network = 'international') AS abroad_ms,
        max(c_max) > {commit:UInt32} AS mixed
    FROM tech_prefix_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
)
SELECT
    g.intralata AS intralata,
    g.interlata AS interlata,
    g.indeterminate_lata AS indeterminate,
    g.intralata_connected AS intralata_connected,
    g.interlata_connected AS interlata_connected,
    g.indeterminate_lata_connected AS indeterminate_connected,
    g.intralata_ms / 1000 AS intralata_duration,
    g.interlata_ms / 1000 AS interlata_duration,
    g.indeterminate_lata_ms / 1000 AS indeterminate_duration,
    g.duration_ms / 1000 AS total_duration,
    g.international AS international,
    g.toll_free AS toll_free,
    g.on_net_ms / 60000 AS on_net_minutes,
    g.off_net_ms / 60000 AS off_net_minutes,
    g.abroad_ms / 60000 AS international_minutes,
    g.mixed AS mixed_
FROM found AS g
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.intralata DESC NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
