"""Rows of a file that are not taken go in; the line at which each begins in it, and its text, come out."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from engine.ingest import lines, mending
from engine.ingest.sources import Source

_ESCAPES = {b"\\": b"\\\\", b"\t": b"\\t", b"\n": b"\\n", b"\r": b"\\r", b"\0": b"\\0"}


def write(source: Source, rows: list[int], copy: Path) -> None:
    """Write row, line and text of these rows, ascending, as the engine reads tab-separated values."""
    with copy.open("wb") as out:
        for row, line, text in _found(source, rows):
            text = text.rstrip(b"\r\n")
            for byte, escaped in _ESCAPES.items():
                text = text.replace(byte, escaped)
            out.write(b"%d\t%d\t%s\n" % (row, line, text))


def _found(source: Source, rows: list[int]) -> Iterator[tuple[int, int, bytes]]:
    path, head = source.text or source.path, source.head
    if source.cut:
        begin = source.stretches[0].piece.begin
        yield from ((row, row + head, line) for row, line in lines.at(path, begin, rows))
        return
    every = _records(source, path) if source.container == "csv" else _filled(path)
    wanted = iter(rows)
    row = next(wanted, None)
    for number, (line, text) in enumerate(every, 1):
        if number == row:
            yield number, line, text
            row = next(wanted, None)
            if row is None:
                return


def _records(source: Source, path: Path) -> Iterator[tuple[int, bytes]]:
    for record in islice(mending.records(path, source.origin, source.delimiter), source.head, None):
        yield record.line, record.text.encode("utf-8", "surrogateescape")


def _filled(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.removeprefix(b"\xef\xbb\xbf").strip():
                yield number, line
