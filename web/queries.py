"""Requests about questions under way go in; how far they are comes out, or their end."""

from typing import Any

import anyio.to_thread
from litestar import Request, delete, get

from engine.access.principal import Principal
from engine.query.running import Progress, Ticket
from engine.site import Site
from web.parameters import given, words

_PATIENCE = 2
"""Seconds until an answer to DELETE says that the question is over, whether the engine is through or not."""


@get("/queries/{name:str}")
async def progress(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Progress:
    """Return how far a question of the caller's is."""
    words(given(request))
    return await anyio.to_thread.run_sync(site.board.find(principal.name, name).progress)


@delete("/queries/{name:str}", status_code=200)
async def cancel(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Progress:
    """Answer a question no more; the engine stops unless somebody else waits for the same answer."""
    words(given(request))
    return await anyio.to_thread.run_sync(_cancelled, site.board.find(principal.name, name))


def _cancelled(ticket: Ticket) -> Progress:
    ticket.cancel()
    if ticket.flight and ticket.flight.errand.stopped:
        ticket.flight.landed.wait(_PATIENCE)
    return ticket.progress()


HANDLERS = (progress, cancel)
