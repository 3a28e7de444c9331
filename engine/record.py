"""The fields of a call record, declared once: dialects, ledger, content hash and documentation follow from it.

One record is one route attempt. A call that is rerouted twice is three records with the same `call_id`.
"""

import types
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct


class Kind(StrEnum):
    """How a field is written in files and kept in the ledger."""

    TEXT = "text"  # free text, many different values
    NAME = "name"  # text with few different values
    NUMBER = "number"  # a telephone number
    CURRENCY = "currency"  # ISO 4217
    INTEGER = "integer"
    BOOLEAN = "boolean"
    INSTANT = "instant"  # UTC, milliseconds
    SECONDS = "seconds"  # kept as whole milliseconds
    MONEY = "money"  # decimal, 8 places
    REAL = "real"  # decimal, 4 places: a quality figure
    MAP = "map"


class About(Struct, frozen=True):
    """What a field is, for people and for the code that derives from it."""

    kind: Kind
    help: str


class CallRecord(Struct, frozen=True, kw_only=True):
    """One route attempt of a call, as its source tells it. Times are UTC, durations seconds."""

    source: Annotated[str, About(Kind.NAME, "the switch or system that wrote it")]
    call_id: Annotated[str, About(Kind.TEXT, "the switch's id of the call")]
    attempt: Annotated[int, About(Kind.INTEGER, "route attempt within the call, from 1")] = 1
    leg: Annotated[str, About(Kind.TEXT, "tells records of one call and attempt apart")] = ""
    is_final: Annotated[bool, About(Kind.BOOLEAN, "last attempt of the call")] = True
    revision: Annotated[int, About(Kind.INTEGER, "version of this record as the source counts it")] = 0
    start_time: Annotated[datetime, About(Kind.INSTANT, "when the attempt began; everything is reported by it")]
    ring_time: Annotated[datetime | None, About(Kind.INSTANT, "first 18x")] = None
    answer_time: Annotated[datetime | None, About(Kind.INSTANT, "when it was answered")] = None
    end_time: Annotated[datetime | None, About(Kind.INSTANT, "when it ended")] = None
    duration: Annotated[Decimal, About(Kind.SECONDS, "talk time; 0 when not answered")] = Decimal(0)
    customer_duration: Annotated[Decimal, About(Kind.SECONDS, "billed to the customer")] = Decimal(0)
    provider_duration: Annotated[Decimal, About(Kind.SECONDS, "billed by the provider")] = Decimal(0)
    pdd: Annotated[Decimal | None, About(Kind.SECONDS, "post-dial delay: start to first 18x, or to 200")] = None
    answered: Annotated[bool | None, About(Kind.BOOLEAN, "the source's own word; decides when given")] = None
    customer: Annotated[str, About(Kind.NAME, "account on the selling side")] = ""
    customer_card: Annotated[str, About(Kind.NAME, "rate card on the selling side")] = ""
    customer_prefix: Annotated[str, About(Kind.NAME, "prefix matched on the selling side")] = ""
    customer_destination: Annotated[str, About(Kind.NAME, "destination name on the selling side")] = ""
    provider: Annotated[str, About(Kind.NAME, "account on the buying side")] = ""
    provider_card: Annotated[str, About(Kind.NAME, "rate card on the buying side: the route")] = ""
    provider_prefix: Annotated[str, About(Kind.NAME, "prefix matched on the buying side")] = ""
    provider_destination: Annotated[str, About(Kind.NAME, "destination name on the buying side")] = ""
    tech_prefix: Annotated[str, About(Kind.NAME, "routing prefix in front of the dialed number")] = ""
    cli: Annotated[str, About(Kind.TEXT, "caller number as received")] = ""
    dest_cli: Annotated[str, About(Kind.TEXT, "caller number as presented to the provider")] = ""
    dialed: Annotated[str, About(Kind.NUMBER, "called number as received, E.164 digits")] = ""
    number: Annotated[str, About(Kind.NUMBER, "called number as sent on, E.164 digits")] = ""
    lrn: Annotated[str, About(Kind.NUMBER, "location routing number when the number was dipped")] = ""
    sip_code: Annotated[int | None, About(Kind.INTEGER, "final SIP status")] = None
    sip_reason: Annotated[str, About(Kind.NAME, "final SIP reason phrase")] = ""
    q850: Annotated[int | None, About(Kind.INTEGER, "Q.850 cause")] = None
    release_side: Annotated[str, About(Kind.NAME, "caller, callee, provider, switch or unknown")] = "unknown"
    customer_charge: Annotated[Decimal | None, About(Kind.MONEY, "charged to the customer; empty: unrated")] = None
    provider_charge: Annotated[Decimal | None, About(Kind.MONEY, "charged by the provider; empty: unrated")] = None
    customer_currency: Annotated[str, About(Kind.CURRENCY, "ISO 4217 of the customer's money")] = ""
    provider_currency: Annotated[str, About(Kind.CURRENCY, "ISO 4217 of the provider's money")] = ""
    customer_rate: Annotated[Decimal | None, About(Kind.MONEY, "per minute")] = None
    customer_connect_fee: Annotated[Decimal | None, About(Kind.MONEY, "per call")] = None
    customer_minimum: Annotated[Decimal | None, About(Kind.SECONDS, "least billed")] = None
    customer_pulse: Annotated[Decimal | None, About(Kind.SECONDS, "billing step")] = None
    provider_rate: Annotated[Decimal | None, About(Kind.MONEY, "per minute")] = None
    provider_connect_fee: Annotated[Decimal | None, About(Kind.MONEY, "per call")] = None
    provider_minimum: Annotated[Decimal | None, About(Kind.SECONDS, "least billed")] = None
    provider_pulse: Annotated[Decimal | None, About(Kind.SECONDS, "billing step")] = None
    dtmf: Annotated[int, About(Kind.INTEGER, "DTMF digits detected")] = 0
    sdp: Annotated[bool, About(Kind.BOOLEAN, "SDP media was negotiated")] = False
    mos: Annotated[Decimal | None, About(Kind.REAL, "mean opinion score, 1 to 5")] = None
    jitter: Annotated[Decimal | None, About(Kind.REAL, "milliseconds")] = None
    packet_loss: Annotated[Decimal | None, About(Kind.REAL, "percent")] = None
    codec: Annotated[str, About(Kind.NAME, "audio codec")] = ""
    source_jurisdiction: Annotated[str, About(Kind.NAME, "what the rater thought")] = ""
    withdrawn: Annotated[bool, About(Kind.BOOLEAN, "takes the record back")] = False
    replaces_start_time: Annotated[
        datetime | None, About(Kind.INSTANT, "the start this record was told with before")
    ] = None
    meta: Annotated[dict[str, str], About(Kind.MAP, "anything else the source said")] = {}


IDENTITY = ("source", "call_id", "leg", "start_time")
"""What makes a record the same record when another load speaks of it."""

_STORED = {
    Kind.TEXT: "String",
    Kind.NUMBER: "String",
    Kind.NAME: "LowCardinality(String)",
    Kind.CURRENCY: "LowCardinality(String)",
    Kind.INTEGER: "UInt32",
    Kind.BOOLEAN: "Bool",
    Kind.INSTANT: "DateTime64(3, 'UTC')",
    Kind.SECONDS: "UInt32",
    Kind.MONEY: "Decimal(18, 8)",
    Kind.REAL: "Decimal(9, 4)",
    Kind.MAP: "Map(String, String)",
}

_CODECS = {
    Kind.TEXT: "ZSTD(1)",
    Kind.NUMBER: "ZSTD(1)",
    Kind.NAME: "ZSTD(1)",
    Kind.CURRENCY: "ZSTD(1)",
    Kind.INTEGER: "T64, ZSTD(1)",
    Kind.BOOLEAN: "ZSTD(1)",
    Kind.INSTANT: "Delta, ZSTD(1)",
    Kind.SECONDS: "T64, ZSTD(1)",
    Kind.MONEY: "ZSTD(1)",
    Kind.REAL: "ZSTD(1)",
    Kind.MAP: "ZSTD(1)",
}


class RecordField(Struct, frozen=True):
    """One field as the ledger knows it."""

    name: str
    kind: Kind
    optional: bool  # a missing value is null, not a default
    required: bool
    default: Any
    help: str

    @property
    def column(self) -> str:
        """The ledger's column; durations carry their unit in the name."""
        return f"{self.name}_ms" if self.kind is Kind.SECONDS else self.name

    @property
    def stored_type(self) -> str:
        """The ClickHouse type of the column."""
        stored = _STORED[self.kind]
        return f"Nullable({stored})" if self.optional else stored

    @property
    def codec(self) -> str:
        """The compression codecs of the column: those that `python -m benchmarks --only disk` found smallest."""
        if self.kind is Kind.INSTANT and self.optional:
            return "ZSTD(1)"  # nulls in between are differences that no other is like
        if self.kind is Kind.SECONDS and self.name.startswith(("customer_", "provider_")):
            return "ZSTD(1)"  # whole seconds again and again; transposed bits hide that
        return _CODECS[self.kind]

    @property
    def default_sql(self) -> str:
        """The value that stands for "not said", as SQL from our own declarations."""
        if self.optional:
            return f"CAST(NULL, 'Nullable({_escaped(_STORED[self.kind])})')"
        if self.kind is Kind.MAP:
            return "CAST(map(), 'Map(String, String)')"
        if self.kind in (Kind.INTEGER, Kind.SECONDS):
            return f"toUInt32({int(self.default)})"
        if self.kind is Kind.BOOLEAN:
            return "true" if self.default else "false"
        return f"'{self.default}'"


def _escaped(text: str) -> str:
    return text.replace("'", "\\'")


def _fields() -> dict[str, RecordField]:
    hints = get_type_hints(CallRecord, include_extras=True)
    defaults = _defaults()
    fields: dict[str, RecordField] = {}
    for name in CallRecord.__struct_fields__:
        plain, about = get_args(hints[name])
        optional = get_origin(plain) in (Union, types.UnionType)
        fields[name] = RecordField(name, about.kind, optional, name not in defaults, defaults.get(name), about.help)
    return fields


def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(CallRecord):
        if field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
    return found


FIELDS: dict[str, RecordField] = _fields()
"""Every field of the record by name, in the order of the canonical form."""
