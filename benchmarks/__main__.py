"""Numbers of calls go in; how fast they are loaded and asked about comes out, as JSON and as a table, beside peers.

Ratios are of medians of runs in alternation; absolute figures are for orientation, for machines are noisy.

  python -m benchmarks                                         every part, a million calls
  python -m benchmarks --only reports --calls 20000000         one part
  python -m benchmarks --only growth --calls 1000000,3000000,10000000
  python -m benchmarks --keep /var/tmp/bench                   what is generated and loaded serves the next run too
"""

import argparse
import hashlib
import json
import os
import platform
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from benchmarks import targets
from benchmarks.data import Data, Run
from benchmarks.parts import PARTS
from engine import __version__

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def main(words: list[str] | None = None) -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=_sizes, default=(1_000_000,), help="one size, or several for the part growth")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=5, help="how often each rival runs; medians count")
    parser.add_argument("--seconds", type=float, default=20, help="how long freshness and concurrency go on")
    parser.add_argument("--only", choices=PARTS, action="append", help="leave the other parts out; repeatable")
    parser.add_argument("--lists", action="append", metavar="KIND=FILE", help="reference data for the part enrichment")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to keep samples and databases for next time")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="where the JSON goes")
    options = parser.parse_args(words)
    found: dict[str, Any] = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "calls": max(options.calls),
        "days": options.days,
        "runs": options.runs,
        "parts": {},
    }
    print(f"{found['calls']:,} calls over {options.days} days, {found['machine']}\n", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{time.strftime('%Y-%m-%dT%H%M%S')}.json"
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(TemporaryDirectory(prefix="tollhouse-bench-")))
        kept = options.keep / _layout() if options.keep else scratch / "data"
        data = Data(kept.resolve(), found["calls"], options.days)
        for name, part in PARTS.items():
            if name not in (options.only or PARTS):
                continue
            print(f"{name}: {part.about}", flush=True)
            began = time.perf_counter()
            own = Path(mkdtemp(dir=scratch))
            run = Run(
                data, tuple(sorted(options.calls)), options.runs, own, options.seconds, tuple(options.lists or ())
            )
            one = part.measure(run)
            found["parts"][name] = {"took_seconds": round(time.perf_counter() - began), "load": _load(), **one}
            print("\n".join([*part.lines(one), *targets.lines(one["targets"], data.calls)]), end="\n\n", flush=True)
            path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")  # a part that fails costs only itself
    print(f"written to {path}")


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(one.replace("_", "")) for one in text.split(","))


def machine() -> str:
    """Describe the machine, as far as it matters."""
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in told.splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    words = [f"{os.cpu_count()} cores", platform.machine(), model, f"{memory:.0f} GB"]
    return ", ".join([*filter(None, words), f"Python {platform.python_version()}"])


def _load() -> float:
    """Return how many processes wanted a core in the last minute: more than ours means a busy machine."""
    return round(os.getloadavg()[0], 2)


def _layout() -> str:
    """Name what a kept database depends on: how tables are laid out and what the generator makes."""
    told = hashlib.sha256()
    tables = ("sql/tables", "sql/ingest", "sql/generate", "schemas/catalog", "schemas/outcomes.toml")
    for folder in (*tables, "engine/record.py", "engine/traffic.py"):
        place = HERE.parent / folder
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                told.update(path.read_bytes())
    return told.hexdigest()[:12]


if __name__ == "__main__":
    main()
