"""A sample of calls goes in, how fast it is loaded comes out, beside PostgreSQL's COPY with a summary kept current.

PostgreSQL checks nothing but that a call comes once, by its primary key; it is given calls that are enriched already,
a hundred thousand to a transaction. Tables grow slower to load the larger they are, so a small sample favours it.
"""

import itertools
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import postgres
from benchmarks.data import SQL, Data, Run
from benchmarks.loading import in_a_process
from benchmarks.postgres import COPY, PostgreSQL
from benchmarks.targets import judged
from benchmarks.timing import rivals, seconds
from engine.statement import Statement

MOST = 300_000
"""Calls that are enough to tell, for PostgreSQL takes long."""
_LOT = 100_000


def measure(run: Run) -> dict[str, Any]:
    """Load in both ways, in turn."""
    if postgres.missing():
        return {"missing": postgres.missing(), "targets": []}
    data = run.data.part(MOST)
    records, lots = _lots(data, run.scratch)
    sample = data.csv()
    with PostgreSQL(run.scratch) as server:

        def copy() -> float:
            server.make(data.days)
            server.script("indexes")
            server.script("trigger")
            took = seconds(lambda: server.command(*(f"\\{COPY.format(source=repr(str(lot)))}" for lot in lots)))
            with server.session() as session:
                sums = "SELECT (SELECT count(*) FROM calls), (SELECT sum(attempts) FROM calls_hourly)"
                assert session.ask(sums, {}) == [[str(records)] * 2], "calls and summary disagree"  # noqa: S101
            return took

        ways: dict[str, Callable[[], Any]] = {"product": partial(in_a_process, "product", sample), "copy": copy}
        ours, theirs = rivals(ways, min(3, run.runs)).values()
    product = ours[0]["records"] / statistics.median(one["seconds"] for one in ours)
    copied = records / statistics.median(theirs)
    for lot in lots:
        lot.unlink()
    return {
        "calls": data.calls,
        "product_records_per_second": round(product),
        "copy_records_per_second": round(copied),
        "product_seconds": [one["seconds"] for one in ours],
        "copy_seconds": [round(took, 3) for took in theirs],
        "ratio": round(product / copied, 2),
        "targets": [judged("loading_copy", product / copied, f"{product:,.0f} records/s against {copied:,.0f}")],
    }


def _lots(data: Data, folder: Path) -> tuple[int, list[Path]]:
    """Write the calls that stand into files for COPY; return how many they are."""
    with data.site() as site:
        pieces = site.warehouse.stream(Statement((SQL / "standing.sql").read_text("utf-8")), "CSV")
        records, lots, rows = 0, list[Path](), _lines(pieces)
        while lot := list(itertools.islice(rows, _LOT)):
            lots.append(folder / f"lot-{len(lots)}.csv")
            lots[-1].write_bytes(b"".join(lot))
            records += len(lot)
    return records, lots


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).splitlines(keepends=True)
        if rest.endswith(b"\n"):
            whole, rest = [*whole, rest], b""
        yield from whole
    if rest:
        yield rest


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    if found.get("missing"):
        return [f"not compared with PostgreSQL's COPY: {found['missing']}"]
    return [
        f"{'product':11} {found['product_records_per_second']:>12,} records/s",
        f"{'COPY':11} {found['copy_records_per_second']:>12,} records/s",
        f"product / COPY  {found['ratio']:.1f}  (at least 20; {found['calls']:,} calls)",
    ]
