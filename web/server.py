"""An opened site goes in, a server that answers until it is told to stop comes out."""

import logging
import signal
import socket
import sys
from contextlib import ExitStack

import click
import uvicorn

from engine.errors import Conflict
from engine.ingest.spool import Watcher
from engine.site import Site
from web.app import create

_BACKLOG = 1024
_PATIENCE = 5
"""Seconds a request may still take when the server is told to stop; a load under way is finished in any case."""


def listening(host: str, port: int) -> socket.socket:
    """Return a socket listening on `host` and `port` (0: any free one): who has been told the URL can connect."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Its protocol is named, for only of a socket that says TCP asyncio turns Nagle's algorithm off: the second piece of
    # a response would wait 40 ms for the client to acknowledge the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError as failure:
        bound.close()
        raise Conflict(
            "port_taken",
            f"cannot listen on {host}:{port}: {failure.strerror}",
            hint="choose another with --port",
        ) from failure
    return bound


def _url(host: str, port: int) -> str:
    """Return the URL of the server as seen from this machine."""
    near = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{near}]' if ':' in near else near}:{port}"


def run(site: Site, host: str, port: int) -> None:
    """Serve `site` until the process is told to stop, and print where."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    spools = site.spools
    with listening(host, port) as bound, ExitStack() as watching:
        url = _url(host, bound.getsockname()[1])
        site.announce(url)
        server = uvicorn.Server(
            uvicorn.Config(
                create(site),
                backlog=_BACKLOG,
                log_level="warning",
                access_log=False,  # a URL may hold phone numbers
                lifespan="on",
                server_header=False,
                proxy_headers=False,  # access.py judges them itself
                timeout_graceful_shutdown=_PATIENCE,
            )
        )
        # Once it has shut down, uvicorn raises the signal again: that must end the program by the way out that
        # closes the database, with exit 0, and not by the signal.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        click.echo(f"Tollhouse is at {url}  (stop with Ctrl-C)")
        networks = ", ".join(site.settings.trusted_networks)
        for spool in spools:
            click.echo(f"Files dropped into {spool.path} are loaded")
        click.echo(f"No users yet: whoever comes from {networks} is administrator, without a key.")
        watching.enter_context(Watcher(spools, site.settings.spool_settle_seconds))
        server.run(sockets=[bound])
