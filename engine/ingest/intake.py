"""Files that wait to be read go in, each staged as its batch comes out: small ones that are alike are read as one.

What a statement costs before it reads a line is half of what a small load costs. So whoever has the turn reads what
waits, be it another's: when loads come faster than they can be read one by one, more of them are read at once.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Generic, TypeVar

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


Lined = TypeVar("Lined")
"""A staged batch in the line of those that wait for their commits."""

LineUp = Callable[[Sequence[tuple[Staged, Report | None]]], Sequence[Lined]]
"""Puts batches that were read as one into that line, so that they share a commit too."""


class _Waiting(Generic[Lined]):
    """A file that waits to be read, and what becomes of it."""

    def __init__(self, unread: Unread) -> None:
        self.unread = unread
        self.settled = False
        self.lined: list[Lined] = []
        self.failure: BaseException | None = None

    def settle(self, lined: Lined) -> None:
        self.lined.append(lined)
        self.settled = True

    def fail(self, failure: BaseException) -> None:
        if not self.settled:
            self.failure = failure
            self.settled = True


class Intake(Generic[Lined]):
    """Reads files into staging: those that wait together, and no more than so many statements at once."""

    def __init__(self, reading: Reading, line_up: LineUp[Lined]) -> None:
        self._reading = reading
        self._line_up = line_up
        self._readers = BoundedSemaphore(READERS)
        self._sharing = Lock()
        self._queueing = Lock()
        self._queue: deque[_Waiting[Lined]] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be one of those who read while the block runs."""
        with self._readers:
            yield

    def stage(self, path: Path, origin: str, asked: Asked, request: Request, report: Report | None) -> Lined:
        """Read one file whole and line it up. Raises `TollhouseError` when it cannot be taken: nothing of it stays."""
        if asked.zone is not None:
            self._reading.check_zone(asked.zone)
        if not _is_small(path):  # it waits as it is: unpacked and spread out it may take much of the disk
            with self._readers, self._reading.opened(path, origin, asked.dialect) as (source, dialect):
                return self._alone(Unread(source, dialect, asked, request, report))
        with self._reading.opened(path, origin, asked.dialect) as (source, dialect):
            unread = Unread(source, dialect, asked, request, report)
            if _can_share(unread):
                return self._shared(unread)
            with self._readers:
                return self._alone(unread)

    def _alone(self, unread: Unread) -> Lined:
        return self._line_up([(self._reading.stage(unread), unread.report)])[0]

    def _shared(self, unread: Unread) -> Lined:
        waiting: _Waiting[Lined] = _Waiting(unread)
        with self._queueing:
            self._queue.append(waiting)
        try:
            while not waiting.settled:
                # One at a time: what comes meanwhile is read as one, and the cores are left to the commits.
                with self._sharing:
                    if not waiting.settled:
                        with self._readers:
                            self._read_next()
        finally:
            with self._queueing, suppress(ValueError):
                self._queue.remove(waiting)  # an interrupt: nobody waits for it any more
        if waiting.failure is not None:
            raise waiting.failure
        return waiting.lined[0]

    def _read_next(self) -> None:
        group = self._next_group()
        try:
            unread = [waiting.unread for waiting in group]
            found = self._reading.stage_together(unread) if len(group) > 1 else map(self._reading.stage, unread)
            read: list[tuple[_Waiting[Lined], Staged]] = []
            for waiting, staged in zip(group, found, strict=True):
                if isinstance(staged, Staged):
                    read.append((waiting, staged))
                else:
                    waiting.fail(staged)
            lined = self._line_up([(staged, waiting.unread.report) for waiting, staged in read])
            for (waiting, _), one in zip(read, lined, strict=True):
                waiting.settle(one)
        except BaseException as failure:
            for waiting in group:
                waiting.fail(failure)
            if not isinstance(failure, TollhouseError):
                raise  # it is this thread's own, too; the others are told with their load

    def _next_group(self) -> list[_Waiting[Lined]]:
        """Take what waits first, and of the others those that are read as one with it."""
        with self._queueing:
            group = [self._queue.popleft()]
            first = group[0].unread
            room = MOST - first.source.size
            for waiting in list(self._queue):
                unread = waiting.unread
                if unread.source.size <= room and _are_alike(first, unread):
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
