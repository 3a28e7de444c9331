"""Statements go in, rows come out; the only code that knows clickhouse-connect."""
