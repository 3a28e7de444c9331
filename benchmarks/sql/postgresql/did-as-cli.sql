SELECT account, did, count(*) FILTER (WHERE is_final) AS finals
FROM calls
WHERE start_time >= $start AND start_time < $end AND did <> ''
GROUP BY account, did
ORDER BY finals DESC, account, did
