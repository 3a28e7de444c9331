-- No dimension: exactly one row, also without calls.
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from tech_prefix_day_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer, provider_charge, provider_charged, unrated_provider)
-- not from tech_prefix_day_v1_america_new_york: measure_missing (customer_charge, customer_charged, unrated_customer, provider_charge, provider_charged, unrated_provider)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- not from rate_center_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- not from rate_center_day_v1_utc: reads_more_rows (about 50000 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(connected_ms) AS connected_ms,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer_currency, provider_currency
),
groups AS (
    SELECT
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.connected_ms) AS connected_ms,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charge) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
)
SELECT
    g.attempts AS attempts,
    g.connected AS connected,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.provider_currencies)) = 0, g.provider_charge, NULL) AS provider_charge_exact) = truncate(provider_charge_exact, 2), toDecimalString(provider_charge_exact, 2), toString(provider_charge_exact)) AS provider_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM groups AS g
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(connected_ms) AS connected_ms,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer_currency, provider_currency
),
groups AS (
    SELECT
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.connected_ms) AS connected_ms,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charge) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
)
,
rolled AS (
    SELECT
        0 AS level,
        sum(g.attempts) AS attempts,
        sum(g.connected) AS connected,
        sum(g.connected_ms) AS connected_ms,
        sum(g.customer_charge) AS customer_charge,
        sum(g.customer_charged) AS customer_charged,
        sum(g.unrated_customer) AS unrated_customer,
        sum(g.provider_charge) AS provider_charge,
        sum(g.provider_charged) AS provider_charged,
        sum(g.unrated_provider) AS unrated_provider,
        groupUniqArrayArray(g.customer_currencies) AS customer_currencies,
        groupUniqArrayArray(g.provider_currencies) AS provider_currencies,
        max(g.mixed) AS mixed
    FROM groups AS g
)
SELECT
    g.attempts AS attempts,
    g.connected AS connected,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.provider_currencies)) = 0, g.provider_charge, NULL) AS provider_charge_exact) = truncate(provider_charge_exact, 2), toDecimalString(provider_charge_exact, 2), toString(provider_charge_exact)) AS provider_charge,
    if((if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    g.level AS level_,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM rolled AS g
ORDER BY level_ DESC, g.attempts DESC NULLS LAST
