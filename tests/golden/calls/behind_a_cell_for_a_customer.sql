-- the calls behind a cell of a customer's report: its accounts, its columns, and no cost
-- commit = 4711
-- f0 = ['2026-10-05']
-- f1 = ['UK']
-- f2 = [200]
-- from_time = '2026-10-01 04:00:00.000'
-- limit = 101
-- scope = ['acme']
-- to_time = '2026-11-01 04:00:00.000'
-- zone = 'America/New_York'
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
    argMaxIf(tuple((toUnixTimestamp64Milli(start_time), timezoneOffset(toTimeZone(start_time, {zone:String}))), call_id, customer, customer_destination, tech_prefix, cli, dest_cli, dialed, number, duration_ms / 1000, customer_duration_ms / 1000, pdd_ms / 1000, sip_code, sip_reason, outcome, release_side, customer_charge, customer_currency, dtmf, sdp, jurisdiction), commit, sign = 1) AS said
FROM cdr AS t
WHERE sign != 0 AND commit <= {commit:UInt32}
  AND start_time >= {from_time:DateTime64(3, 'UTC')} AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND toStartOfHour(start_time) >= toStartOfHour({from_time:DateTime64(3, 'UTC')})
  AND toStartOfHour(start_time) <= toStartOfHour({to_time:DateTime64(3, 'UTC')})
  AND t.customer IN {scope:Array(String)}
  AND is_final
  AND toDate(t.start_time, {zone:String}) IN {f0:Array(Date)}
  AND startsWith(lowerUTF8(t.customer_destination), lowerUTF8({f1:Array(String)}[1]))
  AND t.sip_code NOT IN {f2:Array(Int64)}
GROUP BY start_time, identity
HAVING sum(sign) > 0
ORDER BY start_time DESC, identity
LIMIT {limit:UInt64}
