"""A dimension and what somebody types go in, the values it has come out: those with the most calls first."""

from typing import Any

from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import TollhouseError, Unprocessable
from engine.query.question import Question, of
from engine.query.run import Desk
from engine.statement import Statement
from engine.warehouse.gateway import Warehouse

MOST = 1000
"""The most values of one answer."""


class ValuePage(Struct, frozen=True):
    """Values of a dimension, as a filter takes them."""

    items: list[Any]
    next_cursor: None = None


def values(
    desk: Desk,
    warehouse: Warehouse,
    principal: Principal,
    dimension: str,
    *,
    search: str = "",
    limit: int = 100,
    start: str | None = None,
    end: str | None = None,
) -> ValuePage:
    """Return the values of `dimension` that hold `search`, of the calls of a window, or of all there are.

    It is a question like any other, so the smallest table that keeps the dimension answers and the scope holds.
    Raises 403 and 422 for a dimension as a question does, 422 `bad_value` for a time bucket.
    """
    window = _window(warehouse, start, end)
    if window is None:
        _resolved(desk, principal, dimension, {"from": "2000-01-01", "to": "2000-01-02"})
        return ValuePage([])
    text = _resolved(desk, principal, dimension, window) == "string"
    asked: dict[str, Any] = {**window, "rows": [dimension], "measures": ["attempts"]}
    asked["where"] = [{"field": dimension, "op": "contains", "values": [search]}] if search and text else []
    if text:
        asked["limit"] = limit
    rows = desk.ask(of(asked), principal).rows
    found = [row[0] for row in rows if row[0] is not None]
    if not text:
        found = [value for value in found if search.lower() in str(value).lower()]
    return ValuePage(found[:limit])


def _resolved(desk: Desk, principal: Principal, dimension: str, window: dict[str, str]) -> str:
    """The type of a dimension the principal may use."""
    question: Question = of({**window, "rows": [dimension], "measures": ["attempts"]})
    try:
        found = desk.resolve(question, principal).dimensions[0]
    except TollhouseError as mistake:
        if mistake.pointer == "$.rows[0]":
            mistake.pointer = "dimension"
        raise
    if found.bucket:
        raise Unprocessable(
            "bad_value",
            f"{dimension!r} is a bucket of time, which has no list",
            pointer="dimension",
            hint="ask for days",
        )
    return found.type


def _window(warehouse: Warehouse, start: str | None, end: str | None) -> dict[str, str] | None:
    """The window that was asked for, open ends to the first and the last day of calls; None without calls."""
    if start is not None and end is not None:
        return {"from": start, "to": end}
    sql = (
        "SELECT toString(toDate(min(first_start))), toString(toDate(max(last_start)) + 1) "
        "FROM batch_log WHERE state = 'loaded' AND isNotNull(first_start)"
    )
    first, last = warehouse.query(Statement(sql)).rows[0]
    if last is None or str(last) < "1970-01-03":
        return None
    return {"from": start or str(first), "to": end or str(last), **({} if start or end else {"timezone": "UTC"})}
