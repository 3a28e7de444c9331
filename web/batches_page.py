"""Requests for pages about loads go in; lists of batches and of rejects, and a batch by itself, come out."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from litestar import Request, get
from litestar.response import Template

from engine.access.principal import Principal
from engine.ingest import history
from engine.ingest.history import Batch
from engine.site import Site
from web.batches import LARGEST, PAGE, check
from web.home import moved
from web.parameters import given, whole, words
from web.shell import shell

FILTERS = ("state", "source", "origin")
OUTCOMES = {
    "accepted": "new calls",
    "duplicates": "the same as before",
    "stale": "older than what stands",
    "corrections": "replace what stood",
    "withdrawn": "take a call away",
    "rejected": "could not be taken",
}
"""What became of the records of a load: the six add up to what was received."""
STATES = {
    "staged": "is about to be committed",
    "loaded": "counts in every report",
    "failed": "could not be taken, and left nothing behind",
    "rolling_back": "is being taken back",
    "rolled_back": "is taken back: reports are as if it had never been loaded",
    "restoring": "is being given again",
}


def _said(request: Request[Any, Any, Any], *known: str) -> dict[str, str]:
    """The parameters of an address that say something."""
    return words([(name, text.strip()) for name, text in given(request) if text.strip()], *known)


@get("/batches", include_in_schema=False)
async def batches(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """What was loaded, newest first."""
    check(principal)
    said = _said(request, *FILTERS, "cursor")

    def made() -> dict[str, Any]:
        wanted = {name: said.get(name) for name in FILTERS}
        page = history.batches(site.warehouse, PAGE, said.get("cursor"), **wanted)
        filters = {name: text for name, text in wanted.items() if text}
        following = urlencode({**filters, "cursor": page.next_cursor}) if page.next_cursor else ""
        around = shell(site, principal, "/batches", "Batches")
        return {
            "shell": around,
            "batches": page.items,
            "filters": filters,
            "states": history.STATES,
            "next": following,
            "first": f"/batches?{urlencode(filters)}" if "cursor" in said else "",
        }

    return Template("batches.html", context=await anyio.to_thread.run_sync(made))


@get("/batches/{id:int}", include_in_schema=False)
async def batch(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """One load: what became of its records, and the way back."""
    check(principal)
    _said(request)
    number = int(request.path_params["id"])

    def made() -> dict[str, Any]:
        found = history.batch(site.warehouse, number)
        around = shell(site, principal, "/batches", f"Batch {number}")
        outcomes = [(name, about, getattr(found, name)) for name, about in OUTCOMES.items()]
        return {
            "shell": around,
            "batch": found,
            "outcomes": outcomes,
            "means": STATES[found.state],
            "calls": _calls(found),
        }

    return Template("batch.html", context=await anyio.to_thread.run_sync(made))


def _calls(found: Batch) -> str:
    """The report of the days that the batch spans, of its source."""
    if not found.start or not found.end:
        return ""
    window = {
        "from": found.start[:10],
        "to": moved(found.end[:10], 1),
        "tz": "UTC",
        "rows": "day",
        "source": found.source,
    }
    return f"/reports/explore?{urlencode(window)}"


@get("/rejects", include_in_schema=False)
async def rejects(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """Records that could not be taken and were not read since."""
    check(principal)
    said = _said(request, "batch", "cursor")
    of = whole(said, "batch", 0, LARGEST)
    list_ = partial(history.rejects, site.warehouse, PAGE, said.get("cursor"), of)

    def made() -> dict[str, Any]:
        page = list_()
        around = shell(site, principal, "/rejects", "Rejects")
        own = {"batch": of} if of is not None else {}
        following = urlencode({**own, "cursor": page.next_cursor}) if page.next_cursor else ""
        return {"shell": around, "rejects": page.items, "batch": of, "next": following}

    return Template("rejects.html", context=await anyio.to_thread.run_sync(made))


HANDLERS = [batches, batch, rejects]
"""What the pages' router takes."""
