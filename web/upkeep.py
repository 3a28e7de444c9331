"""Requests to prove, repair and rebuild go in, reports come out; with the right Accept header, progress before them."""

from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, post
from msgspec import Meta, Struct

from engine.access.principal import Principal
from engine.errors import BadRequest, Forbidden
from engine.query.question import malformed
from engine.site import Site
from engine.verify.report import Verification
from engine.verify.window import Watch, Window
from web.progress import Work, answer

_turn = Lock()
"""Two of them at once would only be slower."""


class VerifyAsked(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """What to prove and audit: days in UTC, [from, to); everything when they are left out."""

    start: str | None = None
    end: str | None = None
    repair: bool = False
    limit: Annotated[int, Meta(ge=0, le=10_000)] = 10


class RebuildAsked(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """What to make anew: days in UTC, [from, to)."""

    start: str
    end: str


class Proven(Struct, frozen=True):
    """The last proof of this process, and when it was done (UTC)."""

    time: str
    result: Verification


Body = TypeVar("Body", VerifyAsked, RebuildAsked)


def check(principal: Principal) -> None:
    """Raise `Forbidden` for whoever is not the operator."""
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may prove and rebuild the figures")


async def _asked(request: Request[Any, Any, Any], principal: Principal, kind: type[Body]) -> Body:
    check(principal)
    for name in request.query_params:
        raise BadRequest("unknown_parameter", f"this call has no parameter {name!r}", pointer=name, hint="use the body")
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake


def _in_turn(work: Work, watch: Watch | None) -> Any:
    with _turn:
        return work(watch)


@post("/verify", status_code=200)
async def verify(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Prove that the rollups say what the ledger says, and audit its calls; `repair` makes exact what differs."""
    asked = await _asked(request, principal, VerifyAsked)
    window = Window.of(asked.start, asked.end)

    def work(watch: Watch | None) -> Verification:
        found = site.verify(window, repair=asked.repair, limit=asked.limit, watch=watch)
        request.app.state.proven = Proven(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", found)
        return found

    return await answer(request, partial(_in_turn, work))


def last_proof(request: Request[Any, Any, Any]) -> Proven | None:
    """Return the last proof since the server was started."""
    found: Proven | None = request.app.state.get("proven")
    return found


@post("/rebuild", status_code=200)
async def rebuild(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Make every rollup tile that overlaps the window exact."""
    asked = await _asked(request, principal, RebuildAsked)
    window = Window.of(asked.start, asked.end)
    return await answer(request, partial(_in_turn, partial(site.rebuild, window)))


HANDLERS = [verify, rebuild]
"""What the API's router takes."""
