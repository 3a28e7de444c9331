-- October beside September: calls of September are moved a month, days of it to the days they stand beside.
-- from breakout_day_v1_utc, about 100000 rows
-- not from breakout_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of UTC)
-- not from route_minute15_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from tech_prefix_day_v1_utc: measure_missing (customer_charge, provider_charge, customer_charged, unrated_customer, provider_charged, unrated_provider)
-- not from tech_prefix_day_v1_america_new_york: measure_missing (customer_charge, provider_charge, customer_charged, unrated_customer, provider_charged, unrated_provider)
-- not from rate_center_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of UTC)
-- not from rate_center_day_v1_utc: reads_more_rows (about 50000 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- b1s0_from = '2026-09-01 00:00:00'
-- b1s0_to = '2026-10-01 00:00:00'
-- commit = 4711
-- currency = 'USD'
-- fill_count = 2976
-- fill_from = 1790812800
-- fill_grid = 1790812800
-- limit = 1000001
-- moved = 1
-- offset = 0
-- zone = 'UTC'
WITH
found AS (
    SELECT
        toDate(t.tile, {zone:String}) AS day,
        0 AS period_,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(customer_charge) AS customer_charge,
        sum(provider_charge) AS provider_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY day, period_, customer_currency, provider_currency
    UNION ALL
    -- of the period before, moved into the one that is asked for
    SELECT
        toDate(addMonths(toTimeZone(t.tile, {zone:String}), {moved:Int64}), {zone:String}) AS day,
        1 AS period_,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(customer_charge) AS customer_charge,
        sum(provider_charge) AS provider_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b1s0_from:DateTime('UTC')} AND tile < {b1s0_to:DateTime('UTC')})
    GROUP BY day, period_, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.day AS day,
        s.period_ AS period_,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.customer_charge) AS customer_charge,
        sum(s.provider_charge) AS provider_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.day, s.period_
)
,
-- every bucket of which a part lies in the window
buckets AS (
    SELECT DISTINCT
        toDate(moment, {zone:String}) AS day
    FROM (
        SELECT toDateTime(greatest({fill_from:Int64}, {fill_grid:Int64} + 900 * toInt64(number)), 'UTC') AS moment
        FROM numbers({fill_count:UInt64}))
),
cells AS (
    SELECT
        g.day AS day,
        g.period_ AS period_,
        '' AS across_,
        g.standing AS standing,
        g.attempts AS attempts,
        g.customer_charge AS customer_charge,
        g.provider_charge AS provider_charge,
        g.customer_charged AS customer_charged,
        g.unrated_customer AS unrated_customer,
        g.provider_charged AS provider_charged,
        g.unrated_provider AS unrated_provider,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.mixed AS mixed,
        0 AS empty
    FROM groups AS g
    WHERE g.mixed OR g.standing > 0
    UNION ALL
    -- each bucket, with each group of the other dimensions
    SELECT
        buckets.day AS day,
        0 AS period_,
        '' AS across_,
        CAST(0, 'Int64') AS standing,
        CAST(0, 'Int64') AS attempts,
        CAST(0, 'Decimal(38, 8)') AS customer_charge,
        CAST(0, 'Decimal(38, 8)') AS provider_charge,
        CAST(0, 'Int64') AS customer_charged,
        CAST(0, 'Int64') AS unrated_customer,
        CAST(0, 'Int64') AS provider_charged,
        CAST(0, 'Int64') AS unrated_provider,
        CAST([], 'Array(String)') AS customer_currencies,
        CAST([], 'Array(String)') AS provider_currencies,
        0 AS mixed,
        1 AS empty
    FROM buckets
),
rolled AS (
    SELECT
        day,
        1 - grouping(day) AS level,
        period_,
        '' AS across_,
        0 AS pivoted,
        sum(cells.standing) AS standing,
        sum(cells.attempts) AS attempts,
        sum(cells.customer_charge) AS customer_charge,
        sum(cells.provider_charge) AS provider_charge,
        sum(cells.customer_charged) AS customer_charged,
        sum(cells.unrated_customer) AS unrated_customer,
        sum(cells.provider_charged) AS provider_charged,
        sum(cells.unrated_provider) AS unrated_provider,
        groupUniqArrayArray(cells.customer_currencies) AS customer_currencies,
        groupUniqArrayArray(cells.provider_currencies) AS provider_currencies,
        max(cells.mixed) AS mixed,
        min(cells.empty) AS empty
    FROM cells
    GROUP BY GROUPING SETS ((day, period_))
),
measured AS (
    SELECT
        g.day AS day,
        g.level AS level,
        g.period_ AS period_,
        g.across_ AS across_,
        g.pivoted AS pivoted,
        g.pivoted AND g.empty AS empty,
        g.attempts AS attempts,
        if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.unrated_customer AS unrated_customer,
        g.unrated_provider AS unrated_provider,
        g.mixed AS mixed
    FROM rolled AS g
),
lined AS (
    SELECT
        level,
        day,
        groupArrayIf(2004)((period_, pivoted, across_, attempts, profit), NOT empty) AS laid,
        arraySort(groupUniqArrayArray(measured.customer_currencies)) AS customer_currencies,
        arraySort(groupUniqArrayArray(measured.provider_currencies)) AS provider_currencies,
        sumIf(measured.unrated_customer, period_ = 0 AND NOT pivoted) AS unrated_customer,
        sumIf(measured.unrated_provider, period_ = 0 AND NOT pivoted) AS unrated_provider,
        max(measured.mixed) AS mixed
    FROM measured
    GROUP BY level, day
)
SELECT
    toString(lined.day) AS day_,
    laid AS cells_,
    level AS level_,
    lined.customer_currencies AS customer_currencies_,
    lined.provider_currencies AS provider_currencies_,
    lined.unrated_customer AS unrated_customer_,
    lined.unrated_provider AS unrated_provider_,
    lined.mixed AS mixed_
FROM lined
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, lined.day NULLS LAST, tuple()
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
