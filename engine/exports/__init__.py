"""An answer goes in, a table, CSV, JSON, Arrow, Parquet or a spreadsheet comes out."""
