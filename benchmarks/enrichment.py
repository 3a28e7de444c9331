"""Calls and lists of reference data go in; what knowing facts about each call costs a load comes out, as a ratio.

The same file is loaded with the lists and without any, and by ClickHouse's own bulk insert with the facts written in
the file, each in a process of its own, in turn; reading the lists is not counted. Without files of your own (`--lists
kind=file`) lists are made: every NPA-NXX there can be, the DIDs of the sample's calls, and an outcome map.
"""

import csv
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data import Run
from benchmarks.loading import MOST, in_a_process
from benchmarks.targets import judged
from benchmarks.timing import rivals


def made(sample: Path, folder: Path) -> list[str]:
    """Write lists that tell something of the sample's calls; return them as `kind=file`."""
    areas = [f"{npa}" for npa in range(201, 1000) if npa % 100 != 11]
    codes = (f"{npa}{nxx}" for npa in areas for nxx in range(200, 1000) if str(nxx)[1:] != "11" and nxx != 555)
    states = ("NY", "CA", "TX", "FL", "IL", "WA")
    with sample.open(newline="") as file:
        shown = sorted({row["dest_cli"] for row in csv.DictReader(file)} - {""})
    lists: dict[str, Sequence[tuple[str, ...]]] = {
        "npanxx": [("npanxx", "state", "country", "lata", "rate_center")]
        + [(code, states[int(code[:3]) % 6], "US", f"{100 + int(code[:3])}", f"CENTER{code[:5]}") for code in codes],
        "dids": [("number", "account"), *((number, "acme") for number in shown[:100_000] if number.isdecimal())],
        "outcomes": [("sip_code", "outcome"), *((f"{code}", "failed") for code in range(500, 607))],
    }
    for kind, rows in lists.items():
        with (folder / f"{kind}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return [f"{kind}={folder / kind}.csv" for kind in lists]


def measure(run: Run) -> dict[str, Any]:
    """Load a sample with and without lists, and ClickHouse's own way with the facts given, in turn.

    Each `runs` times after one that does not count. What ClickHouse is given is what the load with lists made, so
    that both write the same words into the same tables and views.
    """
    sample = run.data.part(MOST).csv()
    lists = run.lists or made(sample, run.scratch)
    copy = run.scratch / "enriched.csv"
    copy.symlink_to(sample)
    in_a_process("facts", copy, *lists)
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "lists": partial(in_a_process, "product", sample, *lists),
        "none": partial(in_a_process, "product", sample),
        "bulk": partial(in_a_process, "bulk-facts", Path(f"{copy}.facts")),
    }
    found = rivals(ways, run.runs)
    rates = {way: statistics.median(one["records"] / one["seconds"] for one in runs) for way, runs in found.items()}
    ratio = rates["lists"] / rates["bulk"]
    cost = {
        name: [round(one[name] / other[name], 3) for one, other in zip(found["lists"], found["none"], strict=True)]
        for name in ("staging_cpu_seconds", "cpu_seconds", "seconds")
    }
    return {
        "lists": [Path(one).name for one in lists],
        "records_per_second": {way: round(rate) for way, rate in rates.items()},
        "cpu_seconds": {way: statistics.median(one["cpu_seconds"] for one in runs) for way, runs in found.items()},
        "ratio": round(ratio, 3),
        "ratios": [
            round(one["records"] / one["seconds"] / (other["records"] / other["seconds"]), 3)
            for one, other in zip(found["lists"], found["bulk"], strict=True)
        ],
        "cost": cost,
        "medians": {name: round(statistics.median(ratios), 3) for name, ratios in cost.items()},
        "targets": [
            judged("loading_enriched", ratio, f"{rates['lists']:,.0f} records/s against {rates['bulk']:,.0f}"),
        ],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    rates, used = found["records_per_second"], found["cpu_seconds"]
    told = [f"{'with the facts':22} {'records/s':>12} {'CPU s':>7}   ({', '.join(found['lists'])})"]
    for way, name in (("lists", "product, from lists"), ("none", "product, no lists"), ("bulk", "bulk, in the file")):
        told.append(f"{name:22} {rates[way]:>12,} {used[way]:>7.2f}")
    told.append(f"product / bulk  {found['ratio']:.2f}  (at least 0.70; run by run {found['ratios']})")
    told.append("with lists / without them")
    for name, said in found["cost"].items():
        told.append(f"{name.replace('_', ' '):22} {found['medians'][name]:.2f}  (run by run {said})")
    return told
