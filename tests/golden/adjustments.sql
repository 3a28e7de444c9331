-- what changed in October since it was closed in New York: postings after that commit, nothing else
-- from cdr, about 1000179 rows
-- not from breakout_day_v1_utc: not_by_commit (it does not tell what changed when)
-- not from breakout_day_v1_america_new_york: not_by_commit (it does not tell what changed when)
-- not from route_minute15_v1_utc: not_by_commit (it does not tell what changed when)
-- not from tech_prefix_day_v1_utc: not_by_commit (it does not tell what changed when)
-- not from tech_prefix_day_v1_america_new_york: not_by_commit (it does not tell what changed when)
-- not from rate_center_day_v1_utc: not_by_commit (it does not tell what changed when)
-- not from rate_center_day_v1_america_new_york: not_by_commit (it does not tell what changed when)
-- b0s0_from = '2026-10-01 04:00:00.000'
-- b0s0_to = '2026-11-01 04:00:00.000'
-- commit = 4711
-- limit = 1000001
-- offset = 0
-- since = 30
WITH
found AS (
    SELECT
        t.customer AS customer,
        t.provider AS provider,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * toInt64(connected)) AS connected,
        sum(sign * toInt64(customer_duration_ms)) AS customer_duration_ms,
        sum(sign * toInt64(provider_duration_ms)) AS provider_duration_ms,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32} AND commit > {since:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY customer, provider, customer_currency, provider_currency, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.customer AS customer,
        s.provider AS provider,
        s.customer_currency AS customer_currency,
        s.provider_currency AS provider_currency,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected) AS connected,
        sum(s.customer_duration_ms) AS customer_duration_ms,
        sum(s.provider_duration_ms) AS provider_duration_ms,
        sum(s.customer_charge) AS customer_charge,
        sum(s.customer_charged) AS customer_charged,
        sum(s.unrated_customer) AS unrated_customer,
        sum(s.provider_charge) AS provider_charge,
        sum(s.provider_charged) AS provider_charged,
        sum(s.unrated_provider) AS unrated_provider,
        groupUniqArrayIf(s.customer_currency, s.customer_charged != 0 OR s.customer_charge != 0) AS customer_currencies,
        groupUniqArrayIf(s.provider_currency, s.provider_charged != 0 OR s.provider_charge != 0) AS provider_currencies,
        max(s.mixed) AS mixed
    FROM found AS s
    GROUP BY s.customer, s.provider, s.customer_currency, s.provider_currency
)
SELECT
    g.customer AS customer,
    g.provider AS provider,
    g.customer_currency AS customer_currency,
    g.provider_currency AS provider_currency,
    g.attempts AS attempts,
    g.connected AS connected,
    g.customer_duration_ms / 1000 AS customer_duration,
    g.provider_duration_ms / 1000 AS provider_duration,
    if((if(length(arrayDistinct(g.customer_currencies)) <= 1, g.customer_charge, NULL) AS customer_charge_exact) = truncate(customer_charge_exact, 2), toDecimalString(customer_charge_exact, 2), toString(customer_charge_exact)) AS customer_charge,
    if((if(length(arrayDistinct(g.provider_currencies)) <= 1, g.provider_charge, NULL) AS provider_charge_exact) = truncate(provider_charge_exact, 2), toDecimalString(provider_charge_exact, 2), toString(provider_charge_exact)) AS provider_charge,
    arraySort(g.customer_currencies) AS customer_currencies_,
    arraySort(g.provider_currencies) AS provider_currencies_,
    g.unrated_customer AS unrated_customer_,
    g.unrated_provider AS unrated_provider_,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed when anything of it changed, and when it passes the filters on measures
WHERE g.mixed OR ((g.standing != 0 OR g.attempts != 0 OR g.connected != 0 OR g.customer_duration_ms != 0 OR g.provider_duration_ms != 0 OR g.customer_charge != 0 OR g.customer_charged != 0 OR g.unrated_customer != 0 OR g.provider_charge != 0 OR g.provider_charged != 0 OR g.unrated_provider != 0 OR notEmpty(g.customer_currencies) OR notEmpty(g.provider_currencies)))
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, greatest(length(customer_currencies), length(provider_currencies)) > 1 DESC, g.attempts DESC NULLS LAST, g.customer NULLS LAST, g.provider NULLS LAST, g.customer_currency NULLS LAST, g.provider_currency NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
