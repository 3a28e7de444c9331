SELECT
    tech_prefix,
    if(tried = 0, NULL, 100 * answers / tried),
    if(answers = 0, NULL, sum(connected_ms) / 1000 / answers),
    sum(t.connected) AS answers,
    sum(t.attempts) AS tried
FROM tech_prefix_day_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')}
GROUP BY tech_prefix
HAVING sum(standing) > 0
ORDER BY answers DESC, tech_prefix
