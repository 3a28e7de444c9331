"""A number of calls goes in, a file of them and how fast it was made come out."""

import statistics
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.timing import seconds
from engine.traffic import Traffic, write
from engine.warehouse.gateway import Warehouse

_RUNS = 3


def measure(calls: int, days: int, sample: Path) -> dict[str, Any]:
    """Write `sample` several times; return the figures, with the number of records in it."""
    traffic = Traffic(calls, days, 1, date(2026, 10, 1), euro=False)
    with Warehouse("chdb://memory") as warehouse:
        records = write(traffic, warehouse, sample, None)
        took = [seconds(lambda: write(traffic, warehouse, sample, None)) for _ in range(_RUNS)]
    return {
        "calls": calls,
        "records": records,
        "calls_per_second": round(calls / statistics.median(took)),
        "seconds": [round(value, 2) for value in took],
        "csv_bytes_per_record": round(sample.stat().st_size / records, 1),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    return [f"generator   {found['calls_per_second']:>12,} calls/s to CSV"]
