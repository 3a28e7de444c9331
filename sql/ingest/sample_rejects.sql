-- The first records of a file in staging that cannot be read, and what is wrong with each.
SELECT row, reject_field, reject_reason
FROM staging
WHERE batch = {batch:UInt32} AND reject_reason != ''
ORDER BY row
LIMIT {records:UInt32}
