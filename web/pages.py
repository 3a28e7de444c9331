"""Requests for pages go in, the same questions as the API's are asked, HTML comes out."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

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
from engine.query.running import Ticket
from engine.site import Site
from web import accounts, number_page
from web.access import principal_of
from web.api import site_of
from web.errors import ours
from web.flowing import attended
from web.report_page import report

MOST_ROWS = 500
"""Rows a page draws; the rest is a download away."""

GROUPINGS = {
    "customer,customer_destination": "Customer, destination",
    "customer": "Customer",
    "customer_destination": "Destination",
    "provider,provider_card": "Provider, route",
    "provider,provider_destination": "Provider, destination",
    "day": "Day",
    "day,customer": "Day, customer",
}
FILTERS = ("customer", "customer_destination", "provider")
CONTROLS = ("from", "to", "tz", "rows", *FILTERS)
"""What the form asks for; everything else in the URL goes along unseen, so that no filter is lost."""
_LEFT = ("string", "date", "instant")


class Cell(Struct, frozen=True):
    """One cell as drawn."""

    text: str
    kind: str
    negative: bool = False


class Heading(Struct, frozen=True):
    """A column's heading: sorting by it is a link."""

    label: str
    kind: str
    href: str = ""
    direction: str = ""  # "", "ascending" or "descending", in the words of aria-sort


class Problem(Struct, frozen=True):
    """Why there is no table, what to do, and which control is at fault."""

    message: str
    status: int
    hint: str | None = None
    control: str | None = None


class Preset(Struct, frozen=True):
    """A window that is a click away."""

    label: str
    href: str
    here: bool


class Chip(Struct, frozen=True):
    """A filter the form has no control for: following it takes the filter away."""

    label: str
    href: str


class BreakoutPage(Struct, frozen=True, kw_only=True):
    """Everything the breakout page shows."""

    values: dict[str, str]
    unseen: dict[str, str]
    groupings: dict[str, str]
    filters: dict[str, str]
    presets: list[Preset] = []
    chips: list[Chip] = []
    problem: Problem | None = None
    headings: list[Heading] = []
    rows: list[list[Cell]] = []
    totals: list[Cell] = []
    answer: Answer | None = None
    csv: str = ""
    json: str = ""
    newest: tuple[str, str] | None = None
    unfiltered: str | None = None


def _given(request: Request[Any, Any, Any], site: Site) -> dict[str, str]:
    """The parameters of the URL that say something; of a filter given twice both lists count."""
    given: dict[str, str] = {}
    for name, text in request.query_params.items():
        if text.strip():
            filters = name.partition(".")[0] in site.fields
            given[name] = f"{given[name]},{text.strip()}" if filters and name in given else text.strip()
    return given


def _fitting(values: dict[str, str], site: Site) -> dict[str, str]:
    """Leave out the sort by a dimension that is no longer a column, as after choosing another grouping."""
    field = values.get("sort", "").partition(":")[0]
    gone = field in site.catalog.dimensions and field not in values["rows"].split(",")
    return {name: text for name, text in values.items() if not (gone and name == "sort")}


def _question(values: dict[str, str], site: Site) -> Question:
    pairs = [(name, text) for name, text in values.items() if text and name != "limit"]
    pairs += [("totals", "true"), ("limit", str(MOST_ROWS))]
    return parameters.question("breakout", pairs, site.fields)


def _href(values: dict[str, str], **changes: str) -> str:
    return "/?" + urlencode({name: text for name, text in (values | changes).items() if text})


def _download(values: dict[str, str], form: str) -> str:
    kept = {name: text for name, text in values.items() if text and name not in ("limit", "totals")}
    return "/api/v1/reports/breakout?" + urlencode({**kept, "totals": "true", "format": form})


def _presets(values: dict[str, str], today: str, site: Site) -> list[Preset]:
    spans = {"Today": (0, -1), "Yesterday": (1, 0), "7 days": (6, -1), "30 days": (29, -1)}
    links = []
    for label, (first, end) in spans.items():
        window = {"from": site.days_before(today, first), "to": site.days_before(today, end)}
        here = all(values[name] == text for name, text in window.items())
        links.append(Preset(label, _href(values, **window), here))
    return links


def _chips(values: dict[str, str], site: Site) -> list[Chip]:
    chips = []
    for name, text in values.items():
        field, _, operator = name.partition(".")
        if name not in CONTROLS and (known := site.catalog.dimensions.get(field) or site.catalog.measures.get(field)):
            words = (operator or "in").replace("_", " ")
            chips.append(Chip(f"{known.label} {words} {text}", _href(values, **{name: ""})))
    return chips


def _today(zone: str, site: Site) -> str:
    try:
        return site.today(zone)
    except TollhouseError:
        return site.today()  # the question will say what is wrong with the zone


def _problem(failure: TollhouseError) -> Problem:
    pointer = (failure.pointer or "").removeprefix("$.").partition(".")[0]
    control = "tz" if pointer == "timezone" else pointer
    message = failure.message[:1].upper() + failure.message[1:]
    return Problem(message, failure.status, failure.hint, control if control in CONTROLS else None)


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
        turned = f"{column.name}:{'asc' if down or (not here and column.type in _LEFT) else 'desc'}"
        direction = ("descending" if down else "ascending") if here else ""
        headings.append(Heading(column.label, column.type, _href(values, sort=turned), direction))
    if answer.currencies is not UNSET:
        headings.append(Heading("Currency", "string"))
    return headings


def _rows(answer: Answer) -> list[list[Cell]]:
    rows = [[_cell(value, column) for value, column in zip(row, answer.columns, strict=True)] for row in answer.rows]
    if answer.currencies is not UNSET:
        for row, currency in zip(rows, answer.currencies, strict=True):
            row.append(Cell(currency, "string"))
    return rows


def _totals(answer: Answer) -> list[Cell]:
    if answer.totals is UNSET:
        return []
    totals = [_cell(value, column) for value, column in zip(answer.totals, answer.columns, strict=True)]
    return totals if answer.currencies is UNSET else [*totals, Cell("", "string")]


def breakout_page(request: Request[Any, Any, Any], site: Site, principal: Principal, ticket: Ticket) -> BreakoutPage:
    """Ask the breakout for what the URL says and lay it out."""
    given = _given(request, site)
    values = {"from": "", "to": "", "tz": site.settings.timezone, "rows": next(iter(GROUPINGS))}
    values |= dict.fromkeys(FILTERS, "") | given
    page: dict[str, Any] = {
        "groupings": GROUPINGS if values["rows"] in GROUPINGS else {**GROUPINGS, values["rows"]: values["rows"]},
        "filters": {name: site.catalog.dimensions[name].label for name in FILTERS},
        "unseen": {name: text for name, text in given.items() if name not in CONTROLS},
    }
    try:
        today = _today(values["tz"], site)
        week = {"from": site.days_before(today, 6), "to": site.days_before(today, -1)}
        values = _fitting(values | {name: values[name] or text for name, text in week.items()}, site)
        page |= {"presets": _presets(values, today, site), "chips": _chips(values, site)}
        answer = site.ask(_question(values, site), principal, ticket)
        newest = None if answer.rows else site.newest_day()
    except TollhouseError as failure:
        return BreakoutPage(**page, values=values, problem=_problem(failure))
    filters = {name: "" for name in given if name.partition(".")[0] in site.fields}
    up_to = {"from": site.days_before(newest, 6), "to": site.days_before(newest, -1)} if newest else {}
    return BreakoutPage(
        **page,
        values=values,
        headings=_headings(values, answer),
        rows=_rows(answer),
        totals=_totals(answer),
        answer=answer,
        csv=_download(values, "csv"),
        json=_download(values, "json"),
        newest=(newest, _href(values, **up_to)) if newest else None,
        unfiltered=_href(values, **filters) if filters else None,
    )


@get("/", include_in_schema=False)
async def breakout(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """The breakout as a page."""
    ticket = site.board.open(principal.name)
    try:
        page = await attended(request, ticket, partial(breakout_page, request, site, principal, ticket))
    finally:
        ticket.failed()  # unless it was answered
    status = 200 if page.problem is None else page.problem.status
    return Template("breakout.html", context={"page": page}, status_code=status)


def told(request: Request[Any, Any, Any], failure: TollhouseError) -> Template:
    """Answer a request for a page that cannot be shown with one that says why."""
    response = ours(request, failure)  # which logs what is the server's own fault
    return Template("failed.html", context={"failure": failure}, status_code=response.status_code or 500)


router = Router(
    "/",
    route_handlers=[breakout, report, *accounts.HANDLERS, *number_page.HANDLERS],
    exception_handlers={TollhouseError: told},
    dependencies={
        "principal": Provide(principal_of, sync_to_thread=False),
        "site": Provide(site_of, sync_to_thread=False),
    },
)
