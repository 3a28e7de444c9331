-- Money as it was charged.
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: dimension_missing (customer, customer_currency)
-- not from tech_prefix_day_v1_utc: dimension_missing (customer_currency, provider_currency)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (customer_currency, provider_currency)
-- not from rate_center_day_v1_utc: dimension_missing (customer)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.customer AS customer,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
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
    GROUP BY customer, customer_currency, provider_currency, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.customer AS customer,
        s.customer_currency AS customer_currency,
        s.provider_currency AS provider_currency,
        sum(s.standing) AS standing,
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
    GROUP BY s.customer, s.customer_currency, s.provider_currency
)
SELECT
    g.customer AS customer,
    g.customer_currency AS customer_currency,
    g.provider_currency AS provider_currency,
    if((if(length(arrayDistinct(g.customer_currencies)) <= 1, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(length(arrayDistinct(arrayConcat(g.customer_currencies , g.provider_currencies))) <= 1, g.customer_charge - g.provider_charge, NULL) AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, length(arrayDistinct(arrayConcat(customer_currencies, provider_currencies))) > 1 DESC, g.customer NULLS LAST, g.customer_currency NULLS LAST, g.provider_currency NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
