-- A hundred and fifty accounts. The first carry most calls; the rest of an account follows from its number.
SELECT
    toUInt8(number) AS customer_id,
    ['acme', 'birch', 'cobalt', 'delta', 'ember', 'fjord', 'granite', 'harbor', 'indigo', 'juniper', 'kestrel',
     'lumen-bay', 'maple', 'nimbus', 'orchid', 'pioneer', 'quartz', 'rowan', 'summit', 'tundra', 'umber', 'velvet',
     'willow', 'yonder', 'zephyr'][1 + number % 25]
        || '-'
        || ['telecom', 'voice', 'networks', 'comms', 'dialtone', 'carrier'][1 + (number % 25 + intDiv(number, 25)) % 6]
        AS customer,
    number % 3 = 1 AS wholesale, -- sends American traffic by NPA-NXX
    number % 24 = 4 AS broadcasts, -- plays announcements and waits for a digit
    number % 12 = 2 AS retail, -- shows numbers of ours to whom it calls
    number % 7 = 3 AS bursty, -- has hours in which nobody stays on the line
    multiIf(broadcasts, 8, wholesale, 50000, 600) AS callers,
    if({euro:UInt8} AND number % 12 = 5, 'EUR', 'USD') AS customer_currency,
    customer || if(wholesale, '-usa', '-az') AS customer_card,
    toUInt16(1060 + cityHash64(number, 'markup') % 300) AS markup, -- thousandths of the cost
    multiIf(wholesale, 6, [1, 30, 60, 1][1 + number % 4]) AS customer_minimum,
    multiIf(wholesale, 6, [1, 6, 60, 1][1 + number % 4]) AS customer_pulse,
    if(number % 5 = 0, 100, 1) AS customer_step, -- the card's smallest amount in millionths: four places, or six
    number % 10 = 0 AS plus, -- writes numbers with a plus sign, and then without a tech prefix
    multiIf(
        number % 10 IN (0, 6), ['', ''],
        number % 10 IN (1, 7), [toString(1000 + number * 37), toString(7000 + number * 11)],
        [toString(1000 + number * 37), toString(1000 + number * 37)]) AS tech_prefixes
FROM numbers(150)
