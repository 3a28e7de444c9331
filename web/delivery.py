"""A question goes in, the response with its answer comes out: whole, row by row, or after lines of progress."""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from typing import Any

import msgspec
from litestar import Request, Response
from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import BadRequest, TollhouseError
from engine.exports import formats
from engine.query import parameters
from engine.query.question import Question
from engine.query.running import Ticket
from engine.site import Site
from web import errors
from web.flowing import Flowing, attended
from web.progress import PROGRESS

DELIVERY = ("format", "labels", "raw")
"""Parameters that say how an answer is written, not what is asked."""

QUERY_ID = "query-id"
"""The header that names a question: on a request the caller's choice, on a response what it is known by."""

Begun = tuple[bytes, Iterator[bytes]]
"""The first piece of an answer, and those after it."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOLD_EVERY = 0.25
_QUICK, _GZIP = 1, 31
"""For zlib: the quickest packing, and the container it is in."""


class Delivery(Struct, frozen=True):
    """How an answer is written."""

    form: formats.Format
    labels: bool
    raw: bool


def delivery(asked: dict[str, str]) -> Delivery:
    """Return how an answer is to be written; raises `BadRequest` for what is no format."""
    form = asked.get("format", "json")
    if form not in formats.MEDIA:
        known = ", ".join(formats.MEDIA)
        raise BadRequest("malformed", f"there is no format {form!r}", pointer="format", hint=f"one of {known}")
    flags = {name: parameters.switch(name, asked.get(name, "false")) for name in ("labels", "raw")}
    return Delivery(form, **flags)  # type: ignore[arg-type]


def ticket_of(request: Request[Any, Any, Any], site: Site, principal: Principal) -> Ticket:
    """Return the ticket of the question a request asks, under the id it chose or one made up."""
    name = request.headers.get(QUERY_ID)
    if name is not None and not _NAME.fullmatch(name):
        hint = "up to 64 letters, digits, - and _, for example a UUID"
        raise BadRequest("malformed", "this is no id", pointer="Query-Id", hint=hint)
    return site.board.open(principal.name, name)


async def answered(
    request: Request[Any, Any, Any], site: Site, principal: Principal, question: Question, how: Delivery
) -> Response[Any]:
    """Ask the question and return its answer; what fails before the first byte is an error like any other."""
    progress = request.headers.get("accept", "") == PROGRESS
    if progress and how.form != "json":
        raise BadRequest("malformed", f"progress comes before JSON, not before {how.form}", pointer="format")
    if progress and (begun := request.app.state.ahead.take(request.headers.get(QUERY_ID), question, principal)):
        return progressed(request, begun.ticket, begun.answer.result)
    ticket = ticket_of(request, site, principal)
    if progress:
        return progressed(request, ticket, partial(site.ask, question, principal, ticket))
    return await delivered(request, ticket, how, partial(_begun, site, principal, question, how))


def progressed(request: Request[Any, Any, Any], ticket: Ticket, work: Callable[[], Any]) -> Flowing:
    """Return lines of how far `work` is, and its result as the last."""
    return _packed(request, _told(request, ticket, work), ticket)


async def delivered(
    request: Request[Any, Any, Any], ticket: Ticket, how: Delivery, begin: Callable[[Ticket], Begun]
) -> Response[Any]:
    """Return what `begin` gives for a ticket: as a whole, or sent while it is made."""
    try:
        first, rest = await attended(request, ticket, partial(begin, ticket))
    except BaseException:
        ticket.failed()
        raise
    media = formats.MEDIA[how.form]
    if how.form in formats.WHOLE:
        return Response(first, media_type=media, status_code=200, headers={QUERY_ID: ticket.id})
    return Flowing(first, rest, media, ticket)


def _begun(site: Site, principal: Principal, question: Question, how: Delivery, ticket: Ticket) -> Begun:
    ask = site.ask if how.form in formats.WHOLE else site.stream
    pieces = formats.write(ask(question, principal, ticket), how.form, labels=how.labels, raw=how.raw)
    return next(pieces, b""), pieces


def _packed(request: Request[Any, Any, Any], told: Iterator[bytes], ticket: Ticket) -> Flowing:
    """Lines of progress and an answer, packed for who takes it: each line can be read once it is there."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Flowing(b"", told, PROGRESS, ticket, tells=True)

    def pieces() -> Iterator[bytes]:
        packer = zlib.compressobj(_QUICK, wbits=_GZIP)
        for line in told:
            yield packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()

    response = Flowing(b"", pieces(), PROGRESS, ticket, tells=True)
    response.headers["content-encoding"] = "gzip"
    return response


def _told(request: Request[Any, Any, Any], ticket: Ticket, work: Callable[[], Any]) -> Iterator[bytes]:
    """Yield how far the question is, again and again, then its answer or why there is none."""
    over, lines = Event(), list[bytes]()

    def run() -> None:
        try:
            lines.append(msgspec.json.encode({"result": work()}))
        except TollhouseError as failure:
            lines.append(msgspec.json.encode(errors.ours(request, failure).content))
        except Exception as failure:
            lines.append(msgspec.json.encode(errors.unforeseen(request, failure).content))
        finally:
            over.set()

    yield msgspec.json.encode({"progress": ticket.progress()}) + b"\n"
    Thread(target=run, daemon=True, name="told").start()
    while not over.wait(_TOLD_EVERY):
        with suppress(TollhouseError):
            yield msgspec.json.encode({"progress": ticket.progress()}) + b"\n"
    yield lines[0] + b"\n"
