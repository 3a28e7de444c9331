SELECT
    tried, answers,
    100 * answers::float8 / nullif(tried, 0),
    connected_ms / 1000.0::float8 / nullif(answers, 0),
    charged, paid, charged - paid
FROM (
    SELECT
        sum(attempts) AS tried, sum(connected) AS answers, sum(connected_ms) AS connected_ms,
        sum(customer_charge) AS charged, sum(provider_charge) AS paid
    FROM calls_hourly
    WHERE hour >= $start AND hour < $end) AS t
