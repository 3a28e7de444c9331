"""What was measured goes in, whether it is enough comes out: every target of the benchmarks, declared once."""

from typing import Any, Literal

from msgspec import Struct


class Target(Struct, frozen=True):
    """A figure that must be at least, or at most, a limit."""

    what: str
    against: str
    bound: Literal["least", "most"]
    limit: float
    unit: str
    calls: int = 0
    """The number of calls it speaks of: what was measured with fewer is told, and not judged."""

    def met(self, value: float) -> bool:
        """Whether a figure is enough."""
        return value >= self.limit if self.bound == "least" else value <= self.limit

    @property
    def told(self) -> str:
        """The limit as people read it."""
        return f"{'≥' if self.bound == 'least' else '≤'} {shown(self.limit, self.unit)}"


_A_MONTH = 20_000_000
_BREAKOUT = "breakout by customer and destination, a month"
_PRESETS = "the report presets over a month, geometric mean"

TARGETS: dict[str, Target] = {
    "question": Target(
        "a question through the whole HTTP path, p50, 2 ms taken off; the worst preset",
        "the best hand-written SQL on the same tables",
        "most",
        1.15,
        "x",
    ),
    "breakout_rows": Target(f"{_BREAKOUT}: rows read", "the ledger alone", "least", 20, "x fewer", _A_MONTH),
    "breakout_time": Target(f"{_BREAKOUT}: time", "the ledger alone", "least", 10, "x faster", _A_MONTH),
    "reports_parquet": Target(_PRESETS, "DuckDB over the same calls in Parquet", "least", 10, "x faster", _A_MONTH),
    "reports_table": Target(_PRESETS, "DuckDB's own table", "least", 5, "x faster", _A_MONTH),
    "reports_postgresql": Target(
        _PRESETS, "PostgreSQL with partitions, indexes and an hourly summary", "least", 20, "x faster", _A_MONTH
    ),
    "growth": Target("ten times the calls: time of a month's breakout", "itself", "most", 2, "x"),
    "loading_bulk": Target(
        "loading a file: durable, deduplicated, counting in every report",
        "ClickHouse's own bulk insert into the same tables and views",
        "least",
        0.7,
        "x",
    ),
    "loading_rate": Target("the same, on two cores", "", "least", 150_000, "calls/s"),
    "loading_enriched": Target(
        "loading with every list of reference data",
        "ClickHouse's own bulk insert of the same calls with the facts written in the file",
        "least",
        0.7,
        "x",
    ),
    "loading_copy": Target(
        "the same", "PostgreSQL COPY with indexes, its summary kept current", "least", 20, "x faster"
    ),
    "freshness": Target(
        "from POST /cdrs to counting in every report, p95, at the stated rate", "20,000 calls/s", "most", 2, "s"
    ),
    "number_time": Target("Per Number over six months, p95", "", "most", 25, "ms"),
    "number_rows": Target("Per Number over six months: rows read, the most of any", "a full scan", "most", 0.1, "%"),
    "busy_number_time": Target("the same of numbers picked as often as they call or are called", "", "most", 25, "ms"),
    "busy_number_rows": Target("the same of those: rows read, the most of any", "a full scan", "most", 0.1, "%"),
    "disk_ledger": Target("the ledger on disk", "the same record fields in Parquet (zstd)", "most", 1.2, "x"),
    "disk_rollups": Target("all rollups and look-ups on disk", "the ledger", "most", 35, "%"),
    "memory_export": Target("exporting ten million rows adds", "", "most", 200, "MB"),
    "memory_rest": Target("serving, at rest", "", "most", 600, "MB"),
    "start": Target("`serve` answers on an existing database", "", "most", 3, "s"),
    "concurrency_time": Target(
        "32 readers at once, loading goes on: p95", "p50 of one reader", "most", 8, "x", _A_MONTH
    ),
    "concurrency_errors": Target("the same: errors", "", "most", 0, "errors"),
    "browser_usable": Target(
        "a report page is drawn, processor slowed down four times, 20 Mbit/s", "", "most", 1000, "ms"
    ),
    "browser_scroll": Target("frames while 10,000 rows of 250 columns are scrolled, p95", "", "most", 32, "ms"),
}
"""Every line of what must be reached, in the order of the table."""


def judged(name: str, value: float, beside: str) -> dict[str, Any]:
    """Return a figure with its target; `beside` says what it was made of, for orientation."""
    return {"target": name, "value": round(value, 4), "met": TARGETS[name].met(value), "beside": beside}


def shown(value: float, unit: str) -> str:
    """Return a figure with its unit.

    >>> shown(0.7, "x"), shown(150000, "calls/s"), shown(25, "ms"), shown(12.34, "x faster")
    ('0.70 x', '150,000 calls/s', '25 ms', '12.3 x faster')
    """
    if value == int(value) or value >= 1000:
        return f"{value:,.0f} {unit}"
    return f"{value:.{2 if value < 10 else 1}f} {unit}" if value >= 0.1 else f"{value:.3g} {unit}"


def verdict(one: dict[str, Any], calls: int) -> str:
    """Return whether a figure that was measured with so many calls is enough."""
    if calls < TARGETS[one["target"]].calls:
        return f"of {TARGETS[one['target']].calls:,}"
    return "met" if one["met"] else "missed"


def lines(found: list[dict[str, Any]], calls: int) -> list[str]:
    """Return figures with their targets, for people."""
    return [
        f"{verdict(one, calls):12} {shown(one['value'], TARGETS[one['target']].unit):>16}"
        f"  ({TARGETS[one['target']].told})  {TARGETS[one['target']].what}"
        + (f", against {TARGETS[one['target']].against}" if TARGETS[one["target"]].against else "")
        + f": {one['beside']}"
        for one in found
    ]
