"""A number of calls goes in, a file of them and how fast it was made come out."""

import statistics
from typing import Any

from benchmarks.data import Run
from benchmarks.loading import MOST
from benchmarks.timing import seconds
from engine.traffic import Traffic, write
from engine.warehouse.gateway import Warehouse

_RUNS = 3


def measure(run: Run) -> dict[str, Any]:
    """Write a sample several times; return the figures, with the number of records in it."""
    data = run.data.part(MOST)
    calls, sample = data.calls, run.scratch / "generated.csv"
    traffic = Traffic(calls, data.days, 1, data.first, euro=False)
    with Warehouse("chdb://memory") as warehouse:
        records = write(traffic, warehouse, sample, None)
        took = [seconds(lambda: write(traffic, warehouse, sample, None)) for _ in range(_RUNS)]
    size = sample.stat().st_size
    sample.unlink()
    return {
        "targets": [],
        "calls": calls,
        "records": records,
        "calls_per_second": round(calls / statistics.median(took)),
        "seconds": [round(value, 2) for value in took],
        "csv_bytes_per_record": round(size / records, 1),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    return [f"generator   {found['calls_per_second']:>12,} calls/s to CSV"]
