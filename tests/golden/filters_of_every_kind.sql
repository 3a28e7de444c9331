-- Every operator; values are parameters and only that.
-- from breakout_day_v1_utc, about 50000 rows
-- not from breakout_day_v1_america_new_york: zone_mismatch (every day of America/New_York crosses the end of a day of UTC)
-- not from route_minute15_v1_utc: dimension_missing (customer, customer_destination)
-- not from tech_prefix_day_v1_utc: dimension_missing (customer_destination)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (customer_destination)
-- not from rate_center_day_v1_utc: dimension_missing (customer, customer_destination)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer, customer_destination)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- currency = 'USD'
-- f0 = ['carrier-a', 'carrier-b']
-- f1 = ["it's"]
-- f2 = ['mobile']
-- f3 = ['a']
-- f5 = ['2026-10-05', '2026-10-25']
-- f6 = [True]
-- h0 = [20.0]
-- h1 = [Decimal('10.50000000')]
-- limit = 100
-- offset = 50
-- zone = 'UTC'
WITH
found AS (
    SELECT
        t.customer AS customer,
        t.customer_destination AS customer_destination,
        t.customer_currency AS customer_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected) AS connected,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND t.provider IN {f0:Array(String)}
      AND t.provider_card NOT IN {f1:Array(String)}
      AND positionCaseInsensitiveUTF8(t.customer_destination, {f2:Array(String)}[1]) > 0
      AND startsWith(lowerUTF8(t.customer), lowerUTF8({f3:Array(String)}[1]))
      AND t.provider_destination != ''
      AND toDate(t.tile, {zone:String}) BETWEEN {f5:Array(Date)}[1] AND {f5:Array(Date)}[2]
      AND t.is_final IN {f6:Array(Bool)}
    GROUP BY customer, customer_destination, customer_currency
),
groups AS (
    SELECT
        s.customer AS customer,
        s.customer_destination AS customer_destination,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.customer, s.customer_destination
)
SELECT
    g.customer AS customer,
    g.customer_destination AS customer_destination,
    g.attempts AS attempts,
    if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) AS asr,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    count() OVER () AS total_,
    arraySort(g.customer_currencies) AS customer_currencies_,
    sum(g.unrated_customer) OVER () AS unrated_customer_,
    max(g.mixed) OVER () AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0 AND if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) < {h0:Array(Float64)}[1] AND if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) >= {h1:Array(Decimal(38, 8))}[1])
ORDER BY if(g.attempts = 0, NULL, toFloat64(100 * g.connected) / toFloat64(g.attempts)) NULLS LAST, g.attempts DESC NULLS LAST, g.customer NULLS LAST, g.customer_destination NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
