SELECT npanxx, rate_center, coalesce(sum(customer_charge), 0), coalesce(sum(provider_charge), 0),
    count(*) FILTER (WHERE is_final) AS finals
FROM calls
WHERE start_time >= $start AND start_time < $end AND country = 'US'
GROUP BY npanxx, rate_center
ORDER BY finals DESC, npanxx, rate_center
