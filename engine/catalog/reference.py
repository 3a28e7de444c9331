"""The declarations under schemas/, the record and the settings go in, the pages of docs/reference/ come out.

`python -m engine.catalog.reference` writes them; a test tells when one is no longer what the declarations say.
"""

import ast
import inspect
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from engine.catalog.load import catalog
from engine.catalog.model import Catalog, Measure, Part, Word
from engine.catalog.preset import Clause, Preset, Report
from engine.record import FIELDS, IDENTITY, Kind
from engine.settings import Settings
from engine.template import ROOT

FOLDER = ROOT / "docs" / "reference"

_WRITTEN = {
    Kind.NUMBER: "telephone number",
    Kind.CURRENCY: "ISO 4217 code",
    Kind.INTEGER: "whole number",
    Kind.BOOLEAN: "true, false, 1 or 0",
    Kind.INSTANT: "time",
    Kind.SECONDS: "seconds, to the millisecond",
    Kind.MONEY: "decimal, at most 8 places",
    Kind.REAL: "decimal, to 4 places",
    Kind.MAP: "any other column",
}
# What is filled in from elsewhere; every other default stands in the record itself.
_FILLED = {"source": "`--source`, else the dialect's name", "leg": "`attempt`", "meta": "empty"}
_FILLED |= dict.fromkeys(("customer_duration", "provider_duration"), "`duration`")
_FILLED |= dict.fromkeys(("customer_currency", "provider_currency"), "the setting `currency`")


def pages() -> dict[str, str]:
    """Return every generated page by file name."""
    known = catalog()
    of_catalog = {make.__name__: make(known) for make in (_dimensions, _measures, _reports, _rollups)}
    others = {make.__name__: make() for make in (_record, _settings, _dialects, _outcomes)}
    return {f"{name.strip('_')}.md": text for name, text in (of_catalog | others).items()}


def _page(title: str, origin: str, *pieces: str) -> str:
    made = f"<!-- Made from {origin} by `make docs`; change it there. -->"
    return "\n\n".join([made, f"# {title}", *pieces]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _code(names: Iterable[object]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _who(audience: str) -> str:
    return "everyone" if audience == "all" else "operator"


def _dimensions(known: Catalog) -> str:
    rows = [(f"`{d.name}`", d.label, d.type, _who(d.audience), d.help) for d in known.dimensions.values()]
    about = "What a question can be grouped and filtered by."
    table = _table(("name", "label", "type", "for", "what it is"), rows)
    return _page("Dimensions", "schemas/catalog/dimensions.toml", about, table)


def _formula(measure: Measure) -> str:
    if measure.percentile:
        return f"percentile {measure.percentile} of `{measure.value}`" + (f" / {measure.per}" * (measure.per != 1))
    if measure.value is not None:
        return f"`{measure.value}`"
    times = f"{measure.times} * " if measure.times != 1 else ""
    return f"`{times}({measure.numerator}) / ({measure.denominator})`"


def _measures(known: Catalog) -> str:
    rows = []
    for m in known.measures.values():
        about = m.help + (f" Source: {m.source}." if m.source else "")
        kind = m.type.replace("_", " ")
        rows.append((f"`{m.name}`", m.label, kind, m.unit or "", _who(m.audience), about, _formula(m)))
    parts = [(f"`{p.name}`", p.help, "yes" if p.counts else "no", _made_of(p)) for p in known.parts.values()]
    return _page(
        "Measures",
        "schemas/catalog/measures.toml, words.toml and parts.toml",
        "What can be asked about a group.",
        _table(("name", "label", "type", "unit", "for", "what it is", "made of"), rows),
        "## Words",
        "What stands for parts in a measure; which ones, the question or the site decides. Several are added up.",
        _table(
            ("name", "what it is", "stands for"), [(f"`{w.name}`", w.help, _meant(w)) for w in known.words.values()]
        ),
        "## Parts",
        "The sums that measures are made of. One that follows the view counts final attempts only in the call view.",
        _table(("name", "what it is", "follows the view", "what a posting adds, times its sign"), parts),
    )


def _made_of(part: Part) -> str:
    return f"`{' '.join(part.value.split())}`" if part.of is None else f"`{part.of}` where `{part.where}`"


def _meant(word: Word) -> str:
    found = [_code(word.parts)]
    for name, values in word.when.items():
        found += [f"{_code(words)} when `{name}` is `{value}`" for value, words in values.items()]
    return "; ".join(found + [f"and {_code(words)} with the setting `{name}`" for name, words in word.also.items()])


def _reports(known: Catalog) -> str:
    about = "Questions that come with the program. Whatever a caller gives replaces the default; a filter is added."
    pieces = [about]
    for report in known.reports.values():
        pieces += [f"## `{report.name}`: {report.label}", report.help]
        for name, parameter in report.parameters.items():
            values = _code(parameter.values)
            pieces.append(f"Parameter `{name}`: {values}; `{parameter.default}` when left out. {parameter.help}")
        if report.records:
            continue
        rows = []
        for who, preset in _variants(report):
            where = [_clause(clause) for clause in preset.where]
            extras = [word for word in ("totals", "subtotals", "parts", "fill") if getattr(preset, word)]
            extras += [f"across: {_code(preset.columns)}"] if preset.columns else []
            extras += [f"compare with `{preset.compare}`"] if preset.compare else []
            extras += [f"top {top.count} of `{top.field}`" for top in preset.top]
            rows.append(
                (
                    who,
                    _code(preset.rows) or "none: one row",
                    _code(preset.measures),
                    preset.calls,
                    "; ".join(where + extras),
                )
            )
        pieces.append(_table(("", "rows", "measures", "view", "filter and more"), rows))
        if report.labels:
            called = ", ".join(f"`{name}` {label}" for name, label in report.labels.items())
            pieces.append(f"Its columns are called otherwise than elsewhere: {called}.")
        if (told := report.told(customer=True)) != report.help:
            pieces.append(f"Customers are told: {told}")
        if report.audience == "operator":
            pieces.append("For operators only.")
    return _page("Reports", "schemas/catalog/reports.toml", *pieces)


def _variants(report: Report) -> list[tuple[str, Preset]]:
    """What a report asks, by who asks and what was chosen."""
    presets = [("default", report.preset({}, customer=False))]
    for name, parameter in report.parameters.items():
        others = [value for value in parameter.values if value != parameter.default]
        presets += [(f"`{name}={value}`", report.preset({name: value}, customer=False)) for value in others]
    return presets + ([("asked by a customer", report.preset({}, customer=True))] if report.customer else [])


def _clause(clause: Clause) -> str:
    return " ".join([f"`{clause.field}`", clause.op.replace("_", " "), *(f"`{value}`" for value in clause.values)])


def _rollups(known: Catalog) -> str:
    about = (
        "Sums kept ready while calls are loaded: of days one table for each zone of the site, of hours and quarters of "
        "an hour one for all zones. [Why these](../explanation/rollups.md), what they hold and what they cost."
    )
    pieces = [about]
    cut = {"day": "days, from midnight to midnight of each zone", "hour": "hours", "minute15": "quarters of an hour"}
    for rollup in known.rollups.values():
        pieces.append(f"## `{rollup.name}`, version {rollup.version}: {rollup.label}")
        pieces.append(f"Tiles: {cut[rollup.grain]}. The table of UTC: `{rollup.table('UTC')}`.")
        pieces.append(f"Keys: {_code(rollup.keys)}.\n\nParts: {_code(rollup.parts)}.")
    return _page("Rollups", "schemas/catalog/rollups.toml", *pieces)


def _default(value: Any) -> str:
    return f"`{msgspec.json.encode(value).decode().strip(chr(34))}`" if value != "" else "empty"


def _record() -> str:
    rows = []
    for field in FIELDS.values():
        default = "required" if field.required else "null" if field.optional else _default(field.default)
        about = field.help + (" (part of the identity)" if field.name in IDENTITY else "")
        written = _WRITTEN.get(field.kind, "text")
        rows.append((f"`{field.name}`", written, _FILLED.get(field.name, default), about))
    table = _table(("name", "written as", "default", "what it is"), rows)
    return _page("Record fields", "engine/record.py", "One record is one route attempt of a call.", table)


def _settings() -> str:
    rows = []
    declared: Any = ast.parse(inspect.getsource(Settings)).body[0]
    for field, said in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            name = field.target.id
            value = getattr(Settings(), name)
            shown = (_code(value) or "none") if isinstance(value, tuple) else _default(value)
            default = "`./data`, embedded" if name == "database" else shown
            rows.append((f"`{name}`", f"`TOLLHOUSE_{name.upper()}`", default, ast.literal_eval(said.value)))
    table = _table(("key in tollhouse.toml", "variable", "default", "what it decides"), rows)
    about = "Options win over variables, variables over the file. A list in a variable is separated by commas."
    return _page("Settings", "engine/settings.py", about, table)


def _dialects() -> str:
    pieces = ["How the files of other systems become records. What no field reads goes to `meta`."]
    for path in sorted((ROOT / "schemas" / "dialects").glob("*.toml")):
        dialect = tomllib.loads(path.read_text("utf-8"))
        rows = [(f"`{name}`", *_reading(said)) for name, said in dialect["fields"].items()]
        pieces += [f"## `{dialect['name']}`: {dialect['label']}", dialect["help"]]
        pieces += ["Its times are local, so `--tz` is needed."] if dialect.get("zone") == "asked" else []
        pieces.append(_found_out(dialect))
        taken = [
            f"`{column}` is {' or '.join(f'`{word}`' for word in words)}"
            for column, words in dialect.get("where", {}).items()
        ]
        pieces += [f"A row is a call when {' and '.join(taken)}."] if taken else []
        pieces.append(_table(("field", "from", "read as"), rows))
        if final := dialect.get("final"):
            greatest = ", then ".join(f"`{name}`" for name in final["greatest"])
            pieces.append(f"Final is, of one `{final['within']}` in one file, the record with the greatest {greatest}.")
        if numbered := (dialect.get("final") or {}).get("numbered"):
            pieces.append(f"Attempts are numbered by {_code(numbered)}, within one file.")
        for part in dialect.get("gather", []):
            rule = " and ".join(f"`{column}` is {_code(words)}" for column, words in part["where"].items())
            others = f"the rows with the same {_code(part['within'])} whose {rule}"
            pieces.append(f"`{part['name']}` is the `{part['column']}` of {others}.")
        pieces += [f"Limit: {_limit(limit)}." for limit in dialect.get("limits", [])]
    return _page("Dialects", "schemas/dialects/*.toml", *pieces)


def _limit(limit: str | dict[str, Any]) -> str:
    return limit if isinstance(limit, str) else f"{limit['says']} (told with answers made of {_code(limit['touches'])})"


def _found_out(dialect: dict[str, Any]) -> str:
    if "detect" in dialect:
        return f"Found out by {_code(dialect['detect'])}."
    return "Found out by its first line." if "first_line" in dialect else "Never guessed: name it with `--dialect`."


def _reading(said: dict[str, Any]) -> tuple[str, str]:
    if "hash" in said:
        return _code(said["hash"]), "a hash over them"
    if "between" in said:
        return _code(said["between"]), "what lies between them"
    if "fixed" in said:
        return "", f"always `{said['fixed']}`"
    otherwise = f"; when empty, a hash over {_code(said['otherwise_hash'])}" if "otherwise_hash" in said else ""
    how = said.get("read", "text").replace("_", " ")
    if how == "one of":
        how = f"true when it is {_code(said['values'])}"
    elif how == "present":
        how = "true when it says anything"
    elif how == "lookup":
        how = ", ".join(f"`{word}`: {meaning}" for word, meaning in said["table"].items())
    columns = [said["from"]] if isinstance(said["from"], str) else said["from"]
    joined = f"{_code(columns)}, joined by `{said.get('join')}`"
    origin = joined if "join" in said else ", else ".join(f"`{column}`" for column in columns)
    return origin + otherwise, how + _prepared(said)


def _prepared(said: dict[str, Any]) -> str:
    """What is done to a text before it is read."""
    patterns = said.get("pattern", [])
    done = [f"written `{one}`" for one in ([patterns] if isinstance(patterns, str) else patterns)]
    done += [f"the part `{said['pick']}`"] if "pick" in said else []
    done += ["URL-decoded"] if "decode" in said else []
    done += [f"divided by {said['divide']}"] if "divide" in said else []
    done += ["with the sign turned"] if said.get("negate") else []
    done += [f"rounded to {said['round']} places"] if "round" in said else []
    done += [f"empty when {_code(said['empty'])}"] if "empty" in said else []
    return "".join(f"; {what}" for what in done)


def _outcomes() -> str:
    said = tomllib.loads((ROOT / "schemas" / "outcomes.toml").read_text("utf-8"))
    rows = [(f"`{n}`", o["label"], "yes" if o["ner"] else "no", o["help"]) for n, o in said["outcomes"].items()]
    return _page(
        "Outcomes",
        "schemas/outcomes.toml",
        f"How an attempt ended: map version {said['version']}.",
        _table(("outcome", "label", "counts in NER", "meaning"), rows),
        "## Rules",
        "The first that fits wins, after what the program decides itself: `refused`, `answered`, `answered_zero`.",
        _table(("condition", "outcome"), [(_condition(rule), f"`{rule['outcome']}`") for rule in said["rule"]]),
    )


def _condition(rule: dict[str, Any]) -> str:
    rang = {None: "", True: " after a 18x", False: " without a 18x"}[rule.get("rang")]
    found = [f"SIP {', '.join(map(str, rule['sip']))}{rang}"] if "sip" in rule else []
    found += ["SIP {} to {}".format(*rule["sip_range"])] if "sip_range" in rule else []
    found += [f"no SIP code and Q.850 {', '.join(map(str, rule['q850']))}"] if "q850" in rule else []
    return "; or ".join(found)


if __name__ == "__main__":
    for page, text in pages().items():
        (FOLDER / page).write_text(text, "utf-8")
