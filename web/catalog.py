"""The catalog and a principal go in, the part of it that exists for them comes out."""

from typing import Any

from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.query.question import OPERATORS


class Field(Struct, frozen=True, omit_defaults=True):
    """A dimension or a measure as callers see it."""

    name: str
    label: str
    type: str
    help: str
    unit: str | None = None


class CatalogView(Struct, frozen=True):
    """What a caller may ask."""

    dimensions: list[Field]
    measures: list[Field]
    operators: list[str]
    reports: list[dict[str, Any]]


def catalog_view(catalog: Catalog, principal: Principal) -> CatalogView:
    """Return what `principal` may ask."""
    audiences = ("all", "operator") if principal.audience == "operator" else ("all",)
    return CatalogView(
        dimensions=[
            Field(d.name, d.label, d.type, d.help) for d in catalog.dimensions.values() if d.audience in audiences
        ],
        measures=[
            Field(m.name, m.label, m.type, m.help, m.unit) for m in catalog.measures.values() if m.audience in audiences
        ],
        operators=list(OPERATORS),
        reports=[{"name": r.name, "label": r.label, "help": r.help} for r in catalog.reports.values()],
    )
