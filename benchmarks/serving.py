"""An opened site goes in, a client of its whole HTTP path comes out; the server runs in a thread of this process.

So one process holds the database, and what is asked by HTTP and by hand-written SQL is asked of the same engine.
"""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import msgspec
import uvicorn

from engine.site import Site
from web.app import create
from web.server import listening

_PATIENCE = 600
_IDLE = 2
"""Seconds after which a connection is made anew: the server ends those that are idle for five."""


class Refused(RuntimeError):
    """The server answered with an error."""


class Client:
    """One connection that stays open, as a browser's or a script's does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
        self._used = 0.0

    def send(self, method: str, path: str, body: bytes = b"", media: str = "application/json") -> bytes:
        """Return a response's body; raises `Refused` when it is none of 2xx."""
        response = self._begin(method, path, body, media)
        content = response.read()
        self._used = time.monotonic()
        if response.status >= 300:
            raise Refused(f"{method} {path}: {response.status} {content[:500].decode(errors='replace')}")
        return content

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a question."""
        answer: dict[str, Any] = msgspec.json.decode(self.send("POST", "/api/v1/query", msgspec.json.encode(question)))
        return answer

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[bytes]:
        """Yield the pieces of a long answer."""
        response = self._begin("POST", path, msgspec.json.encode(body), "application/json")
        if response.status >= 300:
            raise Refused(response.read().decode(errors="replace"))
        while piece := response.read(1 << 20):
            yield piece

    def _begin(self, method: str, path: str, body: bytes, media: str) -> http.client.HTTPResponse:
        if time.monotonic() - self._used > _IDLE:
            self._connection.close()
        self._connection.request(method, path, body, {"content-type": media} if body else {})
        return self._connection.getresponse()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def served(site: Site) -> Iterator[Client]:
    """Serve a site as `tollhouse serve` does, and yield a client."""
    with listening("127.0.0.1", 0) as bound:
        server = uvicorn.Server(uvicorn.Config(create(site), log_level="warning", access_log=False, lifespan="on"))
        thread = Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        client = Client(f"http://127.0.0.1:{bound.getsockname()[1]}")
        try:
            yield client
        finally:
            client.close()
            server.should_exit = True
            thread.join(30)
