"""A file of calls goes in; what each rollup holds, what it costs to load and what it answers comes out.

A rollup must earn its cost. Its cost is measured where it arises: the same records are inserted into a ledger
without views, and into one with the view of a single rollup, in turn; what the view adds in processor time (steadier
than the clock, and what two cores have least of) is its share.
"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.data import Run
from benchmarks.loading import MOST
from engine.access.principal import ADMIN
from engine.catalog.model import Rollup
from engine.errors import TollhouseError
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from web import sample as lists

_RUNS = 3
_ZONE = "UTC"
_CHUNK = 100_000  # several commits, so that what the engine compiles is compiled before what counts
_WINDOW = {"from": "2026-10-01", "to": "2026-10-31"}
_INSERT = (
    "INSERT INTO bench_ledger SELECT * FROM cdr WHERE commit = {commit:UInt32} "
    "SETTINGS max_insert_threads = 2, parallel_view_processing = 1, min_insert_block_size_rows = 250000"
)


def measure(run: Run) -> dict[str, Any]:
    """Load a sample, with the lists that its calls are judged by, and measure every rollup."""
    sample = run.data.part(MOST).csv()
    with (
        TemporaryDirectory(prefix="tollhouse-bench-") as scratch,
        Site(Settings(database=f"chdb://{scratch}/data", chunk_records=_CHUNK)) as site,
    ):
        lists.load(site, Path(scratch))
        site.ingest(sample, "calls.csv", Asked())
        return {"rollups": rollups(site, list(site.catalog.rollups.values())), "targets": []}


def rollups(site: Site, asked: Sequence[Rollup], runs: int = _RUNS) -> dict[str, Any]:
    """Return the figures of each of these rollups over what `site` has loaded."""
    [(records,)] = site.warehouse.query(Statement("SELECT count() FROM cdr")).rows
    commits = [row[0] for row in site.warehouse.query(Statement("SELECT DISTINCT commit FROM cdr ORDER BY 1")).rows]
    answered = _answered(site)
    took: dict[str, list[float]] = {name: [] for name in ("", *(rollup.name for rollup in asked))}
    size: dict[str, tuple[int, int]] = {}
    for run in range(runs + 1):  # the first one does not count
        for name in took:
            _make(site, next((rollup for rollup in asked if rollup.name == name), None))
            began = time.process_time()
            for commit in commits:
                _do(site, _INSERT, commit=commit)
            spent = time.process_time() - began
            if run:
                took[name].append(spent)
            if name:
                _do(site, f"SYSTEM START MERGES bench_{name}")
                _do(site, f"OPTIMIZE TABLE bench_{name} FINAL")
                size[name] = _size(site, f"bench_{name}")
            _drop(site, name)
    bare = statistics.median(took[""])
    return {
        rollup.name: {
            "rows": size[rollup.name][0],
            "fewer": round(records / size[rollup.name][0], 1),
            "bytes_per_record": round(size[rollup.name][1] / records, 2),
            "microseconds_per_record": round((statistics.median(took[rollup.name]) - bare) / records * 1e6, 3),
            "of_the_ledgers": round((statistics.median(took[rollup.name]) - bare) / bare, 2),
            "reports": answered.get(rollup.name, []),
        }
        for rollup in asked
    } | {"ledger": {"records": records, "microseconds_per_record": round(bare / records * 1e6, 3)}}


def _make(site: Site, rollup: Rollup | None) -> None:
    _do(site, "CREATE TABLE bench_ledger AS cdr")
    _do(site, "SYSTEM STOP MERGES bench_ledger")
    if rollup is None:
        return
    types = {name: kind for name, kind, *_ in site.warehouse.query(Statement("DESCRIBE TABLE cdr")).rows}
    keys = [{"column": key, "type": types[key]} for key in rollup.keys]
    parts = layout.parts_of(site.catalog, rollup)
    table = f"bench_{rollup.name}"
    ddl = render("tables/rollup.sql.j2", rollup=rollup, table=table, zone=_ZONE, keys=keys, parts=parts)
    for statement in ddl.replace("FROM cdr\n", "FROM bench_ledger AS cdr\n").split(";\n"):
        _do(site, statement.rstrip(";"))
    _do(site, f"SYSTEM STOP MERGES {table}")


def _drop(site: Site, name: str) -> None:
    for table in [f"bench_{name}_feed", f"bench_{name}"] * bool(name) + ["bench_ledger"]:
        _do(site, f"DROP TABLE IF EXISTS {table} SYNC")


def _size(site: Site, table: str) -> tuple[int, int]:
    sql = "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND table = {table:String}"
    [(rows, held)] = site.warehouse.query(Statement(sql, {"table": table})).rows
    return int(rows), int(held)


def _answered(site: Site) -> dict[str, list[str]]:
    """The reports over a month that each rollup answers."""
    found: dict[str, list[str]] = {}
    for name in site.catalog.reports:
        try:
            explained = site.explain(question.of({"report": name, **_WINDOW}), ADMIN)
        except TollhouseError:  # the report needs something that is not there, as a closed month
            continue
        for table in explained.source:
            found.setdefault(table.rpartition("_v")[0], []).append(name)
    return found


def _do(site: Site, sql: str, **parameters: Any) -> None:
    site.warehouse.command(Statement(sql, parameters))


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'rollup':18} {'rows':>10} {'fewer':>8} {'bytes':>7} {'µs':>7} {'share':>7}  reports"]
    told += [
        f"{name:18} {one['rows']:>10,} {one['fewer']:>7.1f}x {one['bytes_per_record']:>7.2f} "
        f"{one['microseconds_per_record']:>7.3f} {one['of_the_ledgers']:>6.0%}  {', '.join(one['reports'])}"
        for name, one in found["rollups"].items()
        if name != "ledger"
    ]
    ledger = found["rollups"]["ledger"]
    told.append(f"the ledger without views: {ledger['records']:,} records, {ledger['microseconds_per_record']} µs each")
    return told
