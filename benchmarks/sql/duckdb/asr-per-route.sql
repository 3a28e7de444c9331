SELECT
    date_trunc('hour', start_time) AS hour, provider_card,
    100 * count(*) FILTER (WHERE connected) / nullif(count(*), 0),
    sum(duration_ms) FILTER (WHERE connected) / 1000 / nullif(count(*) FILTER (WHERE connected), 0),
    count(*) AS tried,
    count(*) FILTER (WHERE connected) AS answers
FROM calls
WHERE start_time >= $start AND start_time < $end
GROUP BY hour, provider_card
ORDER BY hour, provider_card
