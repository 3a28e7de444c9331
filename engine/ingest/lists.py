"""A file of reference data goes in, a new version of its list comes out; or a reason why not, and nothing changes."""

import re
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine import countries
from engine.errors import BadRequest, TollhouseError
from engine.ingest.writer import Writer
from engine.reference import layouts, lookups
from engine.reference.kinds import ListKind, kind_of
from engine.reference.layouts import ListFile
from engine.reference.lookups import Lookups
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse
from engine.warehouse.piece import Piece
from engine.words import many

_FIRST_DAY = "1970-01-01"
_SCRATCH = ("list_lines", "lists")


class ListReceipt(Struct, frozen=True):
    """What loading a list changed, counted by key, from `valid_from` on.

    `rows` is how many the list has now, with those of other days and those that the file does not speak of.
    """

    version: int
    kind: str
    origin: str
    layout: str
    valid_from: str | None
    rows: int
    added: int
    changed: int
    removed: int
    kept: int


def load(
    writer: Writer, kind: str, path: Path, origin: str, valid_from: str | None, commit: int
) -> tuple[ListReceipt, Lookups]:
    """Load a list; `commit` is the one that follows it: before that nobody is told of it.

    Raises `BadRequest` that names lines when a row cannot be, and then the list is what it was before.
    """
    of = kind_of(kind)
    since = _day(valid_from)
    standing = lookups.versions(writer.warehouse)
    version = _number(writer)
    with layouts.opened(path, origin, of) as file:
        try:
            _read(writer, file, version)
            asked = _Draft(of, file, version, standing.get(kind, 0), since)
            asked.check(writer)
            asked.write(writer)
            made = lookups.make(writer.warehouse, {**standing, kind: version})
            about = {"origin": origin, "layout": file.layout.name, "commit": commit}
            writer.run("reference/log_version.sql.j2", {**asked.parameters, **about})
        except TollhouseError:
            for table in _SCRATCH:
                writer.drop(table, version)
            raise
    writer.drop("list_lines", version)
    sql = "SELECT rows, added, changed, removed, kept FROM list_log WHERE version = {version:UInt32}"
    counts = writer.warehouse.query(Statement(sql, {"version": version})).rows[0]
    return ListReceipt(version, kind, origin, file.layout.name, valid_from, *map(int, counts)), made


def newest_commit(warehouse: Warehouse) -> int:
    """Return the commit that the newest version of a list came with, 0 when there is none."""
    return int(warehouse.value(Statement("SELECT max(commit) FROM list_log")))


def _day(text: str | None) -> str:
    if text is None:
        return _FIRST_DAY
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest("bad_value", f"{text!r} is not a day", pointer="valid_from", hint="like 2026-10-31") from None
    if not date(1970, 1, 1) < day < date(2149, 6, 6):
        raise BadRequest("bad_value", f"{day} is too far away", pointer="valid_from", hint="after 1970 and before 2149")
    return day.isoformat()


def _number(writer: Writer) -> int:
    """Return the number of a new version, after sweeping away what one that broke off has left."""
    last = int(writer.warehouse.value(Statement("SELECT max(version) FROM list_log")))
    for table in _SCRATCH:
        sql = f"SELECT DISTINCT version FROM {table} WHERE version > {{last:UInt32}}"
        left = writer.warehouse.query(Statement(sql, {"last": last})).rows
        writer.drop(table, *(int(version) for (version,) in left))
    return last + 1


def _read(writer: Writer, file: ListFile, version: int) -> None:
    separated = bool(file.places)
    sql = render(
        "reference/read_lines.sql.j2",
        text=file.layout.text,
        separated=separated,
        width=file.width,
        delimiter=file.delimiter,
        holds=writer.holds,
    )
    names = ["c1"] if file.layout.text else [f"c{n}" for n in range(1, file.width + 1)]
    structure = ", ".join(f"{name} Nullable(String)" for name in names)
    if file.layout.text:
        structure = "c1 String"
    statement = Statement(sql, {"version": version})
    try:
        writer.insert_file(statement, Piece.whole(file.path), "LineAsString" if file.layout.text else "CSV", structure)
    except TollhouseError as failure:
        if failure.code != "engine":
            raise
        # The engine quotes the line it stumbled over, and a line may hold telephone numbers.
        place = failure.message.partition("(at row ")[2].partition(")")[0]
        where = f", line {place}," if place else ""
        raise BadRequest(
            "unreadable_file",
            f"{file.origin}{where} is not readable as a list",
            hint="check that it is whole; nothing was loaded",
        ) from failure


class _Draft:
    """What a file says of a list, and the statements that ask for it."""

    def __init__(self, kind: ListKind, file: ListFile, version: int, old: int, since: str) -> None:
        self._kind = kind
        self._file = file
        codes, owners = countries.by_length().get(4, ([], []))
        self.parameters: dict[str, Any] = {
            "version": version,
            "old": old,
            "kind": kind.name,
            "since": since,
            "header": file.header,
            "area_codes": codes,
            "area_countries": owners,
        }
        place = kind.place
        self._structure = {
            "layout": file.layout.template,
            "at": file.places,
            "columns": kind.columns,
            "key": [f"cells[{place[name]}]" for name in kind.key],
            "keeps": _named(file.layout.keeps, place),
            "ordered": kind.ordered,
        }

    def check(self, writer: Writer) -> None:
        """Raise `BadRequest` when a row of the file cannot be."""
        place = self._kind.place
        checks = [
            {
                "holds": re.sub(r"\bvalue\b", f"cells[{place[name]}]", column.holds),
                "reason": f"{name}: not {column.said}",
            }
            for name, column in self._kind.columns.items()
        ]
        sql = render("reference/nonsense.sql.j2", checks=checks, **self._structure)
        said = {name: value for name, value in self.parameters.items() if f"{{{name}:" in sql}
        rows, wrong, first = writer.warehouse.query(Statement(sql, said)).rows[0]
        if wrong:
            told = "; ".join(f"line {line}: {reason}" for line, reason in first)
            more = f"; {wrong - len(first)} more" if wrong > len(first) else ""
            raise BadRequest(
                "bad_list",
                f"{self._file.origin} is not a list of {self._kind.label}: {told}{more}",
                hint=f"{many(int(wrong), 'line')} to mend; nothing was loaded",
            )
        if not rows:
            raise BadRequest("empty_file", f"{self._file.origin} holds no row", hint="nothing was loaded")

    def write(self, writer: Writer) -> None:
        """Write the version, which does not stand yet."""
        writer.run("reference/write_version.sql.j2", self.parameters, **self._structure)


def _named(sql: str, place: dict[str, int]) -> str:
    """SQL over a list's columns as SQL over its cells."""
    return re.sub(r"\b[a-z_]+\b", lambda found: f"cells[{place[found[0]]}]" if found[0] in place else found[0], sql)
