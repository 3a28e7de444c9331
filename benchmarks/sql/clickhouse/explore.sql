SELECT
    sum(t.attempts) AS tried,
    sum(t.connected) AS answers,
    if(tried = 0, NULL, 100 * answers / tried),
    if(answers = 0, NULL, sum(connected_ms) / 1000 / answers),
    sum(t.customer_charge) AS charged,
    sum(t.provider_charge) AS paid,
    charged - paid
FROM breakout_day_or_rate_center_day_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')}
