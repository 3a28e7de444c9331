"""Requests to close a month or reopen it go in, the close comes out; a list of those that are."""

import re
from typing import Any

import anyio.to_thread
import msgspec
from litestar import Request, Response, delete, get, post
from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import BadRequest, Forbidden
from engine.query.question import malformed
from engine.site import Site
from engine.warehouse.closes import Close


class CloseAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which month to close, and in which zone it begins and ends; the site's when left out."""

    month: str
    timezone: str | None = None


def _check(request: Request[Any, Any, Any], principal: Principal) -> None:
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may see and close months")
    for name in request.query_params:
        raise BadRequest("unknown_parameter", f"this call has no parameter {name!r}", pointer=name)


@get("/closes")
async def closes(request: Request[Any, Any, Any], principal: Principal, site: Site) -> dict[str, Any]:
    """Return the months that are closed, the newest first."""
    _check(request, principal)
    return {"items": await anyio.to_thread.run_sync(site.closes), "next_cursor": None}


@post("/closes", status_code=201)
async def close(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Close]:
    """Close a month: what is complete now is what its reports say `as_of` `close:` and the month from here on."""
    _check(request, principal)
    try:
        asked = msgspec.json.decode(await request.body(), type=CloseAsked)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake
    closed = await anyio.to_thread.run_sync(site.close_month, asked.month, principal.name, asked.timezone)
    return Response(closed, status_code=201)


@delete("/closes/{month:str}", status_code=200)
async def reopen(month: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Close:
    """Take a month's close back, so that it can be closed anew."""
    _check(request, principal)
    if not re.fullmatch(r"\d{4}-\d{2}", month):
        raise BadRequest("malformed", f"{month!r} is not a month", pointer="month", hint="like 2026-10")
    return await anyio.to_thread.run_sync(site.reopen_month, month, principal.name)


HANDLERS = [closes, close, reopen]
"""What the API's router takes."""
