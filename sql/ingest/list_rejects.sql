-- What could not be taken and was not read since, with the file it came from, after a place in the list.
WITH page AS (
    SELECT batch, row, line, field, reason, toValidUTF8(raw) AS raw
    FROM rejects
    WHERE ({every:Bool} OR batch = {batch:UInt64})
      AND batch <= {last:UInt64} AND (batch < {last:UInt64} OR row > {row:UInt64})
      AND {% include 'ingest/is_open.sql' %}
    ORDER BY batch DESC, row
    LIMIT {limit:UInt64}
)
SELECT batch, origin, row, line, field, reason, raw
FROM page
LEFT JOIN (
    SELECT batch, argMaxIf(origin, time, origin != '') AS origin
    FROM batch_log
    WHERE batch IN (SELECT batch FROM page)
    GROUP BY batch
) AS origins USING (batch)
ORDER BY batch DESC, row
