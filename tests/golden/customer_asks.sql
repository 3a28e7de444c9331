-- A customer: its accounts in every branch, its own preset, no cost.
-- from breakout_day_v1_utc + cdr, about 72581 rows
-- not from route_minute15_v1_utc: dimension_missing (customer_destination)
-- not from tech_prefix_day_v1_utc: dimension_missing (customer_destination)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (customer_destination)
-- not from rate_center_day_v1_utc: dimension_missing (customer_destination)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer_destination)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 103226 rows against 72581)
-- b0s0_from = '2026-10-02 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- b1s0_from = '2026-10-01 06:00:00.000'
-- b1s0_to = '2026-10-02 00:00:00.000'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
-- scope = ['acme', 'acme-uk']
WITH
found AS (
    SELECT
        t.customer_destination AS customer_destination,
        t.customer_currency AS customer_currency,
        sum(standing) AS standing,
        sumIf(attempts, is_final) AS attempts,
        sumIf(connected, is_final) AS connected,
        sum(customer_duration_ms) AS customer_duration_ms,
        sum(duration_ms) AS duration_ms,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        sumIf(connected_ms, is_final) AS connected_ms,
        sumIf(dtmf_calls, is_final) AS dtmf_calls,
        sumIf(sdp, is_final) AS sdp,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.customer IN {scope:Array(String)}
    GROUP BY customer_destination, customer_currency
    UNION ALL
    SELECT
        t.customer_destination AS customer_destination,
        t.customer_currency AS customer_currency,
        sum(toInt64(sign)) AS standing,
        sumIf(toInt64(sign), is_final) AS attempts,
        sumIf(sign * toInt64(connected), is_final) AS connected,
        sum(sign * toInt64(customer_duration_ms)) AS customer_duration_ms,
        sum(sign * toInt64(duration_ms)) AS duration_ms,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sumIf(sign * toInt64(if(connected, duration_ms, 0)), is_final) AS connected_ms,
        sumIf(sign * toInt64(connected AND dtmf > 0), is_final) AS dtmf_calls,
        sumIf(sign * toInt64(sdp), is_final) AS sdp,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')}))
      AND t.customer IN {scope:Array(String)}
    GROUP BY customer_destination, customer_currency
),
groups AS (
    SELECT
        s.customer_destination AS customer_destination,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_duration_ms) AS customer_duration_ms,
        sum(s.duration_ms) AS duration_ms,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.connected_ms) AS connected_ms,
        sum(s.dtmf_calls) AS dtmf_calls,
        sum(s.sdp) AS sdp,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.customer_destination
)
SELECT
    g.customer_destination AS customer_destination,
    g.attempts AS attempts,
    g.connected AS connected,
    g.customer_duration_ms / 1000 AS customer_duration,
    g.duration_ms / 1000 AS duration,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
    g.dtmf_calls AS dtmf_calls,
    if(g.connected = 0, NULL, toFloat64(100 * g.dtmf_calls) / toFloat64(g.connected)) AS dtmf_percent,
    g.sdp AS sdp,
    arraySort(g.customer_currencies) AS customer_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer_destination NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
