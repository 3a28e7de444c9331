"""The catalog goes in, the page that explains everything in it comes out."""

from typing import Any

import anyio.to_thread
from litestar import Request, get
from litestar.response import Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.catalog.preset import Operator
from engine.site import Site
from web.catalog import CatalogView, catalog_view
from web.shell import shell

OPERATORS: dict[Operator, str] = {
    "eq": "is any of the values",
    "in": "is any of the values",
    "ne": "is none of the values",
    "not_in": "is none of the values",
    "lt": "is less",
    "le": "is less or equal",
    "gt": "is more",
    "ge": "is more or equal",
    "between": "lies between two values, both included",
    "contains": "has the text somewhere, in capitals or not",
    "starts_with": "begins with the text, in capitals or not",
    "is_null": "is missing; of text, empty",
    "not_null": "is not missing; of text, not empty",
}
"""What the operators of a filter mean. All but those on missing values leave out what is missing."""


class Meaning(Struct, frozen=True):
    """A dimension or a measure. `made_of` is its formula over parts, for the operator."""

    name: str
    label: str
    type: str
    unit: str
    help: str
    made_of: str


class HelpPage(Struct, frozen=True):
    """What a help page explains."""

    catalog: CatalogView
    measures: list[Meaning]
    operators: dict[Operator, str]
    operator: bool


def help_page(site: Site, principal: Principal) -> HelpPage:
    """Return what exists for whoever reads it."""
    view = catalog_view(site.catalog, principal, site.settings.min_calls, site.shelf.every(principal))
    operator = principal.audience == "operator"
    measures = [
        Meaning(
            field.name,
            field.label,
            field.type,
            field.unit or "",
            field.help,
            _formula(site.catalog, field.name, operator),
        )
        for field in view.measures
    ]
    return HelpPage(view, measures, OPERATORS, operator)


def _formula(catalog: Catalog, name: str, operator: bool) -> str:
    """How a measure is made; parts may be of what is not a customer's, so only the operator is told."""
    measure = catalog.measures[name]
    if not operator or measure.percentile:
        return ""
    if measure.value is not None:
        return measure.value if measure.value != name else ""
    times = f"{measure.times} * " if measure.times != 1 else ""
    return f"{times}({measure.numerator}) / ({measure.denominator})"


@get("/help", include_in_schema=False)
async def explained(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """What everything means."""
    base = str(request.base_url).rstrip("/")

    def made() -> dict[str, Any]:
        return {"shell": shell(site, principal, "/help", "Help"), "page": help_page(site, principal), "base": base}

    return Template("help.html", context=await anyio.to_thread.run_sync(made))
