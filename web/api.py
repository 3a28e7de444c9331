"""Requests under /api/v1 go in, the engine is asked, bodies come out."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

import anyio
import anyio.to_thread
from litestar import Request, Response, Router, get, post
from litestar.di import Provide
from litestar.params import Body, Parameter
from litestar.response import Stream

from engine.access.principal import Principal
from engine.errors import BadRequest, Forbidden, TooLarge
from engine.exports import formats
from engine.ingest.pipeline import Asked, Receipt
from engine.query import parameters
from engine.query.answer import Answer
from engine.query.question import Question
from engine.query.run import Explanation
from engine.site import Site
from web.access import principal_of
from web.catalog import CatalogView, catalog_view

Form = Annotated[Literal["json", "csv", "table"], Parameter(query="format", description="json, csv or table")]

_CONTENT = {
    "text/csv": ".csv",
    "application/x-ndjson": ".ndjson",
    "application/json": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.stream": ".arrows",
}


def site_of(request: Request[Any, Any, Any]) -> Site:
    """Return the opened site the server stands on."""
    site: Site = request.app.state.site
    return site


def _sent(answer: Answer, form: formats.Format, labels: bool, raw: bool) -> Response[Any]:
    pieces = formats.write(answer, form, labels=labels, raw=raw)
    return Stream(pieces, media_type=formats.MEDIA[form], status_code=200)


@post("/query", status_code=200, summary="Answer a question", responses={})
async def query(
    data: Annotated[Question, Body(description="a question; only from and to are required")],
    principal: Principal,
    site: Site,
    form: Form = "json",
    labels: bool = False,
    raw: bool = False,
) -> Response[Any]:
    """Answer a question; `format` chooses JSON, CSV or a text table."""
    answer = await anyio.to_thread.run_sync(site.ask, data, principal)
    return _sent(answer, form, labels, raw)


@post("/query/explain", status_code=200, summary="Why a question is answered from where")
async def explain(data: Question, principal: Principal, site: Site) -> Explanation:
    """Return the tables that would answer, why the others do not, and the statement."""
    return await anyio.to_thread.run_sync(site.explain, data, principal)


@get("/reports", summary="Every report by name")
async def reports(site: Site) -> dict[str, Any]:
    """Return the presets."""
    found = site.catalog.reports.values()
    return {"items": [{"name": r.name, "label": r.label, "help": r.help} for r in found], "next_cursor": None}


@get("/reports/{name:str}", summary="A report: with from and to its answer, without them the preset")
async def report(name: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> Response[Any]:
    """Answer a preset, changed by the parameters given; `field=list` and `field.op=list` are filters."""
    pairs = [(key, text) for key, text in request.query_params.multi_items() if key not in ("format", "labels", "raw")]
    form = _form(request.query_params.get("format", "json"))
    if not any(key in ("from", "to") for key, _ in pairs):
        return Response(site.preset(name, principal))
    question = parameters.question(name, pairs, site.fields)
    answer = await anyio.to_thread.run_sync(site.ask, question, principal)
    return _sent(answer, form, _flag(request, "labels"), _flag(request, "raw"))


def _form(text: str) -> formats.Format:
    if text not in formats.MEDIA:
        raise BadRequest("malformed", f"there is no format {text!r}", pointer="format", hint="json, csv or table")
    return text  # type: ignore[return-value]


def _flag(request: Request[Any, Any, Any], name: str) -> bool:
    return request.query_params.get(name, "false") in ("true", "1", "")


@get("/catalog", summary="What can be asked")
async def catalog(principal: Principal, site: Site) -> CatalogView:
    """Return the dimensions, measures, operators and reports the caller may use."""
    return catalog_view(site.catalog, principal)


@post("/cdrs", status_code=200, summary="Load call records")
async def cdrs(
    request: Request[Any, Any, Any],
    principal: Principal,
    site: Site,
    source: str | None = None,
    dialect: str | None = None,
    tz: str | None = None,
) -> Receipt:
    """Load a body of records; answers only once they are durable and visible in every report."""
    if principal.audience != "operator":
        raise Forbidden("forbidden", "only the operator may load records")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in _CONTENT:
        raise BadRequest(
            "unknown_content",
            f"cannot read {kind!r}",
            pointer="Content-Type",
            hint=f"one of {', '.join(_CONTENT)}",
        )
    with NamedTemporaryFile(prefix="tollhouse-post-", suffix=_CONTENT[kind]) as file:
        await _save(request.stream(), Path(file.name), site.settings.max_upload_bytes)
        asked = Asked(dialect, source, tz)
        return await anyio.to_thread.run_sync(site.ingest, Path(file.name), "POST /cdrs", asked)


async def _save(pieces: AsyncIterator[bytes], path: Path, most: int) -> None:
    size = 0
    async with await anyio.open_file(path, "wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise TooLarge("too_large", f"the body is larger than {most} bytes", hint="split it")
            await file.write(piece)


router = Router(
    "/api/v1",
    route_handlers=[query, explain, reports, report, catalog, cdrs],
    dependencies={
        "principal": Provide(principal_of, sync_to_thread=False),
        "site": Provide(site_of, sync_to_thread=False),
    },
)
