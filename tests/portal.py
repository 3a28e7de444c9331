"""A DSN goes in, the program comes out, serving whoever the header `x-portal` names as the customer of that account."""

import sys
from typing import Any

from litestar import Request

from engine.access.principal import ADMIN, Principal
from engine.settings import Settings
from engine.site import Site
from tests.server import Server
from web import app, server

HEADER = "x-portal"


def who(request: Request[Any, Any, Any]) -> Principal:
    """Return the customer that the header names (several accounts with `;`), without it the administrator."""
    accounts = request.headers.get(HEADER)
    return ADMIN if accounts is None else Principal("portal", tuple(accounts.split(";")), "customer")


class Portal(Server):
    """A running server that takes callers at their word."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._command = [sys.executable, "-m", "tests.portal", dsn]


if __name__ == "__main__":
    server.create = lambda site: app.create(site, who)
    with Site(Settings(database=sys.argv[1])) as opened:
        server.run(opened, "127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0)
