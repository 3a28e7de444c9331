"""An answer goes in, a table, CSV or JSON comes out."""
