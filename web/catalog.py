"""The catalog and a principal go in, the part of it that exists for them comes out."""

from collections.abc import Sequence

from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.catalog.preset import Report
from engine.query.question import OPERATORS
from engine.query.saved import Saved
from engine.query.search import PER_NUMBER


class Field(Struct, frozen=True, omit_defaults=True):
    """A dimension or a measure as callers see it."""

    name: str
    label: str
    type: str
    help: str
    unit: str | None = None
    over: str | None = None
    """Of a ratio, the unit of what it is over: `calls` when its denominator says over how many calls it is."""


class Option(Struct, frozen=True):
    """One value of a report's parameter."""

    value: str
    label: str


class ParameterView(Struct, frozen=True):
    """What a caller may choose about a report; `default` is taken when nothing is said."""

    name: str
    label: str
    help: str
    default: str
    values: list[Option]


class ReportView(Struct, frozen=True, omit_defaults=True):
    """A report as callers see it."""

    name: str
    label: str
    help: str
    parameters: list[ParameterView] = []
    records: bool = False
    """Whether it lists single calls, as `/calls` does."""
    saved: bool = False
    """Whether it is a saved question."""


class CatalogView(Struct, frozen=True):
    """What a caller may ask."""

    dimensions: list[Field]
    measures: list[Field]
    operators: list[str]
    reports: list[ReportView]
    min_calls: int
    """Under how many calls a ratio says little at this site."""


def report_views(catalog: Catalog, principal: Principal, saved: Sequence[Saved]) -> list[ReportView]:
    """Return the reports that exist for `principal`, and after them the saved questions that do."""
    known = catalog.reports_for(principal.audience).values()
    built_in = [_report(report, customer=principal.audience == "customer") for report in known]
    own = [
        ReportView(each.name, each.label, each.help, records=each.question.get("report") == PER_NUMBER, saved=True)
        for each in saved
        if not each.problem
    ]
    return built_in + own


def _report(report: Report, *, customer: bool) -> ReportView:
    parameters = [
        ParameterView(name, p.label, p.help, p.default, [Option(value, c.label) for value, c in p.values.items()])
        for name, p in report.parameters.items()
    ]
    return ReportView(report.name, report.label, report.told(customer=customer), parameters, report.records)


def catalog_view(catalog: Catalog, principal: Principal, min_calls: int, saved: Sequence[Saved] = ()) -> CatalogView:
    """Return what `principal` may ask."""
    audiences = ("all", "operator") if principal.audience == "operator" else ("all",)
    return CatalogView(
        dimensions=[
            Field(d.name, d.label, d.type, d.help) for d in catalog.dimensions.values() if d.audience in audiences
        ],
        measures=[
            Field(m.name, m.label, m.type, m.help, m.unit, m.over)
            for m in catalog.measures.values()
            if m.audience in audiences
        ],
        operators=list(OPERATORS),
        reports=report_views(catalog, principal, saved),
        min_calls=min_calls,
    )
