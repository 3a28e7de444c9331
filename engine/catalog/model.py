"""The declarations under schemas/catalog/ as types: dimension, part, word, measure, rollup; preset.py has reports."""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct, field

from engine.catalog.preset import Audiences, Report

DimensionType = Literal["string", "integer", "boolean", "date", "instant"]
MeasureType = Literal["integer", "duration", "mean_duration", "money", "percent", "ratio", "real"]
Bucket = Literal["minute15", "hour", "day", "week", "month", "quarter", "year", "hour_of_day", "day_of_week"]


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
    """A sum that measures are made of; integers, or decimal money with eight places."""

    value: str
    help: str
    name: str = ""
    counts: bool = False
    money: Literal["customer", "provider"] | None = None
    site: dict[str, int] = {}  # filled in by Catalog.at: the site's settings that `value` speaks of

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings of the site that its value depends on."""
        return tuple(re.findall(r"\{(\w+)\}", self.value))

    @property
    def sql(self) -> str:
        """What one posting adds before its sign, the site's settings filled in."""
        return re.sub(r"\{(\w+)\}", lambda setting: str(self.site[setting[1]]), self.value)

    @property
    def type(self) -> str:
        """The ClickHouse type of the sum."""
        return "Decimal(38, 8)" if self.money else "Int64"

    @property
    def codec(self) -> str:
        """How a rollup compresses it."""
        return "ZSTD(1)" if self.money else "T64, ZSTD(1)"

    @property
    def signed(self) -> str:
        """What one posting adds, sign included."""
        value = self.sql if self.money else f"toInt64({self.sql})"
        return "toInt64(sign)" if self.value == "1" else f"sign * {value}"

    @property
    def sum(self) -> str:
        """The sum over postings."""
        return f"sum({self.signed})"


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
    """A number about a group: a sum, or a ratio of two sums."""

    label: str
    type: MeasureType
    help: str
    name: str = ""
    unit: str | None = None
    value: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    times: int = 1
    money: Literal["customer", "provider", "both"] | None = None
    audience: Audiences = "all"
    source: str | None = None
    words: tuple[str, ...] = ()  # worked out at loading: what the expressions speak of


class Rollup(Struct, frozen=True, forbid_unknown_fields=True):
    """Sums kept ready by materialized view, one table per zone."""

    label: str
    version: int
    grain: Literal["day"]
    keys: tuple[str, ...]
    parts: tuple[str, ...]
    name: str = ""

    def table(self, zone: str) -> str:
        """Return the name of its table cut at midnight of `zone`."""
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
