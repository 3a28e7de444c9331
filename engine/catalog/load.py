"""The TOML files under schemas/catalog/ go in, a checked catalog comes out; a mistake names file and line."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from engine.catalog.model import Catalog, Dimension, Measure, Part, Preset, Report, Rollup
from engine.errors import TollhouseError, nearest
from engine.template import ROOT

PSEUDO_PARTS = ("base", "answers")
"""Words an expression may use that stand for parts chosen by the question or a setting."""

Declared = TypeVar("Declared", bound=Struct)


class CatalogMistake(TollhouseError):
    """A declaration that cannot be used; the message begins with file:line."""


@cache
def catalog() -> Catalog:
    """Return the catalog that ships with the program."""
    return load(ROOT / "schemas" / "catalog")


def load(folder: Path) -> Catalog:
    """Read and check the declarations in `folder`."""
    dimensions = _read(folder / "dimensions.toml", Dimension)
    parts = _read(folder / "parts.toml", Part)
    measures = _read(folder / "measures.toml", Measure)
    rollups = _read(folder / "rollups.toml", Rollup)
    reports = _read(folder / "reports.toml", Report)
    for name, dimension in dimensions.items():
        if (dimension.column is None) == (dimension.bucket is None):
            raise _mistake(folder / "dimensions.toml", name, "needs either column or bucket")
    if sum(dimension.account for dimension in dimensions.values()) != 1:
        raise _mistake(folder / "dimensions.toml", next(iter(dimensions)), "exactly one needs account = true")
    for name, measure in measures.items():
        measures[name] = _with_words(measure, parts, folder / "measures.toml")
    for name, rollup in rollups.items():
        for part in rollup.parts:
            _must_know(part, parts, folder / "rollups.toml", name, "part")
        columns = {dimension.column for dimension in dimensions.values()}
        for key in rollup.keys:
            _must_know(key, dict.fromkeys(filter(None, columns)), folder / "rollups.toml", name, "key")
        for part in rollup.parts:
            if (side := parts[part].money) and f"{side}_currency" not in rollup.keys:
                raise _mistake(folder / "rollups.toml", name, f"keeps {part} without {side}_currency")
        if "standing" not in rollup.parts:
            raise _mistake(folder / "rollups.toml", name, "needs the part standing: it says which groups there are")
    for name, report in reports.items():
        presets: list[Report | Preset] = [report, *([report.customer] if report.customer else [])]
        for preset in presets:
            for row in preset.rows:
                _must_know(row, dimensions, folder / "reports.toml", name, "dimension")
            for asked in preset.measures:
                _must_know(asked, measures, folder / "reports.toml", name, "measure")
    return Catalog(dimensions, parts, measures, rollups, reports)


def words(expression: str) -> list[str]:
    """Return the names an expression speaks of, in order."""
    return re.findall(r"[a-z_][a-z0-9_]*", expression)


def _with_words(measure: Measure, parts: dict[str, Part], path: Path) -> Measure:
    if (measure.value is None) == (measure.numerator is None) or (
        (measure.numerator is None) != (measure.denominator is None)
    ):
        raise _mistake(path, measure.name, "needs either value, or numerator and denominator")
    found: dict[str, None] = {}
    for expression in filter(None, (measure.value, measure.numerator, measure.denominator)):
        for word in words(expression):
            if word not in PSEUDO_PARTS:
                _must_know(word, parts, path, measure.name, "part")
            found[word] = None
    histograms = [word for word in found if word in parts and parts[word].kind == "histogram"]
    if [measure.value] != histograms if measure.percentile else histograms:
        raise _mistake(path, measure.name, "a percentile is that of one histogram, and nothing else is made of one")
    return msgspec.structs.replace(measure, words=tuple(found))


def _read(path: Path, kind: type[Declared]) -> dict[str, Declared]:
    try:
        declared: dict[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as mistake:
        raise CatalogMistake("catalog", f"{path.name}: {mistake}") from mistake
    entries: dict[str, Declared] = {}
    for name, entry in declared.items():
        try:
            entries[name] = msgspec.convert({**entry, "name": name}, kind)
        except msgspec.ValidationError as mistake:
            raise _mistake(path, name, str(mistake)) from mistake
    return entries


def _must_know(word: str, known: dict[str, Any], path: Path, entry: str, what: str) -> None:
    if word not in known:
        hint = nearest(word, list(known))
        raise _mistake(path, entry, f"there is no {what} {word!r}" + (f", {hint}" if hint else ""))


def _mistake(path: Path, entry: str, what: str) -> CatalogMistake:
    lines = path.read_text("utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if text.strip() == f"[{entry}]"), 1)
    return CatalogMistake("catalog", f"{path.name}:{line}: [{entry}] {what}")
