"""A sample of six months goes in, how long the calls of one number take to find comes out, each number asked once."""

import statistics
from typing import Any
from urllib.parse import urlencode

import msgspec

from benchmarks.data import SQL, Run
from benchmarks.serving import Client, served
from benchmarks.targets import judged
from benchmarks.timing import percentile, seconds
from engine.site import Site
from engine.statement import Statement

DAYS = 182
"""Six months, nearly."""
_ASKED = 100
"""Numbers of each side."""
_SCANNED = 3


def measure(run: Run) -> dict[str, Any]:
    """Ask for numbers that were called and numbers that called, picked evenly over all calls."""
    data = run.data.of(run.data.calls, DAYS)
    with data.site() as site, served(site) as client:
        [(ledger,)] = site.warehouse.query(Statement("SELECT count() FROM cdr")).rows
        numbers = [number for side in ("number", "cli") for number in _picked(site, side)]
        scan = Statement((SQL / "scan_number.sql").read_text("utf-8"), {"number": numbers[0]})
        scans = [seconds(lambda: site.warehouse.query(scan)) for _ in range(_SCANNED)]
        asked = [_ask(client, number, data.window) for number in numbers]
    warm, counted = asked[:10], asked[10:] or asked
    took = [one["seconds"] for one in counted]
    p95 = 1000 * percentile(took, 95)
    most = max(one["rows_read"] for one in counted)
    scanned = 1000 * statistics.median(scans)
    return {
        "days": DAYS,
        "numbers": len(counted),
        "not_counted": len(warm),
        "p50_ms": round(1000 * statistics.median(took), 2),
        "p95_ms": round(p95, 2),
        "scan_ms": round(scanned, 2),
        "rows_read": {"median": statistics.median(one["rows_read"] for one in counted), "max": most},
        "calls_found": {
            "median": statistics.median(one["found"] for one in counted),
            "max": max(one["found"] for one in counted),
        },
        "ledger": int(ledger),
        "targets": [
            judged("number_time", p95, f"p50 {1000 * statistics.median(took):.1f} ms, full scan {scanned:.0f} ms"),
            judged("number_rows", 100 * most / int(ledger), f"{most:,} of {int(ledger):,} rows"),
        ],
    }


def _picked(site: Site, side: str) -> list[str]:
    sql = (SQL / "picked_numbers.sql").read_text("utf-8").replace("$side", side)
    return [str(number) for (number,) in site.warehouse.query(Statement(sql, {"asked": _ASKED})).rows]


def _ask(client: Client, number: str, window: dict[str, str]) -> dict[str, Any]:
    path = "/api/v1/calls?" + urlencode({"number": number, **window})
    body = b""

    def get() -> None:
        nonlocal body
        body = client.send("GET", path)

    took = seconds(get)
    page = msgspec.json.decode(body)
    if not page["rows"]:
        raise AssertionError("a number that is in the ledger was not found")
    return {"seconds": took, "rows_read": page["rows_read"], "found": len(page["rows"])}


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    read = found["rows_read"]
    return [
        f"one number over {found['days']} days: p50 {found['p50_ms']:.1f} ms, p95 {found['p95_ms']:.1f} ms",
        f"full scan {found['scan_ms']:.0f} ms; {read['median']:,.0f} rows read, {read['max']:,} at most",
    ]
