SELECT account, did, sum(t.calls) AS finals
FROM tech_prefix_day_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')} AND did != ''
GROUP BY account, did
HAVING sum(standing) > 0
ORDER BY finals DESC, account, did
