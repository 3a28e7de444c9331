"""A readable file and its dialect go in, every record of it mapped and enriched in the staging table comes out."""

import re
from typing import Any

from msgspec import Struct

from engine.errors import BadRequest
from engine.ingest import countries
from engine.ingest import facts as known_facts
from engine.ingest.dialects import Dialect, FieldReading
from engine.ingest.outcomes import outcome_map
from engine.ingest.sources import Source
from engine.record import FIELDS, IDENTITY, Kind, RecordField
from engine.statement import Statement
from engine.template import call_macro, render

DERIVED = {
    "connected": "Bool",
    "outcome": "LowCardinality(String)",
    "country": "LowCardinality(String)",
    "orig_country": "LowCardinality(String)",
    **known_facts.DERIVED,
}
"""What enrichment adds to a record, by ledger column."""

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
    "seconds": "not a duration in seconds, 0 to 4000000",
    "milliseconds": "not whole milliseconds",
    "money": "not a decimal with at most 10 digits before the point and 8 after it",
    "integer": "not a whole number from 0 to 999999999",
    "boolean": "not one of true, false, 1, 0",
    "real": "not a decimal",
}
_NUMBERS = ("number", "national")
_TEXTS = ("text", *_NUMBERS)


class Reader(Struct, frozen=True):
    """What the reading of a file depends on besides the file."""

    batch: int
    source_name: str
    zone: str | None
    currency: str
    home_country: str
    holds: str
    """The condition under which it may write at all."""
    horizon: str | None
    """The day before which nothing is taken."""
    tech_prefixes: tuple[str, ...] = ()
    """Routing prefixes that are taken away from called numbers."""
    facts: known_facts.Facts = known_facts.WITHOUT_LISTS
    """How facts from reference data are found."""


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
        {"name": name, "type": kind, "codec": "ZSTD(1)", "default": "false" if kind == "Bool" else "''"}
        for name, kind in DERIVED.items()
    ]
    computed = [{"name": name, "type": kind, "alias": sql} for name, (kind, sql) in known_facts.COMPUTED.items()]
    return own + derived + computed


def _required_default(field: RecordField) -> str:
    return "toDateTime64(0, 3, 'UTC')" if field.kind is Kind.INSTANT else "''"


def statement(source: Source, dialect: Dialect, reader: Reader) -> Statement:
    """Return the statement that reads `source` into staging; `{source}` in it stands for the file."""
    if dialect.zone == "asked" and reader.zone is None:
        raise BadRequest(
            "zone_needed",
            f"{dialect.label} writes local times without a zone",
            hint="say the switch's zone, for example --tz America/New_York (--tz UTC with usegmtime=yes)",
        )
    names = dialect.columns[: len(source.columns)] if dialect.columns else source.columns
    places = {name: position for position, name in enumerate(names, 1)}
    readings = {name: reading for name, reading in dialect.fields.items() if _present(reading, places)}
    for field in FIELDS.values():
        if field.required and field.name not in {*readings, "source"}:
            raise BadRequest(
                "missing_column",
                f"{source.origin} has no column for {field.name}, which every record of {dialect.name} needs",
                hint="check --dialect and the header",
            )
    mapped = {reading.column for reading in readings.values()}
    # What no field keeps goes to meta: a hash keeps nothing, and a field has no place for a word it does not know.
    unmapped = {position: f"t{position}" for name, position in places.items() if name not in mapped}
    for name, reading in readings.items():
        if reading.read == "lookup" and reading.column in places:
            text = f"t{places[reading.column]}"
            unmapped[places[reading.column]] = f"if({text} IN {{{name}_words:Array(String)}}, '', {text})"
    parameters: dict[str, Any] = {
        "batch": reader.batch,
        "source_name": reader.source_name,
        "currency": reader.currency,
        "home_code": countries.calling_code(reader.home_country),
        "column_names": list(names),
        "unmapped_names": [names[position - 1] for position in unmapped],
        "zone": reader.zone or "UTC",
        "horizon": reader.horizon or "",
        "delimiter": source.cut,
        "tech_prefixes": f"^({'|'.join(map(re.escape, reader.tech_prefixes))})",
        **reader.facts.parameters,
    }
    for length, (prefixes, owners) in countries.by_length().items():
        parameters[f"prefixes_{length}"] = prefixes
        parameters[f"countries_{length}"] = owners
    for name, reading in readings.items():
        if reading.read == "one_of":
            parameters[f"{name}_values"] = list(reading.values)
        if reading.read == "lookup":
            parameters[f"{name}_words"] = list(reading.table)
            parameters[f"{name}_meanings"] = list(reading.table.values())
    kept = [field for name, field in FIELDS.items() if name in readings or name in _NEEDED | _OWN_DEFAULT - {"meta"}]
    stored = [field.column for field in kept] + (["meta"] if unmapped else [])
    cli = places.get(readings["cli"].column or "") if "cli" in readings else None
    numbers = {places[reading.column] for reading in readings.values() if reading.read in _NUMBERS and reading.column}
    numbers |= {cli} if cli else set()
    sql = render(
        "ingest/stage.sql.j2",
        expressions=source.expressions,
        width=len(names),
        csv=source.container == "csv",
        least=dialect.least_columns or len(names),
        fields=[_reading(name, reading, places, bool(reader.tech_prefixes)) for name, reading in readings.items()],
        said={name: name in readings for name in FIELDS},
        final=dialect.final,
        plain=[
            {"column": field.column, "value": _value(field, field.name in readings)}
            for field in kept
            if field.name not in _OWN_DEFAULT
        ],
        unmapped=list(unmapped.values()),
        outcomes=outcome_map().rule,
        prefix_lengths=list(countries.by_length()),
        stored=stored,
        derived=list(DERIVED),
        hashed=[_hashed(field) for field in kept if field.name not in IDENTITY] + ([_meta()] if unmapped else []),
        options=source.options,
        suspect=source.suspect,
        cut=bool(source.cut),
        cr=source.cr,
        several=len(source.stretches) > 1,
        zoned=reader.zone is not None,
        numbers=sorted(numbers),
        caller=_caller(cli, readings),
        holds=reader.holds,
        horizon=reader.horizon is not None,
        national=any(reading.read == "national" for reading in readings.values()),
        **reader.facts.structure,
    )
    return Statement(sql, {name: value for name, value in parameters.items() if f"{{{name}:" in sql})


def moves(source: Source, dialect: Dialect) -> bool:
    """Whether records of this file may replace start times."""
    reading = dialect.fields.get("replaces_start_time")
    return reading is not None and reading.column in (dialect.columns or source.columns)


def _present(reading: FieldReading, places: dict[str, int]) -> bool:
    if reading.hash:
        return all(column in places for column in reading.hash)
    return reading.column in places or bool(reading.otherwise_hash)


def _reading(name: str, reading: FieldReading, places: dict[str, int], prefixed: bool) -> dict[str, Any]:
    text = f"t{places[reading.column]}" if reading.column in places else "''"
    plain = text.replace("t", "p", 1)
    if prefixed and name in ("dialed", "number") and reading.column in places:
        text, plain = (f"replaceRegexpOne({x}, {{tech_prefixes:String}}, '')" for x in (text, plain))
    words, meanings = f"{name}_words", f"{name}_meanings"
    return {
        "name": name,
        "reading": reading,
        "text": text,
        "plain": plain,
        "is_number": reading.read in _NUMBERS,
        "is_text": reading.read in _TEXTS,
        "hash_columns": [places[column] for column in reading.hash],
        "otherwise_columns": [places[column] for column in reading.otherwise_hash if column in places],
        "found": f"transform({text}, {{{words}:Array(String)}}, {{{meanings}:Array(String)}}, '')",
        "then": "integer" if FIELDS[name].kind is Kind.INTEGER else "text",
        "checked": reading.read not in (*_TEXTS, "one_of", "lookup") and not reading.hash,
        "complaint": _COMPLAINTS.get(reading.read, "unreadable"),
    }


def _caller(cli: int | None, readings: dict[str, FieldReading]) -> str:
    """The caller as E.164 digits, for its country; `cli` itself is kept as received."""
    if cli is None:
        return "''"
    macro = "national" if any(reading.read == "national" for reading in readings.values()) else "number"
    return call_macro("ingest/read.sql.j2", macro, f"t{cli}", f"p{cli}")


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
