-- one number, wherever it stands: only the hours in which it called or was called are read
-- at_home = ['011447700900001']
-- commit = 4711
-- from_time = '2026-06-01 00:00:00.000'
-- home_code = '1'
-- hours = ['2026-10-05 19:00:00', '2026-10-05 18:00:00', '2026-10-02 19:00:00']
-- limit = 101
-- to_time = '2026-12-01 00:00:00.000'
-- wanted = ['447700900001']
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
  AND toStartOfHour(start_time) IN {hours:Array(DateTime('UTC'))}
  AND (t.number IN {wanted:Array(String)}
        OR t.dialed IN {wanted:Array(String)}
        OR t.cli IN {wanted:Array(String)} OR t.dest_cli IN {wanted:Array(String)} OR ((NOT match(t.cli, '^[1-9][0-9]*$') OR t.cli IN {at_home:Array(String)} OR NOT match(t.dest_cli, '^[1-9][0-9]*$') OR t.dest_cli IN {at_home:Array(String)})
            AND arrayExists(
                (x, p) -> if(match(x, '^[1-9][0-9]*$'), x,
    if(match(p, '^[+]?[0-9]+$'), replaceRegexpOne(p, '^([+]|00)', ''), x)) IN {wanted:Array(String)} OR (if(match(x, '^[1-9][0-9]*$'), x,
    if(match(p, '^[+]?[0-9]+$'), replaceRegexpOne(p, '^([+]|00)', ''), x)) IN {at_home:Array(String)} AND multiIf(
    NOT match(p, '^[+]?[0-9]+$'), x,
    match(p, '^([+]|00)'), replaceRegexpOne(p, '^([+]|00)', ''),
    {home_code:String} = '1' AND startsWith(p, '011'), substring(p, 4),
    {home_code:String} = '1' AND match(p, '^[2-9][0-9]{9}$'), concat('1', p),
    {home_code:String} != '1' AND match(p, '^0[1-9]'), concat({home_code:String}, substring(p, 2)),
    p) IN {wanted:Array(String)}),
                [t.cli, t.dest_cli],
                [replaceRegexpAll(replaceRegexpOne(t.cli, '^(?:sips?|tel):([^@;>]*).*$', '\\1'), '[-() ./]', ''), replaceRegexpAll(replaceRegexpOne(t.dest_cli, '^(?:sips?|tel):([^@;>]*).*$', '\\1'), '[-() ./]', '')])))
GROUP BY start_time, identity
HAVING sum(sign) > 0
ORDER BY start_time DESC, identity
LIMIT {limit:UInt64}
