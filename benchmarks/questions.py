"""A loaded sample goes in, how fast questions about it are answered from rollups and from the ledger comes out."""

import statistics
from typing import Any

from benchmarks.data import Run
from benchmarks.targets import judged
from benchmarks.timing import alternated, seconds, spread
from engine.access.principal import ADMIN
from engine.query import question
from engine.site import Site

FIRST = "breakout by customer and destination, a month"
"""The question that the targets speak of."""
_BREAKOUT = {"report": "breakout", "rows": ["customer", "customer_destination"]}
_QUESTIONS: dict[str, dict[str, Any]] = {
    FIRST: _BREAKOUT,
    "breakout by customer, a month": {**_BREAKOUT, "rows": ["customer"]},
    "breakout by day and customer, a month": {**_BREAKOUT, "rows": ["day", "customer"]},
    "breakout by provider and route, ragged week": {
        **_BREAKOUT,
        "rows": ["provider", "provider_card"],
        "from": "2026-10-05T07:30",
        "to": "2026-10-12T16:45",
    },
}


def measure(run: Run) -> dict[str, Any]:
    """Ask every question in both ways."""
    with run.data.site() as site:
        found = {name: _question(site, {**run.data.window, **asked}, run.runs) for name, asked in _QUESTIONS.items()}
    one = found[FIRST]
    fewer = f"{one['ledger_rows_read']:,} rows of the ledger, {one['rows_read']:,} routed"
    faster = f"{one['ledger_ms']['median']:.1f} ms from the ledger, {one['routed_ms']['median']:.1f} ms routed"
    return {
        "questions": found,
        "targets": [
            judged("breakout_rows", one["fewer_rows_read"], fewer),
            judged("breakout_time", one["faster"], faster),
        ],
    }


def _question(site: Site, asked: dict[str, Any], runs: int) -> dict[str, Any]:
    parsed = question.of(asked)
    by_rollup, by_ledger = site.desk.ask(parsed, ADMIN), site.desk.ask(parsed, ADMIN, ledger_only=True)
    assert by_rollup.rows == by_ledger.rows, "routed and ledger disagree"  # noqa: S101 - a benchmark of wrong answers
    routed, ledger = alternated(
        lambda: seconds(lambda: site.desk.ask(parsed, ADMIN)),
        lambda: seconds(lambda: site.desk.ask(parsed, ADMIN, ledger_only=True)),
        runs,
    )
    return {
        "routed_ms": spread(routed),
        "ledger_ms": spread(ledger),
        "faster": round(statistics.median(ledger) / statistics.median(routed), 2),
        "rows_read": by_rollup.rows_read,
        "ledger_rows_read": by_ledger.rows_read,
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
