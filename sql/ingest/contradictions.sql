-- Two contents under one identity and one revision are never corrections of each other: neither is taken. A
-- record that moves a start time contradicts with either of the two identities it speaks of.
INSERT INTO contradictions
SELECT DISTINCT batch, row
FROM staging
WHERE batch = {batch:UInt32} AND reject_reason = ''
  AND (identity, revision) IN (
      SELECT identity, revision
      FROM staging
      WHERE batch = {batch:UInt32} AND reject_reason = ''
        AND identity IN (
            SELECT identity FROM staging
            WHERE batch = {batch:UInt32} AND reject_reason = ''
            GROUP BY identity
            HAVING count() > 1)
      GROUP BY identity, revision
      HAVING uniqExact(content) > 1)
