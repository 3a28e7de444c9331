"""An existing database goes in, how long `serve` takes from its start to its first answer comes out."""

import compileall
import time
from typing import Any

from benchmarks.data import Run
from benchmarks.serving import Client
from benchmarks.targets import judged
from benchmarks.timing import spread
from tests.server import ROOT, Server


def measure(run: Run) -> dict[str, Any]:
    """Start and stop the program several times; each time ask whether it is ready, and for a report."""
    database = run.data.database()
    for folder in ("engine", "web"):
        compileall.compile_dir(ROOT / folder, quiet=2)  # as pip does when it installs
    ready, asked = [], []
    for _ in range(max(3, run.runs)):
        began = time.perf_counter()
        with Server(f"chdb://{database}") as server:
            client = Client(server.url)
            client.send("GET", "/readyz")
            ready.append(time.perf_counter() - began)
            client.ask({"report": "breakout", **run.data.window})
            asked.append(time.perf_counter() - began)
            client.close()
    one = spread(ready)
    first = spread(asked)
    beside = f"{one['min']:.0f} to {one['max']:.0f} ms; its first report after {first['median']:.0f} ms"
    return {"ready_ms": one, "report_ms": first, "targets": [judged("start", one["median"] / 1000, beside)]}


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    ready, report = (found[name]["median"] for name in ("ready_ms", "report_ms"))
    return [f"`serve` answers after {ready:.0f} ms, its first report after {report:.0f} ms"]
