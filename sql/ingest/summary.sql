-- What was read: good records, all records, those that lack is_final, the last row, whether an identity comes
-- twice, the first complaint, and how many ends of calls are among the good ones.
SELECT
    countIf(reject_reason = '' AND NOT implied AND part IN ('', 'end')) AS readable,
    countIf(NOT implied AND part IN ('', 'end')) AS total,
    countIf(reject_field = 'is_final') AS without_final,
    max(row) AS rows,
    countIf(reject_reason = '' AND part = '') != uniqExactIf(identity, reject_reason = '' AND part = '') AS repeats,
    argMinIf(if(reject_field = '', reject_reason, concat(reject_field, ' ', reject_reason)), row, reject_reason != '') AS complaint,
    countIf(reject_reason = '' AND part = 'end') AS ends
FROM staging
WHERE batch = {batch:UInt32}
