"""A DSN goes in, the real program serving it from a second process comes out, and is ended with the test."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

import httpx

PROGRAM = Path(sys.executable).with_name("tollhouse")
ROOT = Path(__file__).resolve().parents[1]
_URL = re.compile(r"^Tollhouse is at (http://\S+)", re.MULTILINE)


class Server:
    """A running `tollhouse serve` or `tollhouse demo`; settings are given as TOLLHOUSE_… variables."""

    def __init__(self, dsn: str, *words: str, command: str = "serve", **settings: str) -> None:
        self._command = [str(PROGRAM), command, "--port", "0", "--database", dsn, *words]
        self._settings = {f"TOLLHOUSE_{name.upper()}": text for name, text in settings.items()}
        self._scratch = tempfile.TemporaryDirectory(prefix="tollhouse-server-")
        self._output = Path(self._scratch.name) / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    @property
    def said(self) -> str:
        """Everything the program wrote: its output and its log."""
        return self._output.read_text("utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process, "the server was never started"
        return self._process.pid

    def start(self, timeout: float = 90) -> None:
        """Start the program and return once it has printed its URL."""
        plain = {name: text for name, text in os.environ.items() if not name.startswith("TOLLHOUSE_")}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=plain | {"PYTHONPATH": str(ROOT)} | self._settings,  # this checkout's program
                cwd=self._scratch.name,  # no tollhouse.toml of somebody else's
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        while not (found := _URL.search(self.said)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.said
                self.end(signal.SIGKILL)
                raise RuntimeError(f"the server did not come up; it said:\n{said}")
            time.sleep(0.02)
        self.url = found[1]

    def end(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        """Send a signal and return the exit status; what does not end in time is killed."""
        assert self._process, "the server was never started"
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def client(self) -> httpx.Client:
        """Return a client whose addresses begin at the server's root."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._scratch.cleanup()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self.end()
        self._scratch.cleanup()
