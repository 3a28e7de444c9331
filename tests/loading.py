"""A site and a file go in; what was counted, what stands, and whether the books agree come out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.catalog.model import Part, Rollup
from engine.ingest.pipeline import Asked, Receipt
from engine.site import Site
from engine.statement import Statement
from engine.template import call_macro
from engine.warehouse import layout

SCRATCH = ("staging", "told", "decisions", "contradictions", "texts", "reenriched")
"""Where a load works; empty when none is running."""

COUNTS = ("accepted", "duplicates", "stale", "corrections", "withdrawn", "rejected")

STANDING = """
SELECT * EXCEPT (sign, batch, commit, joined, waits) FROM cdr
WHERE source = {source:String} AND sign = 1 AND (call_id, leg, start_time, content) IN (
    SELECT call_id, leg, start_time, content FROM cdr WHERE source = {source:String}
    GROUP BY call_id, leg, start_time, content HAVING sum(sign) = 1)
ORDER BY call_id, start_time, attempt, leg
LIMIT 1 BY call_id, start_time, leg, content
"""


def load(site: Site, path: Path, source: str, *, dialect: str | None = None, zone: str | None = None) -> Receipt:
    """Load a file, and check what holds of every receipt."""
    receipt = site.ingest(path, path.name, Asked(dialect, source, zone))
    assert receipt.received == sum(getattr(receipt, name) for name in COUNTS)
    return receipt


def counts(receipt: Receipt) -> dict[str, int]:
    """What became of the records, zeros left out."""
    return {name: getattr(receipt, name) for name in COUNTS if getattr(receipt, name)}


def rows(site: Site, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in site.warehouse.query(Statement(sql, parameters)).rows]


def standing(site: Site, source: str) -> list[dict[str, Any]]:
    """The records of a source that stand, with the hash of their content, as the ledger has them."""
    found = site.warehouse.query(Statement(STANDING, {"source": source}))
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def rejected(site: Site, batch: int) -> list[tuple[int, str, str]]:
    """Row, field and reason of every record of a batch that was not taken."""
    sql = "SELECT row, field, reason FROM rejects WHERE batch = {batch:UInt32} ORDER BY row"
    return [(int(row), field, reason) for row, field, reason in rows(site, sql, batch=batch)]


def assert_books_agree(site: Site) -> None:
    """Every sum of every rollup is that of the ledger, group by group, and nothing is half done."""
    for rollup, zone, table in layout.tables_of(site.catalog, site.settings.zones):
        from_ledger, from_rollup = both_books(rollup, zone, table, layout.parts_of(site.catalog, rollup))
        assert sorted(rows(site, from_rollup)) == sorted(rows(site, from_ledger)), table
    # Every number of a posting is found by its hour.
    numbers = f"arrayJoin({call_macro('query/numbers.sql.j2', 'keys')}) AS key"
    hours = f"SELECT {numbers}, toUInt32(intDiv(toUnixTimestamp(start_time), 3600)) AS hour FROM cdr WHERE sign != 0"
    assert rows(site, f"SELECT * FROM ({hours}) WHERE (key, hour) NOT IN (SELECT key, hour FROM number_hours)") == []
    assert_nothing_is_left(site)


_TILES = {
    "day": "toDateTime(toStartOfDay(start_time, '{zone}'), 'UTC')",
    "hour": "toDateTime(intDiv(toUnixTimestamp(start_time), 3600) * 3600, 'UTC')",
    "minute15": "toDateTime(intDiv(toUnixTimestamp(start_time), 900) * 900, 'UTC')",
}


def both_books(rollup: Rollup, zone: str, table: str, parts: Sequence[Part]) -> tuple[str, str]:
    """Return the statements that tell a rollup's groups from the ledger and from its table."""
    keys = ", ".join(rollup.keys)
    some = " OR ".join(part.is_something(f"s_{part.name}") for part in parts)
    ledger = ", ".join(f"{_plain(part, part.sum)} AS s_{part.name}" for part in parts)
    summed = ", ".join(f"{_plain(part, part.added(part.name))} AS s_{part.name}" for part in parts)
    tile = _TILES[rollup.grain].format(zone=zone)
    return (
        f"SELECT {tile} AS tile, {keys}, {ledger} FROM cdr GROUP BY ALL HAVING {some}",
        f"SELECT tile, {keys}, {summed} FROM {table} GROUP BY ALL HAVING {some}",
    )


def _plain(part: Part, x: str) -> str:
    """A histogram without the buckets that nothing is in."""
    return f"mapFilter((_, count) -> count != 0, {x})" if part.kind == "histogram" else x


def assert_nothing_is_left(site: Site) -> None:
    """No load is running, so nothing lies in its workshop and no batch is open."""
    left = ", ".join(f"(SELECT count() FROM {table}) AS {table}_left" for table in SCRATCH)
    settled = "'loaded', 'rolled_back', 'failed'"
    is_open = f"SELECT batch FROM batch_log GROUP BY batch HAVING argMax(state, time) NOT IN ({settled})"
    assert rows(site, f"SELECT {left}, (SELECT count() FROM ({is_open})) AS open_batches") == [
        (0,) * (len(SCRATCH) + 1)
    ]
