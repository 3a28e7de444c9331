-- The numbers of ours that retail accounts show: eight each.
SELECT
    toUInt16(customer_id * 8 + slot) AS did_id,
    customer AS account,
    220 + cityHash64(did_id, 'exchange') % 180 AS exchange,
    toString(prefix * numbers + (exchange + (exchange % 100 = 11)) * 10000 + cityHash64(did_id) % 10000) AS did
FROM (SELECT customer_id, customer, arrayJoin(range(8)) AS slot FROM customers WHERE retail) AS slots
INNER JOIN (
    SELECT destination_id, prefix, numbers, count() OVER () AS area_codes
    FROM destinations
    WHERE american
) AS places ON destination_id = cityHash64(customer_id, slot) % area_codes
