"""Requests for single calls go in; a page of them, or all of them in another format, comes out."""

from typing import Any

import anyio.to_thread
from litestar import Request, Response, get, post

from engine.access.principal import Principal
from engine.errors import BadRequest
from engine.exports import formats, listings
from engine.query import parameters, search
from engine.query.search import PER_NUMBER, Search
from engine.site import Site
from web.delivery import DELIVERY, Delivery, delivery
from web.flowing import Flowing
from web.parameters import given, words

SEARCH_BYTES = 4 << 20
"""Largest search: a list of some hundred thousand numbers still fits."""
PRESET = {"report": PER_NUMBER, "number": [], "side": "any", "match": "exact", "where": [], "limit": 100}
"""The report per-number as a search without its window."""


@get("/calls")
async def calls(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Return the calls that the parameters find; `field=list` and `field.op=list` are filters."""
    return await _found(given(request), principal, site)


@post("/calls", status_code=200, request_max_body_size=SEARCH_BYTES)
async def calls_asked(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Return the calls that the body finds; `format` chooses how they are written."""
    how = delivery(words(given(request), *DELIVERY))
    return await _answered(search.read(await request.body()), how, principal, site)


async def of_report(everything: list[tuple[str, str]], principal: Principal, site: Site) -> Response[Any]:
    """Answer the report per-number: with a window its calls, without one what can be asked of it."""
    if not {name for name, _ in everything} & {"from", "to"}:
        words(everything)
        return Response(PRESET)
    return await _found(everything, principal, site)


async def _found(everything: list[tuple[str, str]], principal: Principal, site: Site) -> Response[Any]:
    """Answer a search that is written as parameters."""
    how = delivery(words([pair for pair in everything if pair[0] in DELIVERY], *DELIVERY))
    for word in {"from", "to"} - {name for name, _ in everything}:
        raise BadRequest("malformed", f"{word} is missing", pointer=word, hint="a window has both; to is exclusive")
    pairs = [pair for pair in everything if pair[0] not in DELIVERY]
    return await _answered(parameters.search(pairs, site.fields), how, principal, site)


async def _answered(asked: Search, how: Delivery, principal: Principal, site: Site) -> Response[Any]:
    if how.form == "json":
        return Response(await anyio.to_thread.run_sync(site.calls.page, asked, principal))
    if how.form == "table":
        page = await anyio.to_thread.run_sync(site.calls.page, asked, principal)
        return Response(listings.table(page), media_type=formats.MEDIA["table"])
    plan = await anyio.to_thread.run_sync(site.calls.plan, asked, principal)
    pieces = listings.write(plan, site.calls.every(plan), how.form, labels=how.labels, raw=how.raw)
    first = await anyio.to_thread.run_sync(next, pieces, b"")  # what fails before it is an error like any other
    return Flowing(first, pieces, formats.MEDIA[how.form])


HANDLERS = [calls, calls_asked]
"""What the API's router takes."""
