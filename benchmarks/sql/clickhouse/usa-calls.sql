SELECT
    sumIf(attempts, jurisdiction = 'intrastate' AND is_final),
    sumIf(attempts, jurisdiction = 'interstate' AND is_final),
    sumIf(attempts, jurisdiction = 'indeterminate' AND is_final),
    sumIf(connected, jurisdiction = 'intrastate' AND is_final),
    sumIf(connected, jurisdiction = 'interstate' AND is_final),
    sumIf(connected, jurisdiction = 'indeterminate' AND is_final),
    sumIf(duration_ms, jurisdiction = 'intrastate') / 1000,
    sumIf(duration_ms, jurisdiction = 'interstate') / 1000,
    sumIf(duration_ms, jurisdiction = 'indeterminate') / 1000,
    sum(duration_ms) / 1000,
    sumIf(attempts, jurisdiction = 'international' AND is_final),
    sumIf(attempts, jurisdiction = 'toll_free' AND is_final),
    sumIf(duration_ms, network = 'on_net') / 60000,
    sumIf(duration_ms, network = 'off_net') / 60000,
    sumIf(duration_ms, network = 'international') / 60000
FROM tech_prefix_day_utc
WHERE tile >= {start:DateTime('UTC')} AND tile < {end:DateTime('UTC')}
