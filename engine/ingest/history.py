"""A database goes in; what was loaded into it, and what could not be taken, comes out page by page.

A page begins where the last one ended, by number and not by count: loads that come meanwhile move nothing.
"""

from collections.abc import Iterator

from msgspec import Struct

from engine.cursor import cursor, place
from engine.errors import BadRequest, NotFound, nearest
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse

STATES = ("staged", "loaded", "failed", "rolling_back", "rolled_back", "restoring")
"""What a batch can be."""
MOST = 1000
"""The longest page."""
_NUMBERS = 2**32
"""Batches are numbered below this."""


class Batch(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """One load: where it came from, what became of its records when it was loaded, and the time they span (UTC).

    `from` and `to` are the first and the last start of a call, null when no record could be taken. `problem` says why
    a batch failed, and is empty otherwise.
    """

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
    skipped: int
    forced: bool
    problem: str


class BatchPage(Struct, frozen=True):
    """Some batches, newest first, and what asks for those that follow; null when there are none."""

    items: list[Batch]
    next_cursor: str | None


class Reject(Struct, frozen=True):
    """A record that could not be taken: its place in its file, the field at fault, why, and what it said.

    `line` is where it begins, counted from 1; 0 in files without lines, such as Parquet.
    """

    batch: int
    origin: str
    record: int
    line: int
    field: str
    reason: str
    raw: str


class RejectPage(Struct, frozen=True):
    """Some rejects, newest batch first, and what asks for those that follow; null when there are none."""

    items: list[Reject]
    next_cursor: str | None


def batch(warehouse: Warehouse, number: int) -> Batch:
    """Return one batch; raises `NotFound` when there is none of that number."""
    found = _batches(warehouse, {}, number, number + 1, 1) if 0 <= number < _NUMBERS else []
    if not found:
        raise NotFound("no_such_batch", f"there is no batch {number}", hint="tollhouse batches lists them")
    return found[0]


def batches(
    warehouse: Warehouse,
    limit: int,
    after: str | None = None,
    state: str | None = None,
    source: str | None = None,
    origin: str | None = None,
) -> BatchPage:
    """Return the newest batches, or those that follow the cursor `after`.

    With `state` or `source` only those that have it, with `origin` those whose origin has that text somewhere.
    """
    if state is not None and state not in STATES:
        hint = nearest(state, STATES) or f"one of {', '.join(STATES)}"
        raise BadRequest("malformed", f"no batch can be {state!r}", pointer="state", hint=hint)
    before = place(after, "batches", 1)[0] if after else _NUMBERS
    wanted = {"state": state or "", "source": source or "", "origin": origin or ""}
    found = _batches(warehouse, wanted, 0, before, limit + 1)
    following = cursor("batches", found[limit - 1].id) if len(found) > limit else None
    return BatchPage(found[:limit], following)


def _batches(warehouse: Warehouse, wanted: dict[str, str], least: int, before: int, limit: int) -> list[Batch]:
    parameters = {"state": "", "source": "", "origin": "", **wanted, "least": least, "before": before, "limit": limit}
    rows = warehouse.query(Statement(render("ingest/batches.sql"), parameters)).rows
    return [Batch(*row) for row in rows]


def every_batch(warehouse: Warehouse) -> Iterator[Batch]:
    """Yield all batches, newest first."""
    after: str | None = None
    while True:
        page = batches(warehouse, MOST, after)
        yield from page.items
        if not (after := page.next_cursor):
            return


def rejects(warehouse: Warehouse, limit: int, after: str | None = None, of: int | None = None) -> RejectPage:
    """Return what was rejected, newest batch first, or what follows the cursor `after`.

    With `of` only what that batch held; raises `NotFound` when there is no such batch.
    """
    if of is not None:
        batch(warehouse, of)
    last, row = place(after, "rejects", 2) if after else (_NUMBERS, 0)
    parameters = {"batch": of or 0, "every": of is None, "last": last, "row": row, "limit": limit + 1}
    rows = warehouse.query(Statement(render("ingest/list_rejects.sql"), parameters)).rows
    found = [Reject(*each) for each in rows]
    following = cursor("rejects", found[limit - 1].batch, found[limit - 1].record) if len(found) > limit else None
    return RejectPage(found[:limit], following)
