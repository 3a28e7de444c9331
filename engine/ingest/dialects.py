"""A TOML file under schemas/dialects/ goes in, a declaration of how a vendor's columns become fields comes out."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from engine.catalog.load import catalog
from engine.errors import BadRequest, nearest
from engine.ingest.times import compiled as times_of
from engine.record import FIELDS, Kind
from engine.template import ROOT

_Declared = TypeVar("_Declared")

Reading = Literal[
    "text", "number", "national", "instant", "local", "utc", "epoch_milliseconds", "epoch_microseconds",
    "gregorian_seconds", "seconds", "milliseconds", "microseconds", "nanoseconds", "clock", "go_duration", "money",
    "integer", "digits", "boolean", "real", "one_of", "present", "lookup",
]  # fmt: skip
"""How a text becomes a value; each is a macro of sql/ingest/read.sql.j2."""

_CANONICAL: dict[Kind, Reading] = {
    Kind.TEXT: "text",
    Kind.NAME: "text",
    Kind.CURRENCY: "text",
    Kind.NUMBER: "number",
    Kind.INTEGER: "integer",
    Kind.BOOLEAN: "boolean",
    Kind.INSTANT: "instant",
    Kind.SECONDS: "seconds",
    Kind.MONEY: "money",
    Kind.REAL: "real",
}


_TIMES = ("instant", "local", "utc")
_TIME_READINGS = (*_TIMES, "epoch_milliseconds", "epoch_microseconds", "gregorian_seconds")


class FieldReading(Struct, frozen=True, forbid_unknown_fields=True, rename={"column": "from"}):
    """Where one field of the record comes from and how it is read."""

    column: str | tuple[str, ...] = ()
    """The column, a key of nested JSON as in `variables.uuid`, or several: the first that says anything."""
    join: str | None = None
    """What stands between the texts of several columns when all of them are meant."""
    fixed: str = ""
    """The same text for every record."""
    between: tuple[str, ...] = ()
    """Two times of the record: the field is what lies between them, or whether anything does."""
    read: Reading = "text"
    values: tuple[str, ...] = ()
    table: dict[str, str] = field(default_factory=dict)
    hash: tuple[str, ...] = ()
    otherwise_hash: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    """Words that mean nothing here: 0 of a time that was not reached."""
    decode: Literal["", "url"] = ""
    pick: str = ""
    """A regular expression whose first group, or whole match, is what is meant."""
    pattern: str | tuple[str, ...] = ()
    """How times are written, as in D/M/YYYY H:mm; several are tried in turn."""
    negate: bool = False
    """Money whose sign is the other way round."""
    round: Annotated[int, Meta(ge=0, le=8)] | None = None
    """Decimals money is rounded to, half up."""
    divide: Annotated[int, Meta(ge=2)] | None = None
    """What a number is divided by: 10 for a MOS written as 43."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, in the order they are tried."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of its times, in the order they are tried."""
        return (self.pattern,) if isinstance(self.pattern, str) else self.pattern

    @property
    def is_plain(self) -> bool:
        """Whether the column's own text is read, with nothing done to it before."""
        done = (
            self.fixed,
            self.empty,
            self.decode,
            self.pick,
            self.pattern,
            self.negate,
            self.round is not None,
            self.divide,
        )
        return len(self.columns) <= 1 and not any(done)


class FinalRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Which record of a call is its last attempt: the greatest by these fields, within one file."""

    within: str
    greatest: tuple[str, ...]
    numbered: tuple[str, ...] = ()
    """Fields by whose order the attempts of a call are numbered, within one file."""


class Gathered(Struct, frozen=True, forbid_unknown_fields=True):
    """A column made from other rows of the file: the greatest text of `column` in those where `where` holds."""

    name: str
    column: str
    within: tuple[str, ...]
    where: dict[str, tuple[str, ...]]
    either_way: tuple[str, ...] = ()
    """Columns that group too, whichever of their texts stands in which: the tags of whoever hung up."""
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The rows that have it: those with one of these texts in each column."""
    across_files: bool = False
    """Whether it may be in another file: it is when a call ended."""


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """What a format cannot say; answers made of the parts it touches say so."""

    says: str
    touches: tuple[str, ...] = ()
    """Parts of schemas/catalog/parts.toml that are another number for it."""


class Dialect(Struct, frozen=True, forbid_unknown_fields=True):
    """How one system's files are read."""

    name: str
    label: str
    help: str
    fields: dict[str, FieldReading]
    container: Literal["csv", "json", "any"] = "any"
    header: bool = True
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    least_columns: int = 0
    more_columns: bool = False
    """Whether a file without header may have columns beyond those declared."""
    layouts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other columns of a file without header, by how many there are in its first line."""
    records: str = ""
    """The key under which a JSON document keeps its records."""
    detect: tuple[str, ...] = ()
    """Columns that only this system's files have."""
    first_line: str = ""
    """A regular expression that only this system's first lines fit."""
    empty: tuple[str, ...] = ()
    """Words that mean nothing in any column, as NULL does."""
    where: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The rows that are calls: those with one of these texts in each column."""
    gather: tuple[Gathered, ...] = ()
    zone: Literal["given", "asked"] = "given"
    limits: tuple[Limit, ...] = ()
    final: FinalRule | None = None

    @property
    def halves(self) -> Gathered | None:
        """What ends a call and may be in another file than its beginning."""
        return next((gathered for gathered in self.gather if gathered.across_files), None)

    @property
    def needs_whole_file(self) -> bool:
        """Whether a record depends on other rows, so that a file cannot be read in pieces."""
        return self.final is not None or bool(self.gather)


def canonical() -> Dialect:
    """Return the dialect of the canonical form: every field from the column of its own name."""
    return Dialect(
        name="canonical",
        label="Tollhouse's canonical form",
        help="CSV, NDJSON, Parquet or Arrow with the record's own field names.",
        fields={
            name: FieldReading(column=name, read=_CANONICAL[declared.kind])
            for name, declared in FIELDS.items()
            if declared.kind is not Kind.MAP
        },
    )


@cache
def shipped() -> dict[str, Dialect]:
    """Return the dialects that come with the program by name, the canonical one first."""
    found = [read(path) for path in sorted((ROOT / "schemas" / "dialects").glob("*.toml"))]
    return {"canonical": canonical()} | {dialect.name: dialect for dialect in found}


def known(folder: str = "") -> dict[str, Dialect]:
    """Return every dialect by name: those that come with the program, then those of the operator's folder.

    Raises `BadRequest` that names the file and the field when one of the operator's has a mistake.
    """
    return shipped() | {path.stem: _own(path) for path in _files(folder)}


def find(name: str, folder: str = "") -> Dialect:
    """Return the dialect called `name`, or raise with the nearest known one."""
    if name in shipped():
        return shipped()[name]
    for path in _files(folder):
        if path.stem == name:
            return _own(path)
    names = [*shipped(), *(path.stem for path in _files(folder))]
    raise BadRequest(
        "unknown_dialect",
        f"there is no dialect {name!r}",
        hint=nearest(name, names) or f"known: {', '.join(names)}",
    )


def _files(folder: str) -> list[Path]:
    if not folder:
        return []
    if not Path(folder).is_dir():
        raise BadRequest("bad_setting", f"dialects_folder: there is no folder {folder}", hint="make it, or mend it")
    return sorted(Path(folder).glob("*.toml"))


def _own(path: Path) -> Dialect:
    return _own_as_of(path, path.stat().st_mtime_ns)


@lru_cache(256)
def _own_as_of(path: Path, changed: int) -> Dialect:  # noqa: ARG001 - what is remembered is of that moment
    """A file of the operator's, read once until it changes."""
    dialect = read(path)
    if dialect.name != path.stem:
        raise _mistaken(path, f"name is {dialect.name!r}, and the file is called {path.stem!r}: they must be the same")
    if dialect.name in shipped():
        raise _mistaken(path, f"name: a dialect {dialect.name!r} comes with the program; choose another name")
    return dialect


def read(path: Path) -> Dialect:
    """Read one dialect file; a mistake in it is an error that names file and field."""
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as mistake:
        raise BadRequest("bad_dialect", f"{path}: {mistake}") from mistake
    fields = declared.pop("fields", {})
    limits = _limits(path, declared.pop("limits", []))
    # Field by field: of a key in a table the library would only say that there is one.
    readings = {name: _converted(path, f"field {name!r}: ", text, FieldReading) for name, text in fields.items()}
    bare = _converted(path, "", declared | {"fields": {}}, Dialect)
    dialect = msgspec.structs.replace(bare, fields=readings, limits=limits)
    for name, reading in readings.items():
        if name not in FIELDS:
            raise _mistaken(path, f"no such field {name!r}", name, list(FIELDS))
        if wrong := _wrong(name, reading, readings):
            raise _mistaken(path, f"field {name!r} {wrong}")
        _check_columns(path, dialect, f"field {name!r} reads", (*reading.columns, *reading.hash))
        _check_columns(path, dialect, f"field {name!r} reads", reading.otherwise_hash)
    _check_columns(path, dialect, "where speaks of", tuple(dialect.where))
    for gathered in dialect.gather:
        columns = (gathered.column, *gathered.within, *gathered.either_way, *gathered.where, *gathered.only)
        _check_columns(path, dialect, f"gather {gathered.name!r} speaks of", columns)
    _check_halves(path, dialect, readings)
    final = dialect.final
    for name in (final.within, *final.greatest, *final.numbered) if final else ():
        if name not in readings:
            raise _mistaken(path, f"final speaks of {name!r}, which no column gives", name, list(readings))
    for name in ("call_id", "start_time"):
        if name not in readings:
            raise _mistaken(path, f"field {name!r} is missing, and no record is without it")
    return dialect


def _check_halves(path: Path, dialect: Dialect, readings: dict[str, FieldReading]) -> None:
    halves = [gathered for gathered in dialect.gather if gathered.across_files]
    if not halves:
        return
    end, duration = readings.get("end_time"), readings.get("duration")
    whole = end is not None and end.columns == (halves[0].name,)
    if len(halves) > 1 or not halves[0].only or not whole or duration is None or duration.between[1:] != ("end_time",):
        raise _mistaken(
            path,
            f"gather {halves[0].name!r} is across_files: there can be one, it says only, end_time is read from it, and "
            "duration lies between a time and end_time",
        )
    if "answered" not in readings:
        raise _mistaken(path, "answered must be a field: that a call was answered is told before its end is")


def _limits(path: Path, declared: Any) -> tuple[Limit, ...]:
    """Limits are texts, or texts with what they touch."""
    texts = _converted(path, "limits: ", declared, list[str | Limit])
    limits = tuple(Limit(one) if isinstance(one, str) else one for one in texts)
    for part in (part for limit in limits for part in limit.touches):
        if part not in catalog().parts:
            raise _mistaken(path, f"limits touch {part!r}, which is no part of a measure", part, list(catalog().parts))
    return limits


def _wrong(name: str, reading: FieldReading, readings: dict[str, FieldReading]) -> str:
    """What is wrong with a field's reading; empty when nothing is."""
    if not (reading.columns or reading.hash or reading.otherwise_hash or reading.fixed or reading.between):
        return "says neither from nor hash"
    times = [readings[other].read in _TIME_READINGS for other in reading.between if other in readings]
    if reading.between and times != [True, True]:
        return "lies between two times, and both must be fields of this dialect"
    if reading.pattern and reading.read not in _TIMES:
        return f"has a pattern, which only {', '.join(_TIMES)} can have"
    if (reading.negate or reading.round is not None) and reading.read != "money":
        return "has negate or round, which only money can have"
    if reading.read == "money" and any("." in column for column in reading.columns):
        return "is money in a nested key, whose digits a JSON reader does not keep"
    try:
        for pattern in reading.patterns:
            times_of(pattern)
        re.compile(reading.pick)
    except (ValueError, re.error) as mistake:
        return f"has a {'pick' if isinstance(mistake, re.error) else 'pattern'} that cannot be read: {mistake}"
    return "" if FIELDS[name].kind is not Kind.MAP else "cannot be said: what no field reads goes there"


def _check_columns(path: Path, dialect: Dialect, who: str, columns: Sequence[str]) -> None:
    declared = {*dialect.columns, *(name for names in dialect.layouts.values() for name in names)}
    for column in columns if declared else ():
        if column not in declared | {gathered.name for gathered in dialect.gather}:
            what = f"{who} the column {column!r}, which is not declared"
            raise _mistaken(path, what, column, sorted(declared))


def _converted(path: Path, place: str, declared: Any, kind: type[_Declared]) -> _Declared:
    try:
        return msgspec.convert(declared, kind)
    except msgspec.ValidationError as mistake:
        raise BadRequest("bad_dialect", f"{path}: {place}{mistake}") from mistake


def _mistaken(path: Path, what: str, name: str = "", known: Sequence[str] = ()) -> BadRequest:
    return BadRequest("bad_dialect", f"{path}: {what}", hint=nearest(name, list(known)))
