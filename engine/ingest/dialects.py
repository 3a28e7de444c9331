"""A TOML file under schemas/dialects/ goes in, a declaration of how a vendor's columns become fields comes out."""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from engine.errors import BadRequest, nearest
from engine.record import FIELDS, Kind
from engine.template import ROOT

_Declared = TypeVar("_Declared")

Reading = Literal[
    "text", "number", "national", "instant", "local", "seconds", "milliseconds", "money", "integer", "boolean", "real",
    "one_of", "lookup",
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


class FieldReading(Struct, frozen=True, forbid_unknown_fields=True, rename={"column": "from"}):
    """Where one field of the record comes from and how it is read."""

    column: str | None = None
    read: Reading = "text"
    values: tuple[str, ...] = ()
    table: dict[str, str] = field(default_factory=dict)
    hash: tuple[str, ...] = ()
    otherwise_hash: tuple[str, ...] = ()


class FinalRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Which record of a call is its last attempt: the greatest by these fields, within one file."""

    within: str
    greatest: tuple[str, ...]


class Dialect(Struct, frozen=True, forbid_unknown_fields=True):
    """How one system's files are read."""

    name: str
    label: str
    help: str
    fields: dict[str, FieldReading]
    container: Literal["csv", "any"] = "any"
    header: bool = True
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    least_columns: int = 0
    zone: Literal["given", "asked"] = "given"
    limits: tuple[str, ...] = ()
    final: FinalRule | None = None


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
def known() -> dict[str, Dialect]:
    """Return every dialect by name, the canonical one first."""
    dialects = {"canonical": canonical()}
    for path in sorted((ROOT / "schemas" / "dialects").glob("*.toml")):
        dialect = read(path)
        dialects[dialect.name] = dialect
    return dialects


def read(path: Path) -> Dialect:
    """Read one dialect file; a mistake in it is an error that names file and field."""
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as mistake:
        raise BadRequest("bad_dialect", f"{path}: {mistake}") from mistake
    fields = declared.pop("fields", {})
    # Field by field: of a key in a table the library would only say that there is one.
    readings = {name: _converted(path, f"field {name!r}: ", text, FieldReading) for name, text in fields.items()}
    dialect = msgspec.structs.replace(_converted(path, "", declared | {"fields": {}}, Dialect), fields=readings)
    for name, reading in readings.items():
        if name not in FIELDS:
            raise _mistaken(path, f"no such field {name!r}", name, list(FIELDS))
        columns = [column for column in (reading.column, *reading.hash, *reading.otherwise_hash) if column]
        if not columns:
            raise _mistaken(path, f"field {name!r} says neither from nor hash")
        for column in columns:
            if dialect.columns and column not in dialect.columns:
                what = f"field {name!r} reads the column {column!r}, which is not declared"
                raise _mistaken(path, what, column, dialect.columns)
    for name in (dialect.final.within, *dialect.final.greatest) if dialect.final else ():
        if name not in readings:
            raise _mistaken(path, f"final speaks of {name!r}, which no column gives", name, list(readings))
    for name in ("call_id", "start_time"):
        if name not in readings:
            raise _mistaken(path, f"field {name!r} is missing, and no record is without it")
    return dialect


def _converted(path: Path, place: str, declared: Any, kind: type[_Declared]) -> _Declared:
    try:
        return msgspec.convert(declared, kind)
    except msgspec.ValidationError as mistake:
        raise BadRequest("bad_dialect", f"{path}: {place}{mistake}") from mistake


def _mistaken(path: Path, what: str, name: str = "", known: Sequence[str] = ()) -> BadRequest:
    return BadRequest("bad_dialect", f"{path}: {what}", hint=nearest(name, list(known)))


def find(name: str) -> Dialect:
    """Return the dialect called `name`, or raise with the nearest known one."""
    dialects = known()
    if name not in dialects:
        raise BadRequest(
            "unknown_dialect",
            f"there is no dialect {name!r}",
            hint=nearest(name, list(dialects)) or f"known: {', '.join(dialects)}",
        )
    return dialects[name]


def detect(columns: tuple[str, ...], origin: str) -> Dialect:
    """Return the dialect that these column names leave no doubt about, or ask for one."""
    if {"call_id", "start_time"} <= set(columns):
        return known()["canonical"]
    raise BadRequest(
        "unknown_dialect",
        f"cannot tell which system wrote {origin}: it has no columns call_id and start_time",
        hint=f"say which with --dialect, one of: {', '.join(known())}",
    )
