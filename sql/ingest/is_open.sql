(batch, row) NOT IN (
    SELECT batch, row
    FROM retries
    WHERE request IN (
        SELECT argMaxIf(request, time, request != '')
        FROM batch_log
        WHERE batch IN (SELECT batch FROM batch_log WHERE startsWith(request, 'retry:'))
        GROUP BY batch
        HAVING argMax(state, time) NOT IN ('failed', 'rolled_back')))
