-- What was read: good records, all records, those that lack is_final, the last row, whether an identity comes
-- twice, and the first complaint.
SELECT
    countIf(reject_reason = '' AND NOT moves_away) AS readable,
    countIf(NOT moves_away) AS total,
    countIf(reject_field = 'is_final') AS without_final,
    max(row) AS rows,
    countIf(reject_reason = '') != uniqExactIf(identity, reject_reason = '') AS repeats,
    argMinIf(if(reject_field = '', reject_reason, concat(reject_field, ' ', reject_reason)), row, reject_reason != '') AS complaint
FROM staging
WHERE batch = {batch:UInt32}
