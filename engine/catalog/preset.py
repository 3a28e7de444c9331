"""A report's declaration goes in, with what its caller chose; the defaults of a question come out."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

View = Literal["attempts", "final"]
Base = Literal["attempts", "seizures"]
Compare = Literal["previous", "week", "year"]
Audiences = Literal["all", "operator"]
Operator = Literal[
    "eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "between", "contains", "starts_with", "is_null", "not_null"
]  # fmt: skip
Value = str | int | float | bool
ParameterName = Literal["type", "side", "bucket"]
PARAMETERS: tuple[ParameterName, ...] = get_args(ParameterName)
"""The fields of a question that choose a variant of its report."""


class Clause(Struct, frozen=True, forbid_unknown_fields=True):
    """One filter: on a dimension it chooses calls, on a measure it chooses result groups."""

    field: str
    op: Operator = "in"
    values: tuple[Value, ...] = ()


class Sort(Struct, frozen=True, forbid_unknown_fields=True):
    """A column to sort whole rows by; nulls come last both ways."""

    field: str
    descending: bool = False


class Top(Struct, frozen=True, forbid_unknown_fields=True):
    """The largest values of a dimension by a measure; the rest becomes one value, *other*."""

    field: str
    count: Annotated[int, Meta(ge=1, le=1000)] = 10
    by: str | None = None
    """A measure, shown or not; the first count shown when left out."""


class Preset(Struct, frozen=True, kw_only=True):
    """What a question is when it says nothing itself."""

    timezone: str | None = None
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    calls: View = "attempts"
    base: Base = "attempts"
    where: tuple[Clause, ...] = ()
    currency: str | None = None
    sort: tuple[Sort, ...] = ()
    limit: int | None = None
    offset: int = 0
    totals: bool = False
    subtotals: bool = False
    parts: bool = False
    fill: bool = False
    compare: Compare | None = None
    top: tuple[Top, ...] = ()
    as_of: str | None = None
    since: str | None = None

    def changed(self, said: Mapping[str, Any]) -> "Preset":
        """Return it with what is said otherwise, by field; a filter that is said comes behind its own."""
        where = (*self.where, *(clause for clause in said.get("where", ()) if clause not in self.where))
        return msgspec.structs.replace(self, **{**said, "where": where})


class Change(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a report says about its question, or one of its variants says otherwise; None says nothing."""

    rows: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    measures: tuple[str, ...] | None = None
    calls: View | None = None
    base: Base | None = None
    where: tuple[Clause, ...] | None = None
    currency: Annotated[str, Meta(pattern="^([A-Z]{3}|native)$")] | None = None
    sort: tuple[Sort, ...] | None = None
    limit: Annotated[int, Meta(ge=0)] | None = None
    totals: bool | None = None
    subtotals: bool | None = None
    parts: bool | None = None
    fill: bool | None = None
    compare: Compare | None = None
    top: tuple[Top, ...] | None = None

    def applied(self, preset: Preset) -> Preset:
        """Return the preset with what this changes."""
        said = {name: getattr(self, name) for name in Change.__struct_fields__}
        return msgspec.structs.replace(preset, **{name: value for name, value in said.items() if value is not None})


class Choice(Change, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One value of a parameter and what it changes."""

    label: str


class Variant(Change, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a customer gets instead, and what it is told of the report."""

    help: str | None = None


class Parameter(Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller may choose about a report by name."""

    label: str
    help: str
    default: str
    values: dict[str, Choice]


class Report(Change, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A preset under a name, with the parameters it takes and what a customer gets instead."""

    label: str
    help: str
    name: str = ""
    labels: dict[str, str] = {}
    parameters: dict[ParameterName, Parameter] = {}
    customer: Variant | None = None
    since_close: bool = False
    """Whether it answers with what changed since the window's month was closed."""
    records: bool = False
    """Whether it lists single calls instead of groups."""
    audience: Audiences = "all"
    """Who may ask it: worked out at loading, from the fields it speaks of."""

    def preset(self, chosen: Mapping[str, str], *, customer: bool) -> Preset:
        """Return the question's defaults under what was chosen; what was not is at its default."""
        preset = self.applied(Preset())
        for name, parameter in self.parameters.items():
            preset = parameter.values[chosen.get(name, parameter.default)].applied(preset)
        return self.customer.applied(preset) if customer and self.customer else preset

    def told(self, *, customer: bool) -> str:
        """Return what the report tells."""
        return self.customer.help or self.help if customer and self.customer else self.help

    def defaults(self) -> dict[str, str]:
        """Return every parameter at its default."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def variants(self, *, customer: bool) -> list[Preset]:
        """Return the preset under every value of every parameter."""
        choices: list[dict[str, Any]] = [{}]
        for name, parameter in self.parameters.items():
            choices = [{**chosen, name: value} for chosen in choices for value in parameter.values]
        return [self.preset(chosen, customer=customer) for chosen in choices]
