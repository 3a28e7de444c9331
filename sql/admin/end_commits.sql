-- Inserts of a commit that may still be running although nobody waits for them any more. Files go on being read.
KILL QUERY
WHERE query_kind = 'Insert' AND current_database = currentDatabase()
  AND NOT multiSearchAny(query, ['INSERT INTO writers', 'INSERT INTO staging', 'INSERT INTO batch_log'])
SYNC
