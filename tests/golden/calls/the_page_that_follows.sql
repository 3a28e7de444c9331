-- the page after a call: as of the commit of the first page, after its last call, whatever was loaded since
-- after = 123456789012345678901234567890
-- after_time = '2026-10-05 18:20:44.123'
-- at_home = ['2125550101', '01112125550101']
-- commit = 4711
-- from_time = '2026-10-01 00:00:00.000'
-- home_code = '1'
-- hours = ['2026-10-05 19:00:00', '2026-10-05 18:00:00', '2026-10-02 19:00:00']
-- limit = 51
-- to_time = '2026-11-01 00:00:00.000'
-- wanted = ['12125550101']
-- zone = 'UTC'
-- Calls that stand, the newest first. A reversal repeats what it takes back, so over any filter the signs of an
-- identity add up to one while a call of it stands, and what it says is what was posted last.
WITH
    replaceRegexpAll(replaceRegexpOne(t.cli, '^(?:sips?|tel):([^@;>]*).*$', '\\1'), '[-() ./]', '') AS cli_bare,
    if(match(t.cli, '^[1-9][0-9]*$'), t.cli,
    if(match(cli_bare, '^[+]?[0-9]+$'), replaceRegexpOne(cli_bare, '^([+]|00)', ''), t.cli)) AS cli_e164,
    multiIf(
    NOT match(cli_bare, '^[+]?[0-9]+$'), t.cli,
    match(cli_bare, '^([+]|00)'), replaceRegexpOne(cli_bare, '^([+]|00)', ''),
    {home_code:String} = '1' AND startsWith(cli_bare, '011'), substring(cli_bare, 4),
    {home_code:String} = '1' AND match(cli_bare, '^[2-9][0-9]{9}$'), concat('1', cli_bare),
    {home_code:String} != '1' AND match(cli_bare, '^0[1-9]'), concat({home_code:String}, substring(cli_bare, 2)),
    cli_bare) AS cli_at_home,
    replaceRegexpAll(replaceRegexpOne(t.dest_cli, '^(?:sips?|tel):([^@;>]*).*$', '\\1'), '[-() ./]', '') AS dest_cli_bare,
    if(match(t.dest_cli, '^[1-9][0-9]*$'), t.dest_cli,
    if(match(dest_cli_bare, '^[+]?[0-9]+$'), replaceRegexpOne(dest_cli_bare, '^([+]|00)', ''), t.dest_cli)) AS dest_cli_e164,
    multiIf(
    NOT match(dest_cli_bare, '^[+]?[0-9]+$'), t.dest_cli,
    match(dest_cli_bare, '^([+]|00)'), replaceRegexpOne(dest_cli_bare, '^([+]|00)', ''),
    {home_code:String} = '1' AND startsWith(dest_cli_bare, '011'), substring(dest_cli_bare, 4),
    {home_code:String} = '1' AND match(dest_cli_bare, '^[2-9][0-9]{9}$'), concat('1', dest_cli_bare),
    {home_code:String} != '1' AND match(dest_cli_bare, '^0[1-9]'), concat({home_code:String}, substring(dest_cli_bare, 2)),
    dest_cli_bare) AS dest_cli_at_home,
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
        OR cli_e164 IN {wanted:Array(String)} OR (cli_e164 IN {at_home:Array(String)} AND cli_at_home IN {wanted:Array(String)})
        OR dest_cli_e164 IN {wanted:Array(String)} OR (dest_cli_e164 IN {at_home:Array(String)} AND dest_cli_at_home IN {wanted:Array(String)}))
GROUP BY start_time, identity
HAVING sum(sign) > 0 AND (start_time < {after_time:DateTime64(3, 'UTC')} OR identity > {after:UInt128})
ORDER BY start_time DESC, identity
LIMIT {limit:UInt64}
