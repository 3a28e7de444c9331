"""A request for the state of the figures goes in; the last proof, and how to make another, come out."""

from typing import Any

import anyio.to_thread
from litestar import Request, get
from litestar.response import Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.site import Site
from web.report_page import WEEK, embedded
from web.shell import shell
from web.upkeep import Proven, check, last_proof


class VerifyPage(Struct, frozen=True):
    """What the module of the page is told: days that are offered, both included, and the last proof."""

    first: str
    last: str
    proven: Proven | None


@get("/verify", include_in_schema=False)
async def verify(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """Whether the figures are proven."""
    check(principal)
    proven = last_proof(request)

    def made() -> dict[str, Any]:
        newest = (site.newest_call("UTC") or site.now("UTC"))[:10]
        page = VerifyPage(site.days_before(newest, WEEK), newest, proven)
        return {"shell": shell(site, principal, "/verify", "Verify"), "page": page, "told": embedded(page)}

    return Template("verify.html", context=await anyio.to_thread.run_sync(made))
