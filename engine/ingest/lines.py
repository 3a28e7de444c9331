"""A CSV file goes in; whether its lines can be cut at the delimiter, and the pieces it is read in, come out.

The engine's CSV reader looks at every byte of a file. Most files need no such care: their values hold no delimiter,
no quote and no line end, whether they stand in quotes or not. Such lines are cut and checked with less work, and as
every line is a record several pieces of the file are read at once. Whether each line is so is told while it is read
(sql/ingest/stage.sql.j2); those that are not are read again by themselves, with care.
"""

import codecs
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from msgspec import Struct

from engine.warehouse.piece import Piece, opened

DELIMITERS = ",;|"
"""The delimiters at which lines are cut; a blank or a tab is also what is trimmed around a value."""

LEAST = 8 << 20
"""Bytes from which on it pays to read a piece of its own."""

_HEAD = 1 << 18
_BLOCK = 4 << 20


class Stretch(Struct, frozen=True):
    """A piece of a file, and how many lines of the file come before it, a header left out."""

    piece: Piece
    before: int


def plain(path: Path, begin: int, delimiter: str) -> bool:
    """Whether the lines from byte `begin` on look as if they could be cut; only cutting all of them tells."""
    if delimiter not in DELIMITERS:
        return False
    with path.open("rb") as file:
        file.seek(begin)
        head = file.read(_HEAD)
    if head.startswith(codecs.BOM_UTF8):
        return False
    found = head.split(b"\n")
    return all(_is_plain(line, delimiter.encode()) for line in (found if len(head) < _HEAD else found[:-1]))


def carriage_returns(path: Path) -> bool:
    """Whether the first line ends with CR LF."""
    with path.open("rb") as file:
        return file.readline(_HEAD).endswith(b"\r\n")


def _is_plain(line: bytes, delimiter: bytes) -> bool:
    line = line.removesuffix(b"\r")
    quoted = sum(len(value) > 1 and value.startswith(b'"') and value.endswith(b'"') for value in line.split(delimiter))
    return 2 * quoted == line.count(b'"') and not any(odd in line for odd in (b"\0", b"\t", b"\r"))


def stretches(path: Path, begin: int) -> tuple[Stretch, ...]:
    """Cut a file from byte `begin` on into pieces of whole lines, one for each core that would read it."""
    size = path.stat().st_size
    count = max(1, min(os.cpu_count() or 1, 4, (size - begin) // LEAST))
    found: list[Stretch] = []
    with path.open("rb") as file:
        before = 0
        for number in range(1, count + 1):
            file.seek(begin + (size - begin) * number // count if number < count else size)
            file.readline()
            end = max(file.tell(), begin) if number < count else size
            found.append(Stretch(Piece(path, begin, end - begin), before))
            if number < count:
                before += _lines(path, begin, end)
            begin = end
    return tuple(found)


def joined(pieces: Iterable[Piece], copy: Path) -> list[int]:
    """Write pieces of files one after the other, whole lines each; return how many lines come before each."""
    begins, count = [], 0
    with copy.open("wb") as out:
        for piece in pieces:
            begins.append(count)
            block = b"\n"
            with opened(piece) as file:
                while read := file.read(_BLOCK):
                    block = read
                    count += block.count(b"\n")
                    out.write(block)
            if not block.endswith(b"\n"):
                count += 1
                out.write(b"\n")
    return begins


def at(path: Path, begin: int, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Yield lines of a file, the first from byte `begin` on being number 1. `numbers` must ascend."""
    with path.open("rb") as file:
        file.seek(begin)
        done = 0
        for number in numbers:
            line = next(islice(file, number - done - 1, None), b"")
            done = number
            yield number, line


def _lines(path: Path, begin: int, end: int) -> int:
    count = 0
    with path.open("rb") as file:
        file.seek(begin)
        while block := file.read(min(_BLOCK, end - file.tell())):
            count += block.count(b"\n")
    return count
