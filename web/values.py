"""A request for a dimension's values goes in; those that fit what somebody typed come out."""

from functools import partial
from typing import Any

import anyio.to_thread
from litestar import Request, get

from engine.access.principal import Principal
from engine.query.values import MOST, ValuePage
from engine.site import Site
from web.parameters import given, whole, words


@get("/values/{dimension:str}")
async def values(dimension: str, request: Request[Any, Any, Any], principal: Principal, site: Site) -> ValuePage:
    """Return the values of a dimension, those with the most calls first."""
    asked = words(given(request), "search", "limit", "from", "to")
    find = partial(
        site.values,
        dimension,
        principal,
        search=asked.get("search", ""),
        limit=whole(asked, "limit", 1, MOST) or 100,
        start=asked.get("from"),
        end=asked.get("to"),
    )
    return await anyio.to_thread.run_sync(find)


HANDLERS = [values]
"""What the API's router takes."""
