-- Local times in a zone to instants (milliseconds). The engine is the authority on time zones.
-- A local time that occurs twice is the earlier; one that does not occur moves to the first instant after the gap.
WITH
    parseDateTime64BestEffort(local, 3, 'UTC') AS wall,
    toUnixTimestamp64Milli(wall) AS wall_ms,
    timezoneOffset(toTimeZone(wall - INTERVAL 1 DAY, {zone:String})) AS offset_before,
    timezoneOffset(toTimeZone(wall + INTERVAL 1 DAY, {zone:String})) AS offset_after,
    wall_ms - 1000 * offset_before AS if_before,
    wall_ms - 1000 * offset_after AS if_after,
    timezoneOffset(toDateTime(intDiv(if_before, 1000), {zone:String})) = offset_before AS holds_before,
    timezoneOffset(toDateTime(intDiv(if_after, 1000), {zone:String})) = offset_after AS holds_after
SELECT
    multiIf(
        holds_before AND holds_after, least(if_before, if_after),
        holds_before, if_before,
        holds_after, if_after,
        1000 * arrayFirst(
            second -> timezoneOffset(toDateTime(second, {zone:String})) = offset_after,
            range(toUInt32(intDiv(if_after, 60000) * 60), toUInt32(intDiv(if_before, 60000) * 60 + 120), 60))) AS instant
FROM (SELECT arrayJoin({locals:Array(String)}) AS local, rowNumberInAllBlocks() AS place)
ORDER BY place
