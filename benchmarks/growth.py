"""Several numbers of calls of the same customers and routes go in, what a month's questions cost at each comes out."""

import time
from typing import Any

from benchmarks import presets, process
from benchmarks.data import Data, Run
from benchmarks.targets import judged
from benchmarks.timing import seconds, spread
from engine.access.principal import ADMIN
from engine.query import question
from engine.site import Site
from engine.statement import Statement

_PATIENCE = 300
"""Seconds that merges are waited for."""
_BYTES = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table IN {tables:Array(String)}"


def measure(run: Run) -> dict[str, Any]:
    """Load every size and ask every preset of it; one size alone is compared with a tenth of it."""
    asked = run.sizes if len(run.sizes) > 1 else (run.data.calls // 10, run.data.calls)
    sizes = {calls: _size(run.data.of(calls, run.data.days), run, keep=calls == run.data.calls) for calls in asked}
    found: dict[str, Any] = {"sizes": {str(calls): figures for calls, figures in sizes.items()}, "targets": []}
    pairs = [(calls, 10 * calls) for calls in sizes if 10 * calls in sizes]
    if pairs:
        costs = {
            pair: sizes[pair[1]]["breakout"]["ms"]["median"] / sizes[pair[0]]["breakout"]["ms"]["median"]
            for pair in pairs
        }
        few, many = max(costs, key=lambda pair: costs[pair])
        took = [sizes[calls]["breakout"]["ms"]["median"] for calls in (few, many)]
        beside = f"{took[0]:.1f} ms with {few:,} calls, {took[1]:.1f} ms with {many:,}"
        found["targets"] = [judged("growth", costs[few, many], beside)]
    return found


def _size(data: Data, run: Run, *, keep: bool) -> dict[str, Any]:
    with data.site() as site:
        _settle(site)
        found = {report: _report(site, report, data, run.runs) for report in presets.REPORTS}
    if not keep:
        data.drop()
    return found


def _settle(site: Site) -> None:
    """Wait until nothing is merged any more: what was just loaded is compared with what has lain for long."""
    for _ in range(_PATIENCE):
        if not int(site.warehouse.value(Statement("SELECT count() FROM system.merges"))):
            return
        time.sleep(1)


def _report(site: Site, report: str, data: Data, runs: int) -> dict[str, Any]:
    asked = question.of(presets.question(report, data))
    answer = site.ask(asked, ADMIN)
    process.forget_peak()
    before = process.resident()
    took = [seconds(lambda: site.ask(asked, ADMIN)) for _ in range(max(3, runs))]
    held = site.warehouse.value(Statement(_BYTES, {"tables": list(answer.source)}))
    return {
        "ms": spread(took),
        "rows_read": answer.rows_read,
        "table_bytes": int(held),
        "memory_bytes": max(0, process.peak() - before),
        "rows": answer.row_count,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'calls':>12} {'report':18} {'time':>10} {'rows read':>12} {'tables':>10} {'memory':>9}"]
    return told + [
        f"{int(calls):>12,} {report:18} {one['ms']['median']:>7.1f} ms {one['rows_read']:>12,} "
        f"{one['table_bytes'] / 1e6:>7.1f} MB {one['memory_bytes'] / 1e6:>6.0f} MB"
        for calls, reports in found["sizes"].items()
        for report, one in reports.items()
    ]
