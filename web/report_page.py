"""A report's name goes in, its page comes out: what its modules need to ask and to draw it, and no number yet."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.response import Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.preset import PARAMETERS
from engine.countries import calling_code
from engine.errors import NotFound, TollhouseError
from engine.query.question import of
from engine.site import Site
from web.catalog import CatalogView, ReportView, catalog_view
from web.first import first_question
from web.shell import shell

WEEK = 6
"""Days before today that a report begins at when nothing is said."""


class SiteView(Struct, frozen=True):
    """What a page must know of the site.

    `newest` is the day of the newest call loaded, `home_code` the country calling code of numbers dialled at home.
    """

    timezone: str
    currency: str
    today: str
    newest: str | None
    min_calls: int
    operator: bool
    home_code: str


class AccountView(Struct, frozen=True):
    """Whose page it is: the dimension and its value, what it is called, its reports, and its figures at the top."""

    kind: str
    id: str
    name: str
    reports: list[ReportView]
    figures: list[str]


class ReportPage(Struct, frozen=True):
    """What the modules of a report page are told.

    `preset` is the report as a question, `fixed` are filters of it that stay, `window` is asked when the URL says none.
    `bound` are filters of the page, which hold for everything that is asked on it. `listed` is the dimension whose
    values have pages of their own; `named` tells whether a list gives them names.
    """

    report: ReportView
    path: str
    saved: bool
    preset: dict[str, Any]
    fixed: list[dict[str, Any]]
    window: dict[str, str]
    catalog: CatalogView
    site: SiteView
    bound: list[dict[str, Any]] = []
    account: AccountView | None = None
    listed: str | None = None
    named: bool = False


def report_page(name: str, chosen: Mapping[str, str], zone: str, site: Site, principal: Principal) -> ReportPage:
    """Return the page of a report whose parameters are chosen so; raises 404 for one that the caller has not."""
    kept = site.shelf.every(principal)
    catalog = catalog_view(site.catalog, principal, site.settings.min_calls, kept)
    view = next((each for each in catalog.reports if each.name == name and not each.records), None)
    if view is None:
        raise NotFound("unknown_report", f"there is no report {name!r}", hint="see the menu")
    preset = _preset(name, chosen, site, principal)
    fixed = [] if view.saved else preset.get("where", [])
    if view.saved:
        base = site.shelf.find(name, principal).question.get("report")
        preset["report"] = base or "explore"
        if base in site.catalog.reports:
            own: dict[str, str] = {word: preset[word] for word in PARAMETERS if word in preset}
            fixed = _preset(base, own, site, principal).get("where", [])
    day = today(zone, site)
    return ReportPage(
        report=view,
        path=f"/reports/{name}",
        saved=view.saved,
        preset=preset,
        fixed=fixed,
        window={"from": site.days_before(day, WEEK), "to": site.days_before(day, -1)},
        catalog=catalog,
        site=site_view(day, site, principal),
    )


def _preset(name: str, chosen: Mapping[str, str], site: Site, principal: Principal) -> dict[str, Any]:
    """A report as a question without its window."""
    return site.preset(of({"from": "2000-01-01", "to": "2000-01-02", "report": name, **chosen}), principal)


def today(zone: str, site: Site) -> str:
    """Return the date in `zone`, or in the site's when there is no such zone."""
    try:
        return site.today(zone or None)
    except TollhouseError:
        return site.today()  # the question will say what is wrong with the zone


def site_view(day: str, site: Site, principal: Principal) -> SiteView:
    """Return what a page must know of the site, on that day."""
    settings = site.settings
    operator = principal.audience == "operator"
    newest = _newest(site, principal)
    home = calling_code(settings.home_country)
    return SiteView(settings.timezone, settings.currency, day, newest, settings.min_calls, operator, home)


def _newest(site: Site, principal: Principal) -> str | None:
    """The day of the newest call that the caller may see; when others' calls are loaded is not its business."""
    newest = site.newest_day()
    if newest is None or principal.accounts is None:
        return newest
    sort = [{"field": "day", "descending": True}]
    window = {"from": "2000-01-01", "to": site.days_before(newest, -1)}
    rows = site.ask(of({**window, "rows": ["day"], "measures": ["attempts"], "sort": sort, "limit": 1}), principal).rows
    return str(rows[0][0]) if rows else None


def embedded(page: Any) -> str:
    """Return JSON that can stand in a script element: nothing in it ends the element."""
    return msgspec.json.encode(page).decode().replace("<", "\\u003c")


def told(page: ReportPage, words: Mapping[str, str]) -> dict[str, str]:
    """Return what a page opened with these words is told, as JSON: of itself, and the question to begin with."""
    usual = {"timezone": page.site.timezone, "currency": page.site.currency, **page.window, "where": page.bound}
    types = {measure.name: measure.type for measure in page.catalog.measures}
    first = None if page.saved else first_question(page.preset, usual, types, words)
    return {"page": embedded(page), "first": embedded(first) if first else ""}


def drawn(name: str, words: Mapping[str, str], site: Site, principal: Principal) -> Template:
    """Return the page of a report opened with these words; raises as `report_page` does."""
    chosen: dict[str, str] = {word: words[word] for word in PARAMETERS if word in words}
    page = report_page(name, chosen, words.get("tz", words.get("timezone", "")), site, principal)
    around = shell(site, principal, page.path, page.report.label, "report")
    return Template("report.html", context={"shell": around, "report": page.report, **told(page, words)})


def begun(page: Template, request: Request[Any, Any, Any], principal: Principal) -> Template:
    """Return a page as it is, and begin the question it will ask first."""
    first = page.context.get("first")
    page.context["query"] = request.app.state.ahead.begin(first, principal) if first else ""
    return page
