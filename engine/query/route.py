"""A resolved question and what the tables hold go in, the cheapest exact mix of them comes out.

For every rollup table in turn:
  1. it must keep every column the question groups by or filters by, its scope included;
  2. it must store every part of every measure asked for;
  3. it must cover the whole ledger, cut by the time-zone rules of today;
  4. whole tiles of it must lie in the window, each within one time bucket of the question.
Those that are left fill the window together: whole days from one that sums days, what remains from one that sums
hours or quarters of an hour, the edges from the ledger. Of the mixes that begin with each of them, and the ledger
alone, the one that is estimated to read the fewest rows answers. Every refusal has a name.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NoReturn

import msgspec
from msgspec import Struct

from engine.catalog.model import Catalog, Grain, Rollup
from engine.errors import Unprocessable
from engine.query.resolve import Resolved
from engine.query.tiling import Run, Span, Tiles, Within, covered, estimate, left
from engine.warehouse.layout import Uncovered

LEDGER = "cdr"
MOST_SPANS = 40
"""A mix that would read more pieces than this is refused: the statement would be no one's friend."""

Reason = Literal[
    "dimension_missing", "filter_missing", "scope_missing", "measure_missing", "not_covered", "zone_rules_changed",
    "grain_too_coarse", "zone_mismatch", "no_whole_tile", "too_many_pieces", "reads_more_rows", "before_horizon",
    "not_by_commit", "rates_by_day",
]  # fmt: skip

FindTiles = Callable[[Grain, str, Span, Within], Tiles]
_TOO_FINE = {"day": {"minute15", "hour", "hour_of_day"}, "hour": {"minute15"}, "minute15": set[str]()}
_UNCOVERED: dict[Uncovered, str] = {
    "not_covered": "its tiles are being made",
    "zone_rules_changed": "its days were cut by other time-zone rules; who writes next makes them again",
}


class Branch(Struct, frozen=True):
    """One table and the pieces of time it answers for."""

    table: str
    spans: tuple[Span, ...]
    rows: int  # estimated
    later: bool = False  # what came after the moment asked about, to be subtracted
    earlier: bool = False  # of the period that is compared with


class Refusal(Struct, frozen=True):
    """Why a table does not answer."""

    table: str
    reason: Reason
    detail: str


class Route(Struct, frozen=True):
    """The branches that answer, and why the other tables do not."""

    branches: tuple[Branch, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables read, in order."""
        return tuple(dict.fromkeys(branch.table for branch in self.branches))

    @property
    def rows(self) -> int:
        """Estimated rows read."""
        return sum(branch.rows for branch in self.branches)


class _Usable(Struct, frozen=True):
    """A rollup table that can answer exactly for the tiles in `runs`; `months` says how many rows it has."""

    table: str
    runs: tuple[Run, ...]
    months: dict[int, int]

    def rows_for_a_second(self, window: Span) -> float:
        """How densely it is filled where it can answer."""
        spans = covered(self.runs, [window])
        return estimate(self.months, spans) / sum(span.end - span.start for span in spans)


def route(
    asked: Resolved,
    catalog: Catalog,
    tables: Mapping[str, tuple[Rollup, str]],
    uncovered: Mapping[str, Uncovered],
    sizes: dict[str, dict[int, int]],
    tiles: FindTiles,
    *,
    later: int = 0,
    begins: Mapping[str, int] | None = None,
    horizon: int = 0,
    ledger_only: bool = False,
) -> Route:
    """Choose. `tables` maps a table's name to its rollup and zone; `sizes` gives rows per table and month.

    `uncovered` are tables that cannot be trusted yet, and why. `later` is how many records came after the moment
    asked about, at most. `begins` names tables that were made when older calls had gone, and when they begin
    (seconds). The ledger keeps nothing from before `horizon` (milliseconds): raises `Unprocessable` when the
    question cannot do without it.
    """
    window = Span(asked.start_ms, asked.end_ms)
    of_ledger = sizes.get(LEDGER, {})
    ledger = Route((Branch(LEDGER, (window,), estimate(of_ledger, (window,))),))
    refusals = [Refusal(table, reason, _UNCOVERED[reason]) for table, reason in uncovered.items()]
    if asked.since is not None:
        refusals += [Refusal(table, "not_by_commit", "it does not tell what changed when") for table in tables]
    mixes: list[tuple[str, Route]] = []
    if asked.by_the_call:
        refusals += [Refusal(table, "zone_mismatch", "the period before is not whole days away") for table in tables]
    if asked.since is None and not asked.by_the_call and not ledger_only:
        usable = []
        for table, (rollup, zone) in tables.items():
            opening = max(window.start, 1000 * (begins or {}).get(table, 0))
            found = _usable(table, rollup, zone, asked, catalog, sizes, tiles, Span(opening, window.end))
            if isinstance(found, Refusal):
                refusals.append(found)
            else:
                usable.append(found)
        usable.sort(key=lambda one: one.rows_for_a_second(window))
        for one in usable:
            mix = _mix(
                [one, *(other for other in usable if other is not one)], window, of_ledger, asked, later, horizon
            )
            if mix is None:
                refusals.append(Refusal(one.table, "too_many_pieces", f"{len(one.runs)} runs of whole tiles"))
            elif not _kept(mix, horizon):
                refusals.append(Refusal(one.table, "before_horizon", "its edges would need calls that are gone"))
            else:
                mixes.append((one.table, mix))
    candidates = [ledger] * _kept(ledger, horizon) + [mix for _, mix in mixes]
    if not candidates:
        _gone(horizon, refusals)
    best = min(candidates, key=lambda mix: (mix.rows, len(mix.branches)))
    refusals += [
        Refusal(table, "reads_more_rows", f"about {mix.rows} rows against {best.rows}")
        for table, mix in mixes
        if table not in best.sources
    ]
    return Route(best.branches, tuple(refusals))


def both(asked: Resolved, choose: Callable[[Resolved], Route]) -> Route:
    """Return what `choose` finds for the window, and for the period it is compared with when there is one."""
    now, before = choose(asked), asked.before()
    if before is None:
        return now
    then = choose(before)
    branches = [msgspec.structs.replace(branch, earlier=True) for branch in then.branches]
    refusals = [
        msgspec.structs.replace(refused, detail=f"{refused.detail}; in the period before")
        for refused in then.refusals
        if refused not in now.refusals
    ]
    return Route((*now.branches, *branches), (*now.refusals, *refusals))


def _kept(found: Route, horizon: int) -> bool:
    """Whether the ledger still holds what the route would read of it."""
    return all(span.start >= horizon for branch in found.branches if branch.table == LEDGER for span in branch.spans)


def _gone(horizon: int, refusals: Sequence[Refusal]) -> NoReturn:
    day = datetime.fromtimestamp(horizon // 1000, UTC).date()
    why = "; ".join(f"{refused.table}: {refused.reason} ({refused.detail})" for refused in refusals)
    raise Unprocessable(
        "before_horizon",
        f"single calls are kept from {day} on; before it only sums answer" + (f" ({why})" if why else ""),
        pointer="$.from",
        hint="ask for whole days in one of the site's zones, as it is now, by what the day rollups keep",
    )


def _usable(
    table: str,
    rollup: Rollup,
    zone: str,
    asked: Resolved,
    catalog: Catalog,
    sizes: dict[str, dict[int, int]],
    tiles: FindTiles,
    window: Span,
) -> _Usable | Refusal:
    for reason, columns in _columns(asked):
        missing = [column for column in columns if column not in rollup.keys]
        if missing:
            return Refusal(table, reason, ", ".join(missing))
    parts = [part for part in asked.parts if not catalog.parts[part].kept_by(rollup)]
    if parts:
        return Refusal(table, "measure_missing", ", ".join(parts))
    counts = any(catalog.parts[part].counts for part in asked.parts)
    if asked.view == "final" and counts and "is_final" not in rollup.keys:
        return Refusal(table, "measure_missing", "is_final, which the call view needs")
    finer = [bucket for bucket in asked.buckets if bucket in _TOO_FINE[rollup.grain]]
    if asked.moved and not finer and {"hour", "minute15"} & set(asked.buckets):
        # Moved to a day on which clocks change, a tile need not stay in one piece.
        return Refusal(table, "zone_mismatch", "calls of the period before are moved into hours one by one")
    if finer:
        return Refusal(table, "grain_too_coarse", f"{', '.join(finer)} is finer than {rollup.grain}")
    called = {"day": "day", "hour": "hour", "minute15": "quarter of an hour"}[rollup.grain]
    if window.start >= window.end:
        return Refusal(table, "no_whole_tile", "it begins after the window")
    within = Within(asked.zone, asked.buckets, asked.rates.zone if asked.rates else None)
    found = tiles(rollup.grain, zone, window, within)
    if not found.count:
        return Refusal(table, "no_whole_tile", f"the window holds no whole {called} of {zone}")
    if not found.runs and tiles(rollup.grain, zone, window, Within(asked.zone, asked.buckets)).runs:
        crossed = f"every {called} of {zone} has rates of several days of {within.rate_zone}"
        return Refusal(table, "rates_by_day", crossed)
    if not found.runs:
        crossed = f"every {called} of {zone} crosses the end of a {' or '.join(asked.buckets)} of {asked.zone}"
        return Refusal(table, "zone_mismatch", crossed)
    return _Usable(table, found.runs, sizes.get(table, {}))


def _columns(asked: Resolved) -> list[tuple[Reason, list[str]]]:
    grouped = [dimension.column for dimension in asked.dimensions if dimension.column]
    filtered = [clause.dimension.column for clause in asked.filters if clause.dimension and clause.dimension.column]
    scope = [asked.scope_dimension.column] if asked.scope is not None and asked.scope_dimension.column else []
    return [("dimension_missing", grouped), ("filter_missing", filtered), ("scope_missing", scope)]


def _mix(
    order: Sequence[_Usable], window: Span, of_ledger: dict[int, int], asked: Resolved, later: int, horizon: int
) -> Route | None:
    """Fill the window from tables in turn, and what remains from the ledger; None when that takes too many pieces.

    The first table is used wherever it can be, each further one where it reads less than the ledger, or where the
    ledger has nothing any more.
    """
    branches: list[Branch] = []
    gaps: tuple[Span, ...] = (window,)
    pieces = 0
    for place, one in enumerate(order):
        spans = covered(one.runs, gaps)
        rest = left(gaps, spans)
        rows = estimate(one.months, spans)
        too_many = pieces + len(spans) + len(rest) > MOST_SPANS
        if place == 0 and too_many:
            return None
        needed = place == 0 or any(span.start < horizon for span in spans)
        if spans and not too_many and (needed or rows < estimate(of_ledger, spans)):
            branches.append(Branch(one.table, spans, rows))
            gaps, pieces = rest, pieces + len(spans)
    if asked.as_of is not None and later:
        # A rollup sums what is complete now; what came after the moment is taken out again, from the ledger.
        summed = tuple(span for branch in branches for span in branch.spans)
        branches.append(Branch(LEDGER, summed, min(later, estimate(of_ledger, summed)), later=True))
    if gaps:
        branches.append(Branch(LEDGER, gaps, estimate(of_ledger, gaps)))
    return Route(tuple(branches))
