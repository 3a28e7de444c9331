"""A file as a switch left it goes in, one the engine can read as columns of text comes out.

Every container ends as the same thing: positional columns of text. What the text means is the dialect's
business. Compressed files are unpacked first.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
from msgspec import Struct

from engine.errors import BadRequest, NotFound
from engine.ingest import lines, mending, packing, tables
from engine.ingest.documents import documents
from engine.ingest.lines import Stretch
from engine.warehouse.piece import Piece

Container = Literal["csv", "ndjson", "parquet", "arrow"]

_SUFFIXES: dict[str, Container] = {
    ".csv": "csv",
    ".txt": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
}
_HEAD = 1 << 16


class Head(Struct, frozen=True):
    """The beginning of a file: `text` of its first 64 KB, or the columns that its container names."""

    container: Container
    text: str = ""
    columns: tuple[str, ...] = ()


class Layout(Struct, frozen=True):
    """How the columns stand in a file: `columns` names those of a CSV file without header."""

    header: bool = True
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    documents: bool = False
    """Whether JSON may be written over several lines, or have its records under a key or in a list."""
    records: str = ""


class Source(Struct, frozen=True):
    """A file the engine can read: `columns` are the names it has there, `relation` how the engine sees them."""

    path: Path
    origin: str
    container: Container
    columns: tuple[str, ...]
    encoding: str  # ClickHouse's name of the format
    structure: str  # names and types of the relation's columns
    expressions: tuple[str, ...]  # one SQL expression per column, text or null
    options: dict[str, str]  # engine settings of the reading statement
    size: int  # bytes to read
    scratch: Path | None = None  # where a copy of it may be written, to be read with more care
    broken: bool = False  # is a copy in which records that cannot be taken apart stand as their text
    sifted: bool = False  # whether its broken records were looked for before it is read
    absent: tuple[int, ...] = ()  # rows of broken records, for which the copy to be read has empty lines
    suspect: bool = False  # holds bytes that are no text: every column of every record is looked at
    delimiter: str = ""  # of a CSV file
    head: int = 0  # lines of its header
    text: Path | None = None  # the file whose lines its records are; none where records do not begin with lines
    cut: bool = False  # whether its lines are cut at the delimiter, and those that cannot be are set aside
    numbered: bool = False  # whether each record has its row in front
    cr: bool = False  # whether its lines end with CR LF
    stretches: tuple[Stretch, ...] = ()  # what is read at once; all of the file when it says nothing


@contextmanager
def opened(path: Path, origin: str, layout_of: Callable[[Head], Layout], most: int) -> Iterator[Source]:
    """Yield the readable form of the file at `path`, whose columns stand as `layout_of` says of its beginning.

    At most `most` bytes are unpacked.

    Raises `NotFound` for a missing file and `BadRequest` for one that is not what it says it is.
    """
    if not path.is_file():
        raise NotFound("no_such_file", f"there is no file {origin}", hint="check the path")
    with TemporaryDirectory(prefix="tollhouse-read-") as scratch:
        plain, name = packing.unpacked(path, origin, Path(scratch), most)
        container = _container(plain, name, origin)
        layout = layout_of(_head(plain, container))
        if container == "csv":
            source = _csv(plain, origin, header=layout.header, columns=layout.columns, delimiter=layout.delimiter)
            yield msgspec.structs.replace(source, scratch=Path(scratch))
        elif container == "ndjson" and layout.documents:
            found, names = documents(plain, origin, layout.records, Path(scratch))
            if names:
                yield _objects(found, origin, names)
            else:
                yield msgspec.structs.replace(_ndjson(found, origin, Path(scratch)), text=plain)
        elif container == "ndjson":
            yield msgspec.structs.replace(_ndjson(plain, origin, Path(scratch)), text=plain)
        else:
            yield _arrow(plain, origin, container, Path(scratch))


def in_one_piece(source: Source) -> Source:
    """Return the same file to be read in one piece: its records depend on each other."""
    if len(source.stretches) < 2:
        return source
    first, last = source.stretches[0].piece, source.stretches[-1].piece
    whole = Piece(source.path, first.begin, last.begin + last.size - first.begin)
    return msgspec.structs.replace(source, stretches=(Stretch(whole, 0),))


def with_keys(source: Source, names: Iterable[str]) -> Source:
    """Return a file of JSON lines as one whose objects may have these keys, too."""
    columns = tuple(dict.fromkeys([*source.columns, *names]))
    found = _objects(source.path, source.origin, columns, source.scratch, broken=source.broken)
    return msgspec.structs.replace(found, text=source.text, sifted=source.sifted)


def more_carefully(source: Source) -> Source | None:
    """Return the same file to be read with more care, when reading it has failed and more can be taken.

    NDJSON may have a key that its first lines did not have, or a line that is no JSON. A CSV file may have a record
    that the engine's reader cannot take apart. In the end each such record is rejected by itself.
    """
    if (source.broken and not source.sifted) or source.cut or source.scratch is None:
        return None
    if source.container == "ndjson":
        mended = _mended_json(source.text or source.path, source.origin, source.scratch)
        return msgspec.structs.replace(mended, text=source.text)
    whole = msgspec.structs.replace(source, path=source.text or source.path, absent=())
    return _mended_csv(whole, source.scratch)


def parsed(source: Source) -> Source:
    """Return a CSV file whose lines cannot all be cut, for the engine's own reader, which knows what quotes mean."""
    quotes, suspect = _looked_at(source.path)
    if quotes % 2:
        _check_quotes(source.path, source.origin, source.delimiter)
    return _parsed(source, suspect=suspect)


def odd_lines(source: Source, rows: list[int]) -> tuple[Source, list[int]] | None:
    """Return what is to be read of lines that could not be cut, and the rows of those that nobody can take apart.

    None when one of them is not a record by itself.
    """
    copy = (source.scratch or source.path.parent) / "odd"
    begin = source.stretches[0].piece.begin
    broken = mending.odd_lines(source.path, begin, rows, copy, source.delimiter)
    if broken is None:
        return None
    read = _parsed(msgspec.structs.replace(source, path=copy, head=0, size=copy.stat().st_size), suspect=True)
    structure = f"c0 UInt64, {read.structure}"
    return msgspec.structs.replace(read, numbered=True, structure=structure), broken


def needs_sifting(source: Source) -> bool:
    """Whether it pays to look for broken records before all of the file is read: then it need not be read twice."""
    large = source.size >= lines.LEAST and source.text == source.path and source.scratch is not None
    return large and not (source.sifted or source.broken or source.cut)


def sifted_lines(source: Source, rows: list[int]) -> Source:
    """Return the same file of JSON lines, those of these lines that are no objects set aside as broken records."""
    copy = (source.scratch or source.path.parent) / "sifted"
    if not mending.broken_lines(source.path, rows, copy):
        return msgspec.structs.replace(source, sifted=True)
    found = _objects(copy, source.origin, source.columns, source.scratch, broken=True)
    return msgspec.structs.replace(found, text=source.text, sifted=True)


def sifted_records(source: Source) -> Source:
    """Return the same CSV file without its broken records."""
    spans = mending.broken_records(source.path, source.origin, source.head, source.delimiter)
    if not spans:
        return msgspec.structs.replace(source, sifted=True)
    copy = (source.scratch or source.path.parent) / "sifted"
    mending.without(source.path, spans, copy)
    rows = tuple(span.row for span in spans)
    return msgspec.structs.replace(source, path=copy, size=copy.stat().st_size, sifted=True, absent=rows)


def _container(path: Path, name: str, origin: str) -> Container:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "ndjson"
    known = _SUFFIXES.get(Path(name).suffix.lower(), "csv")
    if known in ("parquet", "arrow"):
        raise BadRequest("unreadable_file", f"{origin} is not a {known} file", hint="check how it was written")
    return known


def _head(path: Path, container: Container) -> Head:
    if container in ("parquet", "arrow"):
        with suppress(BadRequest):  # it is opened again, and complained about then
            return Head(container, columns=tuple(tables.columns(path, path.name, container)))
        return Head(container)
    with path.open("rb") as file:
        return Head(container, text=file.read(_HEAD).decode("utf-8-sig", "replace"))


def _text_structure(count: int) -> str:
    return ", ".join(f"c{position} Nullable(String)" for position in range(1, count + 1))


def _csv(path: Path, origin: str, *, header: bool, columns: tuple[str, ...], delimiter: str) -> Source:
    begin = 0
    if header:
        columns, begin = _csv_header(path, origin, delimiter)
    source = Source(
        path=path,
        origin=origin,
        container="csv",
        columns=columns,
        encoding="LineAsString",
        structure="line String",
        expressions=(),
        options={},
        size=path.stat().st_size,
        delimiter=delimiter,
        head=int(header),
        text=path,
        cut=True,
        cr=lines.carriage_returns(path),
        stretches=lines.stretches(path, begin),
    )
    if lines.plain(path, begin, delimiter):
        return source
    return parsed(source)


def _parsed(source: Source, *, suspect: bool) -> Source:
    # One column more than the file has: a value in it means that a row has too many fields.
    width = len(source.columns) + 1
    return msgspec.structs.replace(
        source,
        encoding="CSV",
        structure=_text_structure(width),
        expressions=tuple(f"c{position}" for position in range(1, width + 1)),
        options={
            "format_csv_delimiter": source.delimiter,
            "input_format_csv_skip_first_lines": str(source.head),
        },
        suspect=suspect,
        cut=False,
        stretches=(),
    )


def _looked_at(path: Path) -> tuple[int, bool]:
    """Count the quotes of a text file, and tell whether it holds NUL bytes or bytes that are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    quotes, suspect = 0, False
    with path.open("rb") as file:
        while piece := file.read(packing.PIECE):
            quotes += piece.count(b'"')
            # Most pieces are ASCII, which is told much faster than decoded; a character may span two pieces.
            plain = piece.isascii() and not decoder.getstate()[0]
            suspect = suspect or b"\0" in piece or not (plain or _decodes(decoder, piece))
    return quotes, suspect or not _decodes(decoder, b"", final=True)


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _check_quotes(path: Path, origin: str, delimiter: str) -> None:
    # The engine takes everything from a quote that is never closed to the end of the file for one value, and
    # the records in it would be lost without a word. An odd number of quotes may also mean 5" in plain text.
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
        line = 0
        try:
            for _ in reader:
                line = reader.line_num
        except csv.Error as failure:
            if "unexpected end of data" in str(failure) or "field larger" in str(failure):
                raise mending.never_closed(origin, line + 1) from failure


def _csv_header(path: Path, origin: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise BadRequest(
            "unreadable_file", f"{origin} does not begin with UTF-8 text", hint="convert it to UTF-8 first"
        ) from failure
    if "\0" in text:
        raise BadRequest(
            "unreadable_file", f"{origin} is no text: it begins with NUL bytes", hint="UTF-16 and archives are not read"
        )
    # A lone CR ends a line for nobody but the oldest systems: the whole file would be one line.
    if "\r" in text.rstrip("\r\n"):
        raise BadRequest(
            "unreadable_file",
            f"{origin} ends its lines with CR alone",
            hint="convert it to LF or CRLF line ends first",
        )
    names = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    names = [name.strip() for name in names]
    if not any(names):
        raise BadRequest("empty_file", f"{origin} is empty: not even a header line", hint="check the export")
    _refuse_twice(names, origin)
    return tuple(names), len(first)


def _refuse_twice(names: list[str], origin: str) -> None:
    # A first line without these is no header; that it is of another dialect is the better complaint.
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice and {"call_id", "start_time"} <= set(names):
        raise BadRequest("bad_header", f"{origin} names the column {twice[0]!r} twice", hint="rename one of them")


def _mended_csv(source: Source, scratch: Path) -> Source:
    copy, width = scratch / "mended", len(source.columns)
    mending.records_of_csv(
        source.path,
        source.origin,
        copy,
        header=source.head == 1,
        delimiter=source.delimiter,
        width=width,
    )
    structure = f"{_text_structure(width + 1)}, {_identifier(mending.BROKEN)} Nullable(String)"
    size = copy.stat().st_size
    return msgspec.structs.replace(
        source, path=copy, encoding="JSONEachRow", structure=structure, options={}, size=size, broken=True
    )


def _ndjson(path: Path, origin: str, scratch: Path) -> Source:
    names: dict[str, None] = {}
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    with path.open("rb") as file:
        for number, line in enumerate(islice(file, 1000), 1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
            if not text:
                continue
            try:
                names.update(dict.fromkeys(decoder.decode(text)))
            except (msgspec.DecodeError, UnicodeDecodeError):
                if path.stat().st_size < lines.LEAST:
                    return _mended_json(path, origin, scratch)
    if not names and path.stat().st_size:
        return _mended_json(path, origin, scratch)
    return _some_objects(path, origin, tuple(names), scratch)


def _mended_json(path: Path, origin: str, scratch: Path) -> Source:
    copy = scratch / "mended"
    names = mending.lines_of_json(path, origin, copy)
    return _some_objects(copy, origin, names, scratch, broken=True)


def _some_objects(path: Path, origin: str, names: tuple[str, ...], scratch: Path, *, broken: bool = False) -> Source:
    if not names:
        raise BadRequest("empty_file", f"{origin} holds no record", hint="check the export")
    return _objects(path, origin, names, scratch, broken=broken)


def _objects(
    path: Path, origin: str, names: tuple[str, ...], scratch: Path | None = None, *, broken: bool = False
) -> Source:
    quoted = [_identifier(name) for name in names]
    read = [*quoted, _identifier(mending.BROKEN)] if broken else quoted
    return Source(
        path=path,
        origin=origin,
        container="ndjson",
        columns=names,
        encoding="JSONEachRow",
        structure=", ".join(f"{name} Nullable(String)" for name in read),
        expressions=tuple(quoted),
        options={"input_format_skip_unknown_fields": "0"},
        size=path.stat().st_size,
        scratch=scratch,
        broken=broken,
        suspect=_looked_at(path)[1],
    )


def _identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _arrow(path: Path, origin: str, container: tables.Format, scratch: Path) -> Source:
    plain = scratch / "text.arrows"
    names = tables.columns(path, origin, container)
    _refuse_twice(names, origin)
    tables.write_as_text(path, origin, container, plain)
    return Source(
        path=plain,
        origin=origin,
        container=container,
        columns=tuple(names),
        encoding="ArrowStream",
        structure=_text_structure(len(names)),
        expressions=tuple(f"c{position}" for position in range(1, len(names) + 1)),
        options={},
        size=plain.stat().st_size,
    )
