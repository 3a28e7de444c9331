"""An open warehouse goes in; while work in the block is busy, memory the engine has freed goes back to the system."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from engine.errors import TollhouseError
from engine.statement import Statement
from engine.warehouse.gateway import Warehouse

PURGE_SECONDS = 0.1
"""How long freed memory may stay. The allocator would keep it for five seconds, which is as much again as is in use."""


@contextmanager
def giving_back(warehouse: Warehouse, busy: Callable[[], bool]) -> Iterator[None]:
    """Give freed memory back until the block ends, as long as it is `busy`.

    Whoever loads meanwhile takes pages anew that were given back, so nothing is done for work that waits.
    """
    ended = Event()
    thread = Thread(target=_purge, args=(warehouse, busy, ended), daemon=True, name="allocator")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _purge(warehouse: Warehouse, busy: Callable[[], bool], ended: Event) -> None:
    while not ended.wait(PURGE_SECONDS):
        if not busy():
            continue
        try:
            warehouse.command(Statement("SYSTEM JEMALLOC PURGE"), aside=True)
        except TollhouseError:
            return  # a server's user may lack the right to it: the work goes on in more memory
