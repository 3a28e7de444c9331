"""The TOML files under schemas/catalog/ go in, a checked catalog comes out; a mistake names file and line."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from engine.catalog.families import Families, expanded, header
from engine.catalog.model import Catalog, Dimension, Measure, Part, Rollup, Told, Word
from engine.catalog.preset import PARAMETERS, Preset, Report
from engine.errors import TollhouseError, nearest
from engine.settings import Settings
from engine.template import ROOT

Declared = TypeVar("Declared", bound=Struct)


class CatalogMistake(TollhouseError):
    """A declaration that cannot be used; the message begins with file:line."""


@cache
def catalog() -> Catalog:
    """Return the catalog that ships with the program, at a site that has set nothing."""
    return load(ROOT / "schemas" / "catalog").at(msgspec.structs.asdict(Settings()))


def load(folder: Path) -> Catalog:
    """Read and check the declarations in `folder`."""
    families = _families(folder / "families.toml")
    dimensions = _read(folder / "dimensions.toml", Dimension, families)
    parts = _read(folder / "parts.toml", Part, families)
    words = _read(folder / "words.toml", Word, families)
    measures = _read(folder / "measures.toml", Measure, families)
    rollups = _read(folder / "rollups.toml", Rollup, families)
    for name, dimension in dimensions.items():
        if (dimension.column is None) == (dimension.bucket is None):
            raise _mistake(folder / "dimensions.toml", name, "needs either column or bucket")
        if dimension.lookup is not None and (dimension.bucket or not re.fullmatch(r"[a-z]+\.[a-z]+", dimension.lookup)):
            raise _mistake(
                folder / "dimensions.toml", name, "lookup is list.column, beside the column that is looked up"
            )
    if sum(dimension.account for dimension in dimensions.values()) != 1:
        raise _mistake(folder / "dimensions.toml", next(iter(dimensions)), "exactly one needs account = true")
    columns = [dimension.column for dimension in dimensions.values() if dimension.column]
    for name, part in parts.items():
        parts[name] = part = _whole(part, parts, columns, folder / "parts.toml")
        for setting in part.settings:
            _must_know(setting, Settings.__struct_fields__, folder / "parts.toml", name, "setting")
    _check_words(words, parts, folder / "words.toml")
    for name, measure in measures.items():
        measures[name] = _with_words(measure, {**parts, **words}, folder / "measures.toml")
    for name, rollup in rollups.items():
        for part_name in rollup.parts:
            _must_know(part_name, parts, folder / "rollups.toml", name, "part")
            if (other := parts[part_name].of) is not None:
                keep = f"{part_name!r} is not kept: keep {other!r}, and {', '.join(parts[part_name].columns)} as key"
                raise _mistake(folder / "rollups.toml", name, keep)
        for key in rollup.keys:
            _must_know(key, columns, folder / "rollups.toml", name, "key")
        for part_name in rollup.parts:
            if (side := parts[part_name].money) and f"{side}_currency" not in rollup.keys:
                raise _mistake(folder / "rollups.toml", name, f"keeps {part_name} without {side}_currency")
        if "standing" not in rollup.parts:
            raise _mistake(folder / "rollups.toml", name, "needs the part standing: it says which groups there are")
    known = Catalog(dimensions, parts, words, measures, rollups)
    reports = _read(folder / "reports.toml", Report, families)
    for name, report in reports.items():
        reports[name] = checked(report, known, folder / "reports.toml")
    calls = _read(folder / "calls.toml", Told, families)
    for name, told in calls.items():
        also = dimensions.get(name) or measures.get(name)
        if also is not None and also.audience != told.audience:
            raise _mistake(folder / "calls.toml", name, f"is for {told.audience}, as a field it is for {also.audience}")
    return msgspec.structs.replace(known, reports=reports, calls=calls)


def checked(report: Report, known: Catalog, path: Path) -> Report:
    """Return a report of `path` with who may ask it; raises for what the catalog does not know."""
    fields: dict[str, Dimension | Measure] = {**known.dimensions, **known.measures}
    for name, parameter in report.parameters.items():
        if parameter.default not in parameter.values:
            has = ", ".join(parameter.values)
            raise _mistake(
                path,
                f"{report.name}.parameters.{name}",
                f"the default {parameter.default!r} is none of its values: {has}",
            )
    for label in report.labels:
        _must_know(label, fields, path, report.name, "field")
    for preset in (*report.variants(customer=False), *report.variants(customer=True)):
        for dimension in (*preset.rows, *preset.columns):
            _must_know(dimension, known.dimensions, path, report.name, "dimension")
        for measure in (*preset.measures, *(top.by for top in preset.top if top.by)):
            _must_know(measure, known.measures, path, report.name, "measure")
        for clause in preset.where:
            _must_know(clause.field, fields, path, report.name, "field")
        for key in preset.sort:
            shown = re.split("[|.]", key.field)[0]
            _must_know(shown, [*preset.rows, *preset.measures], path, report.name, "column")
        for top in preset.top:
            _must_know(top.field, [*preset.rows, *preset.columns], path, report.name, "dimension")
        if not (preset.measures or report.records):
            raise _mistake(path, report.name, "needs measures")
    hidden = [name for preset in report.variants(customer=True) for name in _spoken(preset) if _hidden(fields[name])]
    if hidden and report.customer is not None:
        raise _mistake(path, f"{report.name}.customer", f"{hidden[0]!r} is not a customer's to see")
    return msgspec.structs.replace(report, audience="operator" if hidden else report.audience)


def _spoken(preset: Preset) -> list[str]:
    tops = [top.by for top in preset.top if top.by]
    return [*preset.rows, *preset.columns, *preset.measures, *tops, *(clause.field for clause in preset.where)]


def _hidden(field: Dimension | Measure) -> bool:
    return field.audience != "all"


def words_of(expression: str) -> list[str]:
    """Return the names an expression speaks of, in order."""
    return re.findall(r"[a-z_][a-z0-9_]*", expression)


def _whole(part: Part, parts: dict[str, Part], columns: list[str], path: Path) -> Part:
    """A part made of another gets its value, and what else it has from that one."""
    if bool(part.value) == (part.of is not None) or (part.of is None) != (part.where is None):
        raise _mistake(path, part.name, "needs either value, or of and where")
    if part.of is None or part.where is None:
        return part
    _must_know(part.of, parts, path, part.name, "part")
    other = parts[part.of]
    if other.of is not None or other.money is not None:
        raise _mistake(path, part.name, f"cannot be made of {part.of!r}, which is money or made of another itself")
    spoken = dict.fromkeys(words_of(re.sub("'[^']*'", "", part.where)))
    for word in spoken:
        _must_know(word, columns, path, part.name, "column")
    return msgspec.structs.replace(part, value=other.value, counts=other.counts, columns=tuple(spoken))


def _check_words(words: dict[str, Word], parts: dict[str, Part], path: Path) -> None:
    for name, word in words.items():
        for meant in word.everything:
            _must_know(meant, {**parts, **words}, path, name, "part")
        for field in word.when:
            _must_know(field, ("base", *PARAMETERS), path, name, "field of a question")
        for setting in word.also:
            _must_know(setting, Settings.__struct_fields__, path, name, "setting")
    for name in words:
        _check_end(name, (), words, path)


def _check_end(name: str, before: tuple[str, ...], words: dict[str, Word], path: Path) -> None:
    """A word that stands for itself means the part of that name; one that comes back to itself means nothing."""
    if name in before:
        raise _mistake(path, before[0], f"comes back to {name!r}")
    for meant in words[name].everything:
        if meant in words and meant != name:
            _check_end(meant, (*before, name), words, path)


def _with_words(measure: Measure, known: dict[str, Any], path: Path) -> Measure:
    if (measure.value is None) == (measure.numerator is None) or (
        (measure.numerator is None) != (measure.denominator is None)
    ):
        raise _mistake(path, measure.name, "needs either value, or numerator and denominator")
    found: dict[str, None] = {}
    for expression in filter(None, (measure.value, measure.numerator, measure.denominator)):
        for word in words_of(expression):
            _must_know(word, known, path, measure.name, "part")
            found[word] = None
    histograms = [word for word in found if isinstance(part := known[word], Part) and part.kind == "histogram"]
    if [measure.value] != histograms if measure.percentile else histograms:
        raise _mistake(path, measure.name, "a percentile is that of one histogram, and nothing else is made of one")
    return msgspec.structs.replace(measure, words=tuple(found))


def _declared(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as mistake:
        raise CatalogMistake("catalog", f"{path.name}: {mistake}") from mistake


def _families(path: Path) -> Families:
    declared = _declared(path)
    try:
        return msgspec.convert(declared, Families)
    except msgspec.ValidationError as mistake:
        raise CatalogMistake("catalog", f"{path.name}: {mistake}") from mistake


def _read(path: Path, kind: type[Declared], families: Families) -> dict[str, Declared]:
    declared = _declared(path)
    for name, entry in declared.items():
        if "each" in entry:
            _must_know(entry["each"], families, path, f'"{name}"', "family")
    try:
        made = expanded(declared, families)
    except KeyError as mistake:
        lines = path.read_text("utf-8").splitlines()
        line = next(number for number, text in enumerate(lines, 1) if f"{{{mistake.args[0]}}}" in text)
        raise CatalogMistake("catalog", f"{path.name}:{line}: no member says {mistake.args[0]!r}") from mistake
    entries: dict[str, Declared] = {}
    for name, entry in made.items():
        try:
            entries[name] = msgspec.convert({**entry, "name": name}, kind)
        except msgspec.ValidationError as mistake:
            raise _mistake(path, name, str(mistake)) from mistake
    return entries


def _must_know(word: str, known: Any, path: Path, entry: str, what: str) -> None:
    if word not in known:
        hint = nearest(word, list(known))
        raise _mistake(path, entry, f"there is no {what} {word!r}" + (f", {hint}" if hint else ""))


def _mistake(path: Path, entry: str, what: str) -> CatalogMistake:
    lines = path.read_text("utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if header(entry, text)), 1)
    return CatalogMistake("catalog", f"{path.name}:{line}: [{entry}] {what}")
