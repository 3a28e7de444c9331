"""Requests to prove, repair and rebuild go in, reports come out; with the right Accept header, progress before them."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Annotated, Any, TypeVar

import anyio.to_thread
import msgspec
from litestar import Request, Response, post
from litestar.response import Stream
from msgspec import Meta, Struct

from engine.access.principal import Principal
from engine.errors import BadRequest, Forbidden, TollhouseError
from engine.query.question import malformed
from engine.site import Site
from engine.verify.window import Watch, Window
from web import errors

PROGRESS = "application/vnd.tollhouse.progress+ndjson"
"""Accept this to be told how far the work has come: lines of progress, then one with the result or the error."""

_turn = Lock()
"""Two of them at once would only be slower."""


class _Gone(Exception):
    """Whoever asked listens no more."""


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


Body = TypeVar("Body", VerifyAsked, RebuildAsked)


async def _asked(request: Request[Any, Any, Any], principal: Principal, kind: type[Body]) -> Body:
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may prove and rebuild the figures")
    for name in request.query_params:
        raise BadRequest("unknown_parameter", f"this call has no parameter {name!r}", pointer=name, hint="use the body")
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=kind)
    except msgspec.DecodeError as mistake:
        raise malformed(mistake) from mistake


async def _answer(request: Request[Any, Any, Any], work: Callable[[Watch | None], Any]) -> Response[Any]:
    if request.headers.get("accept", "") == PROGRESS:
        return Stream(_told(request, work), media_type=PROGRESS, status_code=200)
    return Response(await anyio.to_thread.run_sync(_in_turn, work, None))


def _in_turn(work: Callable[[Watch | None], Any], watch: Watch | None) -> Any:
    with _turn:
        return work(watch)


def _told(request: Request[Any, Any, Any], work: Callable[[Watch | None], Any]) -> Iterator[bytes]:
    """Yield a line for each piece of work done, then one with the result or the error."""
    lines: SimpleQueue[bytes | None] = SimpleQueue()
    gone = Event()

    def watch(step: str, done: int, total: int) -> None:
        if gone.is_set():
            raise _Gone
        lines.put(msgspec.json.encode({"progress": {"step": step, "done": done, "total": total}}))

    def run() -> None:
        try:
            lines.put(msgspec.json.encode({"result": _in_turn(work, watch)}))
        except TollhouseError as failure:
            lines.put(msgspec.json.encode(errors.ours(request, failure).content))
        except _Gone:
            pass
        except Exception as failure:
            lines.put(msgspec.json.encode(errors.unforeseen(request, failure).content))
        finally:
            lines.put(None)

    Thread(target=run, daemon=True, name="upkeep").start()
    try:
        while (line := lines.get()) is not None:
            yield line + b"\n"
    finally:
        gone.set()


@post("/verify", status_code=200)
async def verify(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Prove that the rollups say what the ledger says, and audit its calls; `repair` makes exact what differs."""
    asked = await _asked(request, principal, VerifyAsked)
    window = Window.of(asked.start, asked.end)
    return await _answer(
        request, lambda watch: site.verify(window, repair=asked.repair, limit=asked.limit, watch=watch)
    )


@post("/rebuild", status_code=200)
async def rebuild(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Make every rollup tile that overlaps the window exact."""
    asked = await _asked(request, principal, RebuildAsked)
    window = Window.of(asked.start, asked.end)
    return await _answer(request, lambda watch: site.rebuild(window, watch))


HANDLERS = [verify, rebuild]
"""What the API's router takes."""
