"""A clause and what it is about go in, the filter with values of the right type comes out."""

import math
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from engine.catalog.model import Dimension, Measure
from engine.catalog.preset import Clause
from engine.errors import TollhouseError, Unprocessable

Instant = Callable[[str], int]
"""A local time or an instant to milliseconds since 1970, in the question's zone."""

_WIDE = Context(prec=38)
_ORDERED = ("lt", "le", "gt", "ge")
_TEXTUAL = ("contains", "starts_with")
_TYPES = {"integer": "Int64", "boolean": "Bool", "date": "Date", "instant": "Int64"}
_WANTED = {"integer": "a whole number", "date": "a date like 2026-10-01", "boolean": "true or false"}


class Filter(Struct, frozen=True):
    """A clause with its subject found and its values typed."""

    dimension: Dimension | None
    measure: Measure | None
    op: str
    type: str  # the ClickHouse type of one value
    values: tuple[Any, ...]


def of_dimension(clause: Clause, dimension: Dimension, pointer: str, instant: Instant) -> Filter:
    """Return a filter of calls; raises 422 `bad_value` with a pointer into `values`."""
    _fits(clause, dimension.type, pointer)
    typed = [_typed(value, dimension.type, f"{pointer}[{place}]", instant) for place, value in enumerate(clause.values)]
    return Filter(dimension, None, clause.op, _TYPES.get(dimension.type, "String"), tuple(typed))


def of_measure(clause: Clause, measure: Measure, pointer: str) -> Filter:
    """Return a filter of result groups; raises 422 `bad_value` with a pointer into `values`."""
    _fits(clause, measure.type, pointer)
    money = measure.type == "money"
    typed = [_number(value, f"{pointer}[{place}]", money=money) for place, value in enumerate(clause.values)]
    return Filter(None, measure, clause.op, "Decimal(38, 8)" if money else "Float64", tuple(typed))


def _fits(clause: Clause, kind: str, pointer: str) -> None:
    count = len(clause.values)
    wanted = {"between": 2, "is_null": 0, "not_null": 0}.get(clause.op)
    if clause.op in _ORDERED or clause.op in _TEXTUAL:
        wanted = 1
    if (wanted is not None and count != wanted) or (wanted is None and count == 0):
        needs = "at least one value" if wanted is None else f"{wanted} value{'' if wanted == 1 else 's'}"
        raise Unprocessable("bad_value", f"{clause.op} on {clause.field!r} needs {needs}, not {count}", pointer=pointer)
    if clause.op in _TEXTUAL and kind != "string":
        raise Unprocessable("bad_value", f"{clause.op} needs a text field, {clause.field!r} is none", pointer=pointer)


def _typed(value: Any, kind: str, pointer: str, instant: Instant) -> Any:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "string":
        return text
    if kind == "instant":
        try:
            return instant(text) // 1000
        except TollhouseError as mistake:
            mistake.pointer = pointer
            raise
    try:
        if kind == "integer":
            number = int(text)
            if not -(2**63) <= number < 2**63:
                raise ValueError
            return number
        if kind == "date":
            day = date.fromisoformat(text)
            if not 1970 <= day.year <= 2148:  # what the engine's dates hold
                raise Unprocessable("bad_value", f"{text!r} is outside 1970 to 2148", pointer=pointer)
            return day.isoformat()
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except (ValueError, KeyError) as mistake:
        raise Unprocessable("bad_value", f"{value!r} is not {_WANTED[kind]}", pointer=pointer) from mistake


def _number(value: Any, pointer: str, *, money: bool) -> Any:
    try:
        if isinstance(value, bool):
            raise ValueError
        if money:
            return Decimal(str(value)).quantize(Decimal("1e-8"), context=_WIDE)
        number = float(str(value))
        if not math.isfinite(number):
            raise ValueError
        return number
    except (ValueError, InvalidOperation) as mistake:
        raise Unprocessable("bad_value", f"{value!r} is not a number", pointer=pointer) from mistake
