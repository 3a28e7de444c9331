-- Inserts that a dead writer left running in this database; heartbeats are not among them.
KILL QUERY
WHERE query_kind = 'Insert' AND current_database = currentDatabase()
  AND position(query, 'INSERT INTO writers') = 0
SYNC
