-- Customers across, the rest of them as one, in native money, with a subtotal for each route: each level has every cell.
-- from cdr, about 2007527 rows
-- not from breakout_day_v1_utc: grain_too_coarse (hour is finer than day)
-- not from breakout_day_v1_america_new_york: grain_too_coarse (hour is finer than day)
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from tech_prefix_day_v1_utc: dimension_missing (provider_card)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (provider_card)
-- not from rate_center_day_v1_utc: dimension_missing (provider_card, customer, is_final)
-- not from rate_center_day_v1_america_new_york: dimension_missing (provider_card, customer, is_final)
-- b0s0_from = '2026-10-01 00:00:00.000'
-- b0s0_to = '2026-11-01 00:00:00.000'
-- b1s0_from = '2026-09-24 00:00:00.000'
-- b1s0_to = '2026-10-25 00:00:00.000'
-- commit = 4711
-- limit = 1000001
-- moved = 7
-- offset = 0
-- top0 = 3
-- zone = 'UTC'
WITH
found AS (
    SELECT
        t.provider_card AS provider_card,
        tuple(toUnixTimestamp(t.start_time) + timezoneOffset(toTimeZone(t.start_time, {zone:String})) - (toUnixTimestamp(t.start_time) + timezoneOffset(toTimeZone(t.start_time, {zone:String}))) % 3600, timezoneOffset(toTimeZone(t.start_time, {zone:String}))) AS hour,
        t.customer AS customer,
        t.is_final AS is_final,
        0 AS period_,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY provider_card, hour, customer, is_final, period_, customer_currency, provider_currency
    UNION ALL
    -- of the period before, moved into the one that is asked for
    SELECT
        t.provider_card AS provider_card,
        tuple(toUnixTimestamp(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64})) + timezoneOffset(toTimeZone(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64}), {zone:String})) - (toUnixTimestamp(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64})) + timezoneOffset(toTimeZone(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64}), {zone:String}))) % 3600, timezoneOffset(toTimeZone(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64}), {zone:String}))) AS hour,
        t.customer AS customer,
        t.is_final AS is_final,
        1 AS period_,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')}))
    GROUP BY provider_card, hour, customer, is_final, period_, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.provider_card AS provider_card,
        s.hour AS hour,
        s.customer AS customer,
        s.is_final AS is_final,
        s.period_ AS period_,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
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
    GROUP BY s.provider_card, s.hour, s.customer, s.is_final, s.period_
)
,
-- what each value of customer has over the window, and which it is in that order
ranked_customer AS (
    SELECT
        g.*,
        dense_rank() OVER (ORDER BY g.customer_attempts DESC NULLS LAST, g.customer NULLS LAST) AS customer_rank
    FROM (
        SELECT
            g.*,
            sumIf(g.attempts, period_ = 0) OVER alike AS customer_attempts,
            1 AS ranked
        FROM groups AS g
        WHERE g.mixed OR g.standing > 0
        WINDOW alike AS (PARTITION BY g.customer)) AS g
),
-- all but the top are one, whatever it is called
folded AS (
    SELECT
        g.provider_card AS provider_card,
        g.hour AS hour,
        g.customer_rank > {top0:UInt64} AS customer_other,
        if(customer_other, defaultValueOfArgumentType(g.customer), g.customer) AS customer,
        g.is_final AS is_final,
        g.period_ AS period_,
        g.standing AS standing,
        g.attempts AS attempts,
        g.customer_charge AS customer_charge,
        g.provider_charge AS provider_charge,
        g.customer_charged AS customer_charged,
        g.unrated_customer AS unrated_customer,
        g.provider_charged AS provider_charged,
        g.unrated_provider AS unrated_provider,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.mixed AS mixed
    FROM ranked_customer AS g
),
cells AS (
    SELECT
        g.provider_card AS provider_card,
        g.hour AS hour,
        g.period_ AS period_,
        if(g.customer_other, '\\other', replaceAll(replaceAll(g.customer, '\\', '\\\\'), '|', '\\|')) || '|' || toString(g.is_final) AS across_,
        g.standing AS standing,
        g.attempts AS attempts,
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
-- a cell for every value across, and one over all of them
rolled AS (
    SELECT
        provider_card,
        hour,
        1 - grouping(provider_card) + 1 - grouping(hour) AS level,
        period_,
        across_ AS across_,
        grouping(across_) = 0 AS pivoted,
        sum(cells.standing) AS standing,
        sum(cells.attempts) AS attempts,
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
    GROUP BY GROUPING SETS ((provider_card, hour, period_), (provider_card, hour, period_, across_))
),
measured AS (
    SELECT
        g.provider_card AS provider_card,
        g.hour AS hour,
        g.level AS level,
        g.period_ AS period_,
        g.across_ AS across_,
        g.pivoted AS pivoted,
        g.pivoted AND g.empty AS empty,
        g.attempts AS attempts,
        if(length(arrayDistinct(arrayConcat(g.customer_currencies , g.provider_currencies))) <= 1, g.customer_charge - g.provider_charge, NULL) AS profit,
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
        hour,
        groupArrayIf(2004)((period_, pivoted, across_, attempts, profit), NOT empty) AS laid,
        if(countIf(period_ = 0 AND NOT pivoted) = 0, 0, maxIf(toNullable(measured.attempts), period_ = 0 AND NOT pivoted)) AS order_0,
        arraySort(groupUniqArrayArray(measured.customer_currencies)) AS customer_currencies,
        arraySort(groupUniqArrayArray(measured.provider_currencies)) AS provider_currencies,
        sumIf(measured.unrated_customer, period_ = 0 AND NOT pivoted) AS unrated_customer,
        sumIf(measured.unrated_provider, period_ = 0 AND NOT pivoted) AS unrated_provider,
        max(measured.mixed) AS mixed
    FROM measured
    GROUP BY level, provider_card, hour
)
SELECT
    lined.provider_card AS provider_card_,
    concat(formatDateTime(toDateTime(lined.hour.1, 'UTC'), '%Y-%m-%dT%H:%i:%S', 'UTC'), if(lined.hour.2 < 0, '-', '+'), leftPad(toString(intDiv(abs(lined.hour.2), 3600)), 2, '0'), ':', leftPad(toString(intDiv(abs(lined.hour.2) % 3600, 60)), 2, '0')) AS hour_,
    laid AS cells_,
    level AS level_,
    lined.customer_currencies AS customer_currencies_,
    lined.provider_currencies AS provider_currencies_,
    lined.unrated_customer AS unrated_customer_,
    lined.unrated_provider AS unrated_provider_,
    lined.mixed AS mixed_
FROM lined
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, length(arrayDistinct(arrayConcat(customer_currencies, provider_currencies))) > 1 DESC, order_0 DESC NULLS LAST, lined.provider_card NULLS LAST, lined.hour.1 - lined.hour.2 NULLS LAST, tuple()
LIMIT {limit:UInt64} OFFSET {offset:UInt64}

-- subtotals and totals
WITH
found AS (
    SELECT
        t.provider_card AS provider_card,
        tuple(toUnixTimestamp(t.start_time) + timezoneOffset(toTimeZone(t.start_time, {zone:String})) - (toUnixTimestamp(t.start_time) + timezoneOffset(toTimeZone(t.start_time, {zone:String}))) % 3600, timezoneOffset(toTimeZone(t.start_time, {zone:String}))) AS hour,
        t.customer AS customer,
        t.is_final AS is_final,
        0 AS period_,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b0s0_from:DateTime64(3, 'UTC')} AND start_time < {b0s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b0s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b0s0_to:DateTime64(3, 'UTC')}))
    GROUP BY provider_card, hour, customer, is_final, period_, customer_currency, provider_currency
    UNION ALL
    -- of the period before, moved into the one that is asked for
    SELECT
        t.provider_card AS provider_card,
        tuple(toUnixTimestamp(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64})) + timezoneOffset(toTimeZone(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64}), {zone:String})) - (toUnixTimestamp(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64})) + timezoneOffset(toTimeZone(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64}), {zone:String}))) % 3600, timezoneOffset(toTimeZone(addDays(toTimeZone(t.start_time, {zone:String}), {moved:Int64}), {zone:String}))) AS hour,
        t.customer AS customer,
        t.is_final AS is_final,
        1 AS period_,
        t.customer_currency AS customer_currency,
        t.provider_currency AS provider_currency,
        sum(toInt64(sign)) AS standing,
        sum(toInt64(sign)) AS attempts,
        sum(sign * ifNull(customer_charge, 0)) AS customer_charge,
        sum(sign * ifNull(provider_charge, 0)) AS provider_charge,
        sum(sign * toInt64(ifNull(customer_charge, 0) != 0)) AS customer_charged,
        sum(sign * toInt64(connected AND isNull(customer_charge))) AS unrated_customer,
        sum(sign * toInt64(ifNull(provider_charge, 0) != 0)) AS provider_charged,
        sum(sign * toInt64(connected AND isNull(provider_charge))) AS unrated_provider,
        0 AS mixed
    FROM cdr AS t
    WHERE sign != 0 AND commit <= {commit:UInt32}
      AND (start_time >= {b1s0_from:DateTime64(3, 'UTC')} AND start_time < {b1s0_to:DateTime64(3, 'UTC')} AND toStartOfHour(start_time) >= toStartOfHour({b1s0_from:DateTime64(3, 'UTC')}) AND toStartOfHour(start_time) <= toStartOfHour({b1s0_to:DateTime64(3, 'UTC')}))
    GROUP BY provider_card, hour, customer, is_final, period_, customer_currency, provider_currency
),
groups AS (
    SELECT
        s.provider_card AS provider_card,
        s.hour AS hour,
        s.customer AS customer,
        s.is_final AS is_final,
        s.period_ AS period_,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
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
    GROUP BY s.provider_card, s.hour, s.customer, s.is_final, s.period_
)
,
-- what each value of customer has over the window, and which it is in that order
ranked_customer AS (
    SELECT
        g.*,
        dense_rank() OVER (ORDER BY g.customer_attempts DESC NULLS LAST, g.customer NULLS LAST) AS customer_rank
    FROM (
        SELECT
            g.*,
            sumIf(g.attempts, period_ = 0) OVER alike AS customer_attempts,
            1 AS ranked
        FROM groups AS g
        WHERE g.mixed OR g.standing > 0
        WINDOW alike AS (PARTITION BY g.customer)) AS g
),
-- all but the top are one, whatever it is called
folded AS (
    SELECT
        g.provider_card AS provider_card,
        g.hour AS hour,
        g.customer_rank > {top0:UInt64} AS customer_other,
        if(customer_other, defaultValueOfArgumentType(g.customer), g.customer) AS customer,
        g.is_final AS is_final,
        g.period_ AS period_,
        g.standing AS standing,
        g.attempts AS attempts,
        g.customer_charge AS customer_charge,
        g.provider_charge AS provider_charge,
        g.customer_charged AS customer_charged,
        g.unrated_customer AS unrated_customer,
        g.provider_charged AS provider_charged,
        g.unrated_provider AS unrated_provider,
        g.customer_currencies AS customer_currencies,
        g.provider_currencies AS provider_currencies,
        g.mixed AS mixed
    FROM ranked_customer AS g
),
cells AS (
    SELECT
        g.provider_card AS provider_card,
        g.hour AS hour,
        g.period_ AS period_,
        if(g.customer_other, '\\other', replaceAll(replaceAll(g.customer, '\\', '\\\\'), '|', '\\|')) || '|' || toString(g.is_final) AS across_,
        g.standing AS standing,
        g.attempts AS attempts,
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
-- a cell for every value across, and one over all of them
rolled AS (
    SELECT
        provider_card,
        1 - grouping(provider_card) AS level,
        period_,
        across_ AS across_,
        grouping(across_) = 0 AS pivoted,
        sum(cells.standing) AS standing,
        sum(cells.attempts) AS attempts,
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
    GROUP BY GROUPING SETS ((period_), (period_, across_), (provider_card, period_), (provider_card, period_, across_))
),
measured AS (
    SELECT
        g.provider_card AS provider_card,
        g.level AS level,
        g.period_ AS period_,
        g.across_ AS across_,
        g.pivoted AS pivoted,
        g.pivoted AND g.empty AS empty,
        g.attempts AS attempts,
        if(length(arrayDistinct(arrayConcat(g.customer_currencies , g.provider_currencies))) <= 1, g.customer_charge - g.provider_charge, NULL) AS profit,
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
        groupArrayIf(2004)((period_, pivoted, across_, attempts, profit), NOT empty) AS laid,
        arraySort(groupUniqArrayArray(measured.customer_currencies)) AS customer_currencies,
        arraySort(groupUniqArrayArray(measured.provider_currencies)) AS provider_currencies,
        sumIf(measured.unrated_customer, period_ = 0 AND NOT pivoted) AS unrated_customer,
        sumIf(measured.unrated_provider, period_ = 0 AND NOT pivoted) AS unrated_provider,
        max(measured.mixed) AS mixed
    FROM measured
    GROUP BY level, provider_card
)
SELECT
    lined.provider_card AS provider_card_,
    NULL AS hour_,
    laid AS cells_,
    level AS level_,
    lined.customer_currencies AS customer_currencies_,
    lined.provider_currencies AS provider_currencies_,
    lined.unrated_customer AS unrated_customer_,
    lined.unrated_provider AS unrated_provider_,
    lined.mixed AS mixed_
FROM lined
ORDER BY lined.provider_card NULLS LAST, tuple()
