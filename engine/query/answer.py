"""The frozen noun an answer is, and how its values are written."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from engine.query.question import Question


class Column(Struct, frozen=True, omit_defaults=True):
    """One column of an answer."""

    name: str
    label: str
    type: str
    unit: str | None = None
    measure: str | None = None
    """The measure a column is about, when its name says more than that."""
    aspect: Literal["numerator", "denominator", "previous", "change", "change_percent"] | None = None
    """What of the measure it tells, when not its value."""
    pivot: dict[str, Any] | None = None
    """The values of the dimensions across that its calls have; null for the rest of a dimension cut to its top."""
    other: tuple[str, ...] = ()
    """The dimensions of `pivot` whose values are all but the top ones."""


class Period(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """A window, [from, to), as dates or as times with their offset."""

    start: str
    end: str


class Subtotal(Struct, frozen=True):
    """A row over a group's leading dimensions; the others are null."""

    level: int
    row: tuple[Any, ...]


class Moment(Struct, frozen=True):
    """Which commit an answer was read at, and when that was complete (null before the first)."""

    commit: int
    time: str | None


class Warned(Struct, frozen=True):
    """Something a reader of the numbers must know."""

    code: str
    message: str


class Answer(Struct, frozen=True, kw_only=True):
    """Rows of values in the order of `columns`. Money is text, durations are seconds, null is null."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    subtotals: list[Subtotal] | UnsetType = UNSET
    totals: tuple[Any, ...] | UnsetType = UNSET
    row_count: int
    total_rows: int
    truncated: bool
    question: Question
    as_of: Moment
    query_id: str
    elapsed_ms: float
    rows_read: int
    source: tuple[str, ...]
    warnings: tuple[Warned, ...] = ()
    compared: Period | UnsetType = UNSET
    """The earlier period, when the question compares with one."""
    currencies: tuple[str, ...] | UnsetType = UNSET
    """The currency of each row's money, when the question asked for it as it was charged."""
    outcome_map: tuple[int, ...] = ()
    """The versions of the outcome map by which the window's calls were judged; 0 ships with the program."""
    indeterminate_as: str | UnsetType = UNSET
    """What indeterminate calls count as, when the question speaks of jurisdiction."""


class Stream(Struct, frozen=True, kw_only=True):
    """An answer whose rows are read while they are written: `head` holds everything but them and what they tell.

    `text` is the engine's CSV, a record for each row and nothing else, every field as the engine writes it. `names`
    are its columns: first those of the answer, in order, then some that end in _ and are not shown.
    """

    head: Answer
    names: tuple[str, ...]
    text: Iterator[bytes]
    row: Callable[[bytes], tuple[Any, ...]] | None = None
    """Of a question with cells, whose text is a line of JSON for each row: what makes the row of it."""
    currency: Callable[[Sequence[Sequence[str]]], str] | None = None
    """Of money as it was charged: the one currency of a row by those of its sides, or `Unprocessable`."""
    skip: int = 0
    """Rows at the beginning that are not shown."""
    most: int
    """Rows that may be shown; with more it fails."""


def currency(sides: Sequence[Sequence[str]]) -> str:
    """Return what the money of a row is in, whose sides hold these currencies.

    >>> currency([["EUR"], ["EUR"]]), currency([["EUR"], ["USD"]]), currency([[], []])
    ('EUR', 'EUR/USD', '')
    """
    return "/".join(dict.fromkeys(code for side in sides for code in side))


def money_text(amount: Decimal) -> str:
    """Return an amount without exponent, trailing zeros removed down to two places.

    >>> money_text(Decimal("-12.50000000"))
    '-12.50'
    >>> money_text(Decimal("0E-8"))
    '0.00'
    """
    whole, _, fraction = format(amount, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
