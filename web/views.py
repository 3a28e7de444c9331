"""Requests about saved questions go in; they are listed, saved, changed and deleted."""

from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
import msgspec
from litestar import Request, Response, delete, get, patch, post, put
from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import Conflict, Forbidden
from engine.query.question import malformed
from engine.query.saved import Change, Draft, Saved
from engine.site import Site
from web.parameters import given, words

Body = TypeVar("Body", Draft, Change)


class SavedPage(Struct, frozen=True):
    """The saved questions there are."""

    items: list[Saved]
    next_cursor: None = None


def _check(principal: Principal) -> None:
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may save questions")


async def _body(request: Request[Any, Any, Any], kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake


@get("/views")
async def views(request: Request[Any, Any, Any], principal: Principal, site: Site) -> SavedPage:
    """Return the saved questions that exist for the caller, by name."""
    words(given(request))
    return SavedPage(await anyio.to_thread.run_sync(site.shelf.every, principal))


@get("/views/{name:str}")
async def view(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Saved:
    """Return one saved question."""
    words(given(request))
    return await anyio.to_thread.run_sync(site.shelf.find, name, principal)


@post("/views", status_code=201)
async def save(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Saved]:
    """Save a question under a name: it is a report from then on."""
    _check(principal)
    words(given(request))
    draft = await _body(request, Draft)
    return Response(await anyio.to_thread.run_sync(site.save, draft, principal.name), status_code=201)


@put("/views/{name:str}")
async def replace(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Saved:
    """Save another question under a name that there is."""
    _check(principal)
    words(given(request))
    draft = await _body(request, Draft)
    if draft.name != name:
        raise Conflict(
            "report_exists", f"the body is about {draft.name!r}, not {name!r}", pointer="$.name", hint="names stay"
        )
    return await anyio.to_thread.run_sync(partial(site.save, draft, principal.name, anew=False))


@patch("/views/{name:str}")
async def change(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Saved:
    """Change a saved question; what is left out stays."""
    _check(principal)
    words(given(request))
    said = await _body(request, Change)

    def changed() -> Saved:
        return site.save(site.shelf.changed(name, said), principal.name, anew=False)

    return await anyio.to_thread.run_sync(changed)


@delete("/views/{name:str}", status_code=200)
async def unsave(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Saved:
    """Delete a saved question, and return what it was."""
    _check(principal)
    words(given(request))
    return await anyio.to_thread.run_sync(site.unsave, name, principal.name)


HANDLERS = [views, view, save, replace, change, unsave]
"""What the API's router takes."""
