"""Requests about loads go in: what was loaded, what could not be taken; loads are taken back and given again."""

from functools import partial
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta, Struct

from engine.access.principal import Principal
from engine.errors import Forbidden
from engine.ingest import history
from engine.ingest.history import Batch, BatchPage, RejectPage
from engine.ingest.pipeline import Retried
from engine.query.question import malformed
from engine.site import Site
from engine.verify.window import Watch
from web.parameters import given, whole, words
from web.progress import answer, tell

PAGE = 100
"""How much of a list one answer holds when nobody says."""
LARGEST = 2**32 - 1
"""The highest number a batch can have."""


class _Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A body that says nothing."""


def check(principal: Principal) -> None:
    """Raise `Forbidden` for whoever is not the operator."""
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may look at loads and take them back")


def _number(request: Request[Any, Any, Any]) -> int:
    return int(request.path_params["id"])


@get("/batches")
async def batches(request: Request[Any, Any, Any], principal: Principal, site: Site) -> BatchPage:
    """Return what was loaded, newest first."""
    check(principal)
    asked = words(given(request), "limit", "cursor", "state", "source", "origin")
    limit = whole(asked, "limit", 1, history.MOST) or PAGE
    wanted = {name: asked.get(name) for name in ("state", "source", "origin")}
    find = partial(history.batches, site.warehouse, limit, asked.get("cursor"), **wanted)
    return await anyio.to_thread.run_sync(find)


@get("/batches/{id:int}")
async def batch(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Batch:
    """Return one batch."""
    check(principal)
    words(given(request))
    return await anyio.to_thread.run_sync(history.batch, site.warehouse, _number(request))


@post("/batches/{id:int}/rollback", status_code=200)
async def rollback(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Take a batch back, as if it had never been loaded."""
    return await _changed(request, principal, site, undo=False)


@post("/batches/{id:int}/restore", status_code=200)
async def restore(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Give a batch again that was taken back."""
    return await _changed(request, principal, site, undo=True)


async def _changed(request: Request[Any, Any, Any], principal: Principal, site: Site, *, undo: bool) -> Response[Any]:
    check(principal)
    words(given(request))
    try:
        msgspec.json.decode(await request.body() or b"{}", type=_Nothing)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake
    number = _number(request)

    def change(watch: Watch | None) -> Any:
        return site.rollback(number, undo=undo, report=partial(tell, watch) if watch else None)

    return await answer(request, change)


@get("/rejects")
async def rejects(request: Request[Any, Any, Any], principal: Principal, site: Site) -> RejectPage:
    """Return records that could not be taken. What they said is the operator's, and holds telephone numbers."""
    check(principal)
    asked = words(given(request), "batch", "limit", "cursor")
    limit = whole(asked, "limit", 1, history.MOST) or PAGE
    find = partial(history.rejects, site.warehouse, limit, asked.get("cursor"), whole(asked, "batch", 0, LARGEST))
    return await anyio.to_thread.run_sync(find)


class RetryAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose rejects to read again, and how: those of every batch, as their batch was read, when left out."""

    batch: Annotated[int, Meta(ge=0, le=LARGEST)] | None = None
    dialect: str | None = None
    timezone: str | None = None


class RetriedPage(Struct, frozen=True):
    """What became of each batch's rejects."""

    items: list[Retried]
    next_cursor: None = None


@post("/rejects/retry", status_code=200)
async def retry(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Read open rejects again, and load what can be read now."""
    check(principal)
    words(given(request))
    try:
        asked = msgspec.json.decode(await request.body() or b"{}", type=RetryAsked)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake

    def again(watch: Watch | None) -> RetriedPage:
        report = partial(tell, watch) if watch else None
        return RetriedPage(site.retry(asked.batch, asked.dialect, asked.timezone, report))

    return await answer(request, again)


HANDLERS = [batches, batch, rollback, restore, rejects, retry]
"""What the API's router takes."""
