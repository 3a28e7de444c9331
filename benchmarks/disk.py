"""A loaded sample goes in, what each table takes on disk comes out, beside the same records in Parquet."""

import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.data import Run
from benchmarks.targets import judged
from engine.site import Site
from engine.statement import Statement

_SETTLED = 60
"""Seconds that merges under way are waited for."""
_PARTS = (
    "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts "
    "WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table"
)


def measure(run: Run) -> dict[str, Any]:
    """Return bytes by table, after the merges that the engine does by itself."""
    records, packed = _parquet(run.data.parquet())
    with run.data.site() as site:
        _settle(site)
        tables = {
            str(table): {"rows": int(rows), "bytes": int(held)}
            for table, rows, held in site.warehouse.query(Statement(_PARTS)).rows
        }
        looked_up = {"number_hours", *(rollup.table("UTC") for rollup in site.catalog.rollups.values())}
    ledger = tables["cdr"]["bytes"]
    beside = sum(one["bytes"] for table, one in tables.items() if table in looked_up)
    rows = tables["cdr"]["rows"]
    return {
        "tables": tables,
        "records": records,
        "parquet_bytes": packed,
        "targets": [
            judged(
                "disk_ledger",
                (ledger / rows) / (packed / records),
                f"{ledger / rows:.1f} bytes a record, {packed / records:.1f} in Parquet",
            ),
            judged("disk_rollups", 100 * beside / ledger, f"{beside / rows:.1f} bytes a record on top"),
        ],
    }


def _parquet(path: Path) -> tuple[int, int]:
    """Return the records of a file, and the bytes that their columns take."""
    told = pq.read_metadata(path)
    groups = [told.row_group(place) for place in range(told.num_row_groups)]
    packed = sum(group.column(at).total_compressed_size for group in groups for at in range(group.num_columns))
    return told.num_rows, packed


def _settle(site: Site) -> None:
    deadline = time.monotonic() + _SETTLED
    while site.warehouse.value(Statement("SELECT count() FROM system.merges")) and time.monotonic() < deadline:
        time.sleep(0.5)


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    rows = found["tables"]["cdr"]["rows"]
    told = [f"{'table':32} {'rows':>12} {'MB':>9} {'bytes a record':>15}"]
    told += [
        f"{table:32} {one['rows']:>12,} {one['bytes'] / 1e6:>9.1f} {one['bytes'] / rows:>15.1f}"
        for table, one in found["tables"].items()
        if one["bytes"] / rows >= 0.05
    ]
    packed, records = found["parquet_bytes"], found["records"]
    kind = "Parquet (zstd), record fields"
    return [*told, f"{kind:32} {records:>12,} {packed / 1e6:>9.1f} {packed / records:>15.1f}"]
