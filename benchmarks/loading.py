"""A file of calls goes in, how fast it is loaded comes out, beside ClickHouse's own bulk insert of the same file.

Each load runs in a process and a directory of its own (a process hosts one embedded database), in turn.
`product`: `Site.ingest`, from the file to the records counting in every report, durable and deduplicated.
`bulk`: one `INSERT INTO cdr SELECT … FROM file(…)` by ClickHouse's CSV reader into the same tables with the same
views: typed columns as they stand in the file, and nothing read twice, checked, looked up or made durable.
`bulk-facts`: the same of a file (`write_facts`) in which the facts that lists tell of a call stand already, as words.
`facts`: no rival, it only writes that file.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.data import Run
from benchmarks.targets import judged
from benchmarks.timing import alternated
from engine.ingest.facts import DERIVED
from engine.ingest.pipeline import Asked
from engine.record import FIELDS, Kind
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import SCHEMA
from engine.warehouse.piece import Piece

STAGES = {"staging": "insert into staging", "posting": "insert into cdr"}
"""What the load's time is spent in, by how the statement begins; the rest is deciding."""

# What is set so that ClickHouse is not held back by what our own loads need: both cores write, empty is default.
_BULK_SETTINGS = (
    "input_format_csv_skip_first_lines = 1, input_format_csv_empty_as_default = 1, max_insert_threads = 2, "
    "parallelize_output_from_storages = 1, date_time_input_format = 'best_effort', min_insert_block_size_rows = 262144"
)
_STANDING = "SELECT sum(sign), sum(sign * toInt64(duration_ms)) FROM cdr"
_COUNTED = "SELECT sum(standing), sum(duration_ms) FROM breakout_day_v1_utc"


MOST = 1_000_000
"""Calls that are enough to tell."""


def measure(run: Run) -> dict[str, Any]:
    """Load a sample in both ways, `runs` times each after one that does not count; return every figure."""
    data = run.data.part(MOST)
    sample = data.csv()
    product, bulk = alternated(
        partial(in_a_process, "product", sample), partial(in_a_process, "bulk", sample), run.runs
    )
    figures = {"product": _figures(product, data.calls), "bulk": _figures(bulk, data.calls)}
    ratios = [
        one["records"] / one["seconds"] / (other["records"] / other["seconds"])
        for one, other in zip(product, bulk, strict=True)
    ]
    stages = {
        name: round(statistics.median(run["stages"][name] for run in product), 2) for name in product[0]["stages"]
    }
    made = {way: figures[way]["records_per_second"] for way in figures}
    ratio = made["product"] / made["bulk"]
    beside = f"{made['product']:,} records/s against {made['bulk']:,}"
    return {
        **figures,
        "calls": data.calls,
        "ratio": round(ratio, 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "stages": stages,
        "targets": [
            judged("loading_bulk", ratio, beside),
            judged(
                "loading_rate", figures["product"]["calls_per_second"], f"bulk {figures['bulk']['calls_per_second']:,}"
            ),
        ],
    }


def _figures(runs: list[dict[str, Any]], calls: int) -> dict[str, Any]:
    took = statistics.median(run["seconds"] for run in runs)
    return {
        "records_per_second": round(runs[0]["records"] / took),
        "calls_per_second": round(calls / took),
        "seconds": [run["seconds"] for run in runs],
        "cpu_seconds": round(statistics.median(run["cpu_seconds"] for run in runs), 2),
        "peak_memory_mb": max(run["peak_memory_mb"] for run in runs),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'loading':11} {'records/s':>12} {'calls/s':>12} {'seconds':>9} {'CPU s':>7} {'memory':>9}"]
    for way in ("product", "bulk"):
        figures = found[way]
        told.append(
            f"{way:11} {figures['records_per_second']:>12,} {figures['calls_per_second']:>12,} "
            f"{statistics.median(figures['seconds']):>9.2f} {figures['cpu_seconds']:>7.2f} "
            f"{figures['peak_memory_mb']:>6,} MB"
        )
    told.append(f"product / bulk  {found['ratio']:.2f}  (at least 0.70; run by run {_listed(found['ratios'])})")
    told.append("stages      " + ", ".join(f"{name} {took:.2f} s" for name, took in found["stages"].items()))
    return told


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def in_a_process(way: str, sample: Path, *lists: str) -> dict[str, Any]:
    """Load `sample` in a process and a directory of its own; return its figures."""
    with TemporaryDirectory(prefix="tollhouse-bench-") as scratch:
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.loading", way, str(sample), f"{scratch}/data", *lists],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    found: dict[str, Any] = json.loads(told)
    return found


def load(way: str, sample: Path, directory: Path, *lists: str) -> dict[str, Any]:
    """Load `sample` into a fresh database in `directory`, and return how long that took.

    Opening the database is not counted, nor are `lists` of reference data (`kind=file`), which are loaded first.
    Afterwards ledger and rollup must agree, or the figure means nothing.
    """
    with Site(Settings(database=f"chdb://{directory}")) as site:
        for kind, _, file in (text.partition("=") for text in lists):
            site.load_list(kind, Path(file), file)
        spans: list[tuple[str, float, float]] = []
        reading: list[float] = []
        _watch(site, spans, reading)
        began, used = time.perf_counter(), _cpu()
        if way.startswith("bulk"):
            facts = DERIVED if way == "bulk-facts" else {}
            site.warehouse.insert_file(Statement(bulk_insert(facts)), Piece.whole(sample), "CSV", structure(facts))
            records = 0
        else:
            records = site.ingest(sample, sample.name, Asked()).received
        took, used = time.perf_counter() - began, _cpu() - used
        standing, counted = (tuple(site.warehouse.query(Statement(sql)).rows[0]) for sql in (_STANDING, _COUNTED))
        assert standing == counted, "ledger and rollup disagree"  # noqa: S101 - a benchmark of wrong answers
        if way == "facts":
            site.warehouse.command(Statement(write_facts(), {"path": f"{sample}.facts"}))
        stages = {stage: _covered([span[1:] for span in spans if span[0] == stage]) for stage in STAGES}
        stages["deciding"] = took - sum(stages.values())
        return {
            "records": records or int(standing[0]),
            "seconds": round(took, 3),
            "cpu_seconds": round(used, 3),
            "staging_cpu_seconds": round(max(reading, default=0) - min(reading, default=0), 3),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "stages": {name: round(value, 3) for name, value in stages.items()},
        }


def _watch(site: Site, spans: list[tuple[str, float, float]], reading: list[float]) -> None:
    """Keep from when to when each of the warehouse's statements runs, under the stage it belongs to.

    `reading` gets the processor seconds used when a statement that reads the file begins, and when it ends.
    """

    def watched(run: Callable[..., Any]) -> Callable[..., Any]:
        def timed(statement: Statement, *rest: Any) -> Any:
            began, used = time.perf_counter(), _cpu()
            begin = next((line for line in statement.sql.lower().splitlines() if line.startswith("insert ")), "")
            try:
                return run(statement, *rest)
            finally:
                if begin.startswith(STAGES["staging"]):
                    reading.extend((used, _cpu()))
                spans.extend(
                    (stage, began, time.perf_counter()) for stage, words in STAGES.items() if begin.startswith(words)
                )

        return timed

    for name in ("command", "insert_file"):
        setattr(site.warehouse, name, watched(getattr(site.warehouse, name)))


def _covered(spans: list[tuple[float, float]]) -> float:
    """Return how long at least one of them lasted: pieces of a file are read at once."""
    covered, until = 0.0, 0.0
    for began, ended in sorted(spans):
        covered += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return covered


def structure(facts: Mapping[str, str]) -> str:
    """Return the file's columns with the types they are stored in; durations are still decimal seconds."""
    types = {name: _type(name) for name in SCHEMA.names} | dict(facts)
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


def _type(name: str) -> str:
    field = FIELDS[name]
    if field.kind is Kind.SECONDS:
        return "Nullable(Decimal(18, 3))" if field.optional else "Decimal(18, 3)"
    return field.stored_type


def bulk_insert(facts: Iterable[str]) -> str:
    """Return the statement a person would write to get the file into the ledger, and no more."""
    fields = [FIELDS[name] for name in SCHEMA.names]
    columns = ", ".join([*(field.column for field in fields), *facts])
    own = (f"{field.name} * 1000" if field.kind is Kind.SECONDS else field.name for field in fields)
    values = ", ".join([*own, *facts])
    return (
        f"INSERT INTO cdr (sign, batch, commit, content, leg, {columns})\n"
        f"SELECT 1, 1, 1, 0, toString(attempt), {values} FROM {{source}}\nSETTINGS {_BULK_SETTINGS}"
    )


def write_facts() -> str:
    """Return the statement that writes what was loaded as a file for `bulk-facts`: what was posted, with its facts."""
    fields = [FIELDS[name] for name in SCHEMA.names]
    own = [
        f"toDecimal64({field.column}, 3) / 1000 AS {field.name}" if field.kind is Kind.SECONDS else field.name
        for field in fields
    ]
    return (
        f"INSERT INTO FUNCTION file({{path:String}}, 'CSVWithNames') SELECT {', '.join([*own, *DERIVED])} FROM cdr "
        "WHERE sign = 1 ORDER BY start_time"  # as the switches wrote them
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])))
