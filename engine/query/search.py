"""What a caller sends to find single calls goes in, the frozen noun a search is comes out, and what it answers with."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from engine.catalog.preset import Clause, View
from engine.errors import BadRequest
from engine.query.answer import Column, Moment, Warned
from engine.query.question import CHOICES, Question, described

Side = Literal["any", "called", "cli", "dest_cli"]
Match = Literal["exact", "prefix"]
PER_NUMBER = "per-number"
"""The report whose rows are calls: asking for it is a search."""
LONGEST_PAGE = 1000
"""The most calls one page may hold."""
PAGE = 100
"""The calls of a page when nobody says how many."""
SHOWN = "columns"
"""In a saved search, which fields of a call its page shows; answers have all of them."""


class Search(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """Which single calls are wanted: those of some numbers, or those behind a cell of a report by its filters.

    `from`, `to`, `timezone`, `where`, `calls`, `currency` and `as_of` are those of a question. Numbers may be
    written with `+`, `00`, separators or as at home; `side` says where they are looked for. Without `limit` a page
    holds 100 calls, and a stream all of them.
    """

    start: Annotated[str, Meta(description="date, local time or instant; inclusive", examples=["2026-10-01"])]
    end: Annotated[str, Meta(description="date, local time or instant; exclusive", examples=["2026-11-01"])]
    report: Literal["per-number"] | None = None
    timezone: str | None = None
    number: str | tuple[str, ...] = ()
    side: Side = "any"
    match: Match = "exact"
    where: tuple[Clause, ...] = ()
    calls: View | None = None
    currency: Annotated[str, Meta(pattern="^([A-Z]{3}|native)$")] | None = None
    as_of: str | None = None
    limit: Annotated[int, Meta(ge=1, le=LONGEST_PAGE)] | None = None
    cursor: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers as they were written."""
        return (self.number,) if isinstance(self.number, str) else self.number

    @property
    def question(self) -> Question:
        """The question whose calls these are: one row of everything that passes."""
        return Question(
            start=self.start,
            end=self.end,
            timezone=self.timezone,
            rows=(),
            measures=("attempts",),
            where=self.where,
            calls=self.calls,
            currency=self.currency,
            as_of=self.as_of,
        )


WORDS = ("from", "to", "timezone", "tz", "number", "side", "match", "calls", "currency", "as_of", "limit", "cursor")
"""Every parameter of a search that is not a filter."""


class Page(Struct, frozen=True, kw_only=True):
    """Some calls, newest first, and what asks for those that follow; null when there are none."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    next_cursor: str | None
    question: Search
    as_of: Moment
    elapsed_ms: float
    rows_read: int
    source: tuple[str, ...]
    warnings: tuple[Warned, ...] | UnsetType = UNSET


def read(body: bytes) -> Search:
    """Read a search from JSON; a mistake is told with a pointer to it."""
    try:
        return msgspec.json.decode(body, type=Search)
    except msgspec.DecodeError as mistake:
        raise _malformed(mistake) from mistake


def of(values: dict[str, Any]) -> Search:
    """Make a search of plain values; a mistake is told with a pointer to it."""
    try:
        return msgspec.convert(values, Search)
    except msgspec.ValidationError as mistake:
        raise _malformed(mistake) from mistake


def laid(asked: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked of a saved search: its words replace those that were saved, its filters add to them."""
    where = [*kept.get("where", ()), *asked.get("where", ())]
    plain = {word: said for word, said in kept.items() if word != SHOWN}
    return {**plain, **asked, **({"where": where} if where else {})}


def _malformed(mistake: msgspec.DecodeError) -> BadRequest:
    message, _, pointer = str(mistake).partition(" - at `")
    known = (*Search.__struct_encode_fields__, *Clause.__struct_encode_fields__)
    choices = {**CHOICES, "side": get_args(Side), "match": get_args(Match), "report": (PER_NUMBER,)}
    return described(message, pointer.rstrip("`") or "$", known, choices)
