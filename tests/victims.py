"""Jobs go in, processes that die at a statement of them come out: the parent's side of tests/victim.py."""

import json
import subprocess
import sys
from typing import Any

from tests.server import ROOT


class Victims:
    """Starts loaders that die when they are told to."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.victim"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, **job: Any) -> list[str]:
        """Run a job; return the statements it had begun when it died, all of them when it was left alone."""
        ended = self._ended(job)
        assert ended["status"] == (-9 if job["number"] else 0), "the job was not killed, or failed by itself"
        assert len(ended["statements"]) == job["number"] or not job["number"]
        return list(ended["statements"])

    def dies(self, **job: Any) -> bool:
        """Run a job that may have no n-th statement; whether it was killed."""
        ended = self._ended(job)
        assert ended["status"] in (0, -9)
        return bool(ended["status"])

    def _ended(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        ended: dict[str, Any] = json.loads(self._process.stdout.readline())
        return ended

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()
