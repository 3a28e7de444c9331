"""A file of calls goes in, how fast questions about them are answered from rollups and from the ledger comes out."""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.timing import alternated, seconds, spread
from engine.access.principal import ADMIN
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement

_RUNS = 7
_BREAKOUT = {
    "report": "breakout",
    "from": "2026-10-01",
    "to": "2026-10-31",
    "rows": ["customer", "customer_destination"],
}
_QUESTIONS: dict[str, dict[str, Any]] = {
    "breakout by customer and destination, 30 days": _BREAKOUT,
    "breakout by customer, 30 days": {**_BREAKOUT, "rows": ["customer"]},
    "breakout by day and customer, 30 days": {**_BREAKOUT, "rows": ["day", "customer"]},
    "breakout by provider and route, ragged week": {
        **_BREAKOUT,
        "rows": ["provider", "provider_card"],
        "from": "2026-10-05T07:30",
        "to": "2026-10-12T16:45",
    },
}


def measure(sample: Path) -> dict[str, Any]:
    """Load `sample` and ask; return sizes on disk and the time of every question."""
    with (
        TemporaryDirectory(prefix="tollhouse-bench-") as scratch,
        Site(Settings(database=f"chdb://{scratch}/data")) as site,
    ):
        site.ingest(sample, "calls.csv", Asked())
        return {
            "size": _sizes(site),
            "questions": {name: _question(site, asked) for name, asked in _QUESTIONS.items()},
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
        lambda: seconds(lambda: site.desk.ask(parsed, ADMIN)),
        lambda: seconds(lambda: site.desk.ask(parsed, ADMIN, ledger_only=True)),
        _RUNS,
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


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'question':48} {'routed':>9} {'ledger':>9} {'faster':>7} {'fewer rows':>11}"]
    told += [
        f"{name:48} {figures['routed_ms']['median']:>6.1f} ms {figures['ledger_ms']['median']:>6.1f} ms "
        f"{figures['faster']:>6.1f}x {figures['fewer_rows_read']:>10.1f}x"
        for name, figures in found["questions"].items()
    ]
    return told
