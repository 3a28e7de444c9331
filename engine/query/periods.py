"""A window and what it is compared with go in, the earlier window and how far it is moved come out.

Both are worked out by the engine, which is the authority on zones.
"""

from typing import Literal

from msgspec import Struct

from engine.catalog.preset import Compare
from engine.query.answer import Period
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse

CYCLES = ("hour_of_day", "day_of_week")
"""Buckets that come again: a call of the earlier period has its own, the others are those of the moved call."""


class Earlier(Struct, frozen=True):
    """The period before: its window in milliseconds, and what moves a call of it into the window that is asked for.

    A call is moved by `amount` of `unit` in local time: it keeps its time of day, and a day that its month does
    not have becomes that month's last.
    """

    start_ms: int
    end_ms: int
    unit: Literal["months", "days", "milliseconds"]
    amount: int
    told: Period


def earlier(warehouse: Warehouse, zone: str, start_ms: int, end_ms: int, compare: Compare) -> Earlier:
    """Return the period that [start_ms, end_ms) is compared with.

    `previous` is as long and ends where the window begins: as many calendar months when the window is whole
    months, as many days when it is whole days, else to the millisecond. `week` and `year` move it in local time.
    """
    parameters = {"zone": zone, "from_ms": start_ms, "to_ms": end_ms, "compare": compare}
    row = warehouse.query(Statement(render("query/earlier.sql.j2"), parameters)).rows[0]
    unit, amount, start, end, told_from, told_to = row
    return Earlier(int(start), int(end), unit, int(amount), Period(str(told_from), str(told_to)))
