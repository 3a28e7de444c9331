SELECT
    provider, provider_card,
    sum(t.attempts) AS tried,
    sum(t.connected) AS answers,
    sum(t.dtmf_calls) AS pressed,
    sum(t.dtmf_digits) AS digits,
    if(answers = 0, NULL, 100 * pressed / answers),
    sum(t.provider_charge) AS paid,
    if(pressed = 0, NULL, toFloat64(paid) / pressed),
    if(digits = 0, NULL, toFloat64(paid) / digits)
FROM breakout_day_or_route_minute15_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')}
GROUP BY provider, provider_card
HAVING sum(standing) > 0
ORDER BY tried DESC, provider, provider_card
