"""A question and who asks it go in; the same question with nothing left implicit, and nothing forbidden, comes out."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from engine.access.principal import Principal
from engine.catalog.model import Catalog, Dimension, Measure
from engine.catalog.preset import Clause, Sort, View
from engine.errors import Forbidden, TollhouseError, TooLarge, Unprocessable, nearest
from engine.query import presets
from engine.query.moments import Moments
from engine.query.question import Question
from engine.settings import Settings
from engine.warehouse.closes import Close

Instants = Callable[[str, Sequence[str]], Sequence[int]]
"""Local times of a zone to milliseconds since 1970, as the engine reckons them."""

Field = TypeVar("Field", Dimension, Measure)

_WIDE = Context(prec=38)
_ORDERED = ("lt", "le", "gt", "ge", "between")
_TEXTUAL = ("contains", "starts_with")


class Filter(Struct, frozen=True):
    """A clause with its subject found and its values typed."""

    dimension: Dimension | None
    measure: Measure | None
    op: str
    type: str  # the ClickHouse type of one value
    values: tuple[Any, ...]


class Order(Struct, frozen=True):
    """One sort key, by the name of a shown column."""

    name: str
    descending: bool


class Resolved(Struct, frozen=True, kw_only=True):
    """A question as the planner takes it: names found, window in milliseconds, scope attached."""

    question: Question
    start_ms: int
    end_ms: int
    zone: str
    dimensions: tuple[Dimension, ...]
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

    @property
    def buckets(self) -> tuple[str, ...]:
        """The time buckets the question speaks of, shown or filtered."""
        spoken = [*self.dimensions, *(clause.dimension for clause in self.filters if clause.dimension)]
        return tuple(dict.fromkeys(dimension.bucket for dimension in spoken if dimension.bucket))


def resolve(
    question: Question,
    principal: Principal,
    catalog: Catalog,
    settings: Settings,
    instants: Instants,
    moments: Moments,
) -> Resolved:
    """Find every name, fill every default and attach the principal's scope.

    Raises 404 for an unknown report, 403 `forbidden_field`, 422 `unknown_field` or `bad_value` with a pointer.
    """
    names = _Names(catalog, principal)
    found = presets.find(question, principal, catalog)
    report, preset = found.report, found.preset
    if report is not None and report.records:
        raise Unprocessable(
            "bad_value", f"{report.name!r} lists single calls", pointer="$.report", hint="ask /api/v1/calls for them"
        )
    adjusts = report is not None and report.since_close
    close = _close(question, instants, moments) if adjusts and question.since is None else None
    zone = question.timezone or (close.zone if close else settings.timezone)
    start, end = _window(question, zone, instants)
    rows = question.rows if question.rows is not None else preset.rows
    asked = question.measures if question.measures is not None else preset.measures
    labels = report.labels if report else {}
    dimensions = tuple(_called(names.dimension(name, f"$.rows[{place}]"), labels) for place, name in enumerate(rows))
    measures = tuple(_called(names.measure(name, f"$.measures[{place}]"), labels) for place, name in enumerate(asked))
    _once(rows, "$.rows")
    _once(asked, "$.measures")
    clauses = [names.clause(clause, f"$.where[{place}]") for place, clause in enumerate(question.where)]
    # The report's own filters hold whatever is asked; said again in the question they are not doubled.
    own = tuple(clause for clause in preset.where if clause not in question.where)
    clauses += [names.clause(clause, "$.report") for clause in own]
    having = tuple(clause for clause in clauses if clause.measure)
    view = question.calls or preset.calls
    order = _order(question.sort or preset.sort, dimensions, measures)
    # An adjustment is made in the money it was charged in.
    currency = question.currency or ("native" if adjusts else settings.currency)
    spoken = [*measures, *(clause.measure for clause in having if clause.measure)]
    chosen = {**found.chosen, "base": question.base}
    site = msgspec.structs.asdict(settings)
    stands_for = {word: catalog.stands_for(word, chosen, site) for measure in spoken for word in measure.words}
    resolved = msgspec.structs.replace(
        question,
        **found.chosen,
        timezone=zone,
        rows=tuple(rows),
        measures=tuple(asked),
        where=(*question.where, *own),
        calls=view,
        currency=currency,
        sort=tuple(Sort(key.name, key.descending) for key in order),
        totals=preset.totals if question.totals is None else question.totals,
        subtotals=preset.subtotals if question.subtotals is None else question.subtotals,
        since=f"close:{close.month}" if close else question.since,
    )
    _within(question.limit, settings)
    as_of = _moment(question.as_of, "$.as_of", zone, moments)
    since = close.commit if close else _moment(question.since, "$.since", zone, moments)
    if as_of is not None and since is not None and since > as_of:
        raise Unprocessable(
            "bad_value", "since is later than as_of", pointer="$.since", hint="changes are asked from since to as_of"
        )
    return Resolved(
        question=resolved,
        start_ms=start,
        end_ms=end,
        zone=zone,
        dimensions=dimensions,
        measures=measures,
        filters=tuple(clause for clause in clauses if clause.dimension),
        having=having,
        scope=principal.accounts,
        scope_dimension=catalog.account,
        view=view,
        currency=None if currency == "native" else currency,
        stands_for=stands_for,
        order=order,
        parts=_parts(spoken, stands_for),
        money=frozenset(side for measure in spoken for side in _sides(measure)),
        as_of=as_of,
        since=since,
    )


def _called(field: Field, labels: dict[str, str]) -> Field:
    """A field under the label that the report has for it."""
    return msgspec.structs.replace(field, label=labels[field.name]) if field.name in labels else field


def _sides(measure: Measure) -> tuple[Literal["customer", "provider"], ...]:
    return ("customer", "provider") if measure.money == "both" else (measure.money,) if measure.money else ()


def _parts(measures: Sequence[Measure], stands_for: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    needed = {"standing": None}
    for measure in measures:
        for word in measure.words:
            needed.update(dict.fromkeys(stands_for[word]))
        for side in _sides(measure):
            needed.update(dict.fromkeys((f"{side}_charge", f"{side}_charged", f"unrated_{side}")))
    return tuple(needed)


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


def _close(question: Question, instants: Instants, moments: Moments) -> Close:
    """The closed month that the window lies in: the one its first day names, or one that holds it."""
    month = question.start.strip()[:7]
    known = sorted(moments.closes(), key=lambda close: close.month != month)
    for close in known:
        start, end = _window(question, question.timezone or close.zone, instants)
        if start >= close.first * 1000 and end <= close.until * 1000:
            return close
    _window(question, question.timezone or "UTC", instants)  # what is no time at all is told first
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


def _once(names: Sequence[str], pointer: str) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise Unprocessable("bad_value", f"{name!r} is asked for twice", pointer=f"{pointer}[{place}]")


def _within(limit: int | None, settings: Settings) -> None:
    if limit is not None and limit > settings.max_rows:
        raise TooLarge(
            "too_many_rows",
            f"limit {limit} is over the site's cap of {settings.max_rows} rows",
            pointer="$.limit",
            hint="ask for fewer rows, or raise max_rows",
        )


def _order(sort: Sequence[Sort], dimensions: Sequence[Dimension], measures: Sequence[Measure]) -> tuple[Order, ...]:
    shown = [dimension.name for dimension in dimensions] + [measure.name for measure in measures]
    order = []
    for place, key in enumerate(sort):
        if key.field not in shown:
            raise Unprocessable(
                "unknown_field",
                f"cannot sort by {key.field!r}: it is not a column of the answer",
                pointer=f"$.sort[{place}].field",
                hint=nearest(key.field, shown),
            )
        order.append(Order(key.field, key.descending))
    if not order and not (dimensions and dimensions[0].bucket):
        counts = [measure.name for measure in measures if measure.type == "integer"]
        order = [Order(name, True) for name in counts[:1]]
    # Ties go by the row dimensions, so an order is total.
    order += [Order(dimension.name, False) for dimension in dimensions if dimension.name not in {k.name for k in order}]
    return tuple(order)


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

    def clause(self, clause: Clause, pointer: str) -> Filter:
        field = f"{pointer}.field"
        if clause.field in self._catalog.measures and clause.field not in self._catalog.dimensions:
            measure = self.measure(clause.field, field)
            kind = "Decimal(38, 8)" if measure.type == "money" else "Float64"
            return _filter(clause, None, measure, kind, f"{pointer}.values")
        if clause.field not in self._catalog.dimensions:
            self._check(clause.field, self._dimensions + self._measures, {}, field, "field")
        dimension = self.dimension(clause.field, field)
        kind = {"integer": "Int64", "boolean": "Bool", "date": "Date"}.get(dimension.type, "String")
        return _filter(clause, dimension, None, kind, f"{pointer}.values")


def _filter(clause: Clause, dimension: Dimension | None, measure: Measure | None, kind: str, pointer: str) -> Filter:
    count = len(clause.values)
    wanted = {"between": 2, "is_null": 0, "not_null": 0}.get(clause.op)
    if clause.op in _ORDERED[:4] or clause.op in _TEXTUAL:
        wanted = 1
    if (wanted is not None and count != wanted) or (wanted is None and count == 0):
        needs = "at least one value" if wanted is None else f"{wanted} value{'' if wanted == 1 else 's'}"
        raise Unprocessable("bad_value", f"{clause.op} on {clause.field!r} needs {needs}, not {count}", pointer=pointer)
    if clause.op in _TEXTUAL and kind != "String":
        raise Unprocessable("bad_value", f"{clause.op} needs a text field, {clause.field!r} is none", pointer=pointer)
    values = tuple(_typed(value, kind, f"{pointer}[{place}]") for place, value in enumerate(clause.values))
    return Filter(dimension, measure, clause.op, kind, values)


def _typed(value: Any, kind: str, pointer: str) -> Any:
    try:
        if kind == "String":
            return str(value)
        if kind == "Int64":
            return int(str(value))
        if kind == "Float64":
            return float(str(value))
        if kind == "Date":
            return date.fromisoformat(str(value)).isoformat()
        if kind == "Bool":
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        amount = Decimal(str(value))
        if not amount.is_finite():
            raise InvalidOperation
        return amount.quantize(Decimal("1e-8"), context=_WIDE)
    except (ValueError, KeyError, InvalidOperation) as mistake:
        wanted = {"Int64": "a whole number", "Date": "a date like 2026-10-01", "Bool": "true or false"}
        raise Unprocessable(
            "bad_value", f"{value!r} is not {wanted.get(kind, 'a number')}", pointer=pointer
        ) from mistake
