"""A job goes in on standard input, a process that dies at one statement of a load or a rollback comes out.

The parent only imports the program and forks a child for every job, so that a whole matrix of deaths is cheap.
Nothing in the program knows of this: the child wraps the methods through which every statement passes. A job is
one line of JSON, its answer one line: how the child ended, and the statements that write it had begun.
"""

import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.warehouse.gateway import Warehouse
from tests.together import together

MOMENTS = ("before", "middle", "after")
"""When a process dies: before the statement is sent, while it runs, once it is done."""


def writes(statement: Statement) -> bool:
    """Whether a statement changes the database; a writer's signs of life come when they come and do not count."""
    words = _first_words(statement)
    return not re.match(r"(SELECT|WITH|EXPLAIN|SHOW)\b", words) and "INTO writers" not in words


def _first_words(statement: Statement) -> str:
    text = re.sub(r"^\s*--.*$", "", statement.sql, flags=re.MULTILINE)
    return " ".join(text.split())[:60]


class Death:
    """Wraps the warehouse so that `kill` is called at the n-th statement that writes, counted from `arm`."""

    def __init__(self, number: int, moment: str, kill: Callable[[], None], *, after_seconds: float = 0.002) -> None:
        self.statements: list[str] = []
        self._number = number
        self._moment = moment
        self._kill = kill
        self._after_seconds = after_seconds
        self._armed = False

    def arm(self) -> None:
        self._armed = True

    def disarm(self) -> None:
        self._armed = False

    def wrapped(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def counted(warehouse: Warehouse, statement: Statement, *more: Any) -> Any:
            if not self._armed or not writes(statement):
                return run(warehouse, statement, *more)
            self.statements.append(_first_words(statement))
            if len(self.statements) != self._number:
                return run(warehouse, statement, *more)
            if self._moment == "before":
                self._kill()
            elif self._moment == "middle":
                threading.Thread(target=self._soon, daemon=True).start()
            result = run(warehouse, statement, *more)
            self._kill()  # also when the statement was faster than the clock
            return result

        return counted

    def _soon(self) -> None:
        time.sleep(self._after_seconds)
        self._kill()


METHODS = ("command", "insert_file", "query")


def _run(job: dict[str, Any], progress: int) -> None:
    def die() -> None:
        os.write(progress, json.dumps(death.statements).encode())
        os.kill(os.getpid(), signal.SIGKILL)

    death = Death(job["number"], job["moment"], die, after_seconds=job["after_seconds"])
    for name in METHODS:
        setattr(Warehouse, name, death.wrapped(getattr(Warehouse, name)))
    settings = Settings(
        database=job["database"], rollup_zones=tuple(job["rollup_zones"]), chunk_records=job["chunk_records"]
    )
    if job["what"] == "open":
        death.arm()
    with Site(settings) as site:
        death.arm()
        if job["what"] == "load":
            path = Path(job["path"])
            site.ingest(path, path.name, Asked(source=job["source"]))
        elif job["what"] == "together":
            together(site, [Path(path) for path in job["paths"]])
        elif job["what"] in ("rollback", "undo"):
            site.rollback(job["batch"], undo=job["what"] == "undo")
        elif job["what"] == "reenrich":
            site.reenrich(*job["span"])
        elif job["what"] == "retry":
            site.retry(None, zone=job["zone"])
        death.disarm()
    os.write(progress, json.dumps(death.statements).encode())


def _forked(job: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            _run(job, write)
            os._exit(0)
        except BaseException as failure:  # told by the exit status, and on standard error
            sys.stderr.write(f"{type(failure).__name__}: {failure}\n")
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as told:
        statements = told.read()
    _, status = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), "statements": json.loads(statements or "[]")}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_forked(json.loads(line))) + "\n")
        sys.stdout.flush()
