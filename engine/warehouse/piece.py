"""A stretch of a file goes in, what the engine or a request reads from its beginning to its end comes out."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import POLLOUT, poll
from threading import Event, Thread
from typing import Any, BinaryIO, Self, cast

from msgspec import Struct

from engine.errors import BadRequest


class Piece(Struct, frozen=True):
    """`size` bytes of the file at `path`, from `begin` on."""

    path: Path
    begin: int
    size: int

    @classmethod
    def whole(cls, path: Path) -> Self:
        """Return all of a file, as it is now."""
        return cls(path, 0, path.stat().st_size)


@contextmanager
def descriptor(piece: Piece) -> Iterator[int]:
    """Yield a pipe's end from which the piece can be read while the block runs.

    Raises `BadRequest` file_changed when the file ended before the piece did.
    """
    with piece.path.open("rb") as file:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        pump = _Pump(file, piece, writing)
        pump.start()
        try:
            yield reading
        finally:
            pump.stopped.set()
            pump.join()
            os.close(reading)
    if pump.failure:
        raise pump.failure
    if pump.short:
        raise _changed(piece)


class _Pump(Thread):
    """Moves a piece of a file into a pipe, within the kernel, until it is done or `stopped`.

    An engine whose statement has failed may keep its end of the pipe, so that nobody reads and nothing breaks.
    """

    def __init__(self, file: BinaryIO, piece: Piece, writing: int) -> None:
        super().__init__(daemon=True)
        self._file = file
        self._piece = piece
        self._writing = writing
        self.stopped = Event()
        self.short = False
        self.failure: OSError | None = None

    def run(self) -> None:
        room = poll()
        room.register(self._writing, POLLOUT)
        place, end = self._piece.begin, self._piece.begin + self._piece.size
        try:
            while place < end and not self.stopped.is_set() and not self.short:
                room.poll(100)
                with suppress(BlockingIOError):
                    sent = os.sendfile(self._writing, self._file.fileno(), place, end - place)
                    self.short = sent == 0
                    place += sent
        except OSError as failure:
            self.failure = failure
        finally:
            os.close(self._writing)


@contextmanager
def opened(piece: Piece) -> Iterator[BinaryIO]:
    """Yield the piece as a file that is read once, and never again by itself; raises as `descriptor` does."""
    with piece.path.open("rb") as file:
        file.seek(piece.begin)
        stretch = _Stretch(file, piece.size)
        yield cast("BinaryIO", io.BufferedReader(stretch, 1 << 20))
    if stretch.short:
        raise _changed(piece)


class _Stretch(io.RawIOBase):
    """The next `left` bytes of a file."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left
        self.short = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # BinaryIO does not declare it; every file opened for bytes has it.
        read = self._file.readinto(memoryview(buffer)[: self._left])  # type: ignore[attr-defined]
        self.short = self._left > 0 and read == 0
        self._left -= read
        return int(read)


def _changed(piece: Piece) -> BadRequest:
    return BadRequest(
        "file_changed",
        f"{piece.path.name} became shorter while it was read",
        hint="load it when it is complete; nothing was loaded",
    )
