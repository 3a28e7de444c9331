-- names from the operator's lists: looked up once for each group, and turned into ids for a filter
-- from breakout_day_v1_utc, about 50000 rows
-- not from route_minute15_v1_utc: dimension_missing (customer)
-- not from tech_prefix_day_v1_utc: dimension_missing (provider)
-- not from tech_prefix_day_v1_america_new_york: dimension_missing (provider)
-- not from rate_center_day_v1_utc: dimension_missing (customer, provider)
-- not from rate_center_day_v1_america_new_york: dimension_missing (customer, provider)
-- not from breakout_day_v1_america_new_york: reads_more_rows (about 80645 rows against 50000)
-- b0s0_from = '2026-10-01 00:00:00'
-- b0s0_to = '2026-11-01 00:00:00'
-- commit = 4711
-- customers_name = 7
-- f0 = ['ac']
-- limit = 1000001
-- offset = 0
WITH
customers_name AS (
    -- the newest name of each id in the list
    SELECT cells[1] AS id, argMax(cells[2], valid_from) AS name
    FROM (
        SELECT splitByChar('\x1F', row) AS cells, valid_from FROM lists
        WHERE version = {customers_name:UInt32})
    GROUP BY id
    HAVING name != ''
),
found AS (
    SELECT
        t.customer AS customer_name,
        t.provider AS provider_name,
        sum(standing) AS standing,
        sum(attempts) AS attempts,
        max(c_max) > {commit:UInt32} AS mixed
    FROM breakout_day_v1_utc AS t
    WHERE c_min <= {commit:UInt32}
      AND (tile >= {b0s0_from:DateTime('UTC')} AND tile < {b0s0_to:DateTime('UTC')})
      AND if(t.customer IN (SELECT id FROM customers_name), t.customer IN (SELECT id FROM customers_name WHERE startsWith(lowerUTF8(name), lowerUTF8({f0:Array(String)}[1]))), startsWith(lowerUTF8(t.customer), lowerUTF8({f0:Array(String)}[1])))
    GROUP BY customer_name, provider_name
),
groups AS (
    SELECT
        if(customer_name_list.name = '', s.customer_name, customer_name_list.name) AS customer_name,
        s.provider_name AS provider_name,
        sum(s.standing) AS standing,
        sum(s.attempts) AS attempts,
        max(s.mixed) AS mixed
    FROM found AS s
    LEFT JOIN customers_name AS customer_name_list ON customer_name_list.id = s.customer_name
    GROUP BY if(customer_name_list.name = '', s.customer_name, customer_name_list.name), s.provider_name
)
SELECT
    g.customer_name AS customer_name,
    g.provider_name AS provider_name,
    g.attempts AS attempts,
    g.mixed AS mixed_
FROM groups AS g
-- a group is listed while a record stands in it, and when it passes the filters on measures
WHERE g.mixed OR (g.standing > 0)
-- what spoils the answer comes first, so that the first row tells whether there is any
ORDER BY mixed_ DESC, g.attempts DESC NULLS LAST, g.customer_name NULLS LAST, g.provider_name NULLS LAST
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
