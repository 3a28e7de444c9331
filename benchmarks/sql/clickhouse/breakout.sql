SELECT
    customer, customer_destination,
    sum(t.attempts) AS tried,
    sum(t.connected) AS answers,
    sum(customer_duration_ms) / 1000, sum(duration_ms) / 1000,
    sum(t.customer_charge) AS charged,
    sum(t.provider_charge) AS paid,
    charged - paid AS profit,
    if(charged = 0, NULL, 100 * toFloat64(profit) / toFloat64(charged)),
    if(tried = 0, NULL, 100 * answers / tried),
    if(answers = 0, NULL, sum(connected_ms) / 1000 / answers),
    sum(t.dtmf_calls) AS pressed,
    if(answers = 0, NULL, 100 * pressed / answers),
    sum(sdp)
FROM breakout_day_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')}
GROUP BY customer, customer_destination
HAVING sum(standing) > 0
ORDER BY tried DESC, customer, customer_destination
