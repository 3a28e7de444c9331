"""A DSN goes in, the program comes out, serving whoever the header `x-portal` names as the customer of that account."""

import sys
from functools import partial
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


ODD = ("a/b", "..", "=x", "a b?#%&", 'ü"<b>', "", "//", "a,b")
"""Ids that an address, a list or markup could trip over."""


def odd_accounts() -> str:
    """Return a call of each odd customer through the provider of the same name behind `p/`, as CSV."""
    lines = ["call_id,start_time,duration,customer,provider,provider_card,number,cli,customer_charge,sip_code"]
    for place, name in enumerate(ODD):
        text = name.replace('"', '""')
        lines.append(f'odd{place},2026-10-03T10:00:0{place}Z,60,"{text}","p/{text}",gold,4420794600{place:02},,0.1,200')
    return "\n".join(lines) + "\n"


class Portal(Server):
    """A running server that takes callers at their word."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._command = [sys.executable, "-m", "tests.portal", dsn]


if __name__ == "__main__":
    vars(server)["create"] = partial(app.create, who=who)
    with Site(Settings(database=sys.argv[1])) as opened:
        server.run(opened, "127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0)
