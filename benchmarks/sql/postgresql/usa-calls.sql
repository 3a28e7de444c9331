SELECT
    count(*) FILTER (WHERE jurisdiction = 'intrastate' AND is_final),
    count(*) FILTER (WHERE jurisdiction = 'interstate' AND is_final),
    count(*) FILTER (WHERE jurisdiction = 'indeterminate' AND is_final),
    count(*) FILTER (WHERE jurisdiction = 'intrastate' AND is_final AND connected),
    count(*) FILTER (WHERE jurisdiction = 'interstate' AND is_final AND connected),
    count(*) FILTER (WHERE jurisdiction = 'indeterminate' AND is_final AND connected),
    coalesce(sum(duration_ms) FILTER (WHERE jurisdiction = 'intrastate'), 0) / 1000.0,
    coalesce(sum(duration_ms) FILTER (WHERE jurisdiction = 'interstate'), 0) / 1000.0,
    coalesce(sum(duration_ms) FILTER (WHERE jurisdiction = 'indeterminate'), 0) / 1000.0,
    coalesce(sum(duration_ms), 0) / 1000.0,
    count(*) FILTER (WHERE jurisdiction = 'international' AND is_final),
    count(*) FILTER (WHERE jurisdiction = 'toll_free' AND is_final),
    coalesce(sum(duration_ms) FILTER (WHERE network = 'on_net'), 0) / 60000.0,
    coalesce(sum(duration_ms) FILTER (WHERE network = 'off_net'), 0) / 60000.0,
    coalesce(sum(duration_ms) FILTER (WHERE network = 'international'), 0) / 60000.0
FROM calls
WHERE start_time >= $start AND start_time < $end
