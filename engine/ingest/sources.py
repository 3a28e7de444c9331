"""A file as a switch left it goes in, one the engine can read as columns of text comes out.

Every container ends as the same thing: positional columns of text. What the text means is the dialect's
business. Compressed files are unpacked first; Parquet and Arrow are turned into text columns by
Arrow's own kernels, never row by row.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from engine.errors import BadRequest, NotFound
from engine.ingest import lines
from engine.ingest.documents import documents
from engine.ingest.lines import Stretch
from engine.record import FIELDS, Kind
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
_PACKED = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: tuple[tuple[bytes, str], ...] = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_PIECE = 4 << 20
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
    suspect: bool = False  # holds bytes that are no text: every column of every record is looked at
    cut: str = ""  # the delimiter at which each line is cut, for a file that needs no more
    cr: bool = False  # whether its lines end with CR LF
    stretches: tuple[Stretch, ...] = ()  # what is read at once; all of the file when it says nothing


@contextmanager
def opened(path: Path, origin: str, layout_of: Callable[[Head], Layout]) -> Iterator[Source]:
    """Yield the readable form of the file at `path`, whose columns stand as `layout_of` says of its beginning.

    Raises `NotFound` for a missing file and `BadRequest` for one that is not what it says it is.
    """
    if not path.is_file():
        raise NotFound("no_such_file", f"there is no file {origin}", hint="check the path")
    with TemporaryDirectory(prefix="tollhouse-read-") as scratch:
        plain, name = _unpacked(path, Path(scratch))
        container = _container(plain, name)
        layout = layout_of(_head(plain, container))
        if container == "csv":
            yield _csv(plain, origin, header=layout.header, columns=layout.columns, delimiter=layout.delimiter)
        elif container == "ndjson" and layout.documents:
            found, names = documents(plain, origin, layout.records, Path(scratch))
            yield _objects(found, origin, names) if names else _ndjson(found, origin)
        elif container == "ndjson":
            yield _ndjson(plain, origin)
        else:
            yield _arrow(plain, origin, container, Path(scratch))


def in_one_piece(source: Source) -> Source:
    """Return the same file to be read in one piece: its records depend on each other."""
    if len(source.stretches) < 2:
        return source
    first, last = source.stretches[0].piece, source.stretches[-1].piece
    whole = Piece(source.path, first.begin, last.begin + last.size - first.begin)
    return msgspec.structs.replace(source, stretches=(Stretch(whole, 0),))


def more_carefully(source: Source) -> Source | None:
    """Return the same file to be read with more care, when reading it has failed and more can be taken.

    NDJSON may have a key that its first lines did not have: every line is looked at for its keys. A CSV file may
    have a line that cannot be cut at the delimiter: the engine's own reader knows what quotes mean.
    """
    if source.container == "ndjson":
        return _ndjson(source.path, source.origin, whole=True)
    return _parsed(source, header=source.stretches[0].piece.begin > 0) if source.cut else None


def _unpacked(path: Path, scratch: Path) -> tuple[Path, str]:
    with path.open("rb") as file:
        head = file.read(4)
    packing = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    name = path.name
    if Path(name).suffix in _PACKED:
        name = Path(name).stem
    if packing is None:
        return path, name
    plain = scratch / "plain"
    try:
        with pa.CompressedInputStream(pa.OSFile(str(path)), packing) as packed, plain.open("wb") as out:
            while piece := packed.read(_PIECE):
                out.write(piece)
    except OSError as failure:
        raise BadRequest(
            "unreadable_file",
            f"{path.name} cannot be unpacked: it is cut off or damaged",
            hint="copy it again",
        ) from failure
    return plain, name


def _container(path: Path, name: str) -> Container:
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
        raise BadRequest("unreadable_file", f"{name} is not a {known} file", hint="check how it was written")
    return known


def _head(path: Path, container: Container) -> Head:
    if container in ("parquet", "arrow"):
        with suppress(pa.ArrowInvalid, OSError):  # it is opened again, and complained about then
            return Head(container, columns=tuple(_batches(path, container)[1].names))
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
        cut=delimiter,
        cr=lines.carriage_returns(path),
        stretches=lines.stretches(path, begin),
    )
    if lines.plain(path, begin, delimiter):
        return source
    return _parsed(source, header=header)


def _parsed(source: Source, *, header: bool) -> Source:
    quotes, suspect = _looked_at(source.path)
    if quotes % 2:
        _check_quotes(source.path, source.origin, source.cut)
    # One column more than the file has: a value in it means that a row has too many fields.
    width = len(source.columns) + 1
    return msgspec.structs.replace(
        source,
        encoding="CSV",
        structure=_text_structure(width),
        expressions=tuple(f"c{position}" for position in range(1, width + 1)),
        options={
            "format_csv_delimiter": source.cut,
            "input_format_csv_skip_first_lines": "1" if header else "0",
        },
        suspect=suspect,
        cut="",
        stretches=(),
    )


def _looked_at(path: Path) -> tuple[int, bool]:
    """Count the quotes of a text file, and tell whether it holds NUL bytes or bytes that are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    quotes, suspect = 0, False
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
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
                raise BadRequest(
                    "unreadable_file",
                    f"a quote in line {line + 1} of {origin} is never closed",
                    hint="check that the file is whole; nothing was loaded",
                ) from failure


def _csv_header(path: Path, origin: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    with path.open("rb") as file:
        first = file.readline(1 << 20)
    try:
        text = first.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise BadRequest(
            "unreadable_file", f"{origin} does not begin with UTF-8 text", hint="convert it to UTF-8 first"
        ) from failure
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


def _ndjson(path: Path, origin: str, *, whole: bool = False) -> Source:
    names: dict[str, None] = {}
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not whole and number > 1000:
                break
            text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
            if not text:
                continue
            try:
                names.update(dict.fromkeys(decoder.decode(text)))
            except (msgspec.DecodeError, UnicodeDecodeError) as failure:
                raise BadRequest(
                    "unreadable_file",
                    f"line {number} of {origin} is not a JSON object: {failure}",
                    hint="write one JSON object per line",
                ) from failure
    if not names:
        raise BadRequest("empty_file", f"{origin} holds no record", hint="check the export")
    return _objects(path, origin, tuple(names))


def _objects(path: Path, origin: str, names: tuple[str, ...]) -> Source:
    quoted = [_identifier(name) for name in names]
    return Source(
        path=path,
        origin=origin,
        container="ndjson",
        columns=names,
        encoding="JSONEachRow",
        structure=", ".join(f"{name} Nullable(String)" for name in quoted),
        expressions=tuple(quoted),
        options={"input_format_skip_unknown_fields": "0"},
        size=path.stat().st_size,
        suspect=_looked_at(path)[1],
    )


def _identifier(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _arrow(path: Path, origin: str, container: Container, scratch: Path) -> Source:
    try:
        batches, schema = _batches(path, container)
        _refuse_twice(schema.names, origin)
        for declared in schema:
            _refuse_float_money(declared, origin)
        count = len(schema)
        text = pa.schema([(f"c{position}", pa.large_string()) for position in range(1, count + 1)])
        plain = scratch / "text.arrows"
        with pa.OSFile(str(plain), "wb") as sink, pa.ipc.new_stream(sink, text) as writer:
            for batch in batches:
                writer.write_batch(pa.record_batch([_as_text(column) for column in batch.columns], schema=text))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as failure:
        raise BadRequest("unreadable_file", f"{origin} cannot be read as {container}: {failure}") from failure
    return Source(
        path=plain,
        origin=origin,
        container=container,
        columns=tuple(schema.names),
        encoding="ArrowStream",
        structure=_text_structure(count),
        expressions=tuple(f"c{position}" for position in range(1, count + 1)),
        options={},
        size=plain.stat().st_size,
    )


def _batches(path: Path, container: Container) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    if container == "parquet":
        file = pq.ParquetFile(path)
        return file.iter_batches(batch_size=65536), file.schema_arrow
    with path.open("rb") as head:
        streamed = head.read(6) != b"ARROW1"
    if streamed:
        stream = pa.ipc.open_stream(pa.OSFile(str(path)))
        return iter(stream), stream.schema
    table = pa.ipc.open_file(pa.memory_map(str(path)))
    return (table.get_batch(number) for number in range(table.num_record_batches)), table.schema


def _refuse_float_money(declared: pa.Field, origin: str) -> None:
    field = FIELDS.get(declared.name)
    if field and field.kind is Kind.MONEY and pa.types.is_floating(declared.type):
        raise BadRequest(
            "float_money",
            f"{origin} holds {declared.name} as binary floating point, which cannot be exact",
            hint="write it as a decimal or as decimal text",
        )


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        zoned = column.type.tz is not None
        moment = column.cast(pa.timestamp("ms", "UTC" if zoned else None), safe=False)
        return pc.strftime(moment, format="%Y-%m-%dT%H:%M:%SZ" if zoned else "%Y-%m-%dT%H:%M:%S").cast(
            pa.large_string()
        )
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.large_string())
    return column.cast(pa.large_string())
