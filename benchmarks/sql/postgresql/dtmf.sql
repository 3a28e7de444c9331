SELECT
    provider, provider_card, tried, answers, pressed, digits,
    100 * pressed::float8 / nullif(answers, 0),
    paid,
    paid::float8 / nullif(pressed, 0),
    paid::float8 / nullif(digits, 0)
FROM (
    SELECT
        provider, provider_card,
        sum(attempts) AS tried, sum(connected) AS answers,
        sum(dtmf_calls) AS pressed, sum(dtmf_digits) AS digits, sum(provider_charge) AS paid
    FROM calls_hourly
    WHERE hour >= $start AND hour < $end
    GROUP BY provider, provider_card) AS t
ORDER BY tried DESC, provider, provider_card
