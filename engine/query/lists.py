"""A question and the versions of the operator's lists go in, what SQL needs to ask those lists comes out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import Struct

from engine.catalog.model import Dimension
from engine.reference.kinds import kinds
from engine.reference.lookups import versions
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse


class Rates(Struct, frozen=True):
    """The exchange rates an answer converts with: a version of their list, and the zone whose days they are of."""

    version: int
    zone: str


class NameList(Struct, frozen=True):
    """A column of a list that is shown instead of an id: the relation it is asked as, and where its cells lie."""

    relation: str
    version: int
    key: int
    place: int


def name_list(dimension: Dimension | None, versions: Mapping[str, int]) -> NameList | None:
    """Return what tells a dimension's names; None when it has none, or nobody has loaded the list."""
    if dimension is None or dimension.lookup is None:
        return None
    name, _, column = dimension.lookup.partition(".")
    if not versions.get(name):
        return None
    kind = kinds()[name]
    return NameList(f"{name}_{column}", versions[name], kind.place[kind.key[0]], kind.place[column])


def name_lists(dimensions: Iterable[Dimension | None], versions: Mapping[str, int]) -> dict[str, NameList]:
    """Return what tells the names of those dimensions that have some, by the dimension's name."""
    found = {dimension.name: name_list(dimension, versions) for dimension in dimensions if dimension}
    return {name: told for name, told in found.items() if told}


def name_of(warehouse: Warehouse, dimension: Dimension, id_: str) -> str | None:
    """Return what the list that stands calls an id; None when there is no list, or no name in it."""
    told = name_list(dimension, versions(warehouse))
    if told is None:
        return None
    statement = Statement(
        render("query/name.sql.j2", lists=(told,), rates=None), {told.relation: told.version, "id": id_}
    )
    rows = warehouse.query(statement).rows
    return str(rows[0][0]) if rows else None


def rate_parameters(rates: Rates, start_ms: int, end_ms: int) -> dict[str, Any]:
    """Return the values that ask for the rates of a window, and of the days before it that still count in it."""
    first, last = (datetime.fromtimestamp(moment // 1000, UTC).date() for moment in (start_ms, end_ms))
    # The days are the zone's, at most one off those of UTC.
    since, until = max(first - timedelta(days=9), date(1970, 1, 1)), last + timedelta(days=1)
    return {
        "rates": rates.version,
        "rates_zone": rates.zone,
        "rates_from": since.isoformat(),
        "rates_to": until.isoformat(),
    }
