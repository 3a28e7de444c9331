r"""Measures and values across go in, the names of an answer's columns come out, and such a name is taken apart again.

A pivoted column is `measure|v1|v2`, with `|` and `\` in a value escaped by `\`. No value is therefore ever written
`\other`, which stands for the rest of a dimension that is cut to its top values.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from engine.catalog.model import Dimension, Measure

OTHER = "\\other"
"""How the rest of a dimension is written in a header."""
ASPECTS = ("previous", "change", "change_percent")
"""What stands beside a measure that is compared."""


class Aspect(Struct, frozen=True):
    """A measure, or a number beside it: `asr`, `asr.numerator`, `asr.change`."""

    measure: Measure
    kind: str = ""  # of Column.aspect, "" for the value itself

    @property
    def name(self) -> str:
        """The column's name, before any values across."""
        return f"{self.measure.name}.{self.kind}" if self.kind else self.measure.name

    @property
    def label(self) -> str:
        """The column's label, before any values across."""
        words = {"change_percent": "change %"}.get(self.kind, self.kind)
        return f"{self.measure.label} {words}" if self.kind else self.measure.label

    @property
    def type(self) -> str:
        """The column's type."""
        beside = {"numerator": "real", "denominator": "real", "change_percent": "percent"}
        return beside.get(self.kind, self.measure.type)

    @property
    def unit(self) -> str | None:
        """The column's unit."""
        if self.kind == "denominator":
            return self.measure.over
        return self.measure.unit if self.type == self.measure.type else None


def aspects(measures: Sequence[Measure], *, parts: bool, compared: bool) -> list[Aspect]:
    """Return each measure with what stands beside it, in the order of an answer's columns."""
    found = []
    for measure in measures:
        found.append(Aspect(measure))
        found += [Aspect(measure, kind) for kind in ASPECTS if compared]
        if parts and measure.numerator:
            found += [Aspect(measure, "numerator"), Aspect(measure, "denominator")]
    return found


def taken_apart(header: str) -> tuple[str, list[str]]:
    r"""Return the column's plain name and its values as they are written, still escaped.

    >>> taken_apart("attempts|UK\\|IE|2026-10-01")
    ('attempts', ['UK\\|IE', '2026-10-01'])
    """
    pieces = [""]
    for match in re.finditer(r"\\.|.", header, re.DOTALL):
        if match[0] == "|":
            pieces.append("")
        else:
            pieces[-1] += match[0]
    return pieces[0], pieces[1:]


def value(text: str, dimension: Dimension) -> Any:
    """Return a value as an answer's rows have it; raises `ValueError` for what the dimension cannot hold."""
    if text == OTHER:
        return None
    if dimension.type == "integer":
        number = int(text) if text or not dimension.nullable else None
        if number is not None and str(number) != text:
            raise ValueError(text)
        return number
    if dimension.type == "boolean":
        return {"true": True, "false": False}[text]
    if dimension.type == "date":
        return date.fromisoformat(text).isoformat()
    if dimension.type == "instant":
        datetime.fromisoformat(text)
        return text
    plain = re.sub(r"\\([\\|])", r"\1", text)
    if escaped(plain) != text:
        raise ValueError(text)
    return plain


def escaped(text: str) -> str:
    """Return a value as it is written in a header."""
    return text.replace("\\", "\\\\").replace("|", "\\|")


def in_order(text: str, dimension: Dimension) -> tuple[Any, ...]:
    """Return what to sort values across by: ascending, then null, and the rest of a top last."""
    found = value(text, dimension)
    if found is None:
        return (2 if text == OTHER else 1,)
    return (0, datetime.fromisoformat(found).timestamp() if dimension.type == "instant" else found)
