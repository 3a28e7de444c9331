"""A resolved question goes in; how its statement puts cells into arrays, fills, cuts and sorts them comes out."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.catalog.model import Dimension, Measure, Part
from engine.query.headers import Aspect
from engine.query.resolve import Resolved, parts_of, sides

PAIRS = ("hour", "minute15")
"""Buckets that are a local time and its offset."""
BESIDE = ("numerator", "denominator")
PERIOD = Dimension(label="Period", help="0 the window, 1 the period before.", name="period_")
"""What tells the calls of the two periods apart."""


def shaped(asked: Resolved) -> bool:
    """Whether rows come with their cells in an array, to be laid out by `pivot`."""
    return bool(asked.columns or asked.earlier or asked.top or asked.whole.fill)


def structure(
    asked: Resolved,
    levels: list[list[str]],
    parameters: dict[str, Any],
    parts: Sequence[Part],
    having: Sequence[dict[str, Any]],
    expression: Callable[[Measure, str], str],
) -> dict[str, Any]:
    """Return what the template must know besides; `levels` are none for the rows themselves.

    `expression` writes a measure over the parts of a row whose columns begin as told.
    """

    def made_of(measures: Sequence[Measure]) -> dict[str, Any]:
        needed = parts_of(measures, asked.stands_for)
        money = sorted({side for measure in measures for side in sides(measure)})
        return {"parts": [part for part in parts if part.name in needed], "money": money}

    flagged = {dimension.name: [dimension.name] for dimension in asked.rows}
    flagged |= {name: [name, f"{name}_other"] for name in asked.cut if name in flagged}
    keys = [name for names in flagged.values() for name in names]
    buckets = filled(asked, asked.rows)
    names = [dimension.name for dimension in buckets]
    if buckets:
        parameters |= grid(asked)
    for place, top in enumerate(asked.top):
        parameters[f"top{place}"] = top.count
    filtered = made_of([clause.measure for clause in asked.having if clause.measure])
    return {
        "rows": asked.rows,
        "columns": asked.columns,
        "row_keys": keys,
        "cut": {top.dimension.name: f"top{place}" for place, top in enumerate(asked.top)},
        "having_parts": filtered["parts"],
        "having_money": filtered["money"],
        "having_lines": [
            {**line, "expression": expression(clause.measure, "g.line_")}
            for line, clause in zip(having, asked.having, strict=True)
            if clause.measure
        ],
        "flags": [f"{name}_other" for name in asked.cut],
        "compared": asked.earlier is not None,
        "tops": [
            {
                "name": top.dimension.name,
                "expression": expression(top.measure, f"g.{top.dimension.name}_"),
                **made_of([top.measure]),
            }
            for top in asked.top
        ],
        "filled": buckets,
        "filled_names": names,
        "others": [name for name in keys if name not in names],
        "rolling": bool(levels),
        "levels": [[name for kept in level for name in flagged[kept]] for level in levels] or [keys],
        "values": values(asked),
        "most_cells": (asked.most_columns + 2) * (2 if asked.earlier else 1),
        "order": _order(asked, parameters, levels),
    }


def filled(asked: Resolved, among: Sequence[Dimension]) -> list[Dimension]:
    """Return the time dimensions of which empty buckets are listed; one that is cut to its top is not."""
    wanted = asked.whole.fill
    return [one for one in among if wanted and one.bucket is not None and one.name not in asked.cut]


def grid(asked: Resolved) -> dict[str, int]:
    """Return the quarters of an hour from which the buckets of the window are made: every one begins with one."""
    start, last = asked.start_ms // 1000, (asked.end_ms - 1) // 1000
    first = start - start % 900
    return {"fill_from": start, "fill_grid": first, "fill_count": (last - first) // 900 + 1}


def _order(asked: Resolved, parameters: dict[str, Any], levels: list[list[str]]) -> list[dict[str, Any]]:
    found = []
    for place, key in enumerate(asked.order):
        if key.dimension is None and key.aspect is not None:
            if levels:
                continue  # totals have no order but that of their dimensions
            name = f"order_{place}"
            across = None
            if key.across is not None:
                across = f"across{place}"
                parameters[across] = key.across
            expression = _sorted_by(key.aspect, across)
            found.append({"name": name, "by": name, "expression": expression, "descending": key.descending})
        elif key.dimension is not None and (not levels or key.dimension.name in levels[-1]):
            name = key.dimension.name
            if name in asked.cut:
                found.append({"by": f"lined.{name}_other", "expression": None, "descending": key.descending})
            if not key.rest:
                by = f"lined.{name}.1 - lined.{name}.2" if key.dimension.bucket in PAIRS else f"lined.{name}"
                found.append({"by": by, "expression": None, "descending": key.descending})
    return found


def _sorted_by(aspect: Aspect, across: str | None) -> str:
    """The value of one column in a row, as its cells are put together: that of an empty cell when it has none."""
    where = f"pivoted AND across_ = {{{across}:String}}" if across else "NOT pivoted"

    def value(period: int) -> str:
        condition = f"period_ = {period} AND {where}"
        found = f"maxIf(toNullable(measured.{column(aspect)}), {condition})"
        empty = aspect.kind in BESIDE or aspect.measure.adds
        return f"if(countIf({condition}) = 0, 0, {found})" if empty else found

    now, before = value(0), value(1)
    change = f"({now}) - ({before})"
    return {
        "previous": before,
        "change": change,
        "change_percent": f"toFloat64({change}) / nullIf(abs(toFloat64({before})), 0)",
    }.get(aspect.kind, now)


def values(asked: Resolved) -> list[str]:
    """Return the names of the values of a cell, in order: the measures, then numerators and denominators."""
    beside = [aspect for aspect in asked.aspects if aspect.kind in BESIDE]
    return [measure.name for measure in asked.measures] + [column(aspect) for aspect in beside]


def column(aspect: Aspect) -> str:
    """Return the name of the value of a cell that a column of an answer is made of."""
    return f"{aspect.measure.name}_{aspect.kind}" if aspect.kind in BESIDE else aspect.measure.name
