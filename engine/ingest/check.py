"""A sample and a dialect go in; how its columns become fields, and the first rejects, come out; nothing is loaded."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.ingest.cells import arranged
from engine.ingest.dialects import Dialect, FieldReading
from engine.ingest.reading import Asked, Reading
from engine.record import FIELDS, Kind
from engine.statement import Statement
from engine.template import render

SHOWN = 3
"""Records whose values are shown."""

REJECTS = 5
"""Rejects that are shown."""


class FieldSeen(Struct, frozen=True):
    """One field of the record: the columns of this file it comes from, how it is read, and its first values."""

    field: str
    columns: tuple[str, ...]
    read: str
    values: list[str]


class Rejected(Struct, frozen=True):
    """A record that cannot be read."""

    record: int
    field: str
    reason: str


class Check(Struct, frozen=True):
    """What a dialect makes of a file. `meta` has the columns no field keeps, `missing` fields without a column."""

    origin: str
    dialect: str
    label: str
    columns: tuple[str, ...]
    readable: int
    rejected: int
    fields: list[FieldSeen]
    meta: dict[str, list[str]]
    missing: list[str]
    only: dict[str, tuple[str, ...]]
    """The rows that are taken, when not all are: column and texts."""
    limits: tuple[str, ...]
    rejects: list[Rejected]


def check(reading: Reading, path: Path, origin: str, asked: Asked) -> Check:
    """Say how the file at `path` maps. Raises `BadRequest` as loading it would."""
    with reading.tried(path, origin, asked) as (source, dialect, batch):

        def rows(template: str, records: int, **structure: Any) -> list[Any]:
            sql = render(f"ingest/{template}", **structure)
            found = reading.warehouse.query(Statement(sql, {"batch": batch, "records": records}))
            return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

        columns = [field.column for field in FIELDS.values()]
        first = rows("sample.sql.j2", SHOWN, columns=columns)
        rejects = [Rejected(*reject.values()) for reject in rows("sample_rejects.sql", REJECTS)]
        readable, total, *_ = reading.warehouse.query(Statement(render("ingest/summary.sql"), {"batch": batch})).rows[0]
    texts = arranged(dialect, source.columns).texts
    seen = {name: _columns(said, dialect, texts) for name, said in dialect.fields.items()}
    return Check(
        origin=origin,
        dialect=dialect.name,
        label=dialect.label,
        columns=source.columns,
        readable=int(readable),
        rejected=int(total) - int(readable),
        fields=[
            FieldSeen(name, found, how(dialect.fields[name]), [_shown(name, record) for record in first])
            for name, found in seen.items()
            if found or dialect.fields[name].fixed
        ],
        meta=_meta(first),
        missing=[name for name, found in seen.items() if not found and not dialect.fields[name].fixed],
        only=dialect.where,
        limits=tuple(limit.says for limit in dialect.limits),
        rejects=rejects,
    )


def how(said: FieldReading) -> str:
    """Return in words how a field is read."""
    if said.hash:
        return "a hash over them"
    if said.between:
        return "what lies between them"
    words = [f"always {said.fixed}" if said.fixed else said.read.replace("_", " ")]
    words += [f"written {' or '.join(said.patterns)}"] if said.patterns else []
    words += [f"the part {said.pick}"] if said.pick else []
    words += ["URL-decoded"] if said.decode else []
    words += [f"divided by {said.divide}"] if said.divide else []
    words += ["with the sign turned"] if said.negate else []
    words += [f"rounded to {said.round} places"] if said.round is not None else []
    words += [f"joined by {said.join}"] if said.join is not None else []
    words += [f"empty when {' or '.join(said.empty)}"] if said.empty else []
    return ", ".join(words)


def _columns(said: FieldReading, dialect: Dialect, texts: dict[str, str]) -> tuple[str, ...]:
    if said.between:
        parts = [_columns(dialect.fields[name], dialect, texts) for name in said.between]
        return tuple(column for part in parts for column in part) if all(parts) else ()
    return tuple(column for column in (*said.columns, *said.hash, *said.otherwise_hash) if column in texts)


def _shown(name: str, record: dict[str, Any]) -> str:
    value = record[FIELDS[name].column]
    if value is None:
        return ""
    if FIELDS[name].kind is Kind.SECONDS:
        value = Decimal(value) / 1000
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _meta(first: list[dict[str, Any]]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for record in first for name in record["meta"])
    return {name: [record["meta"].get(name, "") for record in first] for name in names}
