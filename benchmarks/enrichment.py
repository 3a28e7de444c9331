"""Calls and lists of reference data go in; what knowing facts about each call costs a load comes out, as a ratio.

The same file is loaded with the lists and without any, each in a process of its own, in turn; reading the lists is not
counted. Without files of your own (`--lists kind=file`) lists are made: every NPA-NXX there can be, the DIDs of the
sample's calls, and an outcome map.
"""

import csv
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data import Run
from benchmarks.loading import MOST, in_a_process
from benchmarks.timing import alternated


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
    """Load a sample with and without lists, `runs` times each after one that does not count."""
    sample = run.data.part(MOST).csv()
    lists = run.lists or made(sample, run.scratch)
    known, bare = alternated(
        partial(in_a_process, "product", sample, *lists), partial(in_a_process, "product", sample), run.runs
    )
    ratios = {
        name: [round(one[name] / other[name], 3) for one, other in zip(known, bare, strict=True)]
        for name in ("staging_cpu_seconds", "cpu_seconds", "seconds")
    }
    medians = {name: round(statistics.median(found), 3) for name, found in ratios.items()}
    return {"lists": [Path(one).name for one in lists], "ratios": ratios, "medians": medians, "targets": []}


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"with lists / without them  ({', '.join(found['lists'])})"]
    for name, said in found["ratios"].items():
        told.append(f"{name.replace('_', ' '):20} {found['medians'][name]:.2f}  (run by run {said})")
    return told
