"""A report's name, what was chosen about it and who asks go in, its question's defaults come out."""

from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.catalog.preset import PARAMETERS, Preset, Report, View
from engine.errors import NotFound, Unprocessable, nearest
from engine.query.question import Question


class Found(Struct, frozen=True):
    """A report as somebody gets it."""

    report: Report | None
    preset: Preset
    chosen: dict[str, str]  # its parameters, none left out


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


def described(question: Question, principal: Principal, catalog: Catalog) -> dict[str, Any]:
    """Return the report of `question` as a question without its window, in words of the question."""
    found = find(question, principal, catalog)
    said = msgspec.to_builtins(found.preset)
    kept = {name: value for name, value in said.items() if value or name in ("rows", "measures")}
    return {"report": question.report, **found.chosen, **kept}


def _not_a_parameter(name: str, what: str, known: dict[str, Report]) -> NoReturn:
    takes = [report.name for report in known.values() if name in report.parameters]
    hint = f"{name} is for {', '.join(takes)}" if takes else None
    raise Unprocessable("bad_value", f"{what} has no {name}", pointer=f"$.{name}", hint=hint)
