"""A resolved question and what the tables hold go in, the cheapest exact mix of them comes out.

For every rollup table in turn:
  1. it must keep every column the question groups by or filters by, its scope included;
  2. it must store every part of every measure asked for;
  3. it must cover the whole ledger;
  4. whole tiles of it must lie in the window, each within one time bucket of the question;
  5. what is left over at the edges is read from the ledger.
The mix that is estimated to read the fewest rows answers. Every refusal has a name.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal, NoReturn

import msgspec
from msgspec import Struct

from engine.catalog.model import Catalog, Rollup
from engine.errors import Unprocessable
from engine.query.coverage import Tile
from engine.query.resolve import Resolved

LEDGER = "cdr"
MOST_SPANS = 40
"""A table that would be read in more pieces than this is refused: the statement would be no one's friend."""

Reason = Literal[
    "dimension_missing", "filter_missing", "scope_missing", "measure_missing", "not_covered", "grain_too_coarse",
    "zone_mismatch", "no_whole_tile", "too_many_pieces", "reads_more_rows", "before_horizon", "not_by_commit",
    "rates_by_day",
]  # fmt: skip

Tiles = Callable[[str, str, int, int, tuple[str, ...], str | None], tuple[Tile, ...]]
_FINER_THAN_DAY = {"minute15", "hour", "hour_of_day"}


class Span(Struct, frozen=True):
    """A piece of time, [start, end) in milliseconds."""

    start: int
    end: int


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
    refusals: tuple[Refusal, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables read, in order."""
        return tuple(dict.fromkeys(branch.table for branch in self.branches))

    @property
    def rows(self) -> int:
        """Estimated rows read."""
        return sum(branch.rows for branch in self.branches)


def route(
    asked: Resolved,
    catalog: Catalog,
    covered: dict[str, tuple[Rollup, str]],
    uncovered: tuple[str, ...],
    sizes: dict[str, dict[int, int]],
    tiles: Tiles,
    *,
    later: int = 0,
    begins: dict[str, int] | None = None,
    horizon: int = 0,
    ledger_only: bool = False,
) -> Route:
    """Choose. `covered` maps a table's name to its rollup and zone; `sizes` gives rows per table and month.

    `later` is how many records came after the moment asked about, at most. `begins` names tables that were made
    when older calls had gone, and when they begin (seconds). The ledger keeps nothing from before `horizon`
    (milliseconds): raises `Unprocessable` when the question cannot do without it.
    """
    window = Span(asked.start_ms, asked.end_ms)
    ledger = Route((Branch(LEDGER, (window,), _estimate(sizes.get(LEDGER, {}), (window,))),), ())
    refusals = [Refusal(table, "not_covered", "its tiles are being made") for table in uncovered]
    best = ledger if _kept(ledger, horizon) else None
    if asked.since is not None:
        refusals += [Refusal(table, "not_by_commit", "it does not tell what changed when") for table in covered]
    if asked.by_the_call:
        refusals += [Refusal(table, "zone_mismatch", "the period before is not whole days away") for table in covered]
    if ledger_only or asked.since is not None or asked.by_the_call:
        return Route(best.branches, tuple(refusals)) if best else _gone(horizon, refusals)
    beaten: list[Route] = []
    for table, (rollup, zone) in covered.items():
        found = _through(table, rollup, zone, asked, catalog, sizes, tiles, window, later, (begins or {}).get(table, 0))
        if isinstance(found, Refusal):
            refusals.append(found)
        elif not _kept(found, horizon):
            refusals.append(Refusal(table, "before_horizon", "its edges would need calls that are gone"))
        elif best is None or found.rows < best.rows:
            beaten += [best] if best else []
            best = found
        else:
            beaten.append(found)
    if best is None:
        return _gone(horizon, refusals)
    for route_ in beaten:
        table = route_.branches[0].table
        if table != LEDGER:
            detail = f"about {route_.rows} rows against {best.rows}"
            refusals.append(Refusal(table, "reads_more_rows", detail))
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
        f"single calls are kept from {day} on; before it only sums by day answer" + (f" ({why})" if why else ""),
        pointer="$.from",
        hint="ask for whole days in one of the site's zones, as it is now, by what the day rollups keep",
    )


def _through(
    table: str,
    rollup: Rollup,
    zone: str,
    asked: Resolved,
    catalog: Catalog,
    sizes: dict[str, dict[int, int]],
    tiles: Tiles,
    window: Span,
    later: int,
    begins: int,
) -> Route | Refusal:
    for reason, columns in _columns(asked):
        missing = [column for column in columns if column not in rollup.keys]
        if missing:
            return Refusal(table, reason, ", ".join(missing))
    parts = [part for part in asked.parts if part not in rollup.parts]
    if parts:
        return Refusal(table, "measure_missing", ", ".join(parts))
    if any(catalog.parts[part].counts for part in asked.parts) and "is_final" not in rollup.keys:
        return Refusal(table, "measure_missing", "is_final, which the call view needs")
    finer = [bucket for bucket in asked.buckets if bucket in _FINER_THAN_DAY]
    if finer:
        return Refusal(table, "grain_too_coarse", f"{', '.join(finer)} is finer than {rollup.grain}")
    rate_zone = asked.rates.zone if asked.rates else None
    found = tuple(
        tile
        for tile in tiles(zone, asked.zone, window.start, window.end, asked.buckets, rate_zone)
        if tile.start >= begins
    )
    if not found:
        return Refusal(table, "no_whole_tile", f"the window holds no whole day of {zone}")
    runs = _runs(found)
    if (
        not runs
        and rate_zone
        and any(tile.whole for tile in tiles(zone, asked.zone, window.start, window.end, asked.buckets, None))
    ):
        return Refusal(table, "rates_by_day", f"days of {zone} have rates of several days of {rate_zone}")
    if not runs:
        return Refusal(table, "zone_mismatch", f"days of {zone} cross {', '.join(asked.buckets)} of {asked.zone}")
    edges = _between(runs, window)
    if len(runs) + len(edges) > MOST_SPANS:
        return Refusal(table, "too_many_pieces", f"{len(runs)} runs of whole tiles")
    branches = [Branch(table, runs, _estimate(sizes.get(table, {}), runs))]
    if asked.as_of is not None and later:
        # A rollup sums what is complete now; what came after the moment is taken out again, from the ledger.
        branches.append(Branch(LEDGER, runs, min(later, _estimate(sizes.get(LEDGER, {}), runs)), later=True))
    if edges:
        branches.append(Branch(LEDGER, edges, _estimate(sizes.get(LEDGER, {}), edges)))
    return Route(tuple(branches), ())


def _columns(asked: Resolved) -> list[tuple[Reason, list[str]]]:
    grouped = [dimension.column for dimension in asked.dimensions if dimension.column]
    filtered = [clause.dimension.column for clause in asked.filters if clause.dimension and clause.dimension.column]
    scope = [asked.scope_dimension.column] if asked.scope is not None and asked.scope_dimension.column else []
    return [("dimension_missing", grouped), ("filter_missing", filtered), ("scope_missing", scope)]


def _runs(tiles: tuple[Tile, ...]) -> tuple[Span, ...]:
    runs: list[Span] = []
    for tile in tiles:
        if not tile.whole:
            continue
        start, end = tile.start * 1000, tile.end * 1000
        if runs and runs[-1].end == start:
            runs[-1] = Span(runs[-1].start, end)
        else:
            runs.append(Span(start, end))
    return tuple(runs)


def _between(runs: tuple[Span, ...], window: Span) -> tuple[Span, ...]:
    edges = []
    at = window.start
    for run in runs:
        if at < run.start:
            edges.append(Span(at, run.start))
        at = run.end
    if at < window.end:
        edges.append(Span(at, window.end))
    return tuple(edges)


def _estimate(months: dict[int, int], spans: tuple[Span, ...]) -> int:
    """Rows in `spans`, taking a month's rows as evenly spread."""
    total = 0.0
    for month, rows in months.items():
        start = _month_ms(month)
        end = _month_ms(month + 1 if month % 100 < 12 else month + 89)
        inside = sum(max(0, min(end, span.end) - max(start, span.start)) for span in spans)
        total += rows * inside / (end - start)
    return round(total)


def _month_ms(month: int) -> int:
    return int(datetime(month // 100, month % 100, 1, tzinfo=UTC).timestamp() * 1000)
