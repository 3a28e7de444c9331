"""A number of calls goes in; how fast they are made, loaded and asked about comes out, as JSON and a table.

`make bench` or `python -m benchmarks --calls 1000000`. Timings on a busy machine are noisy: ratios are of
medians of runs in alternation, absolute figures are for orientation.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import enrichment, generator, loading, questions, rollups
from engine import __version__

RESULTS = Path(__file__).parent / "results"
PARTS = ("loading", "enrichment", "rollups", "questions")


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=5, help="loads in each of the two ways")
    parser.add_argument("--only", choices=PARTS, action="append", help="leave the other parts out")
    parser.add_argument("--lists", action="append", metavar="KIND=FILE", help="reference data for the part enrichment")
    options = parser.parse_args()
    asked = options.only or PARTS
    found: dict[str, Any] = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "calls": options.calls,
        "days": options.days,
    }
    print(f"{options.calls:,} calls over {options.days} days, {found['machine']}\n")
    with TemporaryDirectory(prefix="tollhouse-bench-") as scratch:
        sample = Path(scratch) / "calls.csv"
        found["generator"] = generator.measure(options.calls, options.days, sample)
        _tell(generator.lines(found["generator"]))
        if "loading" in asked:
            found["loading"] = loading.measure(sample, options.calls, options.runs)
            _tell(loading.lines(found["loading"]))
        if "enrichment" in asked:
            lists = options.lists or enrichment.made(sample, Path(scratch))
            found["enrichment"] = enrichment.measure(sample, options.runs, lists)
            _tell(enrichment.lines(found["enrichment"]))
        if "rollups" in asked:
            found["rollups"] = rollups.measure(sample)
            _tell(rollups.lines(found["rollups"]))
        if "questions" in asked:
            found |= questions.measure(sample)
            _tell(questions.lines(found))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y-%m-%dT%H%M%S')}.json"
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(f"written to {path}")


def _tell(lines: list[str]) -> None:
    print("\n".join(lines), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
