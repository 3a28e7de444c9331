"""What a caller sends goes in, the frozen noun a question is comes out, with every field's meaning."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from engine.catalog.preset import Clause, Operator, Sort, View
from engine.errors import BadRequest, nearest

OPERATORS: tuple[str, ...] = get_args(Operator)
"""Every operator of a filter."""
Base = Literal["attempts", "seizures"]
Compare = Literal["previous", "week", "year"]
_CHOICES: dict[str, tuple[str, ...]] = {"op": OPERATORS, "compare": get_args(Compare)}


class Top(Struct, frozen=True, forbid_unknown_fields=True):
    """The largest values of a dimension by a measure; the rest becomes one value, *other*."""

    field: str
    count: Annotated[int, Meta(ge=1, le=1000)] = 10
    by: str | None = None
    """A measure, shown or not; the first count shown when left out."""


class Question(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """What is asked. Only `from` and `to` are required; `report` supplies defaults for what is left out.

    The window is half open, [from, to): all October is from 2026-10-01 to 2026-11-01.
    """

    start: Annotated[str, Meta(description="date, local time or instant; inclusive", examples=["2026-10-01"])]
    end: Annotated[str, Meta(description="date, local time or instant; exclusive", examples=["2026-11-01"])]
    report: str | None = None
    type: Annotated[str, Meta(description="a parameter of the report, as GET /reports tells")] | None = None
    side: Annotated[str, Meta(description="a parameter of the report, as GET /reports tells")] | None = None
    bucket: Annotated[str, Meta(description="a parameter of the report, as GET /reports tells")] | None = None
    timezone: str | None = None
    rows: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    """Dimensions across: each measure once for each of their values, and over all of them."""
    measures: tuple[str, ...] | None = None
    where: tuple[Clause, ...] = ()
    calls: View | None = None
    base: Base = "attempts"
    currency: Annotated[str, Meta(pattern="^([A-Z]{3}|native)$")] | None = None
    sort: tuple[Sort, ...] = ()
    limit: Annotated[int, Meta(ge=0)] | None = None
    offset: Annotated[int, Meta(ge=0)] = 0
    totals: bool | None = None
    subtotals: bool | None = None
    parts: bool = False
    fill: bool = False
    """List the time buckets of the window that hold no calls, too."""
    compare: Compare | None = None
    """Beside each measure its value in the period before, a week or a year earlier, and the change."""
    top: tuple[Top, ...] = ()
    as_of: str | None = None
    """Answer as it was at a moment: an instant or local time, `batch:ID`, `close:YYYY-MM`."""
    since: str | None = None
    """Answer only with what changed after a moment, written in the same way."""


def read(body: bytes) -> Question:
    """Read a question from JSON; a mistake is told with a pointer to it."""
    try:
        return msgspec.json.decode(body, type=Question)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake


def of(values: dict[str, Any]) -> Question:
    """Make a question of plain values; a mistake is told with a pointer to it."""
    try:
        return msgspec.convert(values, Question)
    except msgspec.ValidationError as mistake:
        raise malformed(mistake) from mistake


def malformed(mistake: msgspec.DecodeError) -> BadRequest:
    """Return our error for one of msgspec's, its pointer taken out of the message."""
    message, _, pointer = str(mistake).partition(" - at `")
    return described(message, pointer.rstrip("`") or "$")


def described(message: str, pointer: str | None, known: Sequence[str] = ()) -> BadRequest:
    """Return our error for a message of msgspec's; an unknown word gets the nearest known one as a hint.

    `known` are the words of what was read; those of a question when left out.
    """
    unknown = re.search(r"unknown field `(\w+)`", message)
    choice = re.search(r"Invalid enum value '(\w+)'", message)
    choices = _CHOICES.get((pointer or "").rpartition(".")[2], ()) if choice else ()
    hint = nearest(unknown[1], list(known) or _words()) if unknown else None
    if choice and choices:
        hint = nearest(choice[1], choices) or f"one of {', '.join(choices)}"
    return BadRequest("malformed", message, pointer=pointer, hint=hint)


def _words() -> list[str]:
    return [name for kind in (Question, Clause, Sort, Top) for name in kind.__struct_encode_fields__]
