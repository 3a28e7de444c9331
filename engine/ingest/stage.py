"""A readable file and its dialect go in, every record of it mapped and enriched in the staging table comes out."""

import re
from typing import Any

from msgspec import Struct

from engine.errors import BadRequest
from engine.ingest import facts as known_facts
from engine.ingest import mending
from engine.ingest.cells import Cells, arranged
from engine.ingest.dialects import Dialect, FieldReading
from engine.ingest.sources import Source
from engine.record import FIELDS, IDENTITY, Kind, RecordField
from engine.statement import Statement
from engine.template import call_macro, render

LONGEST_CALL = 4_000_000
"""Seconds; no duration is longer."""

_OWN_DEFAULT = {
    "source", "call_id", "start_time", "attempt", "leg", "is_final", "duration", "customer_duration",
    "provider_duration", "customer_currency", "provider_currency", "meta",
}  # fmt: skip
_NEEDED = {
    "answered", "sip_code", "q850", "ring_time", "answer_time", "pdd", "release_side", "provider", "cli", "number",
    "withdrawn", "revision",
}  # fmt: skip
_COMPLAINTS = {
    "instant": "not a time: ISO 8601 with Z or an offset, or epoch seconds; without a zone only with --tz",
    "local": "not a local time like 2026-10-01 12:30:00",
    "utc": "not a time like 2026-10-01 12:30:00",
    "epoch_milliseconds": "not whole milliseconds since 1970",
    "epoch_microseconds": "not whole microseconds since 1970",
    "gregorian_seconds": "not whole seconds since the year 0",
    "seconds": "not a duration in seconds, 0 to 4000000",
    "milliseconds": "not whole milliseconds",
    "microseconds": "not whole microseconds, up to 4000000 seconds",
    "nanoseconds": "not whole nanoseconds, up to 4000000 seconds",
    "clock": "not a duration like 1:02:03",
    "go_duration": "not a duration like 1h2m3s, or whole nanoseconds",
    "money": "not a decimal with at most 10 digits before the point and 8 after it",
    "integer": "not a whole number from 0 to 999999999",
    "boolean": "not one of true, false, 1, 0",
    "real": "not a decimal",
}
_NUMBERS = ("number", "national")
_TEXTS = ("text", *_NUMBERS)
_ALWAYS_READ = (*_TEXTS, "one_of", "present", "lookup")


class Reader(Struct, frozen=True):
    """What the reading of a file depends on besides the file."""

    batch: int
    source_name: str
    zone: str | None
    currency: str
    holds: str
    """The condition under which it may write at all."""
    horizon: str | None
    """The day before which nothing is taken."""
    tech_prefixes: tuple[str, ...] = ()
    """Routing prefixes that are taken away from called numbers."""
    facts: known_facts.Facts = known_facts.WITHOUT_LISTS
    """How facts from reference data are found."""
    together: tuple[tuple[int, int], ...] = ()
    """Of several files that are read as one: each batch, and how many lines come before its own."""


def ledger_columns() -> list[dict[str, str]]:
    """Return the ledger's columns: the record's own, the derived ones, and those it works out when asked (`alias`)."""
    own = [
        {
            "name": field.column,
            "type": field.stored_type,
            "codec": field.codec,
            "default": field.default_sql if not field.required else _required_default(field),
        }
        for field in FIELDS.values()
    ]
    derived = [
        {
            "name": name,
            "type": kind,
            "codec": "ZSTD(1)",
            "default": "false" if kind == "Bool" else "''",
            "derived": "yes",
        }
        for name, kind in known_facts.DERIVED.items()
    ]
    computed = [{"name": name, "type": kind, "alias": sql} for name, (kind, sql) in known_facts.COMPUTED.items()]
    return own + derived + computed


def _required_default(field: RecordField) -> str:
    return "toDateTime64(0, 3, 'UTC')" if field.kind is Kind.INSTANT else "''"


def statement(source: Source, dialect: Dialect, reader: Reader, *, skipping: bool = False) -> Statement:
    """Return the statement that reads `source` into staging; `{source}` in it stands for the file.

    With `skipping` only how many rows are left out, because the dialect does not take them.
    """
    if dialect.zone == "asked" and reader.zone is None:
        raise BadRequest(
            "zone_needed",
            f"{dialect.label} writes local times without a zone",
            hint="say the switch's zone, for example --tz America/New_York (--tz UTC with usegmtime=yes)",
        )
    cells = arranged(dialect, source.columns)
    readings = {name: reading for name, reading in dialect.fields.items() if _present(reading, dialect, cells)}
    for field in FIELDS.values():
        if field.required and field.name not in {*readings, "source"}:
            raise BadRequest(
                "missing_column",
                f"{source.origin} has no column for {field.name}, which every record of {dialect.name} needs",
                hint="check --dialect and the header",
            )
    if missing := [column for column in dialect.where if column not in cells.texts]:
        raise BadRequest(
            "missing_column",
            f"{source.origin} has no column {missing[0]!r}, which tells the rows that are calls of {dialect.name}",
            hint="check --dialect and the header",
        )
    parameters: dict[str, Any] = {
        "batch": reader.batch,
        "source_name": reader.source_name,
        "currency": reader.currency,
        "column_names": list(source.columns),
        "unmapped_names": list(cells.unmapped),
        "zone": reader.zone or "UTC",
        "horizon": reader.horizon or "",
        "delimiter": source.delimiter,
        "tech_prefixes": f"^({'|'.join(map(re.escape, reader.tech_prefixes))})",
        "batches": [batch for batch, _ in reader.together],
        "begins": [before for _, before in reader.together],
        **reader.facts.parameters,
    }
    parameters |= cells.parameters
    for name, reading in readings.items():
        if reading.read == "one_of":
            parameters[f"{name}_values"] = list(reading.values)
        if reading.read == "lookup":
            parameters[f"{name}_words"] = list(reading.table)
            parameters[f"{name}_meanings"] = list(reading.table.values())
    kept = [field for name, field in FIELDS.items() if name in readings or name in _NEEDED | _OWN_DEFAULT - {"meta"}]
    has_meta = bool(cells.unmapped or cells.objects)
    stored = [field.column for field in kept] + (["meta"] if has_meta else [])
    cli = cells.text("cli", readings["cli"]) if "cli" in readings else None
    numbers = {cells.text(name, reading) for name, reading in readings.items() if reading.read in _NUMBERS}
    numbers |= {cli} if cli else set()
    sql = render(
        "ingest/stage.sql.j2",
        expressions=source.expressions,
        width=len(source.columns),
        csv=source.container == "csv",
        least=dialect.least_columns or len(source.columns),
        without=bool(dialect.empty),
        objects=cells.objects,
        gathered=cells.gathered,
        halves=cells.halves,
        skipping=skipping,
        prepared=[field for field in cells.prepared if field["name"] in readings],
        where=cells.where,
        fields=[_reading(name, reading, cells, bool(reader.tech_prefixes)) for name, reading in readings.items()],
        said={name: name in readings for name in FIELDS},
        final=_final(dialect),
        attempt="attempt_said" if dialect.final and dialect.final.numbered else "attempt",
        plain=[
            {"column": field.column, "value": _value(field, field.name in readings)}
            for field in kept
            if field.name not in _OWN_DEFAULT
        ],
        has_meta=has_meta,
        unmapped=list(cells.unmapped.values()),
        stored=stored,
        derived=list(known_facts.DERIVED),
        hashed=[_hashed(field) for field in kept if field.name not in IDENTITY] + ([_meta()] if has_meta else []),
        # Few columns are asked for then, and the engine takes the others for keys that nobody declared.
        options=source.options | ({"input_format_skip_unknown_fields": "1"} if skipping else {}),
        suspect=source.suspect,
        broken=mending.BROKEN if source.broken else "",
        cut=source.cut,
        together=bool(reader.together),
        numbered=source.numbered,
        cr=source.cr,
        several=len(source.stretches) > 1,
        zoned=reader.zone is not None,
        numbers={text: _plain(text) for text in sorted(numbers, key=_place)},
        caller=_caller(cli, readings),
        holds=reader.holds,
        horizon=reader.horizon is not None,
        national=_is_national(readings),
        **reader.facts.structure,
    )
    return Statement(sql, {name: value for name, value in parameters.items() if f"{{{name}:" in sql})


def joining() -> dict[str, Any]:
    """Return the structure of the statement that puts the halves of calls together."""
    columns = [column["name"] for column in ledger_columns() if "alias" not in column]
    told = [_hashed(FIELDS[name]) for name in ("end_time", "duration", "customer_duration", "provider_duration")]
    added = [f"cityHash64('{field['name']}', {field['column']}) * ({field['differs']})" for field in told]
    return {"columns": columns, "added": added, "longest": LONGEST_CALL}


def _final(dialect: Dialect) -> dict[str, Any] | None:
    """The rule for the last attempt, over the columns of the ledger."""
    rule = dialect.final
    if rule is None:
        return None
    columns = {part: [FIELDS[name].column for name in getattr(rule, part)] for part in ("greatest", "numbered")}
    return {"within": FIELDS[rule.within].column, **columns}


def moves(source: Source, dialect: Dialect) -> bool:
    """Whether records of this file may replace start times."""
    reading = dialect.fields.get("replaces_start_time")
    return reading is not None and bool(set(reading.columns) & set(source.columns))


def is_national(source: Source, dialect: Dialect) -> bool:
    """Whether numbers in this file are read as their switch's country writes them."""
    cells = arranged(dialect, source.columns)
    return _is_national({name: said for name, said in dialect.fields.items() if _present(said, dialect, cells)})


def _is_national(readings: dict[str, FieldReading]) -> bool:
    return any(reading.read == "national" for reading in readings.values())


def _present(reading: FieldReading, dialect: Dialect, cells: Cells) -> bool:
    if reading.hash:
        return all(column in cells.texts for column in reading.hash)
    if reading.between:
        return all(_present(dialect.fields[name], dialect, cells) for name in reading.between)
    found = any(column in cells.texts for column in reading.columns)
    return found or bool(reading.fixed or reading.otherwise_hash)


def _reading(name: str, reading: FieldReading, cells: Cells, prefixed: bool) -> dict[str, Any]:
    text = cells.text(name, reading)
    plain = _plain(text)
    if prefixed and name in ("dialed", "number"):
        text, plain = (f"replaceRegexpOne({x}, {{tech_prefixes:String}}, '')" for x in (text, plain))
    words, meanings = f"{name}_words", f"{name}_meanings"
    return {
        "name": name,
        "reading": reading,
        "text": text,
        "plain": plain,
        "is_number": reading.read in _NUMBERS,
        "is_text": reading.read in _TEXTS,
        "hash_columns": [cells.texts[column] for column in reading.hash],
        "otherwise_columns": [cells.texts[column] for column in reading.otherwise_hash if column in cells.texts],
        "found": f"transform({text}, {{{words}:Array(String)}}, {{{meanings}:Array(String)}}, '')",
        "then": {Kind.INTEGER: "integer", Kind.BOOLEAN: "boolean"}.get(FIELDS[name].kind, "text"),
        "checked": reading.read not in _ALWAYS_READ and not reading.hash and not reading.between,
        "complaint": f"not a time like {' or '.join(reading.patterns)}"
        if reading.patterns
        else _COMPLAINTS.get(reading.read, "unreadable"),
    }


def _plain(text: str) -> str:
    """What a telephone number's text is called without its separators."""
    return text.replace("t", "p", 1) if text.startswith("t") else f"p_{text}"


def _place(text: str) -> tuple[int, str]:
    return (int(text[1:]) if text[1:].isdigit() else 0, text)


def _caller(cli: str | None, readings: dict[str, FieldReading]) -> str:
    """The caller as E.164 digits, for its country; `cli` itself is kept as received."""
    if cli is None:
        return "''"
    macro = "national" if any(reading.read == "national" for reading in readings.values()) else "number"
    return call_macro("ingest/read.sql.j2", macro, cli, _plain(cli))


def _value(field: RecordField, said: bool) -> str:
    if not said:
        return field.default_sql
    name = f"said_{field.name}"
    if field.kind in (Kind.TEXT, Kind.NAME, Kind.NUMBER, Kind.CURRENCY):
        return name if field.default in ("", None) else f"if({name} = '', {field.default_sql}, {name})"
    return name if field.optional else f"ifNull({name}, {field.default_sql})"


def _hashed(field: RecordField) -> dict[str, str]:
    """A field's share of the content hash: nothing while it is at its default."""
    if field.optional:
        return {
            "name": field.name,
            "column": f"ifNull({field.column}, {_zero(field)})",
            "differs": f"isNotNull({field.column})",
        }
    return {"name": field.name, "column": field.column, "differs": f"{field.column} != {field.default_sql}"}


def _zero(field: RecordField) -> str:
    return {
        Kind.INSTANT: "toDateTime64(0, 3, 'UTC')",
        Kind.MONEY: "toDecimal64(0, 8)",
        Kind.REAL: "toDecimal32(0, 4)",
        Kind.BOOLEAN: "false",
    }.get(field.kind, "toUInt32(0)")


def _meta() -> dict[str, str]:
    return {"name": "meta", "column": "toString(mapSort(meta))", "differs": "length(meta) > 0"}
