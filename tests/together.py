"""A site and files go in; they are loaded at once, and nothing is read before all of them wait; receipts come out."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import TollhouseError
from engine.ingest.intake import READERS
from engine.ingest.pipeline import Asked, Receipt
from engine.site import Site


@contextmanager
def busy_readers(site: Site) -> Iterator[None]:
    """While the block runs, no file is read."""
    turns = [site.loader._intake.turn() for _ in range(READERS)]
    for turn in turns:
        turn.__enter__()
    try:
        yield
    finally:
        for turn in turns:
            turn.__exit__(None, None, None)


class Loads:
    """Loads of which each waits until the one before it does: they are read in this order."""

    def __init__(self, site: Site, paths: list[Path], asked: list[Asked]) -> None:
        self._site = site
        self._paths = paths
        self._found: list[Receipt | TollhouseError | None] = [None] * len(paths)
        self._threads = [threading.Thread(target=self._load, args=(number, how)) for number, how in enumerate(asked)]

    def wait_in_line(self, alone: int) -> None:
        for number, thread in enumerate(self._threads, 1):
            thread.start()
            if number > len(self._threads) - alone:
                continue
            deadline = time.monotonic() + 60
            while len(self._site.loader._intake._queue) < number:
                assert time.monotonic() < deadline, f"load {number} never came to wait"
                time.sleep(0.002)

    def done(self) -> list[Receipt | TollhouseError | None]:
        for thread in self._threads:
            thread.join(120)
        return self._found

    def _load(self, number: int, asked: Asked) -> None:
        path = self._paths[number]
        try:
            self._found[number] = self._site.ingest(path, path.name, asked)
        except TollhouseError as failure:
            self._found[number] = failure


def together(
    site: Site, paths: list[Path], asked: list[Asked] | None = None, *, alone: int = 0
) -> list[Receipt | TollhouseError | None]:
    """Load files at once; the last so many are of those that nothing is read together with."""
    with busy_readers(site):
        loads = Loads(site, paths, asked or [Asked()] * len(paths))
        loads.wait_in_line(alone)
    return loads.done()
