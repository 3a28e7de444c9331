"""An opened site goes in, a client of its whole HTTP path comes out; the server runs in a thread of this process.

So one process holds the database, and what is asked by HTTP and by hand-written SQL is asked of the same engine.

  python -m benchmarks.serving URL      asks what comes by lines, and says when it has the answer
"""

import gc
import http.client
import subprocess
import sys
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
_ANSWERED = b"answered\n"
_IDLE = 2
"""Seconds after which a connection is made anew: the server ends those that are idle for five."""


class Refused(RuntimeError):
    """The server answered with an error."""


class Client:
    """One connection that stays open, as a browser's or a script's does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
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


class Elsewhere:
    """A client in a process of its own, as every other is: reading an answer takes no time from the server."""

    def __init__(self, url: str) -> None:
        words = [sys.executable, "-m", "benchmarks.serving", url]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question: dict[str, Any]) -> None:
        """Return when it has read the answer."""
        assert self._process.stdin  # noqa: S101 - it was asked for
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")
        self._process.stdin.flush()
        if not self._process.stdout or self._process.stdout.readline() != _ANSWERED:
            raise Refused(f"the client ended: {self._process.wait()}")

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


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


def _main(url: str) -> None:
    gc.disable()  # reading 85,000 rows of JSON takes 46 ms; that Python looks them through for cycles is not ours
    client = Client(url)
    for line in sys.stdin.buffer:
        client.ask(msgspec.json.decode(line))
        sys.stdout.buffer.write(_ANSWERED)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main(sys.argv[1])
