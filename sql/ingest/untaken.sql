-- The rows of a file in staging that are not taken.
SELECT DISTINCT row
FROM (
    SELECT row FROM staging WHERE batch = {batch:UInt32} AND reject_reason != ''
    UNION ALL
    SELECT row FROM contradictions WHERE batch = {batch:UInt32}
)
ORDER BY row
