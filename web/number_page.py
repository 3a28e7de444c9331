"""A request for the report per-number goes in, its page comes out: what its modules need to look for calls."""

from typing import Any

import anyio.to_thread
from litestar import Request, get
from litestar.response import Redirect, Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.query.calls import MONTHS
from engine.query.search import PER_NUMBER
from engine.site import Site
from web.catalog import CatalogView, Field, ReportView, catalog_view
from web.report_page import SiteView, embedded, site_view, today
from web.shell import shell

DAYS = 29
"""Days before today that a search begins at when nothing is said."""
USUAL = (
    "start_time", "customer", "customer_destination", "provider", "provider_card", "cli", "number", "duration",
    "sip_code", "outcome", "customer_charge", "provider_charge", "profit",
)  # fmt: skip
"""The columns that are shown until others are chosen."""


class NumberPage(Struct, frozen=True):
    """What the page is told: `columns` are all a call has, `usual` those shown first, `months` the longest window."""

    report: ReportView
    path: str
    window: dict[str, str]
    columns: list[Field]
    usual: list[str]
    months: int
    catalog: CatalogView
    site: SiteView


def number_page(zone: str, site: Site, principal: Principal) -> NumberPage:
    """Return the page as the caller may see it: filters are on dimensions, for a measure is of groups of calls."""
    catalog = catalog_view(site.catalog, principal, site.settings.min_calls)
    operator = principal.audience == "operator"
    told = [each for each in site.catalog.calls.values() if operator or each.audience == "all"]
    day = today(zone, site)
    return NumberPage(
        report=next(view for view in catalog.reports if view.name == PER_NUMBER),
        path=f"/reports/{PER_NUMBER}",
        window={"from": site.days_before(day, DAYS), "to": site.days_before(day, -1)},
        columns=[Field(each.name, each.label, each.type, each.help, each.unit) for each in told],
        usual=[each.name for each in told if each.name in USUAL],
        months=MONTHS,
        catalog=CatalogView(catalog.dimensions, [], catalog.operators, [], catalog.min_calls),
        site=site_view(day, site, principal),
    )


@get("/reports/per-number", include_in_schema=False)
async def per_number(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """The report per-number as a page."""
    words = dict(request.query_params.items())
    zone = words.get("tz", words.get("timezone", ""))

    def made() -> dict[str, Any]:
        page = number_page(zone, site, principal)
        around = shell(site, principal, page.path, page.report.label, "report")
        return {"shell": around, "report": page.report, "page": embedded(page)}

    return Template("calls.html", context=await anyio.to_thread.run_sync(made))


@get("/calls", include_in_schema=False)
async def calls(request: Request[Any, Any, Any]) -> Redirect:
    """The same under a short address."""
    query: bytes = request.scope["query_string"]
    return Redirect(f"/reports/{PER_NUMBER}" + (f"?{query.decode('latin-1')}" if query else ""))


HANDLERS = [per_number, calls]
"""What the router of pages takes."""
