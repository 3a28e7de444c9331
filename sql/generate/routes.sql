-- Four ways to every destination, the preferred one first: who carries it on which card, how well, for how much.
SELECT
    toUInt16(destination_id * 4 + choice) AS route_id,
    -- Steps of 1 to 13 over forty providers never meet the same one twice.
    (cityHash64(name) + choice * (1 + cityHash64(name, 'step') % 13)) % 40 AS provider_id,
    ['amber', 'basalt', 'cedar', 'dune', 'echo', 'falcon', 'glacier', 'heron', 'iris', 'jade'][1 + provider_id % 10]
        || '-'
        || ['carrier', 'transit', 'routes', 'wholesale'][1 + intDiv(provider_id, 10)] AS provider,
    if({euro:UInt8} AND provider_id % 9 = 4, 'EUR', 'USD') AS provider_currency,
    cityHash64(name, provider_id) % (1 + cityHash64(provider_id, 'cards') % 5) AS card_id,
    provider || '-' || ['premium', 'standard', 'cli', 'grey', 'tdm'][1 + card_id] AS provider_card,
    upper(replaceAll(name, ' ', '-')) AS provider_destination,
    prefix_length + if(american, 3, 0) AS provider_prefix_length,
    -- Of a thousand attempts: so many are answered (a card is good or bad, its destinations vary a little) …
    toUInt16(60 + cityHash64(provider_id, card_id) % 580 + cityHash64(name, provider_id, 'quality') % 50) AS answered,
    -- … and from here on they go wrong on the way, more of them on a bad card.
    toUInt16(1000 - intDiv((1000 - answered) * 38, 100)) AS lost_from,
    toUInt16(cityHash64(provider_id, card_id, 'lag') % 4000) AS lag, -- milliseconds until it rings, on top
    -- Thousandths of the destination's cost; one route in thirty is dearer than what anybody pays for it.
    if(cityHash64(name, choice) % 30 = 0, 1450, 700) + cityHash64(name, provider_id, 'cost') % 330 AS price_share,
    toUInt32(intDiv(cost * price_share, 1000)) AS provider_price,
    multiIf(american, 6, [1, 1, 30, 60][1 + provider_id % 4]) AS provider_minimum,
    multiIf(american, 6, [1, 1, 6, 60][1 + provider_id % 4]) AS provider_pulse,
    if(provider_id % 6 = 0, 100, 1) AS provider_step
FROM destinations
ARRAY JOIN range(4) AS choice
