-- One per call, refused attempts left out of the ratios; money and durations still sum everything.
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from tech_prefix_day_v1_utc: dimension_missing (provider)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (provider)
-- not from rate_center_day_v1_utc: dimension_missing (provider)
-- not from rate_center_day_v1_america_new_york: dimension_missing (provider)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
WITH
found AS (
    SELECT
        t.provider AS provider,
        t.customer_currency AS customer_currency,
        sum(standing) AS standing,
        sumIf(attempts, is_final) AS attempts,
        sumIf(connected, is_final) AS connected,
        sumIf(seizures, is_final) AS seizures,
        sumIf(ner_effective, is_final) AS ner_effective,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY provider, customer_currency
),
groups AS (
    SELECT
        s.provider AS provider,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.seizures) AS seizures,
        sum(s.ner_effective) AS ner_effective,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.provider
)
SELECT
    g.provider AS provider,
    g.attempts AS attempts,
    g.connected AS connected,
    if(g.seizures = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.seizures)) AS asr,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS abr,
    if(g.seizures = 0, NULL, toFloat64(100 * g.ner_effective) / toFloat64(g.seizures)) AS ner,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    arraySort(g.customer_currencies) AS customer_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.provider NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
