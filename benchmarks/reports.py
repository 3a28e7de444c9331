"""The presets over the whole sample go in, how long each takes here and with each peer comes out.

DuckDB reads the calls from Parquet and from a table of its own, PostgreSQL from its hourly summary where that has what
is asked. All hold the same calls, with every fact about them worked out beforehand, and all are asked in turn.
"""

import statistics
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks import duck, postgres, presets
from benchmarks.answers import agree
from benchmarks.data import SQL, Run
from benchmarks.duck import Duck
from benchmarks.postgres import PostgreSQL
from benchmarks.targets import judged
from benchmarks.timing import geometric_mean, seconds, spread, timed
from engine.access.principal import ADMIN
from engine.query import question
from engine.site import Site
from engine.statement import Statement

PEERS = {
    "parquet": "DuckDB, Parquet",
    "table": "DuckDB, table",
    "postgresql": "PostgreSQL",
}
_DIALECTS = {"parquet": "duckdb", "table": "duckdb", "postgresql": "postgresql"}

Ask = Callable[[str, Mapping[str, Any]], list[Any]]


def measure(run: Run) -> dict[str, Any]:
    """Load the peers that are installed, and ask every preset of everyone."""
    standing = None if duck.MISSING else run.data.standing()
    with ExitStack() as opened:
        site = opened.enter_context(run.data.site())
        peers: dict[str, Ask] = {}
        made: dict[str, dict[str, float]] = {}
        missing: dict[str, str] = {}
        if standing:
            peers["parquet"] = opened.enter_context(Duck(standing)).ask
            table = run.scratch / "calls.duckdb"
            opened.callback(table.unlink, missing_ok=True)
            took = seconds(lambda: peers.update(table=opened.enter_context(Duck(standing, table)).ask))
            made["parquet"] = {"bytes": standing.stat().st_size}
            made["table"] = {"bytes": table.stat().st_size, "seconds": round(took, 2)}
        else:
            missing |= dict.fromkeys(("parquet", "table"), str(duck.MISSING))
        if postgres.missing():
            missing["postgresql"] = str(postgres.missing())
        else:
            server = opened.enter_context(PostgreSQL(run.scratch))
            server.make(run.data.days)
            calls = site.warehouse.stream(Statement((SQL / "standing.sql").read_text("utf-8")), "CSV")
            took = seconds(partial(server.fill, calls))
            made["postgresql"] = {"bytes": server.size(), "seconds": round(took, 2)}
            peers["postgresql"] = opened.enter_context(server.session()).ask
        found = {report: _report(site, peers, report, run) for report in presets.REPORTS}
    means = {peer: geometric_mean(one[peer]["slower"] for one in found.values()) for peer in peers}
    told = {peer: f"{min(_slower(found, peer)):.1f} to {max(_slower(found, peer)):.1f} x" for peer in peers}
    return {
        "reports": found,
        "made": made,
        "missing": missing,
        "means": {peer: round(mean, 2) for peer, mean in means.items()},
        "targets": [judged(f"reports_{peer}", mean, told[peer]) for peer, mean in means.items()],
    }


def _slower(found: dict[str, Any], peer: str) -> list[float]:
    return [one[peer]["slower"] for one in found.values()]


def _report(site: Site, peers: dict[str, Ask], report: str, run: Run) -> dict[str, Any]:
    asked = question.of(presets.question(report, run.data))
    calls: dict[str, Callable[[], Any]] = {"tollhouse": lambda: site.ask(asked, ADMIN)}
    calls |= {
        peer: partial(ask, presets.text(_DIALECTS[peer], report), run.data.instants) for peer, ask in peers.items()
    }
    answer = calls["tollhouse"]()
    columns = [{"name": column.name, "type": column.type} for column in answer.columns]
    for peer in peers:
        agree(PEERS[peer], columns, answer.rows, calls[peer]())
    took = timed(calls, run.runs)
    ours = statistics.median(took["tollhouse"])
    figures: dict[str, Any] = {"tollhouse": spread(took["tollhouse"]) | {"rows": len(answer.rows)}}
    for peer in peers:
        figures[peer] = spread(took[peer]) | {"slower": round(statistics.median(took[peer]) / ours, 2)}
    return figures


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'report':18} {'Tollhouse':>10} " + " ".join(f"{PEERS[peer]:>24}" for peer in found["means"])]
    for report, one in found["reports"].items():
        cells = (f"{one[peer]['median']:>12.1f} ms {one[peer]['slower']:>6.1f} x" for peer in found["means"])
        told.append(f"{report:18} {one['tollhouse']['median']:>7.1f} ms " + " ".join(f"{cell:>24}" for cell in cells))
    told.append(f"{'geometric mean':29} " + " ".join(f"{mean:>22.1f} x" for mean in found["means"].values()))
    return told + [f"not compared with {PEERS[peer]}: {why}" for peer, why in found["missing"].items()]
