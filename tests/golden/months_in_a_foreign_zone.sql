-- Months of a zone without tiles of its own: days that cross a month's end come from the ledger.
-- from breakout_day_v1_america_new_york + cdr, about 272798 rows
-- not from route_minute15_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from tech_prefix_day_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from tech_prefix_day_v1_america_new_york: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from breakout_day_v1_utc: reads_more_rows (about 274117 rows against 272798)
-- not from rate_center_day_v1_utc: reads_more_rows (about 274117 rows against 272798)
-- not from rate_center_day_v1_america_new_york: reads_more_rows (about 272798 rows against 272798)
-- b0s0_from = '2026-09-15 04:00:00'
-- b0s0_to = '2026-09-30 04:00:00'
-- b0s1_from = '2026-10-01 04:00:00'
-- b0s1_to = '2026-10-31 04:00:00'
-- b0s2_from = '2026-11-01 04:00:00'
-- b0s2_to = '2026-11-30 05:00:00'
-- b0s3_from = '2026-12-01 05:00:00'
-- b0s3_to = '2026-12-14 05:00:00'
-- b1s0_from = '2026-09-14 18:30:00.000'
-- b1s0_to = '2026-09-15 04:00:00.000'
-- b1s1_from = '2026-09-30 04:00:00.000'
-- b1s1_to = '2026-10-01 04:00:00.000'
-- b1s2_from = '2026-10-31 04:00:00.000'
-- b1s2_to = '2026-11-01 04:00:00.000'
-- b1s3_from = '2026-11-30 05:00:00.000'
-- b1s3_to = '2026-12-01 05:00:00.000'
-- b1s4_from = '2026-12-14 05:00:00.000'
-- b1s4_to = '2026-12-14 18:30:00.000'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
-- zone = 'Asia/Kolkata'
WITH
found AS (
    SELECT
        toStartOfMonth(toDate(t.tile, {zone:String})) AS month,
        t.customer_currency AS customer_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(customer_charge) AS customer_charge,
        sum(customer_charged) AS customer_charged,
        sum(unrated_customer) AS unrated_customer,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_america_new_york AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')}
        OR tile >= {b0s1_from:DateTime('UTC')} AND tile < {b0s1_to:DateTime('UTC')}
        OR tile >= {b0s2_from:DateTime('UTC')} AND tile < {b0s2_to:DateTime('UTC')}
        OR tile >= {b0s3_from:DateTime('UTC')} AND tile < {b0s3_to:DateTime('UTC')})
    GROUP BY month, customer_currency
    UNION ALL
    SELECT
        toStartOfMonth(toDate(t.start_time, {zone:String})) AS month,
        t.customer_currency AS customer_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')})
        OR start_time >= {b1s1_from:DateTime64(3, 'UTC')} AND start_time < {b1s1_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s1_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s1_to:DateTime64(3, 'UTC')})
        OR start_time >= {b1s2_from:DateTime64(3, 'UTC')} AND start_time < {b1s2_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s2_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s2_to:DateTime64(3, 'UTC')})
        OR start_time >= {b1s3_from:DateTime64(3, 'UTC')} AND start_time < {b1s3_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s3_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s3_to:DateTime64(3, 'UTC')})
        OR start_time >= {b1s4_from:DateTime64(3, 'UTC')} AND start_time < {b1s4_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s4_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s4_to:DateTime64(3, 'UTC')}))
    GROUP BY month, customer_currency
),
groups AS (
    SELECT
        s.month AS month,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0) AS customer_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.month
)
SELECT
    toString(g.month) AS month,
    g.attempts AS attempts,
    if((if(length(arrayFilter(code -> code != {currency:String}, g.customer_currencies)) = 0, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    arraySort(g.customer_currencies) AS customer_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, toString(g.month) NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
