"""A request goes in, the principal who makes it comes out.

While there are no users, who comes from a trusted network (loopback by default) is the administrator; anybody
else is nobody. Behind a proxy both it and everyone it speaks for must be trusted: a forwarding header can only
take rights away.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from engine.access.principal import ADMIN, Principal
from engine.errors import BadRequest, Forbidden, TollhouseError, Unauthorized
from engine.settings import Settings
from web.errors import ours

Who = Callable[[Request[Any, Any, Any]], Principal]
"""How it is found out who asks; raises `Unauthorized` for nobody we know."""


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Return who asks, or raise `Unauthorized`."""
    who: Who = request.app.state.who
    return who(request)


def by_network(request: Request[Any, Any, Any]) -> Principal:
    """Return the administrator for whoever comes from a trusted network; anybody else is nobody."""
    settings: Settings = request.app.state.site.settings
    if all(_trusted(address, settings.trusted_networks) for address in _addresses(request)):
        return ADMIN
    raise Unauthorized(
        "unauthorized",
        "nobody is known at this address, and there are no users yet",
        hint="ask from the machine itself, or add the network to trusted_networks",
    )


def _addresses(request: Request[Any, Any, Any]) -> list[str]:
    """The peer and whoever it says to speak for."""
    forwarded = ",".join(request.headers.getall("x-forwarded-for", []))
    standard = re.findall(r'for="?([^";,\s]*)', ",".join(request.headers.getall("forwarded", [])), re.IGNORECASE)
    said = [*(text.strip() for text in forwarded.split(",") if text.strip()), *standard]
    return [request.client.host if request.client else "", *said]


def _trusted(address: str, networks: tuple[str, ...]) -> bool:
    try:
        host = ip_address(address)
    except ValueError:
        return False
    return any(host in ip_network(network) for network in networks)


def browser_guard(app: ASGIApp) -> ASGIApp:
    """Refuse what only a browser in somebody else's hands would send.

    A page elsewhere can make a visitor's browser ask this server: under a name of its own that it points here
    (DNS rebinding; the Host header tells), or by posting across sites (Sec-Fetch-Site tells).
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            try:
                _check_headers(scope)
            except TollhouseError as failure:
                request: Request[Any, Any, Any] = Request(scope)
                await ours(request, failure).to_asgi_response(None, request)(scope, receive, send)
                return
        await app(scope, receive, send)

    return guarded


def _check_headers(scope: HTTPScope) -> None:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    settings: Settings = scope["litestar_app"].state.site.settings
    host = headers.get(b"host", "").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name not in settings.allowed_hosts:
        raise BadRequest("unknown_host", f"this server does not answer to {host!r}", hint="add it to allowed_hosts")
    across = headers.get(b"sec-fetch-site", "none") not in ("none", "same-origin")
    if across and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
        raise Forbidden("cross_site", "another site may not change anything here")
