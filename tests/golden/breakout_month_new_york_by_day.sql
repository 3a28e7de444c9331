-- By day in the site's other zone: its own tiles, the 25-hour day among them, no ledger.
-- from breakout_day_v1_america_new_york, about 50831 rows
-- not from breakout_day_v1_utc: zone_mismatch (every day of UTC crosses the end of a day of America/New_York)
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from tech_prefix_day_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer, provider_charge, provider_charged, unrated_provider)
-- not from tech_prefix_day_v1_america_new_york: measure_missing (customer_charge, customer_charged, unrated_customer, provider_charge, provider_charged, unrated_provider)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- b0s0_from = '2026-10-15 04:00:00'
-- b0s0_to = '2026-11-15 05:00:00'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
-- zone = 'America/New_York'
WITH
found AS (
    SELECT
        toDate(t.tile, {zone:String}) AS day,
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(customer_duration_ms) AS customer_duration_ms,
        sum(duration_ms) AS duration_ms,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        sum(connected_ms) AS connected_ms,
        sum(dtmf_calls) AS dtmf_calls,
        sum(sdp) AS sdp,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_america_new_york AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY day, customer, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.day AS day,
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_duration_ms) AS customer_duration_ms,
        sum(s.duration_ms) AS duration_ms,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charge) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        sum(s.connected_ms) AS connected_ms,
        sum(s.dtmf_calls) AS dtmf_calls,
        sum(s.sdp) AS sdp,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.day, s.customer
)
SELECT
    toString(g.day) AS day,
    g.customer AS customer,
    g.attempts AS attempts,
    g.connected AS connected,
    g.customer_duration_ms / 1000 AS customer_duration,
    g.duration_ms / 1000 AS duration,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.provider_currencies)) = 0, g.provider_charge, NULL) AS provider_charge_exact) = truncate(provider_charge_exact, 2), toDecimalString(provider_charge_exact, 2), toString(provider_charge_exact)) AS provider_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, if(g.customer_charge = 0, NULL, toFloat64(100 * (g.customer_charge - g.provider_charge)) / toFloat64(g.customer_charge)), NULL) AS profit_percent,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    g.dtmf_calls AS dtmf_calls,
    if(g.connected = 0, NULL, toFloat64(100 * g.dtmf_calls) / toFloat64(g.connected)) AS dtmf_percent,
    g.sdp AS sdp,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, toString(g.day) NULLS LAST, g.customer NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        toDate(t.tile, {zone:String}) AS day,
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(customer_duration_ms) AS customer_duration_ms,
        sum(duration_ms) AS duration_ms,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        sum(connected_ms) AS connected_ms,
        sum(dtmf_calls) AS dtmf_calls,
        sum(sdp) AS sdp,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_america_new_york AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY day, customer, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.day AS day,
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_duration_ms) AS customer_duration_ms,
        sum(s.duration_ms) AS duration_ms,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charge) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        sum(s.connected_ms) AS connected_ms,
        sum(s.dtmf_calls) AS dtmf_calls,
        sum(s.sdp) AS sdp,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.day, s.customer
)
,
rolled AS (
    SELECT
        g.day AS day,
        1 - grouping(g.day) AS level,
        sum(g.standing) AS standing,
        sum(g.attempts) AS attempts,
        sum(g.connected) AS connected,
        sum(g.customer_duration_ms) AS customer_duration_ms,
        sum(g.duration_ms) AS duration_ms,
        sum(g.customer_charge) AS customer_charge,
        sum(g.customer_charged) AS customer_charged,
        sum(g.unrated_customer) AS unrated_customer,
        sum(g.provider_charge) AS provider_charge,
        sum(g.provider_charged) AS provider_charged,
        sum(g.unrated_provider) AS unrated_provider,
        sum(g.connected_ms) AS connected_ms,
        sum(g.dtmf_calls) AS dtmf_calls,
        sum(g.sdp) AS sdp,
        groupUniqArrayArray(g.customer_currencies) AS customer_currencies,
        groupUniqArrayArray(g.provider_currencies) AS provider_currencies,
        max(g.mixed) AS mixed
    FROM groups AS g
    -- a group is listed while a record stands in it, and when it passes the filters on measures
    WHERE g.mixed OR (g.standing > 0)
    GROUP BY GROUPING SETS ((), (g.day))
)
SELECT
    toString(g.day) AS day,
    NULL AS customer,
    g.attempts AS attempts,
    g.connected AS connected,
    g.customer_duration_ms / 1000 AS customer_duration,
    g.duration_ms / 1000 AS duration,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.provider_currencies)) = 0, g.provider_charge, NULL) AS provider_charge_exact) = truncate(provider_charge_exact, 2), toDecimalString(provider_charge_exact, 2), toString(provider_charge_exact)) AS provider_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, if(g.customer_charge = 0, NULL, toFloat64(100 * (g.customer_charge - g.provider_charge)) / toFloat64(g.customer_charge)), NULL) AS profit_percent,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    g.dtmf_calls AS dtmf_calls,
    if(g.connected = 0, NULL, toFloat64(100 * g.dtmf_calls) / toFloat64(g.connected)) AS dtmf_percent,
    g.sdp AS sdp,
    g.level AS level_,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM rolled AS g
ORDER BY level_ DESC, toString(g.day) NULLS LAST, NULL NULLS LAST
