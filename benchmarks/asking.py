"""The presets go in, what the way through HTTP adds to the best hand-written SQL on the same tables comes out.

Both are asked of one engine in one process; whoever asks by HTTP is another process. By hand means what somebody
writes who knows the rollups and nothing of watermarks, currencies or rights: one statement, whose rows come through the
same client library.
"""

import statistics
from contextlib import closing
from functools import partial
from typing import Any

from benchmarks import presets
from benchmarks.answers import agree
from benchmarks.data import Run
from benchmarks.serving import Client, Elsewhere, served
from benchmarks.targets import judged
from benchmarks.timing import spread, timed
from engine.site import Site

FREE = 0.002
"""Seconds that the way through HTTP may take whatever is asked."""


def measure(run: Run) -> dict[str, Any]:
    """Ask every preset in both ways."""
    with run.data.site() as site, served(site) as client, closing(Elsewhere(client.url)) as elsewhere:
        found = {report: _question(site, client, elsewhere, report, run) for report in presets.REPORTS}
    worst = max(found, key=lambda report: found[report]["ratio"])
    beside = f"{worst}: {_told(found[worst])}"
    return {"questions": found, "targets": [judged("question", found[worst]["ratio"], beside)]}


def _question(site: Site, client: Client, elsewhere: Elsewhere, report: str, run: Run) -> dict[str, Any]:
    asked, statement = presets.question(report, run.data), presets.by_hand(site, report, run.data)
    answer = client.ask(asked)
    agree("hand-written SQL", answer["columns"], answer["rows"], site.warehouse.query(statement).rows)
    took = timed(
        {"http": partial(elsewhere.ask, asked), "by_hand": partial(site.warehouse.query, statement)}, 4 * run.runs + 1
    )
    http, by_hand = (statistics.median(took[way]) for way in ("http", "by_hand"))
    return {
        "http_ms": spread(took["http"]),
        "by_hand_ms": spread(took["by_hand"]),
        "inside_ms": answer["elapsed_ms"],
        "rows": len(answer["rows"]),
        "rows_read": answer["rows_read"],
        "source": answer["source"],
        "ratio": round((http - FREE) / by_hand, 3),
    }


def _told(one: dict[str, Any]) -> str:
    return f"{one['http_ms']['median']:.1f} ms by HTTP, {one['by_hand_ms']['median']:.1f} ms by hand"


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'question':18} {'HTTP':>10} {'by hand':>10} {'(HTTP - 2 ms) / by hand':>24} {'rows':>8}"]
    return told + [
        f"{report:18} {one['http_ms']['median']:>7.1f} ms {one['by_hand_ms']['median']:>7.1f} ms "
        f"{one['ratio']:>22.2f} x {one['rows']:>8,}"
        for report, one in found["questions"].items()
    ]
