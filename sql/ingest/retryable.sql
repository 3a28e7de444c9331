-- The batches with open rejects, and how each was read.
SELECT
    batch,
    any(open) AS open,
    argMax(state, time) AS state,
    argMaxIf(source, time, source != '') AS source,
    argMaxIf(dialect, time, dialect != '') AS dialect,
    argMaxIf(origin, time, origin != '') AS origin,
    argMaxIf(zone, time, zone != '') AS zone,
    argMaxIf(columns, time, notEmpty(columns)) AS columns,
    max(forced) AS forced
FROM batch_log
INNER JOIN (
    SELECT batch, count() AS open
    FROM rejects
    WHERE ({every:Bool} OR batch = {batch:UInt64})
      AND {% include 'ingest/is_open.sql' %}

    GROUP BY batch
) AS refused USING (batch)
GROUP BY batch
HAVING argMax(state, time) = 'loaded'
ORDER BY batch
