SELECT
    toStartOfHour(tile) AS hour, provider_card,
    if(tried = 0, NULL, 100 * answers / tried),
    if(answers = 0, NULL, sum(connected_ms) / 1000 / answers),
    sum(t.attempts) AS tried,
    sum(t.connected) AS answers
FROM route_minute15_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')}
GROUP BY hour, provider_card
HAVING sum(standing) > 0
ORDER BY hour, provider_card
