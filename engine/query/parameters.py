"""The words of a URL or a command line go in, a question or a search comes out.

`field=list` and `field.op=list` are filters; a list is one CSV line, so a value with a comma is quoted.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.errors import BadRequest, nearest
from engine.query import search as searches
from engine.query.question import OPERATORS, Question, of
from engine.query.search import WORDS as WORDS_OF_SEARCH
from engine.query.search import Search

_SINGLE = {"from", "to", "timezone", "tz", "type", "side", "bucket", "calls", "base", "currency", "offset"}
_UNDONE = {"limit", "as_of", "since", "compare"}
"""Those that, left empty, take away what the report says."""
_LISTS = {"rows", "columns", "measures", "sort", "top"}
_SWITCHES = {"totals", "subtotals", "parts", "fill"}
WORDS = tuple(sorted(_SINGLE | _UNDONE | _LISTS | _SWITCHES))
"""Every parameter that is not a filter."""


def items(line: str) -> list[str]:
    """Return the values of a list written as one CSV line."""
    if not line:
        return []
    return next(csv.reader(io.StringIO(line), strict=True), [])


def question(
    report: str | None,
    pairs: Iterable[tuple[str, str]],
    fields: Sequence[str] = (),
    clauses: Sequence[dict[str, Any]] = (),
) -> Question:
    """Return the question that `pairs` ask; `fields` are the names a filter may use, `clauses` filters beside them.

    Raises `BadRequest` for a parameter nobody knows, with the nearest known one.
    """
    values: dict[str, Any] = {} if report is None else {"report": report}
    filters: dict[tuple[str, str], list[str]] = {}
    for name, text in pairs:
        if name in _UNDONE and not text:
            values[name] = None
        elif name in ("limit", "offset"):
            values[name] = _whole(name, text)
        elif name in _SINGLE or name in _UNDONE:
            values["timezone" if name == "tz" else name] = text
        elif name in _LISTS:
            read: Callable[[str], Any] = {"sort": sort_key, "top": top}.get(name, str)
            values.setdefault(name, []).extend(read(item) for item in _listed(name, text))
        elif name in _SWITCHES:
            values[name] = switch(name, text)
        else:
            _add_filter(filters, name, text, fields, WORDS)
    where = [*clauses, *(clause(field, operator, listed) for (field, operator), listed in filters.items())]
    return of(values | ({"where": where} if where else {}))


def search(pairs: Iterable[tuple[str, str]], fields: Sequence[str], kept: Mapping[str, Any] | None = None) -> Search:
    """Return the search that `pairs` ask, laid over a saved one; `fields` are the names a filter may use.

    `number` is what is looked for on every side; as a filter the sent number is `number.in`. Raises as `question` does.
    """
    values: dict[str, Any] = {}
    filters: dict[tuple[str, str], list[str]] = {}
    for name, text in pairs:
        if name == "number":
            values.setdefault("number", []).extend(_listed(name, text))
        elif name in WORDS_OF_SEARCH:
            key = "timezone" if name == "tz" else name
            values[key] = _whole(name, text) if name == "limit" else text
        else:
            _add_filter(filters, name, text, fields, WORDS_OF_SEARCH)
    for (field, operator), listed in filters.items():
        values.setdefault("where", []).append(clause(field, operator, listed))
    return searches.of(searches.laid(values, kept or {}))


def _add_filter(
    filters: dict[tuple[str, str], list[str]], name: str, text: str, fields: Sequence[str], words: Sequence[str]
) -> None:
    field, _, operator = name.partition(".")
    if field not in fields:
        hint = nearest(field, [*fields, *words])
        raise BadRequest("unknown_parameter", f"there is no parameter {name!r}", pointer=name, hint=hint)
    filters.setdefault((field, operator or "in"), []).extend(_listed(name, text))


def sort_key(text: str) -> dict[str, Any]:
    """Return `field[:desc]` as a sort key."""
    field, colon, direction = text.rpartition(":")
    if colon and direction in ("", "asc", "desc"):
        return {"field": field, "descending": direction == "desc"}
    if colon and "|" not in text:  # in a pivoted header it is a part of a time
        raise BadRequest("malformed", f"sort {text!r}: after the colon only asc or desc", pointer="sort")
    return {"field": text, "descending": False}


def top(text: str) -> dict[str, Any]:
    """Return `dimension[:count[:measure]]` as it stands in a question."""
    field, *rest = text.split(":")
    if len(rest) > 2:
        raise BadRequest("malformed", f"top {text!r} is not dimension:count:measure", pointer="top")
    found: dict[str, Any] = {"field": field}
    if rest:
        found["count"] = _whole("top", rest[0])
    return found | ({"by": rest[1]} if len(rest) == 2 else {})


def clause(field: str, operator: str, values: list[str]) -> dict[str, Any]:
    """Return one filter; raises for an operator nobody knows."""
    if operator not in OPERATORS:
        hint = nearest(operator, OPERATORS) or f"one of {', '.join(OPERATORS)}"
        raise BadRequest("malformed", f"there is no operator {operator!r}", pointer=field, hint=hint)
    return {"field": field, "op": operator, "values": values}


def where(text: str) -> dict[str, Any]:
    """Return a filter written as on the command line: 'field op list'."""
    words = text.split(maxsplit=2)
    if len(words) < 2:
        raise BadRequest("malformed", f"--where {text!r} is not 'field op list'", hint="--where 'asr lt 20'")
    return clause(words[0], words[1], _listed("where", words[2] if len(words) == 3 else ""))


def _listed(name: str, text: str) -> list[str]:
    try:
        return items(text)
    except csv.Error as mistake:
        raise BadRequest("malformed", f"{text!r} is not a list: {mistake}", pointer=name) from mistake


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadRequest("malformed", f"{text!r} is not a whole number", pointer=name) from None


def switch(name: str, text: str) -> bool:
    """Return a parameter that is on or off; raises for a word that is neither."""
    known = {"true": True, "1": True, "": True, "false": False, "0": False}
    if text not in known:
        raise BadRequest("malformed", f"{name} is true or false, not {text!r}", pointer=name)
    return known[text]
