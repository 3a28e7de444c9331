"""An answer's rows and what they rest on go in, what a reader of the numbers must know comes out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from engine.access.principal import Principal
from engine.catalog.load import words_of
from engine.catalog.model import Catalog
from engine.query.answer import Warned
from engine.query.provenance import Origin
from engine.query.resolve import Resolved
from engine.warehouse.gateway import Rows
from engine.words import many

MOST_SPANS = 8
"""Spans of days a warning lists; what is beyond them is counted."""


class Limit(Struct, frozen=True):
    """What a dialect's files cannot say, and the parts of measures that are another number for it."""

    says: str
    touches: frozenset[str]


LimitsOf = Callable[[str], Iterable[Limit]]
"""The limits of a dialect, by its name."""


def unrated(asked: Resolved, found: Rows) -> list[Warned]:
    """Return a warning for each side on which connected calls have no charge."""
    warnings = []
    for side in sorted(asked.money):
        calls = _column(found, f"unrated_{side}_")
        count = int(sum(calls[:1] if "total_" in found.columns else calls))  # of all rows in each, or of each
        if count > 0:  # a difference may be less than none
            told = many(count, "connected call has", "connected calls have")
            warnings.append(Warned("unrated", f"{told} no {side} charge yet"))
    return warnings


def without_rate(asked: Resolved, *found: Rows) -> set[tuple[str, str]]:
    """Return side and currency of the money that left a cell empty."""
    if asked.currency is None or asked.alike:
        return set()
    return {
        (side, code)
        for rows in found
        for side in asked.money
        for codes in _column(rows, f"{side}_currencies_")
        for code in codes
        if code != asked.currency
    }


def fx_missing(
    asked: Resolved, lacking: set[tuple[str, str]], days: Mapping[tuple[str, str], Sequence[str]]
) -> list[Warned]:
    """Return a warning for each side with money that has no rate, by currency and days."""
    warnings = []
    for side in sorted({side for side, _ in lacking}):
        codes = sorted(code for other, code in lacking if other == side)
        told = [f"{code} of {spans(days[side, code])}" if (side, code) in days else code for code in codes]
        warnings.append(
            Warned(
                "fx_missing",
                f"no exchange rate to {asked.currency} for {side} money in {'; in '.join(told)}; those cells are empty",
            )
        )
    return warnings


def spans(days: Sequence[str]) -> str:
    """Return ISO days, in order, as a person writes them.

    >>> spans(["2026-10-03", "2026-10-04", "2026-10-05", "2026-10-09"])
    '2026-10-03 to 2026-10-05, 2026-10-09'
    """
    runs: list[list[date]] = []
    for day in map(date.fromisoformat, days):
        if runs and runs[-1][-1] + timedelta(days=1) == day:
            runs[-1].append(day)
        else:
            runs.append([day])
    told = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs[:MOST_SPANS]]
    beyond = sum(map(len, runs[MOST_SPANS:]))
    return ", ".join(told) + (f" and {many(beyond, 'more day')}" if beyond else "")


def source_limits(asked: Resolved, origins: Iterable[Origin], limits: LimitsOf, principal: Principal) -> list[Warned]:
    """Return what the sources of the window's calls cannot say of what is asked, one warning for each limit."""
    told: dict[str, list[str]] = {}
    for origin in origins:
        for limit in limits(origin.dialect):
            if limit.touches & set(asked.parts) and origin.dialect not in told.setdefault(limit.says, []):
                told[limit.says].append(origin.dialect)
    everything = principal.audience == "operator"
    return [
        Warned(
            "source_limits", f"calls loaded as {', '.join(names)}: {says}" if everything else f"of some calls {says}"
        )
        for says, names in told.items()
    ]


def indeterminate_as(asked: Resolved, catalog: Catalog, origins: Iterable[Origin]) -> str | UnsetType:
    """Return what indeterminate calls were counted as, when the question speaks of jurisdiction."""
    if not _speaks_of_jurisdiction(asked, catalog):
        return UNSET
    return (
        ", ".join(sorted({origin.indeterminate_as for origin in origins if origin.indeterminate_as})) or "indeterminate"
    )


def indeterminate_mixed(asked: Resolved, catalog: Catalog, origins: Iterable[Origin]) -> list[Warned]:
    """Return a warning when indeterminate calls were counted as this and as that."""
    ways = sorted({origin.indeterminate_as for origin in origins if origin.indeterminate_as})
    if len(ways) < 2 or not _speaks_of_jurisdiction(asked, catalog):
        return []
    return [
        Warned(
            "indeterminate_mixed",
            f"the setting indeterminate_as changed while these calls were loaded: {' and '.join(ways)}",
        )
    ]


def _speaks_of_jurisdiction(asked: Resolved, catalog: Catalog) -> bool:
    columns = {dimension.column for dimension in asked.dimensions}
    columns |= {clause.dimension.column for clause in asked.filters if clause.dimension}
    for part in asked.parts:
        columns |= {*words_of(catalog.parts[part].value), *catalog.parts[part].columns}
    return bool(columns & {"jurisdiction", "jurisdiction_lata"})


def _column(rows: Rows, name: str) -> list[Any]:
    if not rows.rows:
        return []
    place = list(rows.columns).index(name)
    return [row[place] for row in rows.rows]
