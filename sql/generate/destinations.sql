-- What can be dialled, area codes of the USA first: a name, the digits it begins with, how many follow, what a
-- minute costs (millionths) and how long people talk there (seconds). Ids count from 0, in order of the prefix.
SELECT
    toUInt16(row_number() OVER (ORDER BY american DESC, toString(prefix)) - 1) AS destination_id,
    *,
    toUInt8(length(toString(prefix))) AS prefix_length,
    intExp10(digits) AS numbers,
    if(name LIKE '%Mobile%' OR american, 800, 250) + cityHash64(name) % 400 AS cost_share, -- thousandths
    toUInt32(intDiv(country_cost * cost_share, 1000)) AS cost,
    toUInt16(30 + cityHash64(name, 'talk') % 270) AS talk
FROM
(
    SELECT
        1 AS american,
        'USA ' || state AS name,
        toUInt64(1000 + arrayJoin(npas)) AS prefix,
        7 AS digits,
        4500 AS country_cost
    FROM states
    UNION ALL
    SELECT
        0 AS american,
        if(kind.1 = '', country, country || ' ' || kind.1) AS name,
        toUInt64(toString(code) || toString(kind.2)) AS prefix,
        kind.3 AS digits,
        cost AS country_cost
    FROM countries
    ARRAY JOIN kinds AS kind
)
