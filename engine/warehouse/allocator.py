"""An open warehouse goes in; while the block runs, memory that the engine has freed goes back to the system at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from engine.errors import TollhouseError
from engine.statement import Statement
from engine.warehouse.gateway import Warehouse

PURGE_SECONDS = 0.1
"""How long freed memory may stay. The allocator would keep it for five seconds, which is as much again as is in use."""


@contextmanager
def giving_back(warehouse: Warehouse) -> Iterator[None]:
    """Give freed memory back for as long as the block runs."""
    ended = Event()
    thread = Thread(target=_purge, args=(warehouse, ended), daemon=True, name="allocator")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _purge(warehouse: Warehouse, ended: Event) -> None:
    while not ended.wait(PURGE_SECONDS):
        try:
            warehouse.command(Statement("SYSTEM JEMALLOC PURGE"), aside=True)
        except TollhouseError:
            return  # a server's user may lack the right to it: the work goes on in more memory
