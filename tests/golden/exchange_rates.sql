-- charges in several currencies: sums by the site's day and currency, times the rate of that day, or of one at most seven days older
-- from breakout_day_v1_america_new_york, about 50009 rows
-- not from breakout_day_v1_utc: rates_by_day (every day of UTC has rates of several days of America/New_York)
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from tech_prefix_day_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer, provider_charge, provider_charged, unrated_provider)
-- not from tech_prefix_day_v1_america_new_york: measure_missing (customer_charge, customer_charged, unrated_customer, provider_charge, provider_charged, unrated_provider)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- b0s0_from = '2026-10-01 04:00:00'
-- b0s0_to = '2026-11-01 04:00:00'
-- commit = 4711
-- currency = 'EUR'
-- h0 = [Decimal('0E-8')]
-- limit = 1000001
-- offset = 0
-- rates = 12
-- rates_from = '2026-09-22'
-- rates_to = '2026-11-02'
-- rates_zone = 'America/New_York'
WITH
rates AS (
    -- A rate is that of its own day, and of the seven after it while there is none newer.
    SELECT currency, day, argMax(rate, date) AS rate
    FROM (
        SELECT
            cells[2] AS currency,
            toDate(cells[1]) AS date,
            toDecimal128(cells[4], 18) AS rate
        FROM (
            SELECT splitByChar('\x1F', row) AS cells, valid_from, valid_to FROM lists
            WHERE version = {rates:UInt32})
        WHERE cells[3] = {currency:String}
          AND date >= valid_from AND date < valid_to
          AND date BETWEEN {rates_from:Date} AND {rates_to:Date})
    ARRAY JOIN arrayMap(days -> date + days, range(8)) AS day
    GROUP BY currency, day
),
found AS (
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        -- what needs no rate is not told apart by day
        if(t.customer_currency = {currency:String} AND t.provider_currency = {currency:String}, toDate(0), toDate(t.tile, {rates_zone:String})) AS rate_day,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_america_new_york AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer, customer_currency, provider_currency, rate_day
),
groups AS (
    SELECT
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(toDecimal256(s.customer_charge, 8) * if(s.customer_currency = {currency:String}, toDecimal128(1, 18), customer_rates.rate)) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(toDecimal256(s.provider_charge, 8) * if(s.provider_currency = {currency:String}, toDecimal128(1, 18), provider_rates.rate)) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, (s.customer_charged != 0) AND s.customer_currency != {currency:String} AND customer_rates.rate = 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, (s.provider_charged != 0) AND s.provider_currency != {currency:String} AND provider_rates.rate = 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    LEFT JOIN rates AS customer_rates ON customer_rates.currency = s.customer_currency AND customer_rates.day = s.rate_day
    LEFT JOIN rates AS provider_rates ON provider_rates.currency = s.provider_currency AND provider_rates.day = s.rate_day
    GROUP BY s.customer
)
SELECT
    g.customer AS customer,
    g.attempts AS attempts,
    if((if(empty(g.customer_currencies), toDecimal128(roundBankers(g.customer_charge, 8), 8), NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(empty(g.customer_currencies) AND empty(g.provider_currencies), toDecimal128(roundBankers(g.customer_charge - g.provider_charge, 8), 8), NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    if(empty(g.customer_currencies) AND empty(g.provider_currencies), if(g.customer_charge = 0, NULL, (toFloat64(toDecimal128(100 * (g.customer_charge - g.provider_charge), 8)) + toFloat64(100 * (g.customer_charge - g.provider_charge) - toDecimal128(100 * (g.customer_charge - g.provider_charge), 8))) / (toFloat64(toDecimal128(g.customer_charge, 8)) + toFloat64(g.customer_charge - toDecimal128(g.customer_charge, 8)))), NULL) AS profit_percent,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0 AND if(empty(g.customer_currencies) AND empty(g.provider_currencies), toDecimal128(roundBankers(g.customer_charge - g.provider_charge, 8), 8), NULL) < {h0:Array(Decimal(38, 8))}[1])
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
rates AS (
    -- A rate is that of its own day, and of the seven after it while there is none newer.
    SELECT currency, day, argMax(rate, date) AS rate
    FROM (
        SELECT
            cells[2] AS currency,
            toDate(cells[1]) AS date,
            toDecimal128(cells[4], 18) AS rate
        FROM (
            SELECT splitByChar('\x1F', row) AS cells, valid_from, valid_to FROM lists
            WHERE version = {rates:UInt32})
        WHERE cells[3] = {currency:String}
          AND date >= valid_from AND date < valid_to
          AND date BETWEEN {rates_from:Date} AND {rates_to:Date})
    ARRAY JOIN arrayMap(days -> date + days, range(8)) AS day
    GROUP BY currency, day
),
found AS (
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        -- what needs no rate is not told apart by day
        if(t.customer_currency = {currency:String} AND t.provider_currency = {currency:String}, toDate(0), toDate(t.tile, {rates_zone:String})) AS rate_day,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(provider_charged) AS provider_charged,
        sum(unrated_provider) AS unrated_provider,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_america_new_york AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer, customer_currency, provider_currency, rate_day
),
groups AS (
    SELECT
        s.customer AS customer,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(toDecimal256(s.customer_charge, 8) * if(s.customer_currency = {currency:String}, toDecimal128(1, 18), customer_rates.rate)) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(toDecimal256(s.provider_charge, 8) * if(s.provider_currency = {currency:String}, toDecimal128(1, 18), provider_rates.rate)) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, (s.customer_charged != 0) AND s.customer_currency != {currency:String} AND customer_rates.rate = 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, (s.provider_charged != 0) AND s.provider_currency != {currency:String} AND provider_rates.rate = 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    LEFT JOIN rates AS customer_rates ON customer_rates.currency = s.customer_currency AND customer_rates.day = s.rate_day
    LEFT JOIN rates AS provider_rates ON provider_rates.currency = s.provider_currency AND provider_rates.day = s.rate_day
    GROUP BY s.customer
)
,
rolled AS (
    SELECT
        0 AS level,
        sum(g.standing) AS standing,
        sum(g.attempts) AS attempts,
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
    -- a group is listed while a record stands in it, and when it passes the filters on measures
    WHERE g.mixed OR (g.standing > 0 AND if(empty(g.customer_currencies) AND empty(g.provider_currencies), toDecimal128(roundBankers(g.customer_charge - g.provider_charge, 8), 8), NULL) < {h0:Array(Decimal(38, 8))}[1])
)
SELECT
    NULL AS customer,
    g.attempts AS attempts,
    if((if(empty(g.customer_currencies), toDecimal128(roundBankers(g.customer_charge, 8), 8), NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(empty(g.customer_currencies) AND empty(g.provider_currencies), toDecimal128(roundBankers(g.customer_charge - g.provider_charge, 8), 8), NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    if(empty(g.customer_currencies) AND empty(g.provider_currencies), if(g.customer_charge = 0, NULL, (toFloat64(toDecimal128(100 * (g.customer_charge - g.provider_charge), 8)) + toFloat64(100 * (g.customer_charge - g.provider_charge) - toDecimal128(100 * (g.customer_charge - g.provider_charge), 8))) / (toFloat64(toDecimal128(g.customer_charge, 8)) + toFloat64(g.customer_charge - toDecimal128(g.customer_charge, 8)))), NULL) AS profit_percent,
    g.level AS level_,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM rolled AS g
ORDER BY level_ DESC, g.attempts DESC NULLS LAST, NULL NULLS LAST
