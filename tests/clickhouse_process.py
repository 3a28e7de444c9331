"""A directory goes in, a real ClickHouse server that answers HTTP on a free local port comes out.

The chdb-core package carries the whole ClickHouse program, and a private function of it can be told to
listen. That is a test fixture only: Tollhouse itself never starts a server. The child ends when the pipe to
its parent closes, however the parent dies, and after `LIFETIME` seconds in any case.
"""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Self

LIFETIME = 6 * 3600
"""Seconds after which a forgotten server ends by itself."""

DATABASE = "tollhouse"

CONFIG = """\
<clickhouse>
    <listen_host>127.0.0.1</listen_host>
    <listen_reuse_port>1</listen_reuse_port>
    <http_port>{port}</http_port>
</clickhouse>
"""


class ClickHouseProcess:
    """A ClickHouse server with its own process, directory and port; a test may kill and start it often."""

    def __init__(self, directory: Path | None = None, *, zone: str = "UTC") -> None:
        self._zone = zone
        self._scratch = None if directory else tempfile.TemporaryDirectory(prefix="clickhouse-")
        self.directory = directory or Path(self._scratch.name if self._scratch else "")
        # The port stays bound here for as long as this object lives, so nobody else is given it, not even
        # between a kill and the next start; SO_REUSEPORT on both sides lets the child listen on it.
        self._port_holder = socket.socket()
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.port: int = self._port_holder.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """What to give to `--database`."""
        return f"http://127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process, "the server is not running"
        return self._process.pid

    def start(self, timeout: float = 60) -> None:
        """Start the server on its directory and port, and return once it answers."""
        assert not self._process, "the server is running already"
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "config.xml").write_text(CONFIG.format(port=self.port))
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(self.directory)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, "TZ": self._zone},
                start_new_session=True,  # Ctrl-C is for the tests; the pipe ends the server
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"ClickHouse did not come up; it said:\n{self._said()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server with signal 9, as a crash would."""
        if self._process:
            self._process.kill()
            self._end()

    def stop(self) -> None:
        """End the server by closing its pipe."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._end()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
        self._clear()

    @property
    def _output(self) -> Path:
        return self.directory / "output.txt"

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _said(self) -> str:
        return self._output.read_text(errors="replace") or "nothing"

    def _end(self) -> None:
        if self._process:
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
            self._process = None

    def _clear(self) -> None:
        self._port_holder.close()
        if self._scratch:
            self._scratch.cleanup()


def _serve(directory: str) -> None:
    os.chdir(directory)  # the engine reads config.xml from where it stands
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from chdb import _chdb

    program: Any = _chdb
    result = program.query(
        "SYSTEM START LISTEN HTTP;"
        f" SELECT sleepEachRow(3) FROM numbers({LIFETIME // 3})"
        " SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null",
        "TabSeparated",
        path=f"{directory}/data",
    )
    sys.exit(result.error_message() if result.has_error() else "its lifetime is over")


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
