SELECT
    tech_prefix,
    100 * answers::float8 / nullif(tried, 0),
    connected_ms / 1000.0::float8 / nullif(answers, 0),
    answers, tried
FROM (
    SELECT tech_prefix, sum(attempts) AS tried, sum(connected) AS answers, sum(connected_ms) AS connected_ms
    FROM calls_hourly
    WHERE hour >= $start AND hour < $end
    GROUP BY tech_prefix) AS t
ORDER BY answers DESC, tech_prefix
