SELECT
    tech_prefix,
    100 * count(*) FILTER (WHERE connected) / nullif(count(*), 0),
    sum(duration_ms) FILTER (WHERE connected) / 1000 / nullif(count(*) FILTER (WHERE connected), 0),
    count(*) FILTER (WHERE connected) AS answers,
    count(*) AS tried
FROM calls
WHERE start_time >= $start AND start_time < $end
GROUP BY tech_prefix
ORDER BY answers DESC, tech_prefix
