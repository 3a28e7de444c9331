"""A number of calls goes in; how fast they are made, loaded and asked about comes out, as JSON and a table.

`make bench` or `python -m benchmarks --calls 1000000`. Timings on a busy machine are noisy: ratios are of
medians of runs in alternation, absolute figures are for orientation.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine import __version__
from engine.access.principal import ADMIN
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import Traffic, write

RUNS = 7
RESULTS = Path(__file__).parent / "results"
BREAKOUT = {
    "report": "breakout",
    "from": "2026-10-01",
    "to": "2026-10-31",
    "rows": ["customer", "customer_destination"],
}
QUESTIONS: dict[str, dict[str, Any]] = {
    "breakout by customer and destination, 30 days": BREAKOUT,
    "breakout by customer, 30 days": {**BREAKOUT, "rows": ["customer"]},
    "breakout by day and customer, 30 days": {**BREAKOUT, "rows": ["day", "customer"]},
    "breakout by provider and route, ragged week": {
        **BREAKOUT,
        "rows": ["provider", "provider_card"],
        "from": "2026-10-05T07:30",
        "to": "2026-10-12T16:45",
    },
}


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def alternated(first: Callable[[], object], second: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Time two calls in turn, after one of each that does not count."""
    first(), second()
    pairs = [(seconds(first), seconds(second)) for _ in range(RUNS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def spread(times: list[float]) -> dict[str, float]:
    """Return median, least and greatest, in milliseconds."""
    return {name: round(1000 * how(times), 2) for name, how in _SPREAD.items()}


_SPREAD: dict[str, Callable[[list[float]], float]] = {"median": statistics.median, "min": min, "max": max}


def measure(calls: int, days: int) -> dict[str, Any]:
    """Generate, load and ask; return every figure."""
    with (
        TemporaryDirectory(prefix="tollhouse-bench-") as scratch,
        Site(Settings(database=f"chdb://{scratch}/data")) as site,
    ):
        sample = Path(scratch) / "calls.csv"
        traffic = Traffic(calls, days, 1, date(2026, 10, 1), euro=False)
        generating = [seconds(lambda: write(traffic, site.warehouse, sample, None)) for _ in range(3)]
        size = sample.stat().st_size
        began = time.perf_counter()
        receipt = site.ingest(sample, "calls.csv", Asked())
        loading = time.perf_counter() - began
        return {
            "generator": {
                "calls_per_second": round(calls / statistics.median(generating)),
                "seconds": [round(value, 2) for value in generating],
                "csv_bytes_per_record": round(size / receipt.received, 1),
            },
            "loading": {
                "records": receipt.received,
                "records_per_second": round(receipt.received / loading),
                "seconds": round(loading, 2),
            },
            "size": _sizes(site),
            "questions": {name: _question(site, asked) for name, asked in QUESTIONS.items()},
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def _sizes(site: Site) -> dict[str, Any]:
    sql = (
        "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts "
        "WHERE active AND database = currentDatabase() AND (table = 'cdr' OR table LIKE 'breakout%') GROUP BY table"
    )
    return {
        table: {"rows": rows, "bytes_per_row": round(held / rows, 1)}
        for table, rows, held in site.warehouse.query(Statement(sql)).rows
    }


def _question(site: Site, asked: dict[str, Any]) -> dict[str, Any]:
    parsed = question.of(asked)
    routed, ledger = alternated(
        lambda: site.desk.ask(parsed, ADMIN), lambda: site.desk.ask(parsed, ADMIN, ledger_only=True)
    )
    by_rollup, by_ledger = site.desk.ask(parsed, ADMIN), site.desk.ask(parsed, ADMIN, ledger_only=True)
    assert by_rollup.rows == by_ledger.rows, "routed and ledger disagree"  # noqa: S101 - a benchmark of wrong answers
    return {
        "routed_ms": spread(routed),
        "ledger_ms": spread(ledger),
        "faster": round(statistics.median(ledger) / statistics.median(routed), 2),
        "rows_read": by_rollup.rows_read,
        "fewer_rows_read": round(by_ledger.rows_read / max(1, by_rollup.rows_read), 1),
        "source": by_rollup.source,
    }


def table(found: dict[str, Any]) -> str:
    """Return the figures for people."""
    generator, loading = found["generator"], found["loading"]
    lines = [
        f"generator   {generator['calls_per_second']:>12,} calls/s to CSV",
        f"loading     {loading['records_per_second']:>12,} records/s, file to visible in every report",
        f"memory      {found['peak_memory_mb']:>12,} MB at most",
        "",
        f"{'question':48} {'routed':>9} {'ledger':>9} {'faster':>7} {'fewer rows':>11}",
    ]
    for name, figures in found["questions"].items():
        lines.append(
            f"{name:48} {figures['routed_ms']['median']:>6.1f} ms {figures['ledger_ms']['median']:>6.1f} ms "
            f"{figures['faster']:>6.1f}x {figures['fewer_rows_read']:>10.1f}x"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    found = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "calls": options.calls,
        "days": options.days,
        **measure(options.calls, options.days),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y-%m-%dT%H%M%S')}.json"
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(f"{options.calls:,} calls over {options.days} days, {found['machine']}\n")
    print(table(found))
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
