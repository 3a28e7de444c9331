"""A Parquet file of calls goes in, DuckDB that answers from it, or from a table of its own, comes out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

try:
    import duckdb
except ImportError:  # the extra `bench` is not installed
    duckdb = None  # type: ignore[assignment]

MISSING = None if duckdb else "DuckDB is not installed: pip install 'tollhouse[bench]', or make setup"
"""Why there is none, and what to do."""


class Duck:
    """One DuckDB process, all cores, its own defaults."""

    def __init__(self, calls: Path, table: Path | None = None) -> None:
        """Ask `calls` as it stands, or with `table` a database there into which it is copied first."""
        self._connection = duckdb.connect(str(table) if table else ":memory:")
        kind = "TABLE" if table else "VIEW"
        self._connection.execute(f"CREATE {kind} calls AS SELECT * FROM read_parquet('{calls}')")
        if table:
            self._connection.execute("CHECKPOINT")

    def ask(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of an answer."""
        return self._connection.execute(sql, dict(parameters)).fetchall()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._connection.close()


def rewrite(told: Path, out: Path) -> None:
    """Write a Parquet file anew as DuckDB writes it by itself (zstd), with times that need no zone to compare."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        calls = f"SELECT * REPLACE (start_time::TIMESTAMP AS start_time) FROM read_parquet('{told}')"
        connection.execute(f"COPY ({calls}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
