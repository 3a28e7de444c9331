"""A request for saved views goes in, the page that lists those there are for the caller comes out."""

from typing import Any

import anyio.to_thread
from litestar import Request, get
from litestar.response import Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.query.saved import Saved
from engine.site import Site
from web.parameters import given, words
from web.report_page import embedded
from web.shell import shell


class Group(Struct, frozen=True):
    """Views under one heading."""

    title: str
    views: list[Saved]


@get("/views", include_in_schema=False)
async def views(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """Saved views: the caller's own, and the others."""
    words(given(request))
    operator = principal.audience == "operator"

    def made() -> dict[str, Any]:
        every = site.shelf.every(principal)
        own = [view for view in every if operator and view.who == principal.name]
        others = [view for view in every if view not in own and (operator or not view.problem)]
        groups = [Group("Mine", own), Group("Shared" if operator else "Views", others)]
        around = shell(site, principal, "/views", "Views")
        kept = embedded({view.name: view for view in every if operator and view.origin == "database"})
        return {"shell": around, "groups": [g for g in groups if g.views], "operator": operator, "kept": kept}

    return Template("views.html", context=await anyio.to_thread.run_sync(made))
