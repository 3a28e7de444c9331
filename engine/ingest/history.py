"""A database goes in; what was loaded into it, and what could not be read, comes out."""

from msgspec import Struct

from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse


class Batch(Struct, frozen=True):
    """One load: where it came from, what became of its records, and the time they span (UTC)."""

    id: int
    time: str
    source: str
    dialect: str
    origin: str
    state: str
    start: str | None
    end: str | None
    received: int
    accepted: int
    duplicates: int
    stale: int
    corrections: int
    withdrawn: int
    rejected: int
    after_close: int


class Reject(Struct, frozen=True):
    """A record that could not be taken: its place in its file, the field at fault, why, and what it said."""

    batch: int
    origin: str
    record: int
    field: str
    reason: str
    raw: str


def batches(warehouse: Warehouse, limit: int) -> list[Batch]:
    """Return the newest `limit` batches, newest first."""
    rows = warehouse.query(Statement(render("ingest/batches.sql"), {"limit": limit})).rows
    return [Batch(*row) for row in rows]


def rejects(warehouse: Warehouse, batch: int | None, limit: int) -> list[Reject]:
    """Return the first `limit` rejects of `batch`, or of every batch, newest batch first."""
    parameters = {"batch": batch or 0, "every": batch is None, "limit": limit}
    rows = warehouse.query(Statement(render("ingest/list_rejects.sql"), parameters)).rows
    return [Reject(*row) for row in rows]
