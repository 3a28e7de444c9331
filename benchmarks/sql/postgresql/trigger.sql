-- Keeps the summary current: what one statement has loaded is added to it, once for each of its groups.
CREATE FUNCTION summarize() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO calls_hourly AS kept
    SELECT
        date_trunc('hour', start_time), customer, customer_destination, provider, provider_card, tech_prefix, is_final,
        count(*), count(*) FILTER (WHERE connected), sum(duration_ms),
        coalesce(sum(duration_ms) FILTER (WHERE connected), 0), sum(customer_duration_ms), sum(provider_duration_ms),
        coalesce(sum(customer_charge), 0), coalesce(sum(provider_charge), 0),
        count(*) FILTER (WHERE connected AND dtmf > 0), sum(dtmf), count(*) FILTER (WHERE sdp)
    FROM loaded
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (hour, customer, customer_destination, provider, provider_card, tech_prefix, is_final) DO UPDATE SET
        attempts = kept.attempts + excluded.attempts,
        connected = kept.connected + excluded.connected,
        duration_ms = kept.duration_ms + excluded.duration_ms,
        connected_ms = kept.connected_ms + excluded.connected_ms,
        customer_duration_ms = kept.customer_duration_ms + excluded.customer_duration_ms,
        provider_duration_ms = kept.provider_duration_ms + excluded.provider_duration_ms,
        customer_charge = kept.customer_charge + excluded.customer_charge,
        provider_charge = kept.provider_charge + excluded.provider_charge,
        dtmf_calls = kept.dtmf_calls + excluded.dtmf_calls,
        dtmf_digits = kept.dtmf_digits + excluded.dtmf_digits,
        sdp = kept.sdp + excluded.sdp;
    RETURN NULL;
END $$;

CREATE TRIGGER summarize AFTER INSERT ON calls
    REFERENCING NEW TABLE AS loaded FOR EACH STATEMENT EXECUTE FUNCTION summarize();
