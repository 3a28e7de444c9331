"""Rows of an answer go in, blocks of their values as text come out: the one place where a value gets its text.

A block is an Arrow batch whose columns are text, null where there is no value. Every row format is made of blocks,
so a value reads the same in all of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Struct

from engine.query.answer import Answer, Column, money_text

ROWS = 8192
"""Rows of a block that is made of rows in memory."""

CURRENCY = Column("currency", "currency", "string")
"""The column that says what the money of a row is, where people or another program need to be told."""


class Flow(Struct, frozen=True):
    """Rows on their way out: their columns, the zone their instants are told in, and their blocks, read once."""

    columns: tuple[Column, ...]
    zone: str
    blocks: Iterator[pa.RecordBatch]


def of_answer(answer: Answer, *, told: bool) -> Flow:
    """Return an answer's rows. Money as it was charged gets its currency beside it; with `told` all money does."""
    native = answer.currencies is not UNSET
    money = any(column.type == "money" for column in answer.columns)
    if not (native or (told and money)):
        return of_rows(answer.columns, answer.rows, answer.question.timezone or "UTC")
    one = answer.question.currency or ""
    rows = (
        (*row, answer.currencies[place] if answer.currencies is not UNSET else one)
        for place, row in enumerate(answer.rows)
    )
    return of_rows((*answer.columns, CURRENCY), rows, answer.question.timezone or "UTC")


def of_rows(columns: Sequence[Column], rows: Iterable[Sequence[Any]], zone: str) -> Flow:
    """Return rows of plain values; they are taken as they are needed."""
    return Flow(tuple(columns), zone, _blocks([column.name for column in columns], iter(rows)))


def _blocks(names: list[str], rows: Iterator[Sequence[Any]]) -> Iterator[pa.RecordBatch]:
    while some := list(islice(rows, ROWS)):
        texts = [pa.array([text(row[place]) for row in some], pa.string()) for place in range(len(names))]
        yield pa.record_batch(texts, names=names)


def text(value: Any) -> str | None:
    """Return a value as it is written where a program reads it.

    >>> [text(value) for value in (None, True, 7, 12.0, 41.25, 1e-07, "-12.50")]
    [None, 'true', '7', '12', '41.25', '1e-7', '-12.50']
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return money_text(value)
    return str(value)


def _float_text(value: float) -> str:
    """The shortest digits that are this number and no other, with an exponent where the engine writes one."""
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits


def money(amounts: pa.Array) -> pa.Array:
    """Return amounts with at least two places; the engine leaves zeros at the end out."""
    whole = pc.invert(pc.match_substring(amounts, "."))
    amounts = pc.if_else(whole, pc.binary_join_element_wise(amounts, ".00", ""), amounts)
    short = pc.match_substring_regex(amounts, r"\.[0-9]$")
    return pc.if_else(short, pc.binary_join_element_wise(amounts, "0", ""), amounts)
