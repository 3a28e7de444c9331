"""Files that wait to be read go in, each staged as its batch comes out: small ones that are alike are read as one.

What a statement costs before it reads a line is half of what a small load costs. So whoever has the turn reads what
waits, be it another's: when loads come faster than they can be read one by one, more of them are read at once.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import BoundedSemaphore, Event, Lock

from msgspec.structs import replace

from engine.errors import TollhouseError
from engine.ingest import lines, packing, stage
from engine.ingest.batches import Staged
from engine.ingest.reading import Asked, Reading, Report, Request, Unread
from engine.ingest.sources import Source

READERS = 2
"""Statements that read files at the same time."""

MOST = 32 << 20
"""Bytes that are read as one."""


class _Waiting:
    """A file that waits to be read, and what becomes of it."""

    def __init__(self, unread: Unread) -> None:
        self.unread = unread
        self.settled = Event()
        self._staged: list[Staged | BaseException] = []

    def settle(self, staged: Staged | BaseException) -> None:
        self._staged.append(staged)
        self.settled.set()

    def outcome(self) -> Staged:
        (staged,) = self._staged
        if isinstance(staged, BaseException):
            raise staged
        return staged


class Intake:
    """Reads files into staging: those that wait together, and no more than so many statements at once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._readers = BoundedSemaphore(READERS)
        self._queueing = Lock()
        self._queue: deque[_Waiting] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be one of those who read while the block runs."""
        with self._readers:
            yield

    def stage(self, path: Path, origin: str, asked: Asked, request: Request, report: Report | None) -> Staged:
        """Read one file whole. Raises `TollhouseError` when it cannot be taken, and then nothing of it stays."""
        if asked.zone is not None:
            self._reading.check_zone(asked.zone)
        if not _is_small(path):  # it waits as it is: unpacked and spread out it may take much of the disk
            with self._readers, self._reading.opened(path, origin, asked.dialect) as (source, dialect):
                return self._reading.stage(Unread(source, dialect, asked, request, report))
        with self._reading.opened(path, origin, asked.dialect) as (source, dialect):
            waiting = _Waiting(Unread(source, dialect, asked, request, report))
            with self._queueing:
                self._queue.append(waiting)
            try:
                # Everybody who waits takes one turn after he came, and each turn reads what waits first: all are read.
                with self._readers:
                    self._read_next()
                waiting.settled.wait()
            finally:
                with self._queueing, suppress(ValueError):
                    self._queue.remove(waiting)  # an interrupt: nobody waits for it any more
            return waiting.outcome()

    def _read_next(self) -> None:
        group = self._next_group()
        try:
            if len(group) > 1:
                together = self._reading.stage_together([waiting.unread for waiting in group])
                for waiting, staged in zip(group, together, strict=True):
                    waiting.settle(staged)
            elif group:
                group[0].settle(self._reading.stage(group[0].unread))
        except BaseException as failure:
            for waiting in group:
                waiting.settle(failure)
            if not isinstance(failure, TollhouseError):
                raise  # it is this thread's own, too; the others are told with their load

    def _next_group(self) -> list[_Waiting]:
        """Take what waits first, and of the others those that are read as one with it."""
        with self._queueing:
            if not self._queue:
                return []
            group = [self._queue.popleft()]
            first = group[0].unread
            if not _can_share(first):
                return group
            room = MOST - first.source.size
            for waiting in list(self._queue):
                unread = waiting.unread
                if unread.source.size <= room and _are_alike(first, unread) and _can_share(unread):
                    room -= unread.source.size
                    group.append(waiting)
                    self._queue.remove(waiting)
        return group


def _is_small(path: Path) -> bool:
    """Whether a file is small and will stay so; one that is missing is told to be when it is opened."""
    return not path.is_file() or (path.stat().st_size < lines.LEAST and packing.packing_of(path) is None)


def _can_share(unread: Unread) -> bool:
    """Whether a file is read by one statement that looks at each line by itself."""
    source, dialect = unread.source, unread.dialect
    single = source.cut and len(source.stretches) == 1 and unread.report is None
    return single and not (dialect.where or dialect.needs_whole_file or stage.moves(source, dialect))


def _are_alike(one: Unread, other: Unread) -> bool:
    """Whether the statement that reads one file reads the other."""
    return (one.asked, one.dialect, _shape(one.source)) == (other.asked, other.dialect, _shape(other.source))


def _shape(source: Source) -> Source:
    """Return what is left of a source when its own place and size are taken away."""
    nowhere = Path()
    return replace(source, path=nowhere, origin="", size=0, scratch=None, text=None, stretches=())
