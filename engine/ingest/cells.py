"""A dialect and the columns of a file go in, what the statement calls each column and each field's text comes out."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from engine.ingest import times
from engine.ingest.dialects import Dialect, FieldReading, Gathered

_Tree = dict[str, Any]
"""Keys of nested JSON that are read: a name and the tree under it, empty for one that is a value."""


class Cells(Struct):
    """What the statement makes of a file's columns before any field is read."""

    texts: dict[str, str]
    """The expression of a column's text, by the column's name."""
    objects: list[dict[str, Any]] = field(default_factory=list)
    gathered: list[dict[str, Any]] = field(default_factory=list)
    prepared: list[dict[str, Any]] = field(default_factory=list)
    halves: dict[str, Any] | None = None
    """Of what is gathered, the one that may be in another file."""
    where: list[dict[str, str]] = field(default_factory=list)
    unmapped: dict[str, str] = field(default_factory=dict)
    """The expression of what no field keeps, by the name it has in meta."""
    parameters: dict[str, Any] = field(default_factory=dict)

    def text(self, name: str, reading: FieldReading) -> str:
        """Return the expression of the text that a field's reading takes."""
        if not reading.is_plain:
            return f"x_{name}"
        return next((self.texts[column] for column in reading.columns if column in self.texts), "''")


def arranged(dialect: Dialect, columns: tuple[str, ...]) -> Cells:
    """Return how the columns of a file are laid out for the fields of a dialect."""
    cells = Cells({name: f"t{place}" for place, name in enumerate(columns, 1)})
    wanted = {column for reading in dialect.fields.values() for column in _columns(reading)}
    wanted |= {*dialect.where, *(name for part in dialect.gather for name in _gathering(part))}
    if dialect.name != "canonical":
        _find_otherwise_spelt(cells, columns, wanted)
    _open_objects(cells, wanted)
    for number, part in enumerate(dialect.gather, 1):
        if set(_gathering(part)) <= set(cells.texts):
            gathered = {
                "name": f"g{number}",
                "text": cells.texts[part.column],
                "within": [cells.texts[column] for column in part.within],
                "either_way": [cells.texts[column] for column in part.either_way],
                "where": _conditions(cells, f"g{number}", part.where),
                # Only rows that are calls can have it.
                "only": _conditions(cells, f"g{number}_only", {**dialect.where, **part.only}) if part.only else [],
            }
            cells.gathered.append(gathered)
            cells.halves = gathered if part.across_files else cells.halves
            cells.texts[part.name] = f"g{number}"
    cells.where = _conditions(cells, "where", dialect.where)
    cells.parameters["empty_words"] = list(dialect.empty)
    cells.parameters["abbreviations"] = list(times.ZONES)
    cells.parameters["offsets"] = list(times.ZONES.values())
    for name, reading in dialect.fields.items():
        if not reading.is_plain and (reading.fixed or set(reading.columns) & set(cells.texts)):
            _prepare(cells, name, reading)
    _leave_over(cells, dialect, columns)
    return cells


def _gathering(part: Gathered) -> Iterable[str]:
    return (part.column, *part.within, *part.either_way, *part.where, *part.only)


def _columns(reading: FieldReading) -> Iterable[str]:
    return (*reading.columns, *reading.hash, *reading.otherwise_hash)


def _find_otherwise_spelt(cells: Cells, columns: tuple[str, ...], wanted: set[str]) -> None:
    """Versions of one system differ in capitals: a column that is wanted may be the file's under another spelling."""
    spelt = {name.casefold(): name for name in reversed(columns)}
    for name in wanted - set(columns):
        if name.casefold() in spelt:
            cells.texts[name] = cells.texts[spelt[name.casefold()]]


def _open_objects(cells: Cells, wanted: set[str]) -> None:
    trees: dict[str, _Tree] = {}
    for name in sorted(wanted - set(cells.texts)):
        top, *keys = name.split(".")
        if keys and top in cells.texts:
            tree = trees.setdefault(top, {})
            for key in keys:
                tree = tree.setdefault(key, {})
    for top, tree in trees.items():
        text = cells.texts[top]
        name = text.replace("t", "o", 1)
        cells.objects.append({"name": name, "text": text, "column": top, "keys": tree})
        cells.parameters[f"{name}_type"] = _type(tree)
        cells.parameters[f"{name}_prefix"] = f"{top}."
        for path, place in _places(tree, name):
            cells.texts[f"{top}.{path}"] = place


def _type(tree: _Tree) -> str:
    # A name in back quotes: what stands in a type is text to the engine.
    inner = [f"`{_escaped(key)}` {_type(below) if below else 'String'}" for key, below in tree.items()]
    return f"Tuple({', '.join(inner)})"


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace("`", "\\`")


def _places(tree: _Tree, place: str) -> Iterable[tuple[str, str]]:
    for number, (key, below) in enumerate(tree.items(), 1):
        here = f"tupleElement({place}, {number})"
        if below:
            yield from ((f"{key}.{path}", inside) for path, inside in _places(below, here))
        else:
            yield key, here


def _conditions(cells: Cells, place: str, where: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    found = []
    for number, (column, words) in enumerate(where.items(), 1):
        word = f"{place}_{number}"
        cells.parameters[word] = list(words)
        found.append({"text": cells.texts.get(column, "''"), "word": word})
    return found


def _prepare(cells: Cells, name: str, reading: FieldReading) -> None:
    patterns = []
    for number, pattern in enumerate(reading.patterns, 1):
        compiled = times.compiled(pattern)
        word = f"{name}_pattern_{number}"
        cells.parameters[word] = compiled.expression
        patterns.append({"word": word, "groups": compiled.groups})
    cells.parameters |= {
        f"{name}_fixed": reading.fixed,
        f"{name}_join": reading.join,
        f"{name}_pick": reading.pick,
        f"{name}_empty": list(reading.empty),
    }
    texts = [cells.texts[column] for column in reading.columns if column in cells.texts]
    cells.prepared.append({"name": name, "reading": reading, "cells": texts, "patterns": patterns})


def _leave_over(cells: Cells, dialect: Dialect, columns: tuple[str, ...]) -> None:
    """Find what goes to meta: a hash keeps nothing, one part is not the whole, and a second choice may not be taken."""
    kept: dict[str, str] = {}
    for name, reading in dialect.fields.items():
        present = [column for column in reading.columns if column in cells.texts]
        if reading.read in ("one_of", "present") or reading.pick:
            continue
        for place, column in enumerate(present):
            text = cells.texts[column]
            if reading.read == "lookup":
                kept.setdefault(text, f"if({text} IN {{{name}_words:Array(String)}}, '', {text})")
            elif place and reading.join is None:
                kept.setdefault(text, _not_chosen(cells, name, reading, present[:place], text))
            else:
                kept[text] = ""
    kept |= {part["name"]: "" for part in cells.gathered}
    kept |= {cells.texts[column]: "" for column, words in dialect.where.items() if len(words) == 1}
    opened = {found["column"]: found for found in cells.objects}
    for name in columns:
        if name not in opened and (over := kept.get(cells.texts[name], cells.texts[name])):
            cells.unmapped[name] = over
    for top, found in opened.items():
        paths = {name: text for name, text in cells.texts.items() if name.startswith(f"{top}.") and text in kept}
        cells.unmapped |= {name: kept[text] for name, text in paths.items() if kept[text]}
        cells.parameters[f"{found['name']}_kept"] = list(paths)


def _not_chosen(cells: Cells, name: str, reading: FieldReading, before: list[str], text: str) -> str:
    """A later choice says something of its own when one before it was taken, and says something else."""
    earlier = ", ".join(cells.texts[other] for other in before)
    words = f" OR v IN {{{name}_empty:Array(String)}}" if reading.empty else ""
    nothing = f"arrayAll(v -> v = ''{words}, [{earlier}]) OR has([{earlier}], {text})"
    return f"if({nothing}{words.replace(' v ', f' {text} ')}, '', {text})"
