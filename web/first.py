"""A report and the words of its page's address go in, the question that the page's modules ask first comes out.

The head of the page asks it (static/ahead.js) while the modules are still on their way. They take its answer when it is
to what they would have asked (static/api.js): what cannot be told here is left to them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

PLAIN = {"from", "to", "tz", "report", "type", "side", "bucket", "panel", "chart", "open"}
"""Words of an address that change no more than the window, or are in the preset already."""

_FIRST, _MOST = 1000, 10_000
"""How many rows come at first: of a list, and of groups that open."""

_NOT_OURS = ("subtotals", "totals", "limit", "offset", "parts", "where")
_NEVER_LEFT_OUT = ("rows", "columns", "measures")
_QUOTIENTS = ("percent", "ratio", "mean_duration")


def first_question(
    preset: Mapping[str, Any], usual: Mapping[str, Any], types: Mapping[str, str], words: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return what `load` of static/levels.js asks of a page opened with these words; None when only that knows.

    `usual` is what is asked where neither preset nor address say anything, with the page's own filters as `where`;
    `types` are those of the measures that the caller has.
    """
    if set(words) - PLAIN or preset.get("top"):
        return None
    bound = {clause["field"] for clause in usual["where"]}
    rows = [row for row in preset["rows"] if row not in bound] or preset["rows"]
    tree = bool(preset.get("subtotals") or preset.get("columns"))
    deep = tree and len(rows) > 1
    asked = {
        "base": "attempts",
        **usual,
        **{word: value for word, value in preset.items() if word not in _NOT_OURS},
        **{word: words[word] for word in ("from", "to") if word in words},
        **({"timezone": words["tz"]} if "tz" in words else {}),
        "rows": rows[:1] if deep else rows,
        "columns": preset.get("columns", []) if tree else [],
        "measures": _with_calls(preset["measures"], types),
        "sort": [key for key in preset.get("sort", []) if not (deep and key["field"] in rows[1:])],
        "totals": bool(rows),
        "limit": _MOST if deep else _FIRST,
    }
    return {word: said for word, said in asked.items() if word in _NEVER_LEFT_OUT or said not in (None, False, [])}


def _with_calls(measures: Sequence[str], types: Mapping[str, str]) -> list[str]:
    """What is shown, and how many calls a quotient is about."""
    needed = any(types.get(name) in _QUOTIENTS for name in measures) and "attempts" in types
    return [*measures, *(["attempts"] if needed and "attempts" not in measures else [])]
