"""A text file with broken records goes in; a copy comes out with each whole one as JSON, each broken one as its text.

The engine's readers give a file up at the first record that they cannot take apart, and the good ones beside it would
be lost. Where the engine can tell which lines are odd, only those are looked at; a file that was given up is copied
record by record, which is slow, and such files are rare.
"""

import csv
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import BadRequest
from engine.ingest import lines

BROKEN = "(broken line)"
"""The key under which the copy has the text of a broken record."""

_BOM = b"\xef\xbb\xbf"


def lines_of_json(path: Path, origin: str, copy: Path) -> tuple[str, ...]:
    """Copy a file of one JSON object per line; return every key in it. Raises `BadRequest` when no line is one."""
    names: dict[str, None] = {}
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    first: BadRequest | None = None
    with path.open("rb") as file, copy.open("wb") as out:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
            if not text:
                continue
            try:
                names.update(dict.fromkeys(decoder.decode(text)))
                out.write(text + b"\n")
            except (msgspec.DecodeError, UnicodeDecodeError) as failure:
                first = first or BadRequest(
                    "unreadable_file",
                    f"line {number} of {origin} is not a JSON object: {failure}",
                    hint="write one JSON object per line",
                )
                out.write(_broken(text.decode("utf-8", "replace")))
    if not names and first:
        raise first
    return tuple(names)


def broken_lines(path: Path, rows: list[int], copy: Path) -> int:
    """Copy a file, each of these lines that is no JSON object as a broken record; return how many are. Rows ascend."""
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    broken = done = 0
    with path.open("rb") as file, copy.open("wb") as out:
        for row in rows:
            out.writelines(islice(file, row - done - 1))
            line = next(file)
            try:
                decoder.decode(line.removeprefix(_BOM) if row == 1 else line)
                out.write(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                out.write(_broken(line.decode("utf-8", "replace")))
                broken += 1
            done = row
        shutil.copyfileobj(file, out)
    return broken


class Record(Struct, frozen=True):
    """A record of a CSV file: the line at which it begins, its text, and its values unless it cannot be taken apart."""

    line: int
    text: str
    values: list[str] | None


def records(path: Path, origin: str, delimiter: str) -> Iterator[Record]:
    """Yield every record of a CSV file, a header included. Raises `BadRequest` for a quote that is never closed.

    Bytes that are no text come as surrogates.
    """
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in file:
            taken.append(line)
            yield line

    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        reader = csv.reader(noted(), delimiter=delimiter, strict=True, skipinitialspace=True)
        while True:
            taken.clear()
            line = reader.line_num + 1
            try:
                values: list[str] | None = next(reader)
            except StopIteration:
                return
            except csv.Error as failure:
                if "unexpected end of data" in str(failure):
                    raise never_closed(origin, line) from failure
                values = None
            yield Record(line, "".join(taken), values)


def records_of_csv(path: Path, origin: str, copy: Path, *, header: bool, delimiter: str, width: int) -> None:
    """Copy a CSV file, its columns as c1, c2 … and one more for what stands behind the last."""
    names = [f"c{position}" for position in range(1, width + 2)]
    encoder = msgspec.json.Encoder()
    with copy.open("wb") as out:
        for record in islice(records(path, origin, delimiter), int(header), None):
            try:
                if record.values is None:
                    raise UnicodeError
                out.write(encoder.encode(dict(zip(names, record.values or [""], strict=False))) + b"\n")
            except UnicodeError:  # also of bytes that are no text
                out.write(_broken(_shown(record.text)))


class Span(Struct, frozen=True):
    """A record that cannot be taken apart: its row, how many lines come before it, and the last line it takes."""

    row: int
    after: int
    until: int


def broken_records(path: Path, origin: str, head: int, delimiter: str) -> list[Span]:
    """Return the records of a CSV file that cannot be taken apart. Raises `BadRequest` for a quote never closed."""
    found: list[Span] = []
    row = -head
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
        line = 0
        while True:
            try:
                for _ in reader:  # nothing is done with a record that is whole: this is the reader's own loop
                    row += 1
                    line = reader.line_num
                return found
            except csv.Error as failure:
                if "unexpected end of data" in str(failure):
                    raise never_closed(origin, line + 1) from failure
                row += 1
                found.append(Span(row, line, reader.line_num))
                line = reader.line_num


def without(path: Path, spans: list[Span], copy: Path) -> None:
    """Copy a file, an empty line for each of these records."""
    done = 0
    with (
        path.open(encoding="utf-8", errors="surrogateescape", newline="") as file,
        copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
    ):
        for span in spans:
            out.writelines(islice(file, span.after - done))
            out.write("\n")
            done = span.until
            next(islice(file, done - span.after, done - span.after), None)
        shutil.copyfileobj(file, out)


def odd_lines(source: Path, begin: int, rows: list[int], copy: Path, delimiter: str) -> list[int] | None:
    """Copy the lines of a CSV file that could not be cut, each after its row; return the rows of those that are broken.

    Row 1 is the line at byte `begin`. None when one is not a record by itself: then the file has to be read whole.
    """
    broken = []
    with copy.open("wb") as out:
        for row, line in lines.at(source, begin, rows):
            text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
            if "\r" in text:
                return None
            try:
                list(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
            except csv.Error as failure:
                if "unexpected end of data" in str(failure):
                    return None
                broken.append(row)
            else:
                out.write(f"{row}{delimiter}".encode() + line.rstrip(b"\r\n") + b"\n")
    return broken


def never_closed(origin: str, line: int) -> BadRequest:
    """What is said of a file in which a quote takes in everything to the end."""
    return BadRequest(
        "unreadable_file",
        f"a quote in line {line} of {origin} is never closed",
        hint="check that the file is whole; nothing was loaded",
    )


def _broken(text: str) -> bytes:
    return msgspec.json.encode({BROKEN: text.strip() or "?"}) + b"\n"


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
