"""A pattern for times as a vendor writes them goes in, a regular expression and what its groups mean come out.

`D/M/YYYY H:mm` reads 1/10/2026 9:05. What stands in square brackets may be missing; a space is one or more.
"""

import re

from msgspec import Struct

_TOKENS = {
    "YYYY": ("year", "([0-9]{4})"),
    "YY": ("short_year", "([0-9]{2})"),
    "Mon": ("month_name", "([A-Za-z]{3})[a-z]*"),
    "MM": ("month", "([0-9]{2})"),
    "M": ("month", "([0-9]{1,2})"),
    "Day": ("", "[A-Za-z]{3,9}"),
    "Word": ("", "[A-Za-z]+"),
    "DD": ("day", "([0-9]{2})"),
    "D": ("day", "([0-9]{1,2})"),
    "HH": ("hour", "([0-9]{2})"),
    "H": ("hour", "([0-9]{1,2})"),
    "h": ("hour", "(0?[1-9]|1[0-2])"),
    "mm": ("minute", "([0-9]{2})"),
    "ss": ("second", "([0-9]{2})"),
    "fff": ("fraction", "([0-9]+)"),
    "AM": ("half", "([AaPp][Mm])"),
    "ZZZ": ("zone", "([A-Za-z]{1,5}|[-+][0-9]{2}:?[0-9]{2})"),
    "[": ("", "(?:"),
    "]": ("", ")?"),
    " ": ("", " +"),
}
_ANY = re.compile("|".join(map(re.escape, _TOKENS)) + "|.", re.DOTALL)

ZONES = {
    "Z": "Z", "UTC": "Z", "GMT": "Z", "UT": "Z",
    "EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600",
    "PST": "-0800", "PDT": "-0700", "AKST": "-0900", "AKDT": "-0800", "HST": "-1000",
}  # fmt: skip
"""Abbreviations that mean one offset only (RFC 2822, and the two states it leaves out); others need a zone."""


class Pattern(Struct, frozen=True):
    """A regular expression over the whole text, and which of its groups is which part of a time."""

    expression: str
    groups: dict[str, int]


def compiled(pattern: str) -> Pattern:
    """Return what `pattern` means. Raises `ValueError` that says what is wrong with it."""
    groups: dict[str, int] = {}
    expression = ""
    for token in _ANY.findall(pattern):
        meaning, part = _TOKENS.get(token, ("", re.escape(token)))
        if meaning:
            if meaning in groups:
                raise ValueError(f"the {meaning} comes twice")
            groups[meaning] = len(groups) + 1
        expression += part
    for needed in (("year", "short_year"), ("month", "month_name"), ("day",), ("hour",), ("minute",)):
        if not set(needed) & set(groups):
            raise ValueError(f"no {needed[0]} in it")
    try:
        re.compile(expression)
    except re.error as mistake:
        raise ValueError("square brackets do not match") from mistake
    return Pattern(f"^(?:{expression})$", groups)
