"""A value now and one before go in; how much it changed, in words and as good or bad news, comes out."""

from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from engine.exports.formats import shown

Tone = Literal["", "good", "bad"]
ENOUGH = 10
"""Percent by which something must change to be news; of a percentage, half as many points."""


class Change(Struct, frozen=True):
    """How a value changed: `text` like `+5.1 %` or `-3.2 points`, empty when that cannot be said."""

    text: str = ""
    tone: Tone = ""
    size: float = 0.0
    """Percent, or points of a percentage; less than nothing when it fell."""


def change(now: Any, before: Any, kind: str) -> Change:
    """Compare two values of a column's type; more is good news of everything that a home page shows.

    >>> change(110, 100, "integer").text, change(31.25, 45.5, "percent")
    ('+10.0 %', Change(text='-14.2 points', tone='bad', size=-14.25))
    >>> change("-5.00", "10.00", "money").text, change(5, 0, "integer").text, change(None, 2.5, "mean_duration").text
    ('-150.0 %', '', '')
    """
    if now is None or before is None:
        return Change()
    one, other = Decimal(str(now)), Decimal(str(before))
    if kind == "percent":
        size, unit, enough = float(one - other), "points", ENOUGH / 2
    elif other:
        size, unit, enough = float(100 * (one - other) / abs(other)), "%", float(ENOUGH)
    else:
        return Change()
    tone: Tone = "" if abs(size) < enough else "good" if size > 0 else "bad"
    text = f"{size:+,.1f}"
    return Change(f"{'0.0' if text in ('+0.0', '-0.0') else text} {unit}", tone, size)


def difference(value: Any, kind: str) -> str:
    """Return a change that an answer tells, with its sign."""
    if value is None:
        return ""
    text = shown(value, kind)
    return text if text.startswith("-") or not Decimal(str(value)) else f"+{text}"
