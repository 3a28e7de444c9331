-- Numbers of one side, as often as they are in calls, each once, the same in every run.
SELECT $side AS picked
FROM cdr
WHERE sign = 1 AND picked != ''
ORDER BY cityHash64(call_id, attempt)
LIMIT 1 BY picked
LIMIT {asked:UInt32}
