-- breakout as it was when batch 7 was loaded: rollup at the newest commit less what came later
-- from breakout_day_v1_utc + cdr, about 38006 rows
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from tech_prefix_day_v1_utc: measure_missing (customer_charge, provider_charge, customer_charged, unrated_customer, provider_charged, unrated_provider)
-- not from tech_prefix_day_v1_america_new_york: measure_missing (customer_charge, provider_charge, customer_charged, unrated_customer, provider_charged, unrated_provider)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 38006 rows against 38006)
-- as_of = 30
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-10-15 00:00:00'
-- b1s0_from = '2026-10-01 00:00:00.000'
-- b1s0_to = '2026-10-15 00:00:00.000'
-- b2s0_from = '2026-10-15 00:00:00.000'
-- b2s0_to = '2026-10-15 08:30:00.000'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
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
    GROUP BY customer, customer_currency, provider_currency
    UNION ALL
    -- what came after that moment is taken out again
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        -sum(toInt64(sign)) AS standing,
        -sum(toInt64(sign)) AS attempts,
        -sum(sign * toInt64(connected)) AS connected,
        -sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        -sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        -sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        -sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        -sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        -sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit > {as_of:UInt32} AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')}))
    GROUP BY customer, customer_currency, provider_currency
    UNION ALL
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(connected)) AS connected,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {as_of:UInt32}
      AND (start_time >= {b2s0_from:DateTime64(3, 'UTC')} AND start_time < {b2s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b2s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b2s0_to:DateTime64(3, 'UTC')}))
    GROUP BY customer, customer_currency, provider_currency
),
netted AS (
    SELECT
        customer,
        customer_currency,
        provider_currency,
        sum(found.standing) AS standing,
        sum(found.attempts) AS attempts,
        sum(found.connected) AS connected,
        sum(found.customer_charge) AS customer_charge,
        sum(found.provider_charge) AS provider_charge,
        sum(found.customer_charged) AS customer_charged,
        sum(found.unrated_customer) AS unrated_customer,
        sum(found.provider_charged) AS provider_charged,
        sum(found.unrated_provider) AS unrated_provider,
        max(found.mixed) AS mixed
    FROM found
    GROUP BY customer, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_charge) AS customer_charge,
        sum(s.provider_charge) AS provider_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM netted AS s
    GROUP BY s.customer
)
SELECT
    g.customer AS customer,
    g.attempts AS attempts,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if((if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
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
    GROUP BY customer, customer_currency, provider_currency
    UNION ALL
    -- what came after that moment is taken out again
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        -sum(toInt64(sign)) AS standing,
        -sum(toInt64(sign)) AS attempts,
        -sum(sign * toInt64(connected)) AS connected,
        -sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        -sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        -sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        -sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        -sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        -sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit > {as_of:UInt32} AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')}))
    GROUP BY customer, customer_currency, provider_currency
    UNION ALL
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(connected)) AS connected,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {as_of:UInt32}
      AND (start_time >= {b2s0_from:DateTime64(3, 'UTC')} AND start_time < {b2s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b2s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b2s0_to:DateTime64(3, 'UTC')}))
    GROUP BY customer, customer_currency, provider_currency
),
netted AS (
    SELECT
        customer,
        customer_currency,
        provider_currency,
        sum(found.standing) AS standing,
        sum(found.attempts) AS attempts,
        sum(found.connected) AS connected,
        sum(found.customer_charge) AS customer_charge,
        sum(found.provider_charge) AS provider_charge,
        sum(found.customer_charged) AS customer_charged,
        sum(found.unrated_customer) AS unrated_customer,
        sum(found.provider_charged) AS provider_charged,
        sum(found.unrated_provider) AS unrated_provider,
        max(found.mixed) AS mixed
    FROM found
    GROUP BY customer, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_charge) AS customer_charge,
        sum(s.provider_charge) AS provider_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM netted AS s
    GROUP BY s.customer
)
,
rolled AS (
    SELECT
        0 AS level,
        sum(g.standing) AS standing,
        sum(g.attempts) AS attempts,
        sum(g.connected) AS connected,
        sum(g.customer_charge) AS customer_charge,
        sum(g.provider_charge) AS provider_charge,
        sum(g.customer_charged) AS customer_charged,
        sum(g.unrated_customer) AS unrated_customer,
        sum(g.provider_charged) AS provider_charged,
        sum(g.unrated_provider) AS unrated_provider,
        groupUniqArrayArray(g.customer_currencies) AS customer_currencies,
        groupUniqArrayArray(g.provider_currencies) AS provider_currencies,
        max(g.mixed) AS mixed
    FROM groups AS g
    -- a group is listed while a record stands in it, and when it passes the filters on measures
    WHERE g.mixed OR (g.standing > 0)
)
SELECT
    NULL AS customer,
    g.attempts AS attempts,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if((if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.customer_currencies , g.provider_currencies))) = 0, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    g.level AS level_,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM rolled AS g
ORDER BY level_ DESC, g.attempts DESC NULLS LAST, NULL NULLS LAST
