"""A resolved question, its route and a commit go in, the one statement that answers it comes out.

The same function serves the page, the API and the command line. Everything a caller said is a parameter; the
text is put together from the catalog and from how many spans and filters there are.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.catalog.load import words_of
from engine.catalog.model import Catalog, Measure, Part
from engine.query.conditions import condition
from engine.query.headers import Aspect
from engine.query.lists import name_lists, rate_parameters
from engine.query.periods import CYCLES
from engine.query.resolve import Resolved
from engine.query.route import LEDGER, Branch, Route
from engine.query.shape import BESIDE, PERIOD, filled, grid, shaped, structure
from engine.query.sorting import Order
from engine.query.tiling import Span
from engine.reference.kinds import kinds
from engine.statement import Statement
from engine.template import call_macro
from engine.template import render as template


def rows(
    asked: Resolved, route: Route, catalog: Catalog, commit: int, most: int, *, windows: bool | None = None
) -> Statement:
    """Return the statement for the rows; it asks for one more than `most` to notice that there are more.

    With `windows`, as a whole answer with limit or offset needs, every row tells of all rows how many they are, and
    whether any mixes in a newer commit, for which the engine holds them all. Without, each tells of itself, and what
    spoils an answer comes first.
    """
    limit = asked.whole.limit
    if windows is None:
        windows = limit is not None or asked.whole.offset > 0
    return _render(
        asked, route, catalog, commit, levels=[], limit=most + 1 if limit is None else limit, windows=windows
    )


def totals(asked: Resolved, route: Route, catalog: Catalog, commit: int) -> Statement:
    """Return the statement for subtotals and the grand total, recomputed from the groups that pass."""
    names = [dimension.name for dimension in asked.rows]
    kept = range(max(1, len(names) if asked.whole.subtotals else 1))
    return _render(asked, route, catalog, commit, levels=[names[:level] for level in kept], limit=None)


def missing_rates(asked: Resolved, route: Route, catalog: Catalog, commit: int) -> Statement:
    """Return the statement for the days on which money has no exchange rate, by side and currency."""
    parts = tuple(f"{side}_{what}" for side in sorted(asked.money) for what in ("charge", "charged"))
    bare = msgspec.structs.replace(asked, dimensions=(), measures=(), having=(), order=(), parts=parts)
    return _render(bare, route, catalog, commit, levels=[], limit=None, name="query/missing_rates.sql.j2")


def first(asked: Resolved, route: Route, catalog: Catalog, commit: int) -> Statement:
    """Return the statement for one row, to know what is told of all rows when none of them was asked for."""
    one = msgspec.structs.replace(asked, whole=msgspec.structs.replace(asked.whole, offset=0))
    return _render(one, route, catalog, commit, levels=[], limit=1, windows=True)


def across(asked: Resolved) -> Statement:
    """Return the statement for the time buckets across, those without calls among them."""
    parameters: dict[str, Any] = {"zone": asked.zone, **grid(asked)}
    sql = template(
        "query/across.sql.j2",
        filled=filled(asked, asked.columns),
        filters=[condition(clause, f"f{place}", parameters) for place, clause in enumerate(asked.filters)],
    )
    return Statement(sql, {name: value for name, value in parameters.items() if f"{{{name}:" in sql})


def shown(asked: Resolved) -> list[str]:
    """Return the names of the columns that a statement without cells returns, in order."""
    names = [dimension.name for dimension in asked.dimensions] + [aspect.name for aspect in asked.aspects]
    return [name.replace(".", "_") for name in names]


def _render(
    asked: Resolved,
    route: Route,
    catalog: Catalog,
    commit: int,
    *,
    levels: list[list[str]],
    limit: int | None,
    windows: bool = False,
    name: str = "query/answer.sql.j2",
) -> Statement:
    parameters: dict[str, Any] = {"commit": commit, "zone": asked.zone}
    if asked.scope is not None:
        parameters["scope"] = list(asked.scope)
    if asked.currency is not None:
        parameters["currency"] = asked.currency
    if asked.as_of is not None:
        parameters["as_of"] = asked.as_of
    if asked.since is not None:
        parameters["since"] = asked.since
    if limit is not None:
        parameters |= {"limit": limit, "offset": asked.whole.offset}
    if asked.rates is not None:
        start = min(asked.start_ms, asked.earlier.start_ms) if asked.earlier else asked.start_ms
        parameters |= rate_parameters(asked.rates, start, asked.end_ms)
    names = name_lists([*asked.dimensions, *(clause.dimension for clause in asked.filters)], asked.versions)
    parameters |= {told.relation: told.version for told in names.values()}
    parts = [catalog.parts[part] for part in asked.parts]
    expressions = _Expressions(asked, catalog)
    having = [
        {**condition(clause, f"h{place}", parameters), "expression": expressions.of(clause.measure)}
        for place, clause in enumerate(asked.having)
        if clause.measure
    ]
    # Money of one currency, which all of it is in, is added up like anything else.
    currencies = [] if asked.alike else sorted(asked.money)
    single = len(route.branches) == 1 and not currencies and not any(key.name in names for key in asked.dimensions)
    structure_ = {"levels": levels, "order": [_order(key, expressions) for key in asked.order]}
    if shaped(asked):
        structure_ |= structure(asked, levels, parameters, parts, having, expressions.of)
    sql = template(
        name,
        **structure_,
        lists=list({told.relation: told for told in names.values()}.values()),
        names=names,
        rates={"place": kinds()["fx"].place} if asked.rates else None,
        dimensions=[*asked.dimensions, *([PERIOD] if asked.earlier else [])],
        cycles=CYCLES,
        shaped=shaped(asked),
        parts=parts,
        money=sorted(asked.money),
        scope=asked.scope_dimension.column if asked.scope is not None else None,
        branches=[_branch(branch, place, parts, asked, parameters) for place, branch in enumerate(route.branches)],
        filters=[condition(clause, f"f{place}", parameters, names) for place, clause in enumerate(asked.filters)],
        having=having,
        currencies=currencies,
        # Branches that are subtracted may leave a currency with nothing in it, which is then not there.
        netted=bool(currencies) and any(branch.later for branch in route.branches),
        single=single,
        grouped="found" if single else "groups",
        changes=asked.since is not None,
        measures=[{"name": measure.name, "expression": expressions.of(measure)} for measure in asked.measures],
        numerators=[_value(aspect, expressions) for aspect in asked.aspects if aspect.kind in BESIDE],
        told_columns=[] if shaped(asked) else [_value(aspect, expressions) for aspect in asked.aspects],
        limit=limit,
        windows=windows,
        clash=_clash(asked) if asked.whole.limit is None else None,  # else such a row may not be among them
    )
    return Statement(sql, {said: value for said, value in parameters.items() if f"{{{said}:" in sql})


def _clash(asked: Resolved) -> str | None:
    """When a row holds money that cannot be added, of a question for money as it was charged."""
    if asked.currency is not None or not asked.money:
        return None
    sides = [f"{side}_currencies" for side in sorted(asked.money)]
    if any(measure.money == "both" for measure in asked.measures):
        return f"length(arrayDistinct(arrayConcat({', '.join(sides)}))) > 1"
    return f"greatest({', '.join(f'length({side})' for side in sides)}) > 1"


def _branch(branch: Branch, place: int, parts: Sequence[Part], asked: Resolved, parameters: dict[str, Any]) -> Any:
    ledger = branch.table == LEDGER
    spans = []
    for number, span in enumerate(branch.spans):
        name = f"b{place}s{number}"
        parameters |= _span_parameters(span, name, ledger)
        spans.append(_ledger_span(name) if ledger else _tile_span(name))
    final = asked.view == "final"
    own = "t.start_time" if ledger else "t.tile"
    return {
        "table": branch.table,
        "time": _moved(own, asked, parameters) if branch.earlier else own,
        "own": own,
        "period": int(branch.earlier),
        "about": " and ".join(_about(branch)),
        "visible": _visible(branch, asked) if ledger else "c_min <= {commit:UInt32}",
        "mixed": "0" if ledger else "max(c_max) > {commit:UInt32}",
        "spans": spans,
        "sums": {part.name: _sum(part, branch, final=final) for part in parts},
    }


def _about(branch: Branch) -> list[str]:
    earlier = ["of the period before, moved into the one that is asked for"] if branch.earlier else []
    return [*earlier, *(["what came after that moment is taken out again"] if branch.later else [])]


def _moved(time: str, asked: Resolved, parameters: dict[str, Any]) -> str:
    """When a call of the earlier period would have been in the one that is asked for, in the zone's own time."""
    if asked.earlier is None:
        raise AssertionError("a branch of an earlier period nobody asked for")
    parameters["moved"] = asked.earlier.amount
    function = {"months": "addMonths", "days": "addDays", "milliseconds": "addMilliseconds"}[asked.earlier.unit]
    return f"{function}(toTimeZone({time}, {{zone:String}}), {{moved:Int64}})"


def _visible(branch: Branch, asked: Resolved) -> str:
    bounds = ["sign != 0"]
    if branch.later:
        bounds += ["commit > {as_of:UInt32}", "commit <= {commit:UInt32}"]
    else:
        bounds += ["commit <= {as_of:UInt32}" if asked.as_of is not None else "commit <= {commit:UInt32}"]
        bounds += ["commit > {since:UInt32}"] if asked.since is not None else []
    return " AND ".join(bounds)


def _sum(part: Part, branch: Branch, *, final: bool) -> str:
    value = part.signed if branch.table == LEDGER else part.kept_as
    where = f"({part.where})" if part.where and " OR " in part.where else part.where
    conditions = [*([where] if where else []), *(["is_final"] if part.counts and final else [])]
    total = part.added_where(value, " AND ".join(conditions)) if conditions else part.added(value)
    return part.negated(total) if branch.later else total


def _span_parameters(span: Span, name: str, ledger: bool) -> dict[str, str]:
    return {f"{name}_from": _text(span.start, ledger), f"{name}_to": _text(span.end, ledger)}


def _text(milliseconds: int, fraction: bool) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{moment}.{milliseconds % 1000:03}" if fraction else moment


def _ledger_span(name: str) -> str:
    start, end = f"{{{name}_from:DateTime64(3, 'UTC')}}", f"{{{name}_to:DateTime64(3, 'UTC')}}"
    # The key begins with the hour, so the hour must be bounded in its own words to be pruned by.
    return (
        f"start_time >= {start} AND start_time < {end} "
        f"AND toStartOfHour(start_time) >= toStartOfHour({start}) AND toStartOfHour(start_time) <= toStartOfHour({end})"
    )


def _tile_span(name: str) -> str:
    return f"tile >= {{{name}_from:DateTime('UTC')}} AND tile < {{{name}_to:DateTime('UTC')}}"


def _order(key: Order, expressions: "_Expressions") -> dict[str, Any]:
    """A sort key: a dimension, or the value of an aspect, which is not always what is shown of it."""
    return {
        "dimension": key.dimension,
        "expression": expressions.told(key.aspect) if key.aspect else None,
        "descending": key.descending,
    }


def _value(aspect: Aspect, expressions: "_Expressions") -> dict[str, Any]:
    name = aspect.name.replace(".", "_")
    return {"name": name, "expression": expressions.told(aspect), "money": aspect.type == "money"}


class _Expressions:
    """Measures as SQL over the parts of a group `g`."""

    def __init__(self, asked: Resolved, catalog: Catalog, row: str = "g.") -> None:
        self._asked = asked
        self._catalog = catalog
        self._row = row  # how the columns of a group begin

    def _word(self, word: str) -> str:
        terms = [f"{self._row}{part}" for part in self._asked.stands_for[word]]
        return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"

    def _over_parts(self, expression: str) -> str:
        return re.sub(r"[a-z_][a-z0-9_]*", lambda word: self._word(word[0]), expression)

    def of(self, measure: Measure, row: str | None = None) -> str:
        if row is not None:
            return _Expressions(self._asked, self._catalog, row).of(measure)
        if measure.percentile is not None:
            histogram, share, per = f"{self._row}{measure.value}", str(measure.percentile), str(measure.per)
            plain = call_macro("query/percentile.sql.j2", "of", histogram, share, per)
        elif measure.value is None:
            above, below = measure.numerator or "", measure.denominator or ""
            over, under = self._over_parts(above), self._over_parts(below)
            bare = re.fullmatch(r"[a-z0-9_.]+|\(.*\)", over)
            scaled = over if measure.times == 1 else f"{measure.times} * {over if bare else f'({over})'}"
            plain = f"if({under} = 0, NULL, {self._real(scaled, above)} / {self._real(under, below)})"
        else:
            plain = self._over_parts(measure.value)
            if self._asked.rates and measure.type == "money":
                plain = f"toDecimal128(roundBankers({plain}, 8), 8)"
        return self._where_valid(plain, measure)

    def _real(self, sql: str, expression: str) -> str:
        """A sum as a double, which converted money must not become by another way than money that needed no rate."""
        money = any(word in self._catalog.parts and self._catalog.parts[word].money for word in words_of(expression))
        if not (money and self._asked.rates):
            return f"toFloat64({sql})"
        return f"(toFloat64(toDecimal128({sql}, 8)) + toFloat64({sql} - toDecimal128({sql}, 8)))"

    def told(self, aspect: Aspect) -> str:
        """Return what stands in a column: a measure, or one of the sums it is a ratio of."""
        measure = aspect.measure
        sums = {"numerator": measure.numerator, "denominator": measure.denominator}
        if aspect.kind not in sums:
            return self.of(measure)
        return self._where_valid(self._over_parts(sums[aspect.kind] or ""), measure)

    def _where_valid(self, sql: str, measure: Measure) -> str:
        valid = self._one_currency(measure)
        return f"if({valid}, {sql}, NULL)" if valid else sql

    def _one_currency(self, measure: Measure) -> str:
        """When the sums of money mean something: never across currencies."""
        if measure.money is None or self._asked.alike:
            return ""
        sides = ("customer", "provider") if measure.money == "both" else (measure.money,)
        if self._asked.rates:  # then only money without a rate is listed
            return " AND ".join(f"empty({self._row}{side}_currencies)" for side in sides)
        found = " , ".join(f"{self._row}{side}_currencies" for side in sides)
        together = f"arrayConcat({found})" if len(sides) > 1 else found
        if self._asked.currency is None:
            return f"length(arrayDistinct({together})) <= 1"
        return f"length(arrayFilter(code -> code != {{currency:String}}, {together})) = 0"
