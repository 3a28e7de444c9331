"""A resolved question and the values across go in, the answer's columns and its rows laid out in them come out.

Of a question without cells (`shape.shaped`) a row is what the engine returned; of one with cells it comes with an
array of them, in no order, and those that are not there are empty: sums 0, ratios null.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from engine.catalog.model import Measure
from engine.errors import Unprocessable
from engine.query.answer import Column, money_text
from engine.query.headers import OTHER, Aspect, in_order, taken_apart, value
from engine.query.resolve import Resolved
from engine.query.shape import BESIDE, column, filled, shaped, values

_HEAD = 3
"""What stands in a cell before its values: its period, whether it is of one value across, and which."""


class _Slot(Struct, frozen=True):
    """A column of numbers: what it tells, where its value stands in a cell, and the values across it is of."""

    aspect: Aspect
    place: int
    across: str | None


class Sheet:
    """The columns of an answer, and how a row of the engine becomes a row in them."""

    def __init__(self, asked: Resolved, across: Iterable[str] = ()) -> None:
        """`across` are the headers of the values across. Raises 422 `too_many_columns`."""
        self._asked = asked
        self._cells = shaped(asked)
        places = {name: place for place, name in enumerate(values(asked))}
        aspects = [(aspect, places[column(aspect)]) for aspect in asked.aspects]
        headers = sorted(set(across), key=self._in_order) if asked.columns else []
        _few_enough(asked, len(headers) * len(aspects))
        self._slots = [_Slot(aspect, place, header) for header in [*headers, None] for aspect, place in aspects]
        self.columns = (*self._leading(), *(self._column(slot) for slot in self._slots))
        self.width = len(self.columns)
        self._money = {place for place, found in enumerate(self.columns) if found.type == "money"}
        # Then the engine has written every amount as it is told, but for those that ratios are made of.
        self._told = not self._cells and not any(aspect.kind in BESIDE for aspect in asked.aspects)

    def headers(self) -> list[str]:
        """Return the values across as their headers write them, in order."""
        return list(dict.fromkeys(slot.across for slot in self._slots if slot.across is not None))

    def rows(self, found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement as those of the answer."""
        if self._told:
            return [tuple(row[: self.width]) for row in found]
        return [self.row(row) for row in found]

    def row(self, found: Sequence[Any], kept: int | None = None) -> tuple[Any, ...]:
        """Return a row of the statement as one of the answer; `kept` leading dimensions are told, the others null."""
        depth = self._asked.depth
        kept = depth if kept is None else kept
        if not self._cells:
            return self._written((*found[:kept], *([None] * (depth - kept)), *found[depth : self.width]))
        leading: list[Any] = []
        told = iter(found)
        for number, dimension in enumerate(self._asked.rows):
            name = next(told)
            if dimension.name in self._asked.cut:
                rest = bool(next(told)) if number < kept else next(told)
                leading += [("other" if dimension.type == "string" else None) if rest else name, rest]
            else:
                leading.append(name)
        leading = [value if place < self._leads(kept) else None for place, value in enumerate(leading)]
        return self._written((*leading, *self._laid_out(next(told))))

    def _leads(self, kept: int) -> int:
        """How many columns `kept` leading dimensions take."""
        return kept + sum(dimension.name in self._asked.cut for dimension in self._asked.rows[:kept])

    def empty(self) -> tuple[Any, ...]:
        """Return the total of no calls at all."""
        leading = len(self._leading())
        return self._written((*([None] * leading), *self._laid_out(())))

    def _laid_out(self, cells: Iterable[Sequence[Any]]) -> list[Any]:
        found = {(cell[0], cell[2] if cell[1] else None): cell for cell in cells}
        return [self._value(slot, found) for slot in self._slots]

    def _value(self, slot: _Slot, cells: dict[tuple[int, str | None], Sequence[Any]]) -> Any:
        def told(period: int) -> Any:
            cell = cells.get((period, slot.across))
            return _nothing(slot.aspect) if cell is None else cell[_HEAD + slot.place]

        kind = slot.aspect.kind
        if kind == "previous":
            return told(1)
        return _change(slot.aspect, told(0), told(1)) if kind.startswith("change") else told(0)

    def _leading(self) -> list[Column]:
        found = []
        for dimension in self._asked.rows:
            found.append(Column(dimension.name, dimension.label, dimension.type))
            if dimension.name in self._asked.cut:
                found.append(Column(f"{dimension.name}.other", f"{dimension.label}: other", "boolean"))
        return found

    def _column(self, slot: _Slot) -> Column:
        aspect = slot.aspect
        plain = not aspect.kind and slot.across is None
        name, label, pivot = aspect.name, aspect.label, None
        other: tuple[str, ...] = ()
        if slot.across is not None:
            texts = taken_apart(f"|{slot.across}")[1]
            named = list(zip(self._asked.columns, texts, strict=True))
            pivot = {dimension.name: value(text, dimension) for dimension, text in named}
            other = tuple(dimension.name for dimension, text in named if text == OTHER)
            name = f"{name}|{slot.across}"
            shown = ["Other" if text == OTHER else _label(pivot[dimension.name]) for dimension, text in named]
            label = ", ".join([label, *shown])
        return Column(
            name,
            label,
            aspect.type,
            aspect.unit,
            measure=None if plain else aspect.measure.name,
            aspect=aspect.kind or None,  # type: ignore[arg-type]  # the literal without its empty word
            pivot=pivot,
            other=other,
        )

    def _in_order(self, header: str) -> tuple[Any, ...]:
        pairs = zip(self._asked.columns, taken_apart(f"|{header}")[1], strict=True)
        return tuple(in_order(text, dimension) for dimension, text in pairs)

    def _written(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(
            money_text(value)
            if place in self._money and isinstance(value, Decimal)
            else float(value)
            if isinstance(value, Decimal)
            else value
            for place, value in enumerate(row)
        )


def filled_up(asked: Resolved, headers: Iterable[str], buckets: Sequence[Sequence[str]]) -> set[str]:
    """Return `headers` with every bucket across, for each group that the other dimensions across have."""
    places = [place for place, dimension in enumerate(asked.columns) if dimension in filled(asked, asked.columns)]
    found = set(headers)
    groups = {
        tuple(text for place, text in enumerate(taken_apart(f"|{header}")[1]) if place not in places)
        for header in found
    }
    if len(places) == len(asked.columns):
        groups = {()}  # also when there are no calls at all
    _few_enough(asked, len(groups) * len(buckets))
    for group in groups:
        for bucket in buckets:
            told, rest = iter(bucket), iter(group)
            found.add("|".join(next(told if place in places else rest) for place in range(len(asked.columns))))
    return found


def _few_enough(asked: Resolved, count: int) -> None:
    if count <= asked.most_columns:
        return
    raise Unprocessable(
        "too_many_columns",
        f"the values of {', '.join(dimension.name for dimension in asked.columns)} make more than "
        f"{asked.most_columns} columns",
        pointer="$.columns",
        hint="narrow the question, cut a dimension with top, put it into rows, or raise max_columns",
    )


def _label(told: Any) -> str:
    return "(none)" if told in ("", None) else str(told).lower() if isinstance(told, bool) else str(told)


def _nothing(aspect: Aspect) -> Any:
    """The value of a cell without calls."""
    measure: Measure = aspect.measure
    if aspect.kind in ("numerator", "denominator"):
        return 0
    if not measure.adds:
        return None
    return {"money": Decimal(0), "integer": 0}.get(measure.type, 0.0)


def _change(aspect: Aspect, now: Any, before: Any) -> Any:
    """How much more there is than before; in percent of what was, null when that is nothing."""
    if now is None or before is None:
        return None
    change = now - before
    if aspect.kind == "change_percent":
        return 100 * float(change) / abs(float(before)) if before else None
    return round(change, 3) if aspect.measure.type == "duration" else change
