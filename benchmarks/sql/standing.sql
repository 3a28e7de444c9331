-- The calls that stand, with what the ledger knows of each: what every peer is given. Durations are milliseconds.
SELECT
    call_id, attempt, is_final, start_time,
    duration_ms, customer_duration_ms, provider_duration_ms, pdd_ms,
    customer, customer_destination, provider, provider_card, tech_prefix,
    cli, number, sip_code, release_side, outcome, connected,
    customer_charge, customer_currency, provider_charge, provider_currency, dtmf, sdp,
    country, npanxx, rate_center, jurisdiction, jurisdiction_lata, network, did, account
FROM cdr
WHERE sign = 1
  AND (source, call_id, leg, start_time, content) NOT IN (
      SELECT source, call_id, leg, start_time, content FROM cdr WHERE sign = -1)
