-- A call once; the calls of a customer and of a provider; a number that called or was called; the hours of a report.
ALTER TABLE calls ADD PRIMARY KEY (start_time, call_id, attempt);
CREATE INDEX ON calls (customer, start_time);
CREATE INDEX ON calls (provider, start_time);
CREATE INDEX ON calls (number, start_time);
CREATE INDEX ON calls (cli, start_time);
ALTER TABLE calls_hourly
    ADD PRIMARY KEY (hour, customer, customer_destination, provider, provider_card, tech_prefix, is_final);
