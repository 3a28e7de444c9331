"""Requests for pages go in, the same questions as the API's are asked, HTML comes out."""

from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from litestar import Request, Router, get
from litestar.di import Provide
from litestar.response import Template
from msgspec import UNSET, Struct

from engine.access.principal import Principal
from engine.errors import TollhouseError
from engine.exports.formats import shown
from engine.query import parameters
from engine.query.answer import Answer, Column
from engine.query.question import Question
from engine.site import Site
from web.access import principal_of
from web.api import site_of

MOST_ROWS = 500
"""Rows a page draws; the rest is a download away."""

GROUPINGS = {
    "customer,customer_destination": "Customer, destination",
    "customer": "Customer",
    "customer_destination": "Destination",
    "provider,provider_card": "Provider, route",
    "provider,provider_destination": "Provider, provider destination",
    "day": "Day",
    "day,customer": "Day, customer",
}
FILTERS = ("customer", "customer_destination", "provider")


class Cell(Struct, frozen=True):
    """One cell as drawn."""

    text: str
    kind: str
    negative: bool = False


class Heading(Struct, frozen=True):
    """A column's heading: sorting by it is a link."""

    label: str
    kind: str
    href: str
    direction: str = ""  # "", "ascending" or "descending", in the words of aria-sort


class BreakoutPage(Struct, frozen=True, kw_only=True):
    """Everything the breakout page shows."""

    values: dict[str, str]
    groupings: dict[str, str]
    filters: dict[str, str]
    presets: list[tuple[str, str, bool]]
    problem: str | None = None
    headings: list[Heading] = []
    rows: list[list[Cell]] = []
    totals: list[Cell] = []
    answer: Answer | None = None
    csv: str = ""
    json: str = ""
    newest: tuple[str, str] | None = None


def _asked(request: Request[Any, Any, Any], site: Site) -> dict[str, str]:
    today = site.today()
    defaults = {
        "from": site.days_before(today, 6),
        "to": site.days_before(today, -1),
        "tz": site.settings.timezone,
    }
    given = {name: text.strip() for name, text in request.query_params.items() if text.strip()}
    return {"rows": next(iter(GROUPINGS)), **dict.fromkeys(FILTERS, ""), "sort": "", **defaults, **given}


def _question(values: dict[str, str], site: Site) -> Question:
    pairs = [(name, text) for name, text in values.items() if text]
    pairs += [("totals", "true"), ("limit", str(MOST_ROWS))]
    return parameters.question("breakout", pairs, site.fields)


def _href(values: dict[str, str], **changes: str) -> str:
    return "/?" + urlencode({name: text for name, text in (values | changes).items() if text})


def _download(values: dict[str, str], form: str) -> str:
    kept = {name: text for name, text in values.items() if text}
    return "/api/v1/reports/breakout?" + urlencode({**kept, "totals": "true", "format": form})


def _presets(values: dict[str, str], site: Site) -> list[tuple[str, str, bool]]:
    today = site.today()
    spans = {"Today": (0, -1), "Yesterday": (1, 0), "7 days": (6, -1), "30 days": (29, -1)}
    links = []
    for label, (first, end) in spans.items():
        window = {"from": site.days_before(today, first), "to": site.days_before(today, end)}
        links.append((label, _href(values, **window), all(values[name] == text for name, text in window.items())))
    return links


def _cell(value: Any, column: Column) -> Cell:
    text = shown(value, column.type)
    if column.type == "string" and value == "":
        text = "(none)"
    return Cell(text, column.type, column.type == "money" and text.startswith("-"))


def _headings(values: dict[str, str], answer: Answer) -> list[Heading]:
    first = answer.question.sort[0] if answer.question.sort else None
    headings = []
    for column in answer.columns:
        here = first is not None and first.field == column.name
        down = here and first is not None and first.descending
        numeric = column.type not in ("string", "date", "instant")
        turned = f"{column.name}:{'asc' if down or (not here and not numeric) else 'desc'}"
        direction = ("descending" if down else "ascending") if here else ""
        headings.append(Heading(column.label, column.type, _href(values, sort=turned), direction))
    return headings


def breakout_page(request: Request[Any, Any, Any], site: Site, principal: Principal) -> BreakoutPage:
    """Ask the breakout for what the URL says and lay it out."""
    values = _asked(request, site)
    page: dict[str, Any] = {
        "values": values,
        "groupings": GROUPINGS if values["rows"] in GROUPINGS else {**GROUPINGS, values["rows"]: values["rows"]},
        "filters": {name: site.catalog.dimensions[name].label for name in FILTERS},
        "presets": _presets(values, site),
    }
    try:
        answer = site.ask(_question(values, site), principal)
    except TollhouseError as failure:
        return BreakoutPage(**page, problem=str(failure))
    newest = None
    if not answer.rows and (day := site.newest_day()):
        newest = (day, _href(values, **{"from": site.days_before(day, 6), "to": site.days_before(day, -1)}))
    return BreakoutPage(
        **page,
        headings=_headings(values, answer),
        rows=[[_cell(value, column) for value, column in zip(row, answer.columns, strict=True)] for row in answer.rows],
        totals=[Cell(shown(v, c.type), c.type) for v, c in zip(answer.totals, answer.columns, strict=True)]
        if answer.totals is not UNSET
        else [],
        answer=answer,
        csv=_download(values, "csv"),
        json=_download(values, "json"),
        newest=newest,
    )


@get("/", include_in_schema=False)
async def breakout(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """The breakout as a page."""
    page = await anyio.to_thread.run_sync(breakout_page, request, site, principal)
    status = 200 if page.problem is None else 422
    return Template("breakout.html", context={"page": page}, status_code=status)


router = Router(
    "/",
    route_handlers=[breakout],
    dependencies={
        "principal": Provide(principal_of, sync_to_thread=False),
        "site": Provide(site_of, sync_to_thread=False),
    },
)
