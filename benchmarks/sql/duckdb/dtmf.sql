SELECT
    provider, provider_card,
    count(*) AS tried,
    count(*) FILTER (WHERE connected) AS answers,
    count(*) FILTER (WHERE connected AND dtmf > 0) AS pressed,
    sum(dtmf) AS digits,
    100 * pressed / nullif(answers, 0),
    coalesce(sum(provider_charge), 0) AS paid,
    paid::DOUBLE / nullif(pressed, 0),
    paid::DOUBLE / nullif(digits, 0)
FROM calls
WHERE start_time >= $start AND start_time < $end
GROUP BY provider, provider_card
ORDER BY tried DESC, provider, provider_card
