"""A server's database goes in, the sole right to write to it comes out, or who has it instead.

The embedded engine needs none of this: one process owns its directory. On a server the writer says every few
seconds that it is alive; another one is told to go through it, and takes over only when it has fallen silent.
"""

import os
import socket
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Self
from uuid import uuid4

from engine.errors import Conflict, TollhouseError
from engine.statement import Statement
from engine.template import render
from engine.warehouse.failures import lease_lost
from engine.warehouse.gateway import Warehouse

SILENCE = 20
"""Seconds without a sign of life after which a writer counts as dead."""

_BEAT = 5


class Lease:
    """The right to write, held by one process."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.token = uuid4().hex
        self._url = ""
        self._ended = Event()
        self._beating: Thread | None = None

    @classmethod
    def take(cls, warehouse: Warehouse) -> Self:
        """Take the lease, or raise `Conflict` that names its holder and how to reach it."""
        lease = cls(warehouse)
        lease._refuse_when_held()
        lease._say("alive")
        lease.check()
        # What a dead writer left running on the server must not land behind the new one's back.
        warehouse.command(Statement(render("admin/end_inserts.sql")))
        lease._beating = Thread(target=lease._beat, daemon=True, name="lease")
        lease._beating.start()
        return lease

    def check(self) -> None:
        """Raise `Conflict` when another writer has taken over."""
        newest = self._newest()
        if newest is None or newest["token"] != self.token:
            raise lease_lost()

    def announce(self, url: str) -> None:
        """Add the URL at which the holder answers."""
        self._url = url
        self._say("alive")

    def release(self) -> None:
        """Let go, so that the next writer need not wait."""
        self._ended.set()
        if self._beating:
            self._beating.join()
            self._say("released")

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT):
            try:
                self._say("alive")
            except TollhouseError:
                continue  # the server may be away for a moment; every commit checks for itself

    def _say(self, state: str) -> None:
        parameters = {
            "token": self.token,
            "state": state,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "command": " ".join(Path(word).name for word in sys.argv[:2]),
            "url": self._url,
        }
        self._warehouse.command(Statement(render("admin/say_writer.sql"), parameters))

    def _newest(self) -> dict[str, object] | None:
        found = self._warehouse.query(Statement(render("admin/newest_writer.sql")))
        return dict(zip(found.columns, found.rows[0], strict=True)) if found.rows else None

    def _refuse_when_held(self) -> None:
        held = self._newest()
        if held is None or held["state"] != "alive" or float(str(held["age"])) > SILENCE or _dead_here(held):
            return
        who = f"process {held['process']} on {held['host']} ({held['command']})"
        hint = f"use it through --url {held['url']}, or stop it first" if held["url"] else "wait until it is done"
        raise Conflict("database_held", f"the database is written by {who}", hint=hint)


def _dead_here(held: dict[str, object]) -> bool:
    """Whether the holder ran on this machine and does no more."""
    if held["host"] != socket.gethostname():
        return False
    try:
        os.kill(int(str(held["process"])), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(str(held["process"])) == os.getpid()
