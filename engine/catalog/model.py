"""The declarations under schemas/catalog/ as types: dimension, part, word, measure, rollup; preset.py has reports."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta, Struct, field

from engine.catalog.preset import Audiences, Report

DimensionType = Literal["string", "integer", "boolean", "date", "instant"]
MeasureType = Literal["integer", "duration", "mean_duration", "money", "percent", "ratio", "real"]
Bucket = Literal["minute15", "hour", "day", "week", "month", "quarter", "year", "hour_of_day", "day_of_week"]
Grain = Literal["day", "hour", "minute15"]

HISTOGRAM_SHIFT = 47
"""Of the 52 bits after a number's leading one, 5 tell its bucket."""
_HISTOGRAM = "Map(UInt16, Int64)"


class Dimension(Struct, frozen=True, forbid_unknown_fields=True):
    """Something calls are grouped or filtered by: a ledger column or a time bucket."""

    label: str
    help: str
    name: str = ""
    column: str | None = None
    bucket: Bucket | None = None
    lookup: str | None = None
    """`list.column`: what an operator's list says of the column's value, and the value itself where it says nothing."""
    type: DimensionType = "string"
    nullable: bool = False
    audience: Audiences = "all"
    account: bool = False


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A sum that measures are made of: integers, decimal money with eight places, or a histogram.

    A histogram counts the records in each bucket of a whole number that may be null (which is in none). It is a sum
    like the others: maps are added key by key, and a reversal counts -1. A bucket is the number's binary exponent
    and the first five bits after its leading one, so it is found without rounding, and no two numbers of a bucket
    lie further apart than 1/32 of the smaller one.

    A part may be another one (`of`) of those records for which a condition on columns holds (`where`).
    """

    help: str
    value: str = ""
    of: str | None = None
    where: str | None = None
    name: str = ""
    kind: Literal["sum", "histogram"] = "sum"
    counts: bool = False
    money: Literal["customer", "provider"] | None = None
    columns: tuple[str, ...] = ()  # worked out at loading: what `where` speaks of
    site: dict[str, int] = {}  # filled in by Catalog.at: the site's settings that `value` speaks of

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings of the site that its value depends on."""
        return tuple(re.findall(r"\{(\w+)\}", self.value))

    @property
    def sql(self) -> str:
        """What one posting adds before its sign, the site's settings filled in."""
        return re.sub(r"\{(\w+)\}", lambda setting: str(self.site[setting[1]]), self.value)

    def kept_by(self, rollup: "Rollup") -> bool:
        """Whether a rollup has the sum, or what it is made of."""
        return self.kept_as in rollup.parts and set(self.columns) <= set(rollup.keys)

    @property
    def kept_as(self) -> str:
        """The column of a rollup that holds the sum, of records of every kind when `where` chooses among them."""
        return self.of or self.name

    @property
    def type(self) -> str:
        """The ClickHouse type of the sum."""
        if self.kind == "histogram":
            return _HISTOGRAM
        return "Decimal(38, 8)" if self.money else "Int64"

    @property
    def codec(self) -> str:
        """How a rollup compresses it."""
        return "T64, ZSTD(1)" if self.type == "Int64" else "ZSTD(1)"

    @property
    def fold(self) -> str:
        """The aggregate function that adds it up."""
        return "sumMap" if self.kind == "histogram" else "sum"

    @property
    def signed(self) -> str:
        """What one posting adds, sign included."""
        if self.kind == "histogram":
            bits = f"reinterpretAsUInt64(toFloat64(assumeNotNull({self.sql})))"
            bucket = f"toUInt16(bitShiftRight({bits}, {HISTOGRAM_SHIFT}))"
            return f"if(isNull({self.sql}), {self.nothing}, map({bucket}, toInt64(sign)))"
        value = self.sql if self.money else f"toInt64({self.sql})"
        return "toInt64(sign)" if self.value == "1" else f"sign * {value}"

    @property
    def sum(self) -> str:
        """The sum over postings."""
        return self.added(self.signed)

    @property
    def nothing(self) -> str:
        """The sum over no postings."""
        return f"CAST(map(), '{self.type}')" if self.kind == "histogram" else f"CAST(0, '{self.type}')"

    def added(self, x: str) -> str:
        """Return the sum of `x` over rows."""
        return f"{self.fold}({x})"

    def added_where(self, x: str, condition: str) -> str:
        """Return the sum of `x` over the rows for which `condition` holds."""
        return f"{self.fold}If({x}, {condition})"

    def negated(self, x: str) -> str:
        """Return what takes `x` away again when it is added."""
        return f"mapApply((bucket, count) -> (bucket, -count), {x})" if self.kind == "histogram" else f"-{x}"

    def is_something(self, x: str) -> str:
        """Return the condition under which `x` is not nothing. A histogram may keep buckets with nothing in them."""
        return f"arrayExists(count -> count != 0, mapValues({x}))" if self.kind == "histogram" else f"{x} != 0"

    def size(self, x: str) -> str:
        """Return how much `x` is, whatever its sign."""
        return f"arraySum(count -> abs(count), mapValues({x}))" if self.kind == "histogram" else f"abs({x})"

    def told(self, x: str) -> str:
        """Return `x` as one number for people: of a histogram how many records it counts."""
        return f"arraySum(mapValues({x}))" if self.kind == "histogram" else x


class Word(Struct, frozen=True, forbid_unknown_fields=True):
    """A word of an expression that stands for parts; which ones, the question or the site decides."""

    parts: tuple[str, ...]
    help: str
    name: str = ""
    when: dict[str, dict[str, tuple[str, ...]]] = {}
    also: dict[str, tuple[str, ...]] = {}

    @property
    def everything(self) -> tuple[str, ...]:
        """Whatever it may stand for."""
        chosen = [word for values in self.when.values() for words in values.values() for word in words]
        return (*self.parts, *chosen, *(word for words in self.also.values() for word in words))


class Measure(Struct, frozen=True, forbid_unknown_fields=True):
    """A number about a group: a sum, a ratio of two sums, or a percentile of a histogram."""

    label: str
    type: MeasureType
    help: str
    name: str = ""
    unit: str | None = None
    value: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    over: str | None = None
    """The unit of the denominator: one of `calls` says over how many calls a ratio is."""
    times: int = 1
    percentile: Annotated[int, Meta(ge=1, le=100)] | None = None
    per: int = 1
    money: Literal["customer", "provider", "both"] | None = None
    audience: Audiences = "all"
    source: str | None = None
    words: tuple[str, ...] = ()  # worked out at loading: what the expressions speak of

    @property
    def adds(self) -> bool:
        """Whether it is a sum: of no calls it is 0, and a ratio or a percentile is nothing."""
        return self.value is not None and self.percentile is None


class Rollup(Struct, frozen=True, forbid_unknown_fields=True):
    """Sums kept ready by materialized view: of days one table per zone, of finer grains one for all zones."""

    label: str
    version: int
    grain: Grain
    keys: tuple[str, ...]
    parts: tuple[str, ...]
    name: str = ""

    @property
    def seconds(self) -> int | None:
        """How long a tile is; None for a day, which may have 23, 24 or 25 hours."""
        return {"day": None, "hour": 3600, "minute15": 900}[self.grain]

    def zones(self, of_site: tuple[str, ...]) -> tuple[str, ...]:
        """Return the zones it is cut in: a day belongs to a zone, an hour and a quarter of one do not."""
        return of_site if self.grain == "day" else ("UTC",)

    def table(self, zone: str) -> str:
        """Return the name of its table cut in `zone`."""
        return f"{self.name}_v{self.version}_{zone.lower().replace('/', '_').replace('-', '_').replace('+', '_')}"


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is told about each record: a column of GET /calls."""

    label: str
    help: str
    name: str = ""
    type: Literal["string", "integer", "boolean", "instant", "duration", "real", "money"] = "string"
    unit: str | None = None
    value: str | None = None
    audience: Audiences = "all"

    @property
    def sql(self) -> str:
        """What it is made of, in the ledger's columns."""
        return self.value or self.name


class Catalog(Struct, frozen=True):
    """Everything that can be asked, and the sums it is answered from."""

    dimensions: dict[str, Dimension] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    rollups: dict[str, Rollup] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    calls: dict[str, Told] = field(default_factory=dict)

    @property
    def account(self) -> Dimension:
        """The dimension that says whose a call is."""
        return next(dimension for dimension in self.dimensions.values() if dimension.account)

    def at(self, settings: Mapping[str, Any]) -> Self:
        """Return the catalog of a site with these settings."""
        bound = {
            name: msgspec.structs.replace(part, site={setting: int(settings[setting]) for setting in part.settings})
            for name, part in self.parts.items()
        }
        return msgspec.structs.replace(self, parts=bound)

    def reports_for(self, audience: str) -> dict[str, Report]:
        """Return the reports that exist for an operator or a customer."""
        return {
            name: report for name, report in self.reports.items() if audience == "operator" or report.audience == "all"
        }

    def stands_for(self, word: str, asked: Mapping[str, str | None], settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the parts that a word of an expression stands for; they are added up.

        `asked` is what the question says of the fields that words depend on, `settings` what the site does.
        """
        known = self.words.get(word)
        if known is None:
            return (word,)
        found = known.parts
        for name, values in known.when.items():
            found = values.get(asked.get(name) or "", found)
        found += tuple(part for setting, parts in known.also.items() if settings[setting] for part in parts)
        # A word that stands for itself means the part of its name.
        return tuple(
            part for other in found for part in ((other,) if other == word else self.stands_for(other, asked, settings))
        )
