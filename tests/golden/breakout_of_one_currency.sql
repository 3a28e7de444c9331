-- A month of the breakout at a site that has one currency: nothing is kept apart by it.
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: dimension_missing (customer, customer_destination)
-- not from tech_prefix_day_v1_utc: dimension_missing (customer_destination)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (customer_destination)
-- not from rate_center_day_v1_utc: dimension_missing (customer, customer_destination)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer, customer_destination)
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
        t.customer_destination AS customer_destination,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(customer_duration_ms) AS customer_duration_ms,
        sum(duration_ms) AS duration_ms,
        sum(customer_charge) AS customer_charge,
        sum(unrated_customer) AS unrated_customer,
        sum(provider_charge) AS provider_charge,
        sum(unrated_provider) AS unrated_provider,
        sum(connected_ms) AS connected_ms,
        sum(dtmf_calls) AS dtmf_calls,
        sum(sdp) AS sdp,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
    GROUP BY customer, customer_destination
)
SELECT
    g.customer AS customer,
    g.customer_destination AS customer_destination,
    g.attempts AS attempts,
    g.connected AS connected,
    g.customer_duration_ms / 1000 AS customer_duration,
    g.duration_ms / 1000 AS duration,
    if((g.customer_charge AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((g.provider_charge AS provider_charge_exact) = truncate(provider_charge_exact, 2), toDecimalString(provider_charge_exact, 2), toString(provider_charge_exact)) AS provider_charge,
    if((g.customer_charge - g.provider_charge AS profit_exact) = truncate(profit_exact, 2), toDecimalString(profit_exact, 2), toString(profit_exact)) AS profit,
    if(g.customer_charge = 0, NULL, toFloat64(100 * (g.customer_charge - g.provider_charge)) / toFloat64(g.customer_charge)) AS profit_percent,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    g.dtmf_calls AS dtmf_calls,
    if(g.connected = 0, NULL, toFloat64(100 * g.dtmf_calls) / toFloat64(g.connected)) AS dtmf_percent,
    g.sdp AS sdp,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM found AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer NULLS LAST, g.customer_destination NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
