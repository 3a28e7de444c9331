-- What the last writer left open: decided, not complete. There is one at most.
SELECT commit, any(kind), groupUniqArray(batch), any(after), any(until)
FROM commit_log
GROUP BY commit
HAVING countIf(state = 'complete') = 0
ORDER BY commit
