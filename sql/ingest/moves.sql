-- A record that replaces a start time also takes back the identity with that start.
INSERT INTO staging (batch, row, moves_away, identity, content, revision, withdrawn, source, call_id, leg, start_time)
SELECT
    batch,
    row,
    true AS moves_away,
    reinterpretAsUInt128(sipHash128Reference(source, call_id, leg, assumeNotNull(replaces_start_time))) AS identity,
    cityHash64('moves_away', revision, start_time) AS content,
    revision,
    true AS withdrawn,
    source, call_id, leg, assumeNotNull(replaces_start_time) AS start_time
FROM (
    SELECT * FROM staging
    WHERE batch = {batch:UInt32} AND reject_reason = '' AND isNotNull(replaces_start_time)
)
