"""A month goes in, and what the ledger holds of the months before it goes out: day rollups keep their sums.

The horizon is stored first and months are dropped after, so a drop that was interrupted is gone on with. The
month just before the horizon stays on disk: days of some zones begin in it, and a day is kept whole.
"""

import re

from msgspec import Struct

from engine.errors import BadRequest, Conflict
from engine.ingest.writer import Writer
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout


class Retained(Struct, frozen=True):
    """What is kept from now on, and what went: ledger rows of whole months before it."""

    horizon: str
    months: tuple[str, ...]
    postings: int
    dropped: bool


def retain(writer: Writer, month: str, *, really: bool) -> Retained:
    """Keep the ledger from `month` (UTC) on; without `really` only say what would go.

    Raises `BadRequest` for what is no month, `Conflict` when older months are gone already or it is yet to come.
    """
    if not re.fullmatch(r"2[01]\d\d-(0[1-9]|1[0-2])", month):
        raise BadRequest("malformed", f"{month!r} is not a month", hint="like 2026-01")
    horizon = f"{month}-01"
    now = layout.horizon(writer.warehouse)
    if now is not None and horizon < now:
        raise Conflict("before_horizon", f"what is older than {now} is gone already", hint="name a later month")
    if horizon > str(writer.warehouse.value(Statement("SELECT toString(toDate(now('UTC')))"))):
        raise Conflict("before_horizon", f"{month} is yet to come", hint="name a month that has begun")
    rows = writer.warehouse.query(Statement(render("ingest/months_before.sql"), {"horizon": horizon})).rows
    if really:
        writer.check()
        layout.write_fact(writer.warehouse, "horizon", horizon)
        for table in ("cdr", "number_hours"):
            writer.drop(table, *(int(partition) for partition, _ in rows))
    months = tuple(f"{int(partition) // 100}-{int(partition) % 100:02}" for partition, _ in rows)
    return Retained(horizon, months, sum(int(count) for _, count in rows), really)
