"""A database directory goes in, the sole right to open it comes out, or who has it instead.

The embedded engine allows one process per directory and says little to the second one; this lock says who
holds it and where it can be reached. The lock is the kernel's, so it ends with the process however that dies.
"""

import fcntl
import os
import sys
from pathlib import Path
from typing import IO, Self

import msgspec

from engine.errors import Conflict


class HolderNote(msgspec.Struct):
    """What the holder of a directory says about itself."""

    process: int
    command: str
    url: str | None = None


class Holder:
    """The held lock of one database directory."""

    def __init__(self, file: IO[bytes], note: HolderNote) -> None:
        self._file = file
        self._note = note

    @classmethod
    def take(cls, directory: Path) -> Self:
        """Take the lock, or raise `Conflict` that names the process holding it and its URL if it has one."""
        file = (directory / "holder.json").open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with file:
                raise _held(directory, _read(file)) from None
        holder = cls(file, HolderNote(os.getpid(), " ".join(Path(word).name for word in sys.argv[:2])))
        holder._write()
        return holder

    def announce(self, url: str) -> None:
        """Add the URL at which the holder answers."""
        self._note.url = url
        self._write()

    def release(self) -> None:
        """Let go, leaving an empty note."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()

    def _write(self) -> None:
        self._file.truncate(0)
        self._file.write(msgspec.json.encode(self._note))
        self._file.flush()


def _read(file: IO[bytes]) -> HolderNote | None:
    file.seek(0)
    try:
        return msgspec.json.decode(file.read(), type=HolderNote)
    except msgspec.DecodeError:
        return None


def _held(directory: Path, note: HolderNote | None) -> Conflict:
    who = f"process {note.process} ({note.command})" if note else "another process"
    if note and note.url:
        hint = f"use it through --url {note.url}, or stop it first"
    else:
        hint = "wait until it is done or stop it, or use another directory with --database chdb:///path"
    return Conflict("database_held", f"the database in {directory} is held by {who}", hint=hint)
