"""Requests under /api/v1 go in, the engine is asked, bodies come out; `schema.py` describes the same calls."""

import re
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import anyio
import anyio.to_thread
from litestar import Request, Response, Router, get, post
from litestar.di import Provide

from engine.access.principal import Principal
from engine.errors import BadRequest, Forbidden
from engine.ingest.packing import called
from engine.ingest.pipeline import Asked, Receipt
from engine.ingest.pipeline import Request as LoadRequest
from engine.query import parameters
from engine.query import question as questions
from engine.query.run import Explanation
from engine.site import Site
from web import batches, bodies, calls, closes, queries, reference, upkeep, values, views
from web.access import principal_of
from web.catalog import CatalogView, catalog_view, report_views
from web.delivery import DELIVERY, answered, delivery
from web.parameters import given, words

QUESTION_BYTES = 4 << 20
"""Largest question: a list of some hundred thousand values still fits."""
LONGEST_ORIGIN = 1000
"""Characters of a file's name that are kept."""

REQUEST_KEY = re.compile(r"[\x21-\x7e]{1,200}")
"""What an Idempotency-Key looks like."""

_loading = anyio.CapacityLimiter(1000)
"""Threads of their own for loads, which mostly wait for their turn: the loader says how many may."""


def site_of(request: Request[Any, Any, Any]) -> Site:
    """Return the opened site the server stands on."""
    site: Site = request.app.state.site
    return site


@post("/query", status_code=200, request_max_body_size=QUESTION_BYTES)
async def query(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Answer a question; `format` says how the answer is written."""
    how = delivery(words(given(request), *DELIVERY))
    question = questions.read(await request.body())
    return await answered(request, site, principal, question, how)


@post("/query/explain", status_code=200, request_max_body_size=QUESTION_BYTES)
async def explain(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Explanation:
    """Return the tables that would answer, why the others do not, and the statement."""
    if principal.audience != "operator":
        # Names of tables and columns tell what there is that is not a customer's to see.
        raise Forbidden("forbidden", "only the operator may see how answers are found")
    words(given(request))
    question = questions.read(await request.body())
    return await anyio.to_thread.run_sync(site.explain, question, principal)


@get("/reports")
async def reports(request: Request[Any, Any, Any], principal: Principal, site: Site) -> dict[str, Any]:
    """Return the presets."""
    words(given(request))
    saved = await anyio.to_thread.run_sync(site.shelf.every, principal)
    return {"items": report_views(site.catalog, principal, saved), "next_cursor": None}


@get("/reports/{name:str}")
async def report(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Answer a preset, changed by the parameters given; `field=list` and `field.op=list` are filters."""
    everything = given(request)
    kept = await anyio.to_thread.run_sync(site.shelf.search, name, principal)
    if kept is not None:
        return await calls.of_report(request, everything, principal, site, kept)
    how = delivery(words([pair for pair in everything if pair[0] in DELIVERY], *DELIVERY))
    pairs = [pair for pair in everything if pair[0] not in DELIVERY]
    window = {word for word, _ in pairs} & {"from", "to"}
    if not window:
        return Response(await anyio.to_thread.run_sync(_changed, name, pairs, principal, site))
    for word in {"from", "to"} - window:
        raise BadRequest("malformed", f"{word} is missing", pointer=word, hint="a window has both; to is exclusive")
    question = parameters.question(name, pairs, site.fields)
    return await answered(request, site, principal, question, how)


def _changed(name: str, pairs: list[tuple[str, str]], principal: Principal, site: Site) -> dict[str, Any]:
    """A preset as a question without its window, with what `pairs` change about it."""
    window = [("from", "2000-01-01"), ("to", "2000-01-02")]
    return site.preset(parameters.question(name, [*window, *pairs], site.fields), principal)


@get("/catalog")
async def catalog(request: Request[Any, Any, Any], principal: Principal, site: Site) -> CatalogView:
    """Return the dimensions, measures, operators and reports the caller may use."""
    words(given(request))
    saved = await anyio.to_thread.run_sync(site.shelf.every, principal)
    return catalog_view(site.catalog, principal, site.settings.min_calls, saved)


@post("/cdrs", status_code=200, request_max_body_size=None)
async def cdrs(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Receipt:
    """Load a body of records; answers only once they are durable and visible in every report."""
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may load records")
    asked = words(given(request), "source", "dialect", "tz", "force", "origin")
    force = parameters.switch("force", asked.get("force", "false"))
    repeatable = _repeatable(request, principal)
    site.loader.admit()  # before the body is taken, not after
    with NamedTemporaryFile(prefix="tollhouse-post-", suffix=bodies.suffix(request)) as file:
        await bodies.save(request, Path(file.name), site.settings.max_upload_bytes)
        how = Asked(asked.get("dialect"), asked.get("source"), asked.get("tz"), force)
        origin = called(asked.get("origin", "")[:LONGEST_ORIGIN]) or "POST /cdrs"
        load = partial(site.ingest, Path(file.name), origin, how, request=repeatable)
        return await anyio.to_thread.run_sync(load, limiter=_loading)


def _repeatable(request: Request[Any, Any, Any], principal: Principal) -> LoadRequest | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not REQUEST_KEY.fullmatch(key):
        hint = "up to 200 printable characters without spaces, for example a UUID"
        raise BadRequest("malformed", "this is no key", pointer="Idempotency-Key", hint=hint)
    return LoadRequest(f"{principal.name}:{key}")


router = Router(
    "/api/v1",
    route_handlers=[
        query,
        explain,
        reports,
        report,
        catalog,
        cdrs,
        *calls.HANDLERS,
        *values.HANDLERS,
        *views.HANDLERS,
        *batches.HANDLERS,
        *queries.HANDLERS,
        *closes.HANDLERS,
        *upkeep.HANDLERS,
        *reference.HANDLERS,
    ],
    dependencies={
        "principal": Provide(principal_of, sync_to_thread=False),
        "site": Provide(site_of, sync_to_thread=False),
    },
)
