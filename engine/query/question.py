"""What a caller sends goes in, the frozen noun a question is comes out, with every field's meaning."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from engine.catalog.preset import Base, Clause, Compare, Operator, Preset, Sort, Top, View
from engine.errors import BadRequest, nearest

OPERATORS: tuple[str, ...] = get_args(Operator)
"""Every operator of a filter."""
CHOICES = {"op": OPERATORS, "calls": get_args(View), "base": get_args(Base), "compare": get_args(Compare)}
"""What fields may say that may not say anything."""


class Question(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """What is asked. Only `from` and `to` are required; `report` supplies defaults for what is left out.

    Null in `limit`, `compare`, `as_of` and `since` says that it is not to be done, also when the report does it;
    anywhere else null is the same as nothing. The window is half open, [from, to): all October is from 2026-10-01 to
    2026-11-01.
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
    base: Base | None = None
    currency: Annotated[str, Meta(pattern="^([A-Z]{3}|native)$")] | None = None
    sort: tuple[Sort, ...] | None = None
    limit: Annotated[int, Meta(ge=0)] | UnsetType | None = UNSET
    offset: Annotated[int, Meta(ge=0)] | None = None
    totals: bool | None = None
    subtotals: bool | None = None
    parts: bool | None = None
    """Numerator and denominator beside each ratio."""
    fill: bool | None = None
    """List the time buckets of the window that hold no calls, too."""
    compare: Compare | UnsetType | None = UNSET
    """Beside each measure its value in the period before, a week or a year earlier, and the change."""
    top: tuple[Top, ...] | None = None
    as_of: str | UnsetType | None = UNSET
    """Answer as it was at a moment: an instant or local time, `batch:ID`, `close:YYYY-MM`."""
    since: str | UnsetType | None = UNSET
    """Answer only with what changed after a moment, written in the same way."""

    @property
    def said(self) -> dict[str, Any]:
        """What it says of what a report may say instead, by field."""
        said = {field: getattr(self, field) for field in Preset.__struct_fields__}
        return {
            field: value
            for field, value in said.items()
            if value is not UNSET and (value is not None or field in _UNDONE)
        }


_UNDONE = frozenset(field.name for field in msgspec.structs.fields(Question) if field.default is UNSET)
"""What may be said to be nothing, where a report says something."""


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


def described(
    message: str, pointer: str, known: Sequence[str] = (), choices: Mapping[str, tuple[str, ...]] = CHOICES
) -> BadRequest:
    """Return our error for a message of msgspec's; an unknown word gets the nearest known one as a hint.

    `known` are the fields of what was read, those of a question when left out; `choices` what some of them may say.
    """
    field = pointer.rpartition(".")[2]
    hint = None
    if unknown := re.search(r"unknown field `(\w+)`", message):
        hint = nearest(unknown[1], list(known) or _words())
    elif field in choices and (choice := re.search(r"Invalid enum value '(.*)'", message)):
        message = f"there is no {'operator' if field == 'op' else field} {choice[1]!r}"
        hint = nearest(choice[1], choices[field]) or f"one of {', '.join(choices[field])}"
    elif field == "currency" and "regex" in message:
        message, hint = "this is no currency", "an ISO 4217 code like USD, or native"
    return BadRequest("malformed", message, pointer=pointer, hint=hint)


def _words() -> list[str]:
    return [name for kind in (Question, Clause, Sort, Top) for name in kind.__struct_encode_fields__]
