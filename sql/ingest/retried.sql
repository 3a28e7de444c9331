-- What records said that are tried again, a line of JSON for each, in order.
SELECT raw
FROM rejects
WHERE (batch, row) IN (SELECT batch, row FROM retries WHERE request = {request:String})
ORDER BY batch, row
