"""The reports go in, each as a question and as the SQL that a peer's best user would write for it, come out."""

import re
from typing import Any

from benchmarks.data import SQL, Data
from engine.site import Site
from engine.statement import Statement

REPORTS = (
    "breakout",
    "dtmf",
    "explore",
    "usa-rate-center",
    "usa-calls",
    "did-as-cli",
    "tech-prefix",
    "asr-per-route",
)
"""The presets that are sums; Per Number lists single calls and has a part of its own."""


def question(report: str, data: Data) -> dict[str, Any]:
    """Return a preset over the whole sample as a question; every rival is asked for its rows alone."""
    return {"report": report, **data.window, "subtotals": False, "totals": False}


def text(peer: str, report: str) -> str:
    """Return the SQL of a peer for a report."""
    return (SQL / peer / f"{report}.sql").read_text("utf-8")


def by_hand(site: Site, report: str, data: Data) -> Statement:
    """Return the statement somebody would write who knows the rollups.

    `name_utc` in it is a rollup's table; of `one_or_other_utc` it is the one with fewer rows.
    """

    def table(names: re.Match[str]) -> str:
        tables = [site.catalog.rollups[name].table("UTC") for name in names[1].split("_or_")]
        return min(tables, key=lambda table: int(site.warehouse.value(Statement(f"SELECT count() FROM {table}"))))

    sql = re.sub(r"\b(\w+)_utc\b", table, text("clickhouse", report))
    return Statement(sql, {name: moment.isoformat(" ") for name, moment in data.instants.items()})
