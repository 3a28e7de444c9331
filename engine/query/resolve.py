"""A question and who asks it go in; the same question with nothing left implicit, and nothing forbidden, comes out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from engine.access.principal import Principal
from engine.catalog.model import Catalog, Dimension, Measure
from engine.catalog.preset import Clause, Compare, Preset, Sort, Top, View
from engine.errors import Forbidden, TollhouseError, Unprocessable, nearest
from engine.query import filters, presets
from engine.query.filters import Filter
from engine.query.headers import Aspect, aspects
from engine.query.lists import Rates
from engine.query.moments import Moments
from engine.query.periods import CYCLES, Earlier
from engine.query.question import Question
from engine.query.sorting import Order, Shown, order
from engine.settings import Settings
from engine.warehouse.closes import Close

Instants = Callable[[str, Sequence[str]], Sequence[int]]
"""Local times of a zone to milliseconds since 1970, as the engine reckons them."""

Field = TypeVar("Field", Dimension, Measure)
Periods = Callable[[str, int, int, Compare], Earlier]
"""A zone, a window and what it is compared with to the earlier window, as the engine reckons it."""


class Largest(Struct, frozen=True):
    """A dimension of which only the values with most of a measure are told apart."""

    dimension: Dimension
    count: int
    measure: Measure


class Resolved(Struct, frozen=True, kw_only=True):
    """A question as the planner takes it: names found, window in milliseconds, scope attached."""

    question: Question  # as its answer tells it, nothing left implicit
    whole: Preset  # the same words
    start_ms: int
    end_ms: int
    zone: str
    dimensions: tuple[Dimension, ...]  # everything that is grouped by: the rows', then those across
    depth: int  # how many of them are rows
    measures: tuple[Measure, ...]
    filters: tuple[Filter, ...]
    having: tuple[Filter, ...]
    scope: tuple[str, ...] | None
    scope_dimension: Dimension
    view: View
    currency: str | None  # None: as charged
    stands_for: dict[str, tuple[str, ...]]  # the parts that each word of the measures' expressions means
    order: tuple[Order, ...]
    parts: tuple[str, ...]
    money: frozenset[Literal["customer", "provider"]]
    as_of: int | None = None  # the last commit that counts, None: the newest
    since: int | None = None  # only what commits after this one changed, None: everything that stands
    alike: bool = False  # whether all money there is is in the currency asked for
    rates: Rates | None = None  # what money in other currencies is converted with, None: there is none of it
    versions: Mapping[str, int] = field(default_factory=dict)  # of the operator's lists, at the answer's commit
    earlier: Earlier | None = None  # the period it is compared with
    top: tuple[Largest, ...] = ()
    most_columns: int  # that the values across may make
    moved: bool = False  # whether the window is the earlier one, whose calls are moved into the one asked for

    @property
    def rows(self) -> tuple[Dimension, ...]:
        """The dimensions of the rows."""
        return self.dimensions[: self.depth]

    @property
    def columns(self) -> tuple[Dimension, ...]:
        """The dimensions across."""
        return self.dimensions[self.depth :]

    @property
    def cut(self) -> frozenset[str]:
        """The names of the dimensions of which only the top is told apart."""
        return frozenset(top.dimension.name for top in self.top)

    @property
    def aspects(self) -> list[Aspect]:
        """The measures, with what stands beside them."""
        return aspects(self.measures, parts=self.whole.parts, compared=self.earlier is not None)

    @property
    def buckets(self) -> tuple[str, ...]:
        """The time buckets the question speaks of, shown or filtered; calls of one may be added up beforehand."""
        spoken = [*self.dimensions, *(clause.dimension for clause in self.filters if clause.dimension)]
        found = dict.fromkeys(dimension.bucket for dimension in spoken if dimension.bucket)
        # Calls that are moved by days keep together by the day, whatever bucket they come to lie in.
        by_day = dict.fromkeys(("day",) if self.moved and any(name not in CYCLES for name in found) else ())
        return tuple(found | by_day)

    @property
    def by_the_call(self) -> bool:
        """Whether calls are moved by less than days into buckets, so that no sum made beforehand fits."""
        moved = self.moved and self.earlier is not None and self.earlier.unit == "milliseconds"
        return moved and any(name not in CYCLES for name in self.buckets)

    def before(self) -> "Resolved | None":
        """Return the same question about the earlier period, None when it is not compared."""
        if self.earlier is None:
            return None
        window = {"start_ms": self.earlier.start_ms, "end_ms": self.earlier.end_ms}
        return msgspec.structs.replace(self, moved=True, **window)


def resolve(
    question: Question,
    principal: Principal,
    catalog: Catalog,
    settings: Settings,
    instants: Instants,
    moments: Moments,
    periods: Periods,
    find: presets.Find | None = None,
) -> Resolved:
    """Find every name, fill every default and attach the principal's scope.

    `find` knows other reports than those of the catalog. Raises 404 for an unknown report, 403 `forbidden_field`, 422
    `unknown_field` or `bad_value` with a pointer.
    """
    names = _Names(catalog, principal)
    found = find(question, principal) if find else presets.find(question, principal, catalog)
    report = found.report
    if report is not None and report.records:
        raise Unprocessable(
            "bad_value", f"{report.name!r} lists single calls", pointer="$.report", hint="ask /api/v1/calls for them"
        )
    asked = presets.completed(question, found.preset)
    adjusts = report is not None and report.since_close
    close = _close(question, asked.timezone, instants, moments) if adjusts and asked.since is None else None
    zone = asked.timezone or (close.zone if close else settings.timezone)
    start, end = _window(question, zone, instants)
    labels = report.labels if report else {}
    dimensions = tuple(
        _called(names.dimension(name, f"$.{field}[{place}]"), labels)
        for field, listed in (("rows", asked.rows), ("columns", asked.columns))
        for place, name in enumerate(listed)
    )
    measures = tuple(
        _called(names.measure(name, f"$.measures[{place}]"), labels) for place, name in enumerate(asked.measures)
    )
    _once(asked.rows, "$.rows")
    _once(asked.columns, "$.columns", besides=asked.rows)
    _once(asked.measures, "$.measures")
    if close and asked.compare:
        raise Unprocessable(
            "bad_value",
            "what changed since a month was closed is not compared: the period before was closed at another time",
            pointer="$.compare",
            hint="say since, which then holds for both periods, or ask for each month by itself",
        )
    earlier = periods(zone, start, end, asked.compare) if asked.compare else None
    top = tuple(names.largest(top, dimensions, measures, f"$.top[{place}]") for place, top in enumerate(asked.top))
    _once([one.dimension.name for one in top], "$.top")

    def instant(text: str) -> int:
        return instants(zone, [text])[0]

    # The question's own filters come first; those behind them are the report's.
    clauses = [
        names.clause(clause, f"$.where[{place}]" if place < len(question.where) else "$.report", instant)
        for place, clause in enumerate(asked.where)
    ]
    having = tuple(clause for clause in clauses if clause.measure)
    depth = len(asked.rows)
    shown = aspects(measures, parts=asked.parts, compared=earlier is not None)
    cut = frozenset(one.dimension.name for one in top)
    keys = order(question.sort or (), asked.sort, Shown(dimensions[:depth], dimensions[depth:], shown, cut))
    # An adjustment is made in the money it was charged in.
    currency = asked.currency or ("native" if adjusts else settings.currency)
    unseen = [*(clause.measure for clause in having if clause.measure), *(one.measure for one in top)]
    spoken = [*measures, *unseen]
    chosen = {**found.chosen, "base": asked.base}
    site = msgspec.structs.asdict(settings)
    stands_for = {word: catalog.stands_for(word, chosen, site) for measure in spoken for word in measure.words}
    whole = msgspec.structs.replace(
        asked,
        timezone=zone,
        currency=currency,
        sort=tuple(Sort(key.name, key.descending) for key in keys),
        top=tuple(Top(one.dimension.name, one.count, one.measure.name) for one in top),
        since=f"close:{close.month}" if close else asked.since,
    )
    as_of = _moment(asked.as_of, "$.as_of", zone, moments)
    since = close.commit if close else _moment(asked.since, "$.since", zone, moments)
    if as_of is not None and since is not None and since > as_of:
        raise Unprocessable(
            "bad_value", "since is later than as_of", pointer="$.since", hint="changes are asked from since to as_of"
        )
    listed = bool(dimensions or earlier or asked.fill)  # whether groups without a record are left out
    return Resolved(
        question=msgspec.structs.replace(question, **found.chosen, **msgspec.structs.asdict(whole)),
        whole=whole,
        start_ms=start,
        end_ms=end,
        zone=zone,
        dimensions=dimensions,
        depth=depth,
        measures=measures,
        filters=tuple(clause for clause in clauses if clause.dimension),
        having=having,
        scope=principal.accounts,
        scope_dimension=catalog.account,
        view=asked.calls,
        currency=None if currency == "native" else currency,
        stands_for=stands_for,
        order=keys,
        parts=tuple(dict.fromkeys((*(("standing",) if listed else ()), *parts_of(spoken, stands_for)))),
        money=frozenset(side for measure in spoken for side in sides(measure)),
        as_of=as_of,
        since=since,
        earlier=earlier,
        top=top,
        most_columns=settings.max_columns,
    )


def _called(field: Field, labels: dict[str, str]) -> Field:
    """A field under the label that the report has for it."""
    return msgspec.structs.replace(field, label=labels[field.name]) if field.name in labels else field


def sides(measure: Measure) -> tuple[Literal["customer", "provider"], ...]:
    """Return whose money a measure is made of."""
    return ("customer", "provider") if measure.money == "both" else (measure.money,) if measure.money else ()


def parts_of(measures: Sequence[Measure], stands_for: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names of the parts that measures are made of, and what must be known of their money."""
    needed: dict[str, None] = {}
    for measure in measures:
        for word in measure.words:
            needed.update(dict.fromkeys(stands_for[word]))
        for side in sides(measure):
            needed.update(dict.fromkeys((f"{side}_charge", f"{side}_charged", f"unrated_{side}")))
    return tuple(needed)


def bare(asked: Resolved) -> tuple[str, ...]:
    """Return the parts of a question without those that only tell whether a group has money of a currency."""
    spoken = {part for parts in asked.stands_for.values() for part in parts}
    beside = {f"{side}_charged" for side in asked.money} - spoken
    return tuple(part for part in asked.parts if part not in beside)


def _window(question: Question, zone: str, instants: Instants) -> tuple[int, int]:
    found = []
    for name, text in (("from", question.start), ("to", question.end)):
        try:
            found.append(instants(zone, [text])[0])
        except TollhouseError as mistake:
            field = "timezone" if mistake.code == "unknown_zone" else name
            mistake.pointer = f"$.{field}"
            raise
    start, end = found
    if end <= start:
        raise Unprocessable(
            "bad_value",
            f"the window is empty: to {question.end} is not after from {question.start}",
            pointer="$.to",
            hint="to is exclusive: all October is from 2026-10-01 to 2026-11-01",
        )
    return start, end


def _close(question: Question, zone: str | None, instants: Instants, moments: Moments) -> Close:
    """The closed month that the window lies in: the one its first day names, or one that holds it."""
    month = question.start.strip()[:7]
    known = sorted(moments.closes(), key=lambda close: close.month != month)
    for close in known:
        start, end = _window(question, zone or close.zone, instants)
        if start >= close.first * 1000 and end <= close.until * 1000:
            return close
    _window(question, zone or "UTC", instants)  # what is no time at all is told first
    try:
        close = moments.close(month)
    except TollhouseError as mistake:
        mistake.pointer = "$.from"
        raise
    raise Unprocessable(
        "bad_value",
        f"the window reaches beyond {close.month}, which was closed in {close.zone}",
        pointer="$.to",
        hint=f"it goes from {close.start} to {close.end}: ask for it or days of it, or say since",
    )


def _moment(text: str | None, pointer: str, zone: str, moments: Moments) -> int | None:
    if text is None:
        return None
    try:
        return moments.commit(zone, text)
    except TollhouseError as mistake:
        mistake.pointer = pointer
        raise


def _once(names: Sequence[str], pointer: str, *, besides: Sequence[str] = ()) -> None:
    for place, name in enumerate(names):
        if name in names[:place] or name in besides:
            raise Unprocessable("bad_value", f"{name!r} is asked for twice", pointer=f"{pointer}[{place}]")


class _Names:
    """What the principal may speak of."""

    def __init__(self, catalog: Catalog, principal: Principal) -> None:
        self._catalog = catalog
        everything = principal.audience == "operator"
        self._dimensions = [d.name for d in catalog.dimensions.values() if everything or d.audience == "all"]
        self._measures = [m.name for m in catalog.measures.values() if everything or m.audience == "all"]

    def dimension(self, name: str, pointer: str) -> Dimension:
        self._check(name, self._dimensions, self._catalog.dimensions, pointer, "dimension")
        return self._catalog.dimensions[name]

    def measure(self, name: str, pointer: str) -> Measure:
        self._check(name, self._measures, self._catalog.measures, pointer, "measure")
        return self._catalog.measures[name]

    @staticmethod
    def _check(name: str, allowed: list[str], known: dict[str, Any], pointer: str, what: str) -> None:
        if name in allowed:
            return
        hint = nearest(name, allowed) or f"GET /api/v1/catalog lists what there is; every {what} has a help line"
        if name in known:
            raise Forbidden("forbidden_field", f"{name!r} is not yours to ask for", pointer=pointer, hint=hint)
        raise Unprocessable("unknown_field", f"there is no {what} {name!r}", pointer=pointer, hint=hint)

    def largest(self, top: Top, shown: Sequence[Dimension], measures: Sequence[Measure], pointer: str) -> Largest:
        known = {dimension.name: dimension for dimension in shown}
        if top.field not in known:
            hint = nearest(top.field, list(known)) or "it must be one of rows or columns"
            message = f"cannot cut {top.field!r} to its top: it is not shown"
            raise Unprocessable("unknown_field", message, pointer=f"{pointer}.field", hint=hint)
        if top.by is not None:
            return Largest(known[top.field], top.count, self.measure(top.by, f"{pointer}.by"))
        counts = [measure for measure in measures if measure.type == "integer"]
        by = next(iter([*counts, *measures]), self._catalog.measures["attempts"])
        return Largest(known[top.field], top.count, by)

    def clause(self, clause: Clause, pointer: str, instant: filters.Instant) -> Filter:
        field = f"{pointer}.field"
        if clause.field in self._catalog.measures and clause.field not in self._catalog.dimensions:
            return filters.of_measure(clause, self.measure(clause.field, field), f"{pointer}.values")
        if clause.field not in self._catalog.dimensions:
            self._check(clause.field, self._dimensions + self._measures, {}, field, "field")
        dimension = self.dimension(clause.field, field)
        return filters.of_dimension(clause, dimension, f"{pointer}.values", instant)
