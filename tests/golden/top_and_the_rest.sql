-- The ten routes with the most profit, and all others as one.
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: measure_missing (customer_charge, customer_charged, unrated_customer)
-- not from tech_prefix_day_v1_utc: dimension_missing (provider_card)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (provider_card)
-- not from rate_center_day_v1_utc: dimension_missing (provider_card)
-- not from rate_center_day_v1_america_new_york: dimension_missing (provider_card)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- currency = 'USD'
-- limit = 1000001
-- offset = 0
-- top0 = 10
WITH
found AS (
    SELECT
        t.provider_card AS provider_card,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        sum(connected_ms) AS connected_ms,
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
    GROUP BY provider_card, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.provider_card AS provider_card,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        sum(s.connected_ms) AS connected_ms,
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
    FROM found AS s
    GROUP BY s.provider_card
)
,
-- what each value of provider_card has over the window, and which it is in that order
ranked_provider_card AS (
    SELECT
        g.*,
        dense_rank() OVER (ORDER BY if(length(arrayFilter(code -> code != {currency:String}, arrayConcat(g.provider_card_customer_currencies , g.provider_card_provider_currencies))) = 0, g.provider_card_customer_charge - g.provider_card_provider_charge, NULL) DESC NULLS LAST, g.provider_card NULLS LAST) AS provider_card_rank
    FROM (
        SELECT
            g.*,
            sum(g.customer_charge) OVER alike AS provider_card_customer_charge,
            sum(g.provider_charge) OVER alike AS provider_card_provider_charge,
            sum(g.customer_charged) OVER alike AS provider_card_customer_charged,
            sum(g.unrated_customer) OVER alike AS provider_card_unrated_customer,
            sum(g.provider_charged) OVER alike AS provider_card_provider_charged,
            sum(g.unrated_provider) OVER alike AS provider_card_unrated_provider,
            groupUniqArrayArray(g.customer_currencies) OVER alike AS provider_card_customer_currencies,
            groupUniqArrayArray(g.provider_currencies) OVER alike AS provider_card_provider_currencies,
            1 AS ranked
        FROM groups AS g
        WHERE g.mixed OR g.standing > 0
        WINDOW alike AS (PARTITION BY g.provider_card)) AS g
),
-- all but the top are one, whatever it is called
folded AS (
    SELECT
        g.provider_card_rank > {top0:UInt64} AS provider_card_other,
        if(provider_card_other, defaultValueOfArgumentType(g.provider_card), g.provider_card) AS provider_card,
        g.standing AS standing,
        g.attempts AS attempts,
        g.connected_ms AS connected_ms,
        g.connected AS connected,
        g.customer_charge AS customer_charge,
        g.provider_charge AS provider_charge,
        g.customer_charged AS customer_charged,
        g.unrated_customer AS unrated_customer,
        g.provider_charged AS provider_charged,
        g.unrated_provider AS unrated_provider,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.mixed AS mixed
    FROM ranked_provider_card AS g
),
cells AS (
    SELECT
        g.provider_card AS provider_card,
        g.provider_card_other AS provider_card_other,
        0 AS period_,
        '' AS across_,
        g.standing AS standing,
        g.attempts AS attempts,
        g.connected_ms AS connected_ms,
        g.connected AS connected,
        g.customer_charge AS customer_charge,
        g.provider_charge AS provider_charge,
        g.customer_charged AS customer_charged,
        g.unrated_customer AS unrated_customer,
        g.provider_charged AS provider_charged,
        g.unrated_provider AS unrated_provider,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.mixed AS mixed,
        0 AS empty
    FROM folded AS g
    WHERE g.mixed OR g.standing > 0
),
rolled AS (
    SELECT
        provider_card,
        provider_card_other,
        1 - grouping(provider_card) AS level,
        period_,
        '' AS across_,
        0 AS pivoted,
        sum(cells.standing) AS standing,
        sum(cells.attempts) AS attempts,
        sum(cells.connected_ms) AS connected_ms,
        sum(cells.connected) AS connected,
        sum(cells.customer_charge) AS customer_charge,
        sum(cells.provider_charge) AS provider_charge,
        sum(cells.customer_charged) AS customer_charged,
        sum(cells.unrated_customer) AS unrated_customer,
        sum(cells.provider_charged) AS provider_charged,
        sum(cells.unrated_provider) AS unrated_provider,
        groupUniqArrayArray(cells.customer_currencies) AS customer_currencies,
        groupUniqArrayArray(cells.provider_currencies) AS provider_currencies,
        max(cells.mixed) AS mixed,
        min(cells.empty) AS empty
    FROM cells
    GROUP BY GROUPING SETS ((provider_card, provider_card_other, period_))
),
measured AS (
    SELECT
        g.provider_card AS provider_card,
        g.provider_card_other AS provider_card_other,
        g.level AS level,
        g.period_ AS period_,
        g.across_ AS across_,
        g.pivoted AS pivoted,
        g.pivoted AND g.empty AS empty,
        g.attempts AS attempts,
        if(g.connected = 0, NULL, toFloat64(g.connected_ms / 1000) / toFloat64(g.connected)) AS acd,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.unrated_customer AS unrated_customer,
        g.unrated_provider AS unrated_provider,
        g.mixed AS mixed
    FROM rolled AS g
),
lined AS (
    SELECT
        level,
        provider_card,
        provider_card_other,
        groupArrayIf(1002)((period_, pivoted, across_, attempts, acd), NOT empty) AS laid,
        if(countIf(period_ = 0 AND NOT pivoted) = 0, 0, maxIf(toNullable(measured.attempts), period_ = 0 AND NOT pivoted)) AS order_1,
        arraySort(groupUniqArrayArray(measured.customer_currencies)) AS customer_currencies,
        arraySort(groupUniqArrayArray(measured.provider_currencies)) AS provider_currencies,
        sumIf(measured.unrated_customer, period_ = 0 AND NOT pivoted) AS unrated_customer,
        sumIf(measured.unrated_provider, period_ = 0 AND NOT pivoted) AS unrated_provider,
        max(measured.mixed) AS mixed
    FROM measured
    GROUP BY level, provider_card, provider_card_other
)
SELECT
    lined.provider_card AS provider_card_,
    lined.provider_card_other AS provider_card_other_,
    laid AS cells_,
    level AS level_,
    lined.customer_currencies AS customer_currencies_,
    lined.provider_currencies AS provider_currencies_,
    lined.unrated_customer AS unrated_customer_,
    lined.unrated_provider AS unrated_provider_,
    lined.mixed AS mixed_
FROM lined
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, lined.provider_card_other NULLS LAST, order_1 DESC NULLS LAST, lined.provider_card_other NULLS LAST, lined.provider_card NULLS LAST, tuple()
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
