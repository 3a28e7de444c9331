"""A database and a window go in; whether the rollups say what the ledger says, and calls to look at, come out."""
