-- The summary of calls that are there already.
INSERT INTO calls_hourly
SELECT
    date_trunc('hour', start_time), customer, customer_destination, provider, provider_card, tech_prefix, is_final,
    count(*), count(*) FILTER (WHERE connected), sum(duration_ms),
    coalesce(sum(duration_ms) FILTER (WHERE connected), 0), sum(customer_duration_ms), sum(provider_duration_ms),
    coalesce(sum(customer_charge), 0), coalesce(sum(provider_charge), 0),
    count(*) FILTER (WHERE connected AND dtmf > 0), sum(dtmf), count(*) FILTER (WHERE sdp)
FROM calls
GROUP BY 1, 2, 3, 4, 5, 6, 7;
