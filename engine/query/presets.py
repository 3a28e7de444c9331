"""A report's name, what was chosen about it and who asks go in, its question's defaults come out."""

from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.catalog.preset import PARAMETERS, Preset, Report, View
from engine.errors import NotFound, Unprocessable, nearest
from engine.query.headers import ASPECTS, taken_apart
from engine.query.question import Question


class Found(Struct, frozen=True):
    """A report as somebody gets it."""

    report: Report | None
    preset: Preset
    chosen: dict[str, str]  # its parameters, none left out


Find = Callable[[Question, Principal], Found]
"""A question and who asks it to its defaults."""


def find(question: Question, principal: Principal, catalog: Catalog) -> Found:
    """Return the defaults for a question.

    Raises 404 for a report that does not exist for the principal, 422 for a parameter that does not fit it.
    """
    given = {name: value for name in PARAMETERS if (value := getattr(question, name)) is not None}
    known = catalog.reports_for(principal.audience)
    if question.report is None:
        for name in given:
            _not_a_parameter(name, "a question without a report", known)
        calls: View = "final" if principal.audience == "customer" else "attempts"
        return Found(None, Preset(measures=("attempts",), calls=calls), {})
    report = known.get(question.report)
    if report is None:
        raise NotFound(
            "unknown_report",
            f"there is no report {question.report!r}",
            pointer="$.report",
            hint=nearest(question.report, list(known)) or f"known: {', '.join(known)}",
        )
    for name, value in given.items():
        parameter = report.parameters.get(name)
        if parameter is None:
            _not_a_parameter(name, f"the report {report.name!r}", known)
        if value not in parameter.values:
            raise Unprocessable(
                "bad_value",
                f"{name} of {report.name!r} is {' or '.join(parameter.values)}, not {value!r}",
                pointer=f"$.{name}",
                hint=nearest(value, list(parameter.values)),
            )
    chosen = report.defaults() | given
    return Found(report, report.preset(chosen, customer=principal.audience == "customer"), chosen)


def saved(question: Question, kept: Question, principal: Principal, catalog: Catalog) -> Found:
    """Return the defaults for a question that asks a saved one: what was saved is laid over the report it stands on.

    Raises as `find` does.
    """
    given = {name: value for name in PARAMETERS if (value := getattr(question, name)) is not None}
    found = find(msgspec.structs.replace(kept, **given), principal, catalog)
    return msgspec.structs.replace(found, preset=found.preset.changed(kept.said))


def described(question: Question, found: Found) -> dict[str, Any]:
    """Return `question`, completed, as one without its window: what it says, and what is not as usual."""
    whole = completed(question, found.preset)
    own = tuple(clause for clause in found.preset.where if clause not in question.where)
    said = msgspec.to_builtins(msgspec.structs.replace(whole, where=(*own, *question.where)))
    usual = msgspec.to_builtins(Preset())
    always = {"rows", "measures", "calls", *question.said}
    kept = {name: value for name, value in said.items() if value != usual[name] or name in always}
    return {"report": question.report, **found.chosen, **kept}


def completed(question: Question, preset: Preset) -> Preset:
    """Return the words of a question, none left out: where it says nothing as the preset has it.

    A report's filter holds whatever is asked; said again in the question it is not doubled. What the preset does to
    dimensions that the question has put elsewhere, or to columns it does not show, is left out.
    """
    said = preset.changed(question.said)
    rows, columns, top = said.rows, said.columns, said.top
    if question.rows is None:
        rows = tuple(row for row in rows if question.columns is None or row not in columns)
    if question.columns is None:
        columns = tuple(column for column in columns if column not in rows)
    if question.top is None:
        top = tuple(one for one in top if one.field in (*rows, *columns))
    own = tuple(clause for clause in preset.where if clause not in question.where)
    whole = msgspec.structs.replace(said, rows=rows, columns=columns, top=top, where=(*question.where, *own))
    if question.sort is None:
        whole = msgspec.structs.replace(whole, sort=tuple(key for key in whole.sort if _shown(key.field, whole)))
    return whole


def _shown(header: str, whole: Preset) -> bool:
    """Whether a question has a column of the kind that a header speaks of."""
    name, values = taken_apart(header)
    field, _, aspect = name.partition(".")
    if aspect == "other":
        return field in whole.rows and any(top.field == field for top in whole.top)
    known = {"": True} | dict.fromkeys(ASPECTS, whole.compare is not None)
    known |= dict.fromkeys(("numerator", "denominator"), whole.parts)
    columns = whole.measures if aspect or values else (*whole.rows, *whole.measures)
    return field in columns and known.get(aspect, False) and (not values or len(values) == len(whole.columns))


def _not_a_parameter(name: str, what: str, known: dict[str, Report]) -> NoReturn:
    takes = [report.name for report in known.values() if name in report.parameters]
    hint = f"{name} is for {', '.join(takes)}" if takes else None
    raise Unprocessable("bad_value", f"{what} has no {name}", pointer=f"$.{name}", hint=hint)
