"""Rows of an answer go in, blocks of their values as text come out: the one place where a value gets its text.

A block is an Arrow batch whose columns are text, null where there is no value. Every row format is made of blocks,
so a value reads the same in all of them.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET, Struct
from pyarrow import csv

from engine.errors import TooLarge
from engine.query import flow
from engine.query.answer import Answer, Column, Stream, money_text

ROWS = 8192
"""Most rows of a block that is made of rows in memory."""

CELLS = 1 << 17
"""Most values of such a block: with many columns it has fewer rows."""

PIECE = 1 << 20
"""Bytes of the engine's text that make a block."""

NULL = "\x01N"
"""How the engine writes null (`format_csv_null_representation`)."""

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


def of_stream(answer: Stream, *, told: bool) -> Flow:
    """Return rows as the engine sends them, the same as `of_answer` does; a block is read when it is needed."""
    head = answer.head
    named = answer.currency is not None or (told and any(column.type == "money" for column in head.columns))
    columns = (*head.columns, CURRENCY) if named else head.columns
    blocks = _sent(answer, columns) if answer.row is None else _laid_out(answer, columns)
    return Flow(columns, head.question.timezone or "UTC", _shown(answer, blocks))


def _shown(answer: Stream, blocks: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The blocks without the rows that are skipped."""
    skip, rows = answer.skip, 0
    for block in blocks:
        if skip:
            block, skip = block.slice(skip), max(0, skip - block.num_rows)
        rows += block.num_rows
        if rows > answer.most:
            raise TooLarge("too_many_rows", f"the answer has more than {answer.most} rows", hint="narrow the question")
        if block.num_rows:
            yield block


def _laid_out(answer: Stream, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    rows: Iterator[Sequence[Any]] = map(answer.row, flow.lines(answer.text))  # type: ignore[arg-type]  # it has one
    if len(columns) > len(answer.head.columns) and answer.currency is None:
        one = answer.head.question.currency or ""
        rows = ((*row, one) for row in rows)
    return _blocks([column.name for column in columns], rows)


def _sent(answer: Stream, columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    shown = answer.head.columns
    sides = [place for place, name in enumerate(answer.names) if name.endswith("_currencies_")]
    names = [column.name for column in columns]
    one = pa.scalar(answer.head.question.currency or "")
    for block in read(answer.text, len(answer.names)):
        arrays = list(block.columns[: len(shown)])
        if answer.currency is not None:
            arrays.append(_currencies([block.column(place) for place in sides], answer.currency))
        elif len(columns) > len(shown):
            arrays.append(pa.repeat(one, block.num_rows))
        yield pa.record_batch(arrays, names=names)


def _currencies(sides: Sequence[pa.Array], currency: Callable[[Sequence[Sequence[str]]], str]) -> pa.Array:
    """The currency of each row; a few lists of them come again and again."""
    lists = pc.dictionary_encode(pc.binary_join_element_wise(*sides, " ") if len(sides) > 1 else sides[0])
    told = [
        currency([flow.codes(text) for text in re.findall(r"\[.*?\]", both)]) for both in lists.dictionary.to_pylist()
    ]
    return pa.array(told, pa.string()).take(lists.indices)


def read(pieces: Iterator[bytes], width: int) -> Iterator[pa.RecordBatch]:
    """Yield the engine's CSV as blocks of text, each field as it stands."""
    first = next(pieces, b"")
    if not first:
        return
    names = [str(place) for place in range(width)]
    with csv.open_csv(
        _Pieces(chain([first], pieces)),
        csv.ReadOptions(column_names=names, block_size=PIECE, use_threads=False),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[NULL],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ) as reader:
        yield from reader


class _Pieces(io.RawIOBase):
    """Pieces as a file to be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._left = piece
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def of_rows(columns: Sequence[Column], rows: Iterable[Sequence[Any]], zone: str) -> Flow:
    """Return rows of plain values; they are taken as they are needed."""
    return Flow(tuple(columns), zone, _blocks([column.name for column in columns], iter(rows)))


def _blocks(names: list[str], rows: Iterator[Sequence[Any]]) -> Iterator[pa.RecordBatch]:
    count = max(1, min(ROWS, CELLS // max(1, len(names))))
    while some := list(islice(rows, count)):
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
