SELECT
    hour, provider_card,
    100 * answers::float8 / nullif(tried, 0),
    connected_ms / 1000.0::float8 / nullif(answers, 0),
    tried, answers
FROM (
    SELECT hour, provider_card,
        sum(attempts) AS tried, sum(connected) AS answers, sum(connected_ms) AS connected_ms
    FROM calls_hourly
    WHERE hour >= $start AND hour < $end
    GROUP BY hour, provider_card) AS t
ORDER BY hour, provider_card
