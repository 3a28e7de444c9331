"""A question and a principal go in, an exact answer comes out.

All statements of one answer read at one commit. A rollup row that mixes in a newer commit makes the whole
answer be read again at the new watermark; after three times the ledger answers alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from engine.access.principal import Principal
from engine.catalog.model import Catalog, Rollup
from engine.errors import TollhouseError, Unprocessable
from engine.query import render
from engine.query.answer import Answer, Moment, Stream, Subtotal, Warned, currency
from engine.query.cautions import (
    LimitsOf,
    fx_missing,
    indeterminate_as,
    indeterminate_mixed,
    source_limits,
    unrated,
    without_rate,
)
from engine.query.coverage import Coverage
from engine.query.flights import Flights, Pump
from engine.query.flow import codes, counted, described, limited, opened
from engine.query.limits import Limits, of_answers, of_exports
from engine.query.lists import Rates
from engine.query.moments import Moments
from engine.query.pivot import Sheet, filled_up
from engine.query.presets import Find
from engine.query.provenance import Origin, Provenance
from engine.query.question import Question
from engine.query.resolve import Resolved, resolve
from engine.query.route import Refusal, Route, both, route
from engine.query.running import Board, Ticket
from engine.query.shape import filled, shaped
from engine.settings import Settings
from engine.statement import Statement
from engine.warehouse.errand import Errand
from engine.warehouse.gateway import Rows, Warehouse
from engine.warehouse.layout import Uncovered

_READS = 3
_PATIENCE = 5
"""Seconds the engine may take to end a question."""

Ask = Callable[[Statement], Rows]
"""Runs a statement as part of a question."""


class Explanation(Struct, frozen=True):
    """Why a question is answered from where."""

    question: Question
    source: tuple[str, ...]
    estimated_rows: int
    refusals: tuple[Refusal, ...]
    as_of: Moment
    sql: str
    parameters: dict[str, Any]


class Desk:
    """Where questions are answered."""

    def __init__(
        self,
        warehouse: Warehouse,
        catalog: Catalog,
        settings: Settings,
        covered: dict[str, tuple[Rollup, str]],
        uncovered: dict[str, Uncovered] | None = None,
        begins: dict[str, int] | None = None,
        limits: LimitsOf = lambda _: (),
        find: Find | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._settings = settings
        self._covered = covered
        self._uncovered = uncovered or {}
        self._begins = begins or {}
        self._coverage = Coverage(warehouse)
        self._provenance = Provenance(warehouse, covered, self._begins)
        self._limits = limits
        self._find = find
        self.moments = Moments(warehouse, self._coverage)
        self.board = Board(settings.max_questions)
        self._flights: Flights[Answer] = Flights(warehouse)

    def ask(
        self, question: Question, principal: Principal, *, ticket: Ticket | None = None, ledger_only: bool = False
    ) -> Answer:
        """Answer a question, once for everyone who asks the same meanwhile and may see the same.

        `ticket` is what the caller knows it by, to look at it or end it; `ledger_only` reads no rollup: the other
        half of the differential test.
        """
        limits = of_answers(self._settings)
        with self._under_way(ticket, principal) as open_:
            asked = self.resolve(question, principal)
            _within(asked, limits)
            # Whoever asks sees at least what is complete now, so an answer being made at an older commit is no match.
            commit = self._coverage.watermark()
            seen = (asked.start_ms, asked.end_ms, asked.as_of, asked.since, asked.scope, principal.audience)
            key = msgspec.json.encode((asked.question, *seen, commit.commit, ledger_only))
            answer = self._flights.share(
                key,
                open_,
                Errand(limits.engine()),
                lambda errand: self._read(asked, principal, commit, limits, errand, ledger_only),
            )
            open_.done(answer.rows_read)
            return replace(answer, query_id=open_.id, elapsed_ms=open_.elapsed_ms)

    def stream(self, question: Question, principal: Principal, *, ticket: Ticket | None = None) -> Stream | Answer:
        """Answer a question row by row, for as long as it takes; the first row is there when this returns.

        What cannot be told row by row comes as a whole. The ticket is the caller's to end: `close` the text.
        """
        limits = of_exports(self._settings)
        with self._under_way(ticket, principal) as open_:
            asked = self.resolve(question, principal)
            if not _flows(asked, self._settings):
                return self.ask(question, principal, ticket=open_)
            _within(asked, limits)
            return self._flowing(asked, limits, open_, owned=ticket is None)

    def _flowing(self, asked: Resolved, limits: Limits, ticket: Ticket, *, owned: bool) -> Stream:
        for read in range(_READS + 1):
            commit = self._coverage.watermark()
            asked = self.at(asked, commit)
            chosen = self.route(asked, commit, ledger_only=read == _READS)
            statement = render.rows(asked, chosen, self._catalog, commit.commit, limits.rows, windows=False)
            self._count(asked, chosen, commit, statement, limits)
            names = [str(row[0]) for row in self._warehouse.query(described(statement)).rows]
            errand = Errand(limits.engine())
            pump = Pump(self._warehouse, errand, ticket, self._warehouse.stream(statement, "CSV", errand))
            try:
                first, text = opened(pump)
                if first is None or first[names.index("mixed_")] == "0":
                    if first is not None:
                        _one_currency(asked, [codes(first[names.index(name)]) for name in _sides(asked)], "the answer")
                    head = self._head(asked, chosen, commit, ticket)
                    return Stream(
                        head=head, names=tuple(names), text=limited(text, limits, ticket, owned=owned), most=limits.rows
                    )
            except TollhouseError as failure:
                pump.close()
                raise limits.named(failure) from failure
            pump.close()
        raise AssertionError("the ledger mixes nothing in")

    def _count(self, asked: Resolved, chosen: Route, commit: Moment, statement: Statement, limits: Limits) -> None:
        """Raise `TooLarge` when there are more rows than may be, before the first is sent."""
        sizes = self._coverage.sizes(commit.commit)
        if sum(sum(sizes.get(branch.table, {}).values()) for branch in chosen.branches) <= limits.rows:
            return  # no more groups than rows
        errand = Errand(limits.engine())
        try:
            count = int(self._warehouse.query(counted(statement), errand).rows[0][0])
        except TollhouseError as failure:
            raise limits.named(failure) from failure
        if asked.whole.limit is None and count > limits.rows:
            raise limits.many()

    @contextmanager
    def _under_way(self, ticket: Ticket | None, principal: Principal) -> Iterator[Ticket]:
        open_ = ticket or self.board.open(principal.name)
        try:
            yield open_
        except BaseException as failure:
            open_.failed()
            if open_.flight and not isinstance(failure, Exception):
                # Ctrl-C: the engine is let go of next, and that must not come before its work has ended.
                open_.flight.landed.wait(_PATIENCE)
            raise

    def _read(
        self,
        asked: Resolved,
        principal: Principal,
        commit: Moment,
        limits: Limits,
        errand: Errand,
        ledger_only: bool,
    ) -> Answer:
        whole = asked.whole
        ask = partial(self._warehouse.query, errand=errand)
        try:
            for read in range(_READS + 1):
                commit = self._coverage.watermark() if read else commit
                asked = self.at(asked, commit)
                chosen = self.route(asked, commit, ledger_only=ledger_only or read == _READS)
                rolled = None
                if whole.totals or whole.subtotals or asked.columns:  # the total has every value across
                    rolled = ask(render.totals(asked, chosen, self._catalog, commit.commit))
                found = ask(render.rows(asked, chosen, self._catalog, commit.commit, limits.rows))
                one = found
                if not found.rows and (whole.offset or whole.limit == 0):
                    # Each row tells what is told of all rows; when none was asked for, one is read for that.
                    one = ask(render.first(asked, chosen, self._catalog, commit.commit))
                if not _mixed(one) and not (rolled and _mixed(rolled)):
                    break
            return self._answer(asked, chosen, commit, found, one, rolled, limits, principal, ask)
        except TollhouseError as failure:
            raise limits.named(failure) from failure

    def explain(self, question: Question, principal: Principal) -> Explanation:
        """Say which tables would answer, why the others do not, and with what statement."""
        asked = self.resolve(question, principal)
        _within(asked, of_answers(self._settings))
        commit = self._coverage.watermark()
        asked = self.at(asked, commit)
        chosen = self.route(asked, commit)
        statement = render.rows(asked, chosen, self._catalog, commit.commit, self._settings.max_rows)
        return Explanation(
            asked.question,
            chosen.sources,
            chosen.rows,
            chosen.refusals,
            self._as_of(asked, commit),
            statement.sql,
            dict(statement.parameters),
        )

    def statement(self, question: Question, principal: Principal) -> Statement:
        """Return the statement that would answer, without running it."""
        explained = self.explain(question, principal)
        return Statement(explained.sql, explained.parameters)

    def watermark(self) -> Moment:
        """Return the highest complete commit."""
        return self._coverage.watermark()

    def resolve(self, question: Question, principal: Principal) -> Resolved:
        """Resolve names, window and scope."""
        coverage = self._coverage
        return resolve(
            question,
            principal,
            self._catalog,
            self._settings,
            coverage.instants,
            self.moments,
            coverage.earlier,
            self._find,
        )

    def at(self, asked: Resolved, commit: Moment, *, money: bool = False) -> Resolved:
        """Add what the answer at a commit rests on beside the calls: the lists that stood, and the rates it needs.

        `money` says that amounts are shown though no measure speaks of them.
        """
        versions = self._provenance.versions(commit.commit if asked.as_of is None else asked.as_of)
        rates = None
        if (asked.money or money) and asked.currency is not None:
            known = self._provenance.currencies(commit.commit)
            if known is None or known - {asked.currency}:
                rates = Rates(versions.get("fx", 0), self._settings.timezone)
        return replace(asked, versions=versions, rates=rates)

    def route(self, asked: Resolved, commit: Moment, *, ledger_only: bool = False) -> Route:
        """Choose the tables."""
        choose = partial(
            route,
            catalog=self._catalog,
            tables=self._covered,
            uncovered=self._uncovered,
            sizes=self._coverage.sizes(commit.commit),
            tiles=self._coverage.tiles,
            later=self.moments.later(asked.as_of) if asked.as_of is not None else 0,
            begins=self._begins,
            horizon=self._coverage.horizon(commit.commit),
            ledger_only=ledger_only,
        )
        return both(asked, choose)

    def _as_of(self, asked: Resolved, commit: Moment) -> Moment:
        return commit if asked.as_of is None else self.moments.told(asked.as_of)

    def _sheet(self, asked: Resolved, rolled: Rows | None) -> Sheet:
        """The columns of the answer, those across as the grand total has them."""
        if not asked.columns or rolled is None:
            return Sheet(asked)
        places = {name: place for place, name in enumerate(rolled.columns)}  # none when there are no rows
        whole = [row for row in rolled.rows if row[places["level_"]] == 0]
        headers = {cell[2] for row in whole for cell in row[places["cells_"]] if cell[1]}
        if not filled(asked, asked.columns):
            return Sheet(asked, headers)
        return Sheet(asked, filled_up(asked, headers, self._warehouse.query(render.across(asked)).rows))

    def _head(self, asked: Resolved, chosen: Route, commit: Moment, ticket: Ticket) -> Answer:
        native = asked.currency is None and bool(asked.money)
        return Answer(
            columns=Sheet(asked).columns,
            rows=[],
            row_count=0,
            total_rows=0,
            truncated=False,
            question=asked.question,
            as_of=self._as_of(asked, commit),
            query_id=ticket.id,
            elapsed_ms=ticket.elapsed_ms,
            rows_read=0,
            source=chosen.sources,
            currencies=() if native else UNSET,
        )

    def _answer(
        self,
        asked: Resolved,
        chosen: Route,
        commit: Moment,
        found: Rows,
        one: Rows,
        rolled: Rows | None,
        limits: Limits,
        principal: Principal,
        ask: Ask,
    ) -> Answer:
        whole = asked.whole
        origins = self._origins(asked, commit)
        extra = {name: place for place, name in enumerate(one.columns)}
        total = _total(one, extra)
        if whole.limit is None and total > limits.rows:
            raise limits.many()
        sheet = self._sheet(asked, rolled)
        rows = [sheet.row(row) for row in found.rows]
        subtotals, totals = _rolled(rolled, sheet) if rolled else ([], None)
        return Answer(
            columns=sheet.columns,
            rows=rows,
            subtotals=subtotals if whole.subtotals else UNSET,
            totals=totals if whole.totals and totals is not None else UNSET,
            row_count=len(rows),
            total_rows=total,
            truncated=len(rows) + whole.offset < total,
            question=asked.question,
            as_of=self._as_of(asked, commit),
            query_id="",  # each who waits has a ticket of his own
            elapsed_ms=0,
            rows_read=found.rows_read + (rolled.rows_read if rolled else 0),
            source=chosen.sources,
            warnings=(
                *unrated(asked, one),
                *self._missing_rates(asked, chosen, commit, one, rolled, ask),
                *source_limits(asked, origins, self._limits, principal),
                *indeterminate_mixed(asked, self._catalog, origins),
                *_unsorted(asked, sheet),
            ),
            outcome_map=tuple(sorted({origin.outcome_map for origin in origins})),
            indeterminate_as=indeterminate_as(asked, self._catalog, origins),
            compared=asked.earlier.told if asked.earlier else UNSET,
            currencies=_currencies(asked, found, extra) if asked.currency is None and asked.money else UNSET,
        )

    def _origins(self, asked: Resolved, commit: Moment) -> list[Origin]:
        """Where the calls of the window came from."""
        every = self._provenance.origins(commit.commit if asked.as_of is None else asked.as_of)
        windows = [(asked.start_ms, asked.end_ms)]
        windows += [(asked.earlier.start_ms, asked.earlier.end_ms)] if asked.earlier else []
        return [one for one in every if any(one.first < end and one.last >= start for start, end in windows)]

    def _missing_rates(
        self, asked: Resolved, chosen: Route, commit: Moment, found: Rows, rolled: Rows | None, ask: Ask
    ) -> list[Warned]:
        lacking = without_rate(asked, *([found, rolled] if rolled else [found]))
        if not lacking:
            return []
        statement = render.missing_rates(asked, chosen, self._catalog, commit.commit)
        days = {(side, code): days for side, code, days in ask(statement).rows}
        return fx_missing(asked, lacking, days)


def _flows(asked: Resolved, settings: Settings) -> bool:
    """Whether the rows can be told one by one: all of them, or the first of so many that they are not held."""
    limit = asked.whole.limit
    return not shaped(asked) and asked.whole.offset == 0 and (limit is None or limit > settings.max_rows)


def _within(asked: Resolved, limits: Limits) -> None:
    if asked.whole.limit is not None and asked.whole.limit > limits.rows:
        raise limits.many("$.limit")


def _total(found: Rows, extra: dict[str, int]) -> int:
    """How many rows there are without limit and offset."""
    if "total_" in extra:
        return int(found.rows[0][extra["total_"]]) if found.rows else 0
    return len(found.rows)


def _mixed(found: Rows) -> bool:
    if not found.rows:
        return False
    place = list(found.columns).index("mixed_")
    return any(row[place] for row in found.rows)


def _rolled(rolled: Rows, sheet: Sheet) -> tuple[list[Subtotal], tuple[Any, ...]]:
    places = {name: place for place, name in enumerate(rolled.columns)}  # none when there are no rows
    subtotals: list[Subtotal] = []
    totals = sheet.empty()
    for row in rolled.rows:
        level = int(row[places["level_"]])
        if level == 0:
            totals = sheet.row(row, 0)
        else:
            subtotals.append(Subtotal(level, sheet.row(row, level)))
    return subtotals, totals


def _unsorted(asked: Resolved, sheet: Sheet) -> list[Warned]:
    """Sort keys across that no call of the answer has: all rows are alike in them."""
    known = set(sheet.headers())
    return [
        Warned("no_such_column", f"sorted by {key.name}, which no call of the answer has")
        for key in asked.order
        if key.across is not None and key.across not in known
    ]


def _currencies(asked: Resolved, found: Rows, extra: dict[str, int]) -> tuple[str, ...]:
    """The one currency of each group's money, or 422 when a group has several."""
    result = []
    for place, row in enumerate(found.rows):
        sides = [row[extra[name]] for name in _sides(asked)]
        _one_currency(asked, sides, f"row {place + 1}")
        result.append(currency(sides))
    return tuple(result)


def _sides(asked: Resolved) -> list[str]:
    """The columns of a statement that tell which currencies a row's money is in."""
    return [f"{side}_currencies_" for side in sorted(asked.money)]


def _one_currency(asked: Resolved, sides: Sequence[Sequence[str]], where: str) -> None:
    if asked.currency is not None:
        return
    codes = {code for side in sides for code in side}
    both = any(measure.money == "both" for measure in asked.measures)
    if any(len(side) > 1 for side in sides) or (both and len(codes) > 1):
        raise Unprocessable(
            "mixed_currency",
            f"{where} holds money in {', '.join(sorted(codes))}, which cannot be added",
            pointer="$.currency",
            hint="group by customer_currency and provider_currency, or ask for one currency",
        )
