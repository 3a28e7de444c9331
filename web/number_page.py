"""A report's name goes in, its page comes out: for one of single calls, what its modules need to look for them."""

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
import msgspec
from litestar import Request, get
from litestar.response import Redirect, Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.query import search
from engine.query.calls import MONTHS
from engine.query.search import PER_NUMBER, SHOWN
from engine.site import Site
from web.catalog import CatalogView, Field, ReportView, catalog_view, report_views
from web.report_page import SiteView, begun, drawn, embedded, site_view, today
from web.shell import shell

DAYS = 29
"""Days before today that a search begins at when nothing is said."""
USUAL = (
    "start_time", "customer", "customer_destination", "provider", "provider_card", "cli", "number", "duration",
    "sip_code", "outcome", "customer_charge", "provider_charge", "profit",
)  # fmt: skip
"""The columns that are shown until others are chosen."""


class NumberPage(Struct, frozen=True):
    """What the page is told: `columns` are all a call has, `usual` those shown first, `months` the longest window.

    `kept` is what is saved of a search.
    """

    report: ReportView
    path: str
    window: dict[str, str]
    columns: list[Field]
    usual: list[str]
    months: int
    catalog: CatalogView
    site: SiteView
    kept: dict[str, Any]


def number_page(name: str, kept: Mapping[str, Any], zone: str, site: Site, principal: Principal) -> NumberPage:
    """Return the page of a search, `kept` what is saved of it, as the caller may see it.

    Filters are on dimensions, for a measure is of groups of calls.
    """
    catalog = catalog_view(site.catalog, principal, site.settings.min_calls, site.shelf.every(principal))
    operator = principal.audience == "operator"
    told = [each for each in site.catalog.calls.values() if operator or each.audience == "all"]
    day = today(zone, site)
    return NumberPage(
        report=next(view for view in catalog.reports if view.name == name),
        path=f"/reports/{name}",
        window={"from": site.days_before(day, DAYS), "to": site.days_before(day, -1)},
        columns=[Field(each.name, each.label, each.type, each.help, each.unit) for each in told],
        usual=[each.name for each in told if each.name in kept.get(SHOWN, USUAL)],
        months=MONTHS,
        catalog=CatalogView(catalog.dimensions, [], catalog.operators, [], catalog.min_calls),
        site=site_view(day, site, principal),
        kept=_whole(kept) if kept else {},
    )


def _whole(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What is saved of a search, none of its filters' words left out."""
    window = {"from": "2000-01-01", "to": "2000-01-02"}
    said = msgspec.to_builtins(search.of(search.laid(window, kept)))
    return {word: said[word] for word in kept if word in said and word not in ("report", "limit", "cursor")}


@get("/reports/{name:str}", include_in_schema=False)
async def report(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """A report as a page: of groups of calls, or of single calls."""
    words = dict(request.query_params.items())
    zone = words.get("tz", words.get("timezone", ""))

    def made() -> Template:
        known = report_views(site.catalog, principal, site.shelf.every(principal))
        if not any(each.name == name and each.records for each in known):
            return drawn(name, words, site, principal)
        kept = site.shelf.search(name, principal) or {}
        page = number_page(name, kept, zone, site, principal)
        around = shell(site, principal, page.path, page.report.label, "report")
        return Template("calls.html", context={"shell": around, "report": page.report, "page": embedded(page)})

    return begun(await anyio.to_thread.run_sync(made), request, principal)


@get("/calls", include_in_schema=False)
async def calls(request: Request[Any, Any, Any]) -> Redirect:
    """The same under a short address."""
    query: bytes = request.scope["query_string"]
    return Redirect(f"/reports/{PER_NUMBER}" + (f"?{query.decode('latin-1')}" if query else ""))


HANDLERS = [report, calls]
"""What the router of pages takes."""
