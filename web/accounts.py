"""An account goes in, the page of its reports comes out; without one, the page that lists the accounts there are."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import anyio.to_thread
from litestar import Request, get
from litestar.response import Redirect, Template
from msgspec import Struct
from msgspec.structs import replace

from engine.access.principal import Principal
from engine.catalog.preset import PARAMETERS
from engine.errors import NotFound
from engine.site import Site
from web.catalog import ReportView
from web.report_page import AccountView, ReportPage, begun, report_page, told
from web.shell import shell


class Kind(Struct, frozen=True):
    """One side of the business: the dimension that names its accounts, and what of them people look at first.

    `reports` come first in the selector of an account, `rows` says by what a report is grouped there where that is not
    what the report says itself, `figures` are measures and what they are called at the top of a page.
    """

    dimension: str
    address: str
    label: str
    plural: str
    about: str
    audience: str
    reports: tuple[str, ...]
    rows: Mapping[str, tuple[str, ...]]
    figures: Mapping[str, str]

    def href(self, id_: str) -> str:
        """Return the address of an account's page."""
        return f"{self.address}/{escaped(id_)}"


_FIGURES = {"attempts": "Attempts", "connected": "Connected", "asr": "ASR", "acd": "ACD"}
_MARGIN = {"profit": "Profit", "profit_percent": "Profit %"}
CUSTOMERS = Kind(
    dimension="customer",
    address="/customers",
    label="Customer",
    plural="Customers",
    about="Every customer with calls in this window. A name leads to its own page.",
    audience="all",
    reports=("breakout", "usa-rate-center", "did-as-cli", "tech-prefix", "usa-calls", "dtmf", "explore"),
    rows={},
    figures=_FIGURES
    | {"customer_minutes": "Minutes", "customer_charge": "Charge", "provider_charge": "Cost"}
    | _MARGIN,
)
PROVIDERS = Kind(
    dimension="provider",
    address="/providers",
    label="Provider",
    plural="Providers",
    about="Every provider with calls in this window. A name leads to its own page.",
    audience="operator",
    reports=("asr-per-route", "breakout", "dtmf", "tech-prefix", "explore"),
    rows={"breakout": ("provider_card", "provider_destination")},
    figures=_FIGURES
    | {"provider_minutes": "Minutes", "provider_charge": "Cost", "customer_charge": "Charge"}
    | _MARGIN,
)


def escaped(id_: str) -> str:
    """Return an id as the last part of an address; those that an address cannot end in get a `=` in front."""
    plain = id_ not in ("", ".", "..") and not id_.startswith(("=", "/"))
    return quote(id_ if plain else f"={id_}", safe="")


def id_in(path: str) -> str:
    """Return the id that an address ends in, as the client wrote it."""
    return unquote(path.split("/", 2)[2]).removeprefix("=")


def account_page(
    kind: Kind, id_: str, words: Mapping[str, str], zone: str, site: Site, principal: Principal
) -> tuple[ReportPage, str]:
    """Return an account's page and its name; raises 404 for a report or an account that the caller has not."""
    _check(kind, principal)
    if kind.dimension == "customer" and principal.accounts is not None and id_ not in principal.accounts:
        raise NotFound("unknown_account", f"there is no customer {id_!r}", hint="see the list of customers")
    page = report_page(words.get("report", kind.reports[0]), _chosen(words), zone, site, principal)
    name = site.name_of(kind.dimension, id_) or id_ or "(none)"
    rows = kind.rows.get(page.report.name, page.preset["rows"])
    own = [row for row in rows if row != kind.dimension] or rows  # the same in every row
    known = {measure.name for measure in page.catalog.measures}
    account = AccountView(
        kind=kind.dimension,
        id=id_,
        name=name,
        reports=_reports(kind, page.catalog.reports),
        figures=[measure for measure in kind.figures if measure in known],
    )
    where = {"field": kind.dimension, "op": "eq", "values": [id_]}
    preset = {**page.preset, "rows": own}
    return replace(page, path=kind.href(id_), preset=preset, bound=[where], account=account), name


def accounts_page(kind: Kind, zone: str, site: Site, principal: Principal) -> ReportPage:
    """Return the page that lists the accounts of a kind; raises 404 when the kind does not exist for the caller."""
    _check(kind, principal)
    page = report_page("explore", {}, zone, site, principal)
    named = f"{kind.dimension}s" in site.lists()
    known = {measure.name for measure in page.catalog.measures}
    preset = {
        **page.preset,
        "rows": [f"{kind.dimension}_name", kind.dimension] if named else [kind.dimension],
        "measures": [measure for measure in kind.figures if measure in known],
    }
    own = ReportView(kind.plural.lower(), kind.plural, kind.about)
    return replace(page, report=own, path=kind.address, preset=preset, listed=kind.dimension, named=named)


def _check(kind: Kind, principal: Principal) -> None:
    if kind.audience != "all" and principal.audience != kind.audience:
        raise NotFound("not_found", "there is nothing at this address", hint="see the menu")


def _chosen(words: Mapping[str, str]) -> dict[str, str]:
    return {word: words[word] for word in PARAMETERS if word in words}


def _reports(kind: Kind, known: list[ReportView]) -> list[ReportView]:
    """The reports there are of an account: those it is looked at by first, and saved ones at the end."""
    place = {name: at for at, name in enumerate(kind.reports)}
    asked = [report for report in known if not report.records]
    return sorted(asked, key=lambda report: (report.saved, place.get(report.name, len(place))))


def _written(request: Request[Any, Any, Any]) -> str:
    """The path of a request as the client wrote it: a slash of an id is no slash of the address."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


async def _one(kind: Kind, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    words = dict(request.query_params.items())
    zone = words.get("tz", words.get("timezone", ""))
    id_ = id_in(_written(request))

    def made() -> dict[str, Any]:
        page, name = account_page(kind, id_, words, zone, site, principal)
        measures = {measure.name: measure for measure in page.catalog.measures}
        figures = [(measures[name], label) for name, label in kind.figures.items() if name in measures]
        around = shell(site, principal, kind.address, name, "report")
        others = principal.accounts is None or len(principal.accounts) > 1
        own = {"report": page.report, "kind": kind, "id": id_, "name": name, "others": others, "figures": figures}
        return {**own, "shell": around, **told(page, words)}

    page = Template("account.html", context=await anyio.to_thread.run_sync(made))
    return begun(page, request, principal)


async def _all(kind: Kind, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template | Redirect:
    words = dict(request.query_params.items())
    if kind.dimension == "customer" and principal.accounts is not None and len(principal.accounts) == 1:
        return Redirect(kind.href(principal.accounts[0]))

    def made() -> dict[str, Any]:
        page = accounts_page(kind, words.get("tz", words.get("timezone", "")), site, principal)
        around = shell(site, principal, page.path, page.report.label, "report")
        return {"shell": around, "report": page.report, **told(page, words)}

    page = Template("report.html", context=await anyio.to_thread.run_sync(made))
    return begun(page, request, principal)


@get("/customers", include_in_schema=False)
async def customers(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template | Redirect:
    """The customers, to find one."""
    return await _all(CUSTOMERS, request, principal, site)


@get("/customers/{account:path}", include_in_schema=False)
async def customer(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """One customer's page."""
    return await _one(CUSTOMERS, request, principal, site)


@get("/providers", include_in_schema=False)
async def providers(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template | Redirect:
    """The providers, to find one."""
    return await _all(PROVIDERS, request, principal, site)


@get("/providers/{account:path}", include_in_schema=False)
async def provider(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """One provider's page."""
    return await _one(PROVIDERS, request, principal, site)


HANDLERS = [customers, customer, providers, provider]
"""What the router of pages takes."""
