"""A file of reference data goes in; opened, unpacked and recognised by its first lines it comes out."""

import csv
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from msgspec import Struct

from engine.errors import BadRequest, NotFound, TooLarge, nearest
from engine.reference.kinds import ListKind

MOST_BYTES = 1 << 31
"""A list that is larger when unpacked is none."""

_TERRITORIES = "'PR', 'VI', 'GU', 'AS', 'MP'"


class Layout(Struct, frozen=True):
    """How the rows of a file become rows of a list."""

    name: str
    template: str = "reference/layouts/plain.sql.j2"
    text: bool = False
    """Lines are taken whole, and the template cuts them."""
    keeps: str = "false"
    """SQL over the list's columns: rows that the file does not speak of, and that stay."""


PLAIN = Layout("list")
NANPA = Layout(
    "nanpa",
    "reference/layouts/nanpa.sql.j2",
    text=True,
    keeps=f"x != '' OR country NOT IN ('US', {_TERRITORIES})",
)
CNAC = Layout("cnac", "reference/layouts/cnac.sql.j2", keeps="x != '' OR country != 'CA'")
BLOCKS = Layout("thousands_blocks", "reference/layouts/blocks.sql.j2", keeps="x = ''")
LERG6 = Layout("lerg6", "reference/layouts/lerg6.sql.j2", text=True)
NPA_REPORT = Layout("npa_report", "reference/layouts/npa_report.sql.j2")


class ListFile(Struct, frozen=True):
    """A list's file, unpacked: where its cells stand and after which line they begin."""

    path: Path
    origin: str
    layout: Layout
    delimiter: str
    header: int
    """The line of the header, 0 when there is none."""
    places: dict[str, int]
    """Column of the header to its place, from 1."""
    width: int


@contextmanager
def opened(path: Path, origin: str, kind: ListKind) -> Iterator[ListFile]:
    """Open a list's file, also .zip and .gz; raises `BadRequest` when it is not of a layout this kind has."""
    with TemporaryDirectory(prefix="tollhouse-list-") as scratch:
        plain = _unpacked(path, origin, Path(scratch) / "list")
        yield _recognised(plain, origin, kind)


def _unpacked(path: Path, origin: str, into: Path) -> Path:
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                return _copied(packed, into, origin)
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                if len(members) != 1:
                    raise BadRequest("unreadable_file", f"{origin} holds {len(members)} files", hint="unpack it first")
                with archive.open(members[0]) as packed:
                    return _copied(packed, into, origin)
    except FileNotFoundError as failure:
        raise NotFound("no_such_file", f"there is no file {origin}", hint="check the path") from failure
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as failure:
        raise BadRequest("unreadable_file", f"{origin} cannot be unpacked", hint="check that it is whole") from failure
    return path


def _copied(packed: IO[bytes] | gzip.GzipFile, into: Path, origin: str) -> Path:
    with into.open("wb") as file:
        while piece := packed.read(1 << 20):
            file.write(piece)
            if file.tell() > MOST_BYTES:
                raise TooLarge("too_large", f"{origin} is larger than {MOST_BYTES >> 20} MiB when unpacked")
    return into


def _recognised(path: Path, origin: str, kind: ListKind) -> ListFile:
    lines = _first_lines(path, origin)
    if kind.name == "npanxx" and _looks_like_lerg6(lines[0]):
        return ListFile(path, origin, LERG6, "", 0, {}, 1)
    header = 2 if kind.name == "npa" and lines[0].lower().startswith("file date") and len(lines) > 1 else 1
    line = lines[header - 1]
    delimiter = max(",\t;", key=line.count)
    names = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    places = {name.lower(): place for place, name in enumerate(names, 1)}
    if len(places) != len(names):
        raise BadRequest("bad_header", f"{origin} names a column twice", hint="keep one of them")
    layout = PLAIN
    if kind.name == "npanxx":
        for known, first in (
            (NANPA, {"npa-nxx", "ratecenter", "state"}),
            (CNAC, {"npa", "co code (nxx)", "province"}),
            (BLOCKS, {"npa", "nxx", "x", "rate center", "state"}),
        ):
            layout = known if first <= set(places) else layout
    elif kind.name == "npa" and {"npa_id", "location", "in_service"} <= set(places):
        layout = NPA_REPORT
    if layout is PLAIN:
        places = _columns(places, origin, kind)
    return ListFile(path, origin, layout, delimiter, header, places, len(names))


def _first_lines(path: Path, origin: str) -> list[str]:
    with path.open("rb") as file:
        start = file.read(1 << 16)
    try:
        text = start.decode("utf-8-sig", errors="strict" if len(start) < 1 << 16 else "ignore")
    except UnicodeDecodeError as failure:
        raise BadRequest("unreadable_file", f"{origin} is not text in UTF-8", hint="save it as UTF-8") from failure
    if "\0" in text:
        raise BadRequest("unreadable_file", f"{origin} is not text in UTF-8", hint="save it as UTF-8")
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise BadRequest("empty_file", f"{origin} holds no list", hint="its first line is the header")
    return lines


def _looks_like_lerg6(line: str) -> bool:
    code = line[32:39]
    return len(line) >= 132 and code[:6].isdigit() and code[6:] in "A0123456789" and code[0] in "23456789"


def _columns(places: dict[str, int], origin: str, kind: ListKind) -> dict[str, int]:
    names = {also: name for name, column in kind.columns.items() for also in (name, *column.also)}
    names |= {name: name for name in ("valid_from", "valid_to")}
    unknown = [name for name in places if name not in names and name not in kind.ignored]
    if unknown:
        hint = nearest(unknown[0], tuple(names)) or f"the list {kind.name} has {', '.join(kind.columns)}"
        raise BadRequest("bad_header", f"{origin}, line 1: there is no column {unknown[0][:40]!r}", hint=hint)
    found = {names[name]: place for name, place in places.items() if name in names}
    lacking = [name for name in kind.key if name not in found and name != "x" and kind.name != "outcomes"]
    if lacking:
        raise BadRequest(
            "missing_column",
            f"{origin}, line 1: the list {kind.name} needs a column {lacking[0]}",
            hint=f"head it {','.join(kind.columns)}",
        )
    return found
