"""The declarations under schemas/catalog/ as types: dimension, part, measure, rollup, report."""

from typing import Literal

from msgspec import Struct, field

DimensionType = Literal["string", "integer", "boolean", "date", "instant"]
MeasureType = Literal["integer", "duration", "mean_duration", "money", "percent", "ratio", "real"]
Bucket = Literal["minute15", "hour", "day", "week", "month", "quarter", "year", "hour_of_day", "day_of_week"]
View = Literal["attempts", "final"]
Audiences = Literal["all", "operator"]


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
        value = self.value if self.money else f"toInt64({self.value})"
        return "toInt64(sign)" if self.value == "1" else f"sign * {value}"

    @property
    def sum(self) -> str:
        """The sum over postings."""
        return f"sum({self.signed})"


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


class Preset(Struct, frozen=True, forbid_unknown_fields=True):
    """A question's defaults."""

    rows: tuple[str, ...]
    measures: tuple[str, ...]
    calls: View


class Report(Struct, frozen=True, forbid_unknown_fields=True):
    """A preset under a name; `customer` is what a customer who asks for it gets."""

    label: str
    help: str
    rows: tuple[str, ...]
    measures: tuple[str, ...]
    calls: View = "attempts"
    since_close: bool = False
    """Whether it answers with what changed since the window's month was closed."""
    name: str = ""
    customer: Preset | None = None


class Catalog(Struct, frozen=True):
    """Everything that can be asked, and the sums it is answered from."""

    dimensions: dict[str, Dimension] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    rollups: dict[str, Rollup] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)

    @property
    def account(self) -> Dimension:
        """The dimension that says whose a call is."""
        return next(dimension for dimension in self.dimensions.values() if dimension.account)
