SELECT
    customer, customer_destination,
    count(*) AS tried,
    count(*) FILTER (WHERE connected) AS answers,
    sum(customer_duration_ms) / 1000, sum(duration_ms) / 1000,
    coalesce(sum(customer_charge), 0) AS charged,
    coalesce(sum(provider_charge), 0) AS paid,
    charged - paid AS profit,
    100 * profit::DOUBLE / nullif(charged, 0)::DOUBLE,
    100 * answers / tried,
    sum(duration_ms) FILTER (WHERE connected) / 1000 / nullif(answers, 0),
    count(*) FILTER (WHERE connected AND dtmf > 0) AS pressed,
    100 * pressed / nullif(answers, 0),
    count(*) FILTER (WHERE sdp)
FROM calls
WHERE start_time >= $start AND start_time < $end
GROUP BY customer, customer_destination
ORDER BY tried DESC, customer, customer_destination
