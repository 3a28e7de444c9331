"""An opened site goes in, the web application on top of it comes out."""

from pathlib import Path
from typing import Any

import anyio.to_thread
from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.datastructures.headers import CacheControlHeader
from litestar.exceptions import HTTPException, NotFoundException
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig
from litestar.types import Message, Scope

from engine import __version__
from engine.errors import TollhouseError
from engine.site import Site
from web import api, assets, errors, pages, schema
from web.access import Who, browser_guard, by_network
from web.ahead import Ahead
from web.flowing import Packing

HERE = Path(__file__).resolve().parent

HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Sent with every response that does not say otherwise: nothing is loaded from elsewhere, nothing of ours is
framed elsewhere, and answers about customers are kept in no cache."""

FOR_EVER = CacheControlHeader(public=True, max_age=365 * 24 * 3600, immutable=True)
"""For what stands under a URL that changes with its content."""


@get("/healthz", include_in_schema=False, media_type="text/plain")
async def healthz() -> str:
    """Alive."""
    return "ok\n"


@get("/readyz", include_in_schema=False, media_type="text/plain")
async def readyz(request: Request[Any, Any, Any]) -> Response[str]:
    """Able to answer: the database is."""
    site: Site = request.app.state.site
    try:
        commit = await anyio.to_thread.run_sync(site.watermark)
    except TollhouseError as failure:
        return Response(f"{failure.message}\n", status_code=503, media_type="text/plain")
    told = [f"ready at commit {commit}\n"]
    for spool in site.spools if site.settings.spool else []:
        taken = spool.taken
        told.append(f"spool {spool.path.name}: {spool.waiting} waiting, {taken.done} done, {taken.failed} failed\n")
    return Response("".join(told), media_type="text/plain")


@get(f"{assets.PACKS}/{assets.digest()}/{{file:str}}", include_in_schema=False, sync_to_thread=False)
def packed(file: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    """The modules of a page in one file, or its styles: packed up once, not for each who asks."""
    gzip = "gzip" in request.headers.get("accept-encoding", "")
    try:
        body = assets.contents(file, packed_up=gzip)
    except KeyError:
        raise NotFoundException from None
    headers = {"cache-control": FOR_EVER.to_header(), "vary": "Accept-Encoding"}
    headers |= {"content-encoding": "gzip"} if gzip else {}
    media = "text/css" if file.endswith(".css") else "text/javascript"
    return Response(body, media_type=f"{media}; charset=utf-8", headers=headers)


@get("/favicon.ico", include_in_schema=False, sync_to_thread=False)
def icon() -> Response[bytes]:
    """The brand, for a browser that shows what is no page: it asks for this name by itself."""
    headers = {"cache-control": "max-age=86400"}
    return Response(assets.icon(), media_type="image/svg+xml", headers=headers)


async def _with_headers(message: Message, _: Scope) -> None:
    if message["type"] == "http.response.start":
        headers = list(message.get("headers", []))
        held = {name.lower() for name, _value in headers}
        headers += [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in held]
        message["headers"] = headers


def create(site: Site, who: Who = by_network) -> Litestar:
    """Return the application; `who` finds out who asks."""
    engine = JinjaTemplateEngine(directory=HERE / "templates")
    engine.engine.globals["static"] = assets.address()
    engine.engine.globals["pack"] = assets.pack
    engine.engine.globals["brand"] = assets.brand()
    engine.engine.globals["version"] = __version__
    engine.engine.auto_reload = False
    engine.engine.trim_blocks = engine.engine.lstrip_blocks = True
    return Litestar(
        route_handlers=[
            api.router,
            pages.router,
            healthz,
            readyz,
            schema.schema,
            packed,
            icon,
            create_static_files_router(path=assets.address(), directories=[assets.FOLDER], cache_control=FOR_EVER),
        ],
        state=State({"site": site, "who": who, "ahead": Ahead(site)}),
        template_config=TemplateConfig(instance=engine),
        exception_handlers={
            TollhouseError: errors.ours,
            HTTPException: errors.theirs,
            Exception: errors.unforeseen,
        },
        before_send=[_with_headers],
        middleware=[browser_guard],
        compression_config=CompressionConfig(backend="gzip", minimum_size=1024, middleware_class=Packing),
        openapi_config=None,  # Litestar's own knows nothing of free filters, bodies as they come and our errors
        debug=False,
    )
