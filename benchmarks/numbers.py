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
    """Ask for numbers that were called and numbers that called: some of all there are, and some evenly over all calls.

    A number that is in a tenth of all calls cannot be found by reading a thousandth of them, so both are told.
    """
    data = run.data.of(run.data.calls, DAYS)
    with data.site() as site, served(site) as client:
        [(ledger,)] = site.warehouse.query(Statement("SELECT count() FROM cdr")).rows
        picked = {how: [n for side in ("number", "cli") for n in _picked(site, how, side)] for how in ("any", "busy")}
        scan = Statement((SQL / "scan_number.sql").read_text("utf-8"), {"number": picked["any"][0]})
        scans = [seconds(lambda: site.warehouse.query(scan)) for _ in range(_SCANNED)]
        asked = {how: [_ask(client, number, data.window) for number in numbers] for how, numbers in picked.items()}
    figures = {how: _figures(some[10:] or some) for how, some in asked.items()}
    scanned = 1000 * statistics.median(scans)
    found: dict[str, Any] = {
        "days": DAYS,
        "scan_ms": round(scanned, 2),
        "ledger": int(ledger),
        **figures,
        "targets": [],
    }
    for how, time_target, rows_target in (
        ("any", "number_time", "number_rows"),
        ("busy", "busy_number_time", "busy_number_rows"),
    ):
        one = figures[how]
        most = one["rows_read"]["max"]
        took = f"p50 {one['p50_ms']:.1f} ms, full scan {scanned:.0f} ms"
        read = f"median {one['rows_read']['median']:,.0f}, most {most:,} of {int(ledger):,} rows"
        found["targets"] += [
            judged(time_target, one["p95_ms"], took),
            judged(rows_target, 100 * most / int(ledger), read),
        ]
    return found


def _figures(asked: list[dict[str, Any]]) -> dict[str, Any]:
    took, read, calls = ([one[what] for one in asked] for what in ("seconds", "rows_read", "found"))
    return {
        "numbers": len(asked),
        "p50_ms": round(1000 * statistics.median(took), 2),
        "p95_ms": round(1000 * percentile(took, 95), 2),
        "rows_read": {"median": statistics.median(read), "max": max(read)},
        "calls_found": {"median": statistics.median(calls), "max": max(calls)},
    }


def _picked(site: Site, how: str, side: str) -> list[str]:
    sql = (SQL / f"picked_{how}_numbers.sql").read_text("utf-8").replace("$side", side)
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
    told = [f"{'numbers':22} {'p50':>10} {'p95':>10} {'rows read':>11} {'at most':>11} {'calls':>6}"]
    for how, called in (("any", "of all there are"), ("busy", "as often as in calls")):
        one = found[how]
        read, calls = one["rows_read"], one["calls_found"]
        took = f"{one['p50_ms']:>7.1f} ms {one['p95_ms']:>7.1f} ms"
        told.append(f"{called:22} {took} {read['median']:>11,.0f} {read['max']:>11,} {calls['median']:>6,.0f}")
    return [*told, f"one number over {found['days']} days; a full scan takes {found['scan_ms']:.0f} ms"]
