-- how called numbers begin: the ledger backwards, piece by piece
-- commit = 4711
-- from_time = '2026-10-01 00:00:00.000'
-- limit = 101
-- to_time = '2026-11-01 00:00:00.000'
-- wanted = ['4420', '4477']
-- zone = 'UTC'
-- Calls that stand, the newest first. A reversal repeats what it takes back, so over any filter the signs of an
-- identity add up to one while a call of it stands, and what it says is what was posted last.
WITH
    reinterpretAsUInt128(sipHash128Reference(concat(call_id, leg, source,
        reinterpretAsFixedString(toUInt32(length(leg))), reinterpretAsFixedString(toUInt32(length(source))),
        reinterpretAsFixedString(reinterpretAsInt64(start_time))))) AS identity
SELECT
    toUnixTimestamp64Milli(start_time) AS start_ms,
    identity,
    '' AS rate_day,
    argMaxIf(tuple((toUnixTimestamp64Milli(start_time), timezoneOffset(toTimeZone(start_time, {zone:String}))), source, call_id, attempt, is_final, customer, customer_destination, provider, provider_card, provider_destination, tech_prefix, cli, dest_cli, dialed, number, duration_ms / 1000, customer_duration_ms / 1000, provider_duration_ms / 1000, pdd_ms / 1000, sip_code, sip_reason, outcome, release_side, customer_charge, customer_currency, provider_charge, provider_currency, if(customer_currency = provider_currency, customer_charge - provider_charge, NULL), dtmf, sdp, jurisdiction, batch), commit, sign = 1) AS said
FROM cdr AS t
WHERE sign != 0 AND commit <= {commit:UInt32}
  AND start_time >= {from_time:DateTime64(3, 'UTC')} AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND toStartOfHour(start_time) >= toStartOfHour({from_time:DateTime64(3, 'UTC')})
  AND toStartOfHour(start_time) <= toStartOfHour({to_time:DateTime64(3, 'UTC')})
  AND ((startsWith(t.number, {wanted:Array(String)}[1]) OR startsWith(t.number, {wanted:Array(String)}[2]))
        OR (startsWith(t.dialed, {wanted:Array(String)}[1]) OR startsWith(t.dialed, {wanted:Array(String)}[2])))
GROUP BY start_time, identity
HAVING sum(sign) > 0
ORDER BY start_time DESC, identity
LIMIT {limit:UInt64}
