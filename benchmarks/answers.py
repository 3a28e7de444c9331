"""Two answers go in, nothing comes out when they are the same: a rival's time counts only when it says the same."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import isclose
from typing import Any


class Differs(AssertionError):
    """Two answers to one question are not the same; the figures would mean nothing."""


def agree(who: str, columns: Sequence[dict[str, Any]], ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Raise `Differs` unless both have the same rows, in whatever order, with the same values.

    Counts and money must be equal to the last digit, ratios and seconds to the ninth.
    """
    kinds = [column["type"] for column in columns]
    one, other = (
        [[_plain(kind, cell) for kind, cell in zip(kinds, row, strict=True)] for row in rows] for rows in (ours, theirs)
    )
    if len(one) != len(other):
        raise Differs(f"{who} has {len(other)} rows, Tollhouse {len(one)}")
    # Ratios may differ in their last digits, which must not change the order.
    keys = [place for place, kind in enumerate(kinds) if kind not in _NEARLY]
    one, other = (sorted(rows, key=lambda row: repr([row[place] for place in keys])) for rows in (one, other))
    for mine, yours in zip(one, other, strict=True):
        for column, kind, a, b in zip(columns, kinds, mine, yours, strict=True):
            same = isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) if kind in _NEARLY and None not in (a, b) else a == b
            if not same:
                raise Differs(f"{who} says {column['name']} = {b!r} where Tollhouse says {a!r}: {mine} against {yours}")


_NEARLY = {"duration", "mean_duration", "percent", "ratio", "real"}


def _plain(kind: str, value: Any) -> Any:
    """Return a value as it is compared."""
    if kind in ("string", "date"):
        return value or ""
    if value is None or value == "":
        return None
    if kind == "integer":
        return int(value)
    if kind == "money":
        return Decimal(value).normalize()
    if kind == "instant":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return float(value)
