-- What the latest rollback of a batch, or its undoing, changed.
SELECT sum(verdicts['went']), sum(verdicts['came']), sum(verdicts['fell_back'])
FROM commit_log
WHERE batch = {batch:UInt32} AND state = 'complete' AND kind IN ('rollback', 'restore')
  AND commit > (SELECT max(since) FROM batch_log WHERE batch = {batch:UInt32})
