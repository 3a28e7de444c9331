"""Requests for single calls go in; a page of them, or all of them in another format, comes out."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from engine.access.principal import Principal
from engine.errors import BadRequest
from engine.exports import formats, listings
from engine.query import parameters, search
from engine.query.running import Ticket
from engine.query.search import PAGE, PER_NUMBER, Search
from engine.site import Site
from web.delivery import DELIVERY, Begun, Delivery, delivered, delivery, progressed, ticket_of
from web.parameters import given, words
from web.progress import PROGRESS

SEARCH_BYTES = 4 << 20
"""Largest search: a list of some hundred thousand numbers still fits."""
PRESET = {"report": PER_NUMBER, "number": [], "side": "any", "match": "exact", "where": [], "limit": PAGE}
"""The report per-number as a search without its window."""


@get("/calls")
async def calls(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Return the calls that the parameters find; `field=list` and `field.op=list` are filters."""
    return await _found(request, given(request), principal, site)


@post("/calls", status_code=200, request_max_body_size=SEARCH_BYTES)
async def calls_asked(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Return the calls that the body finds; `format` chooses how they are written."""
    how = delivery(words(given(request), *DELIVERY))
    return await _answered(request, search.read(await request.body()), how, principal, site)


async def of_report(
    request: Request[Any, Any, Any],
    everything: list[tuple[str, str]],
    principal: Principal,
    site: Site,
    kept: Mapping[str, Any],
) -> Response[Any]:
    """Answer the report per-number, or a saved search: with a window its calls, without one what can be asked of it."""
    if not {name for name, _ in everything} & {"from", "to"}:
        words(everything)
        return Response(search.laid({}, {**PRESET, **kept}))
    return await _found(request, everything, principal, site, kept)


async def _found(
    request: Request[Any, Any, Any],
    everything: list[tuple[str, str]],
    principal: Principal,
    site: Site,
    kept: Mapping[str, Any] | None = None,
) -> Response[Any]:
    """Answer a search that is written as parameters, laid over a saved one."""
    how = delivery(words([pair for pair in everything if pair[0] in DELIVERY], *DELIVERY))
    for word in {"from", "to"} - {name for name, _ in everything}:
        raise BadRequest("malformed", f"{word} is missing", pointer=word, hint="a window has both; to is exclusive")
    pairs = [pair for pair in everything if pair[0] not in DELIVERY]
    return await _answered(request, parameters.search(pairs, site.fields, kept), how, principal, site)


async def _answered(
    request: Request[Any, Any, Any], asked: Search, how: Delivery, principal: Principal, site: Site
) -> Response[Any]:
    def begun(ticket: Ticket) -> Begun:
        if how.form in formats.WHOLE:
            page = site.calls.page(asked, principal, ticket=ticket)
            return listings.table(page).encode() if how.form == "table" else msgspec.json.encode(page), iter(())
        pieces = listings.write(
            site.calls.every(asked, principal, ticket=ticket), how.form, labels=how.labels, raw=how.raw
        )
        return next(pieces, b""), pieces

    ticket = ticket_of(request, site, principal)
    if request.headers.get("accept", "") == PROGRESS and how.form == "json":
        return progressed(request, ticket, partial(site.calls.page, asked, principal, ticket=ticket))
    return await delivered(request, ticket, how, begun)


HANDLERS = [calls, calls_asked]
"""What the API's router takes."""
