"""Requests about what calls are judged by go in: lists are loaded, applied to calls of before, dialects tried."""

from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import anyio.to_thread
import msgspec
from litestar import Request, Response, get, post
from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import Forbidden
from engine.ingest import dialects as known
from engine.ingest.check import Check
from engine.ingest.lists import ListReceipt
from engine.ingest.packing import called
from engine.ingest.pipeline import Asked
from engine.query.question import malformed
from engine.reference.kinds import kind_of
from engine.site import Site
from engine.verify.window import Watch
from web import bodies
from web.parameters import given, words
from web.progress import answer, tell


class DialectLine(Struct, frozen=True):
    """A format that can be read."""

    name: str
    label: str
    help: str


class DialectPage(Struct, frozen=True):
    """The formats that can be read."""

    items: list[DialectLine]
    next_cursor: None = None


class ReenrichAsked(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """Which calls: those that began in [from, to), in `timezone` (the site's when left out)."""

    start: str
    end: str
    timezone: str | None = None
    dry_run: bool = False


def _check(principal: Principal) -> None:
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may load lists and try dialects")


@post("/lists/{kind:str}", status_code=200, request_max_body_size=None)
async def load(kind: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> ListReceipt:
    """Load a list of reference data, which replaces the one before it."""
    _check(principal)
    asked = words(given(request), "valid_from", "origin")
    kind_of(kind)  # before the body is taken, not after
    with NamedTemporaryFile(prefix="tollhouse-list-") as file:
        await bodies.save(request, Path(file.name), site.settings.max_upload_bytes)
        origin = called(asked.get("origin", "")) or f"POST /lists/{kind}"
        loaded = partial(site.load_list, kind, Path(file.name), origin, asked.get("valid_from"))
        return await anyio.to_thread.run_sync(loaded)


@post("/reenrich", status_code=200)
async def reenrich(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Give calls that were loaded before the facts that reference data tells of them now."""
    _check(principal)
    words(given(request))
    try:
        asked = msgspec.json.decode(await request.body(), type=ReenrichAsked)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake

    def work(watch: Watch | None) -> Any:
        report = partial(tell, watch) if watch else None
        return site.reenrich(asked.start, asked.end, asked.timezone, dry_run=asked.dry_run, report=report)

    return await answer(request, work)


@get("/dialects")
async def dialects(request: Request[Any, Any, Any], principal: Principal, site: Site) -> DialectPage:
    """Return the formats that can be read, the site's own among them."""
    _check(principal)
    words(given(request))
    found = await anyio.to_thread.run_sync(known.known, site.settings.dialects_folder)
    return DialectPage([DialectLine(one.name, one.label, one.help) for one in found.values()])


@post("/dialects/check", status_code=200, request_max_body_size=None)
async def check(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Check:
    """Say how a sample would map to records, column by column; nothing is loaded."""
    _check(principal)
    asked = words(given(request), "dialect", "tz", "origin")
    with NamedTemporaryFile(prefix="tollhouse-sample-", suffix=bodies.suffix(request)) as file:
        await bodies.save(request, Path(file.name), site.settings.max_upload_bytes)
        origin = called(asked.get("origin", "")) or "the sample"
        how = Asked(asked.get("dialect"), zone=asked.get("tz"))
        return await anyio.to_thread.run_sync(site.check, Path(file.name), origin, how)


HANDLERS = [load, reenrich, dialects, check]
"""What the API's router takes."""
