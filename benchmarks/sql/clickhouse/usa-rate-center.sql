SELECT npanxx, rate_center, sum(customer_charge), sum(provider_charge), sum(t.calls) AS finals
FROM rate_center_day_utc AS t
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')} AND country = 'US'
GROUP BY npanxx, rate_center
HAVING sum(standing) > 0
ORDER BY finals DESC, npanxx, rate_center
