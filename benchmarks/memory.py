"""A served database goes in, what the process takes at rest, and what long exports add at their peak, come out."""

import time
from contextlib import closing
from typing import Any

from benchmarks import presets, process
from benchmarks.data import Run
from benchmarks.serving import Client
from benchmarks.targets import judged
from tests.server import Server

ROWS = 10_000_000
_REST = 5
"""Seconds without a question before the server is said to rest."""


def measure(run: Run) -> dict[str, Any]:
    """Serve the sample, ask for every report, let it rest, and export as many rows as there are, up to ten million."""
    with Server(f"chdb://{run.data.database()}") as server:
        client = Client(server.url)
        started = process.resident(server.pid)
        for report in presets.REPORTS:
            client.ask(presets.question(report, run.data))
        client.close()
        time.sleep(_REST)
        rest = process.resident(server.pid)
        groups = {**run.data.window, "rows": ["minute15", "cli", "number"], "measures": ["attempts", "asr", "duration"]}
        where = [{"field": "attempt", "op": "ge", "values": [1]}]
        exports = {
            "groups": _export(server, "/api/v1/query?format=csv", groups),
            "calls": _export(server, "/api/v1/calls?format=csv", {**run.data.window, "where": where}),
        }
    most, calls = exports["groups"], exports["calls"]
    beside = f"{most['rows']:,} rows of a question; {calls['rows']:,} single calls add {calls['added_mb']} MB"
    return {
        "started_mb": started >> 20,
        "rest_mb": rest >> 20,
        "exports": exports,
        "targets": [
            judged("memory_export", most["added_mb"], beside),
            judged("memory_rest", rest >> 20, f"{started >> 20} MB before its first answer"),
        ],
    }


def _export(server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    process.forget_peak(server.pid)
    before = process.resident(server.pid)
    began = time.perf_counter()
    size = rows = 0
    with closing(Client(server.url)) as client:
        for piece in client.stream(path, body):
            size += len(piece)
            rows += piece.count(b"\n")
            if rows > ROWS:  # hanging up ends what is left
                break
    return {
        "rows": rows - 1,
        "bytes": size,
        "seconds": round(time.perf_counter() - began, 2),
        "added_mb": (process.peak(server.pid) - before) >> 20,
        "before_mb": before >> 20,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"serving      {found['rest_mb']:>6,} MB at rest, {found['started_mb']:,} MB before its first answer"]
    return told + [
        f"export       {one['added_mb']:>6,} MB added by {one['rows']:,} {name} ({one['seconds']:.1f} s)"
        for name, one in found["exports"].items()
    ]
