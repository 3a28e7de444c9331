SELECT
    count(*) AS tried,
    count(*) FILTER (WHERE connected) AS answers,
    100 * answers / nullif(tried, 0),
    sum(duration_ms) FILTER (WHERE connected) / 1000 / nullif(answers, 0),
    coalesce(sum(customer_charge), 0) AS charged,
    coalesce(sum(provider_charge), 0) AS paid,
    charged - paid
FROM calls
WHERE start_time >= $start AND start_time < $end
