SELECT
    customer, customer_destination, tried, answers, billed_ms / 1000.0, talk_ms / 1000.0, charged, paid,
    charged - paid,
    100 * (charged - paid)::float8 / nullif(charged, 0)::float8,
    100 * answers::float8 / nullif(tried, 0),
    connected_ms / 1000.0::float8 / nullif(answers, 0),
    pressed,
    100 * pressed::float8 / nullif(answers, 0),
    sdp
FROM (
    SELECT
        customer, customer_destination,
        sum(attempts) AS tried, sum(connected) AS answers,
        sum(customer_duration_ms) AS billed_ms, sum(duration_ms) AS talk_ms, sum(connected_ms) AS connected_ms,
        sum(customer_charge) AS charged, sum(provider_charge) AS paid,
        sum(dtmf_calls) AS pressed, sum(sdp) AS sdp
    FROM calls_hourly
    WHERE hour >= $start AND hour < $end
    GROUP BY customer, customer_destination) AS t
ORDER BY tried DESC, customer, customer_destination
