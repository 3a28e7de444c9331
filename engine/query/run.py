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
from engine.query.answer import Answer, Moment, Subtotal, Warned, currency
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
from engine.query.flights import Flights
from engine.query.limits import Limits, of_answers
from engine.query.lists import Rates
from engine.query.moments import Moments
from engine.query.pivot import Sheet, filled_up
from engine.query.presets import Find
from engine.query.provenance import Origin, Provenance
from engine.query.question import Question
from engine.query.resolve import Resolved, bare, resolve
from engine.query.route import Refusal, Route, both, route
from engine.query.running import Board, Ticket
from engine.query.shape import filled
from engine.settings import Settings
from engine.statement import Statement
from engine.warehouse.errand import Errand
from engine.warehouse.gateway import Rows, Warehouse
from engine.warehouse.layout import Uncovered

READS = 3
"""How often an answer that mixes in a newer commit is read again before the ledger alone is asked."""

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
        self._provenance = Provenance(warehouse, covered, self._begins, self._coverage.sizes)
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
        with self.under_way(ticket, principal) as open_:
            asked = self.resolve(question, principal)
            within(asked, limits)
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

    @contextmanager
    def under_way(self, ticket: Ticket | None, principal: Principal) -> Iterator[Ticket]:
        """Give the ticket that a question is asked with, or one of its own; when it fails, so has the ticket."""
        open_ = ticket or self.board.open(principal.name)
        try:
            yield open_
        except BaseException:
            open_.failed()
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
            for read in range(READS + 1):
                commit = self._coverage.watermark() if read else commit
                asked = self.at(asked, commit)
                chosen = self.route(asked, commit, ledger_only=ledger_only or read == READS)
                rolled = None
                if whole.totals or whole.subtotals or asked.columns:  # the total has every value across
                    rolled = ask(render.totals(asked, chosen, self._catalog, commit.commit))
                found = ask(render.rows(asked, chosen, self._catalog, commit.commit, limits.rows))
                one = found
                if not found.rows and (whole.offset or whole.limit == 0):
                    # Each row tells what is told of all rows; when none was asked for, one is read for that.
                    one = ask(render.first(asked, chosen, self._catalog, commit.commit))
                if not mixed(one) and not (rolled and mixed(rolled)):
                    break
            return self._answer(asked, chosen, commit, found, one, rolled, limits, principal, ask)
        except TollhouseError as failure:
            raise limits.named(failure) from failure

    def explain(self, question: Question, principal: Principal) -> Explanation:
        """Say which tables would answer, why the others do not, and with what statement."""
        asked = self.resolve(question, principal)
        within(asked, of_answers(self._settings))
        commit = self._coverage.watermark()
        asked = self.at(asked, commit)
        chosen = self.route(asked, commit)
        statement = render.rows(asked, chosen, self._catalog, commit.commit, self._settings.max_rows)
        return Explanation(
            asked.question,
            chosen.sources,
            chosen.rows,
            chosen.refusals,
            self.as_of(asked, commit),
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
        rates, alike = None, False
        if (asked.money or money) and asked.currency is not None:
            known = self._provenance.currencies(commit.commit)
            # A currency that is there no more was there once: what was said before is not known to be alike.
            alike = known is not None and known <= {asked.currency} and asked.as_of is None and asked.since is None
            if not alike:
                rates = Rates(versions.get("fx", 0), self._settings.timezone)
        parts = bare(asked) if alike else asked.parts
        return replace(asked, versions=versions, rates=rates, alike=alike, parts=parts)

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

    def as_of(self, asked: Resolved, commit: Moment) -> Moment:
        """Return the moment whose calls an answer at a commit is about."""
        return commit if asked.as_of is None else self.moments.told(asked.as_of)

    def held(self, chosen: Route, commit: Moment) -> int:
        """Return how many rows the tables of a route hold: an answer from them has no more groups."""
        sizes = self._coverage.sizes(commit.commit)
        return sum(sum(sizes.get(branch.table, {}).values()) for branch in chosen.branches)

    def sheet(self, asked: Resolved, rolled: Rows | None, ask: Ask) -> Sheet:
        """Return the columns of the answer, those across as the grand total has them."""
        if not asked.columns or rolled is None:
            return Sheet(asked)
        places = {name: place for place, name in enumerate(rolled.columns)}  # none when there are no rows
        whole = [row for row in rolled.rows if row[places["level_"]] == 0]
        headers = {cell[2] for row in whole for cell in row[places["cells_"]] if cell[1]}
        if not filled(asked, asked.columns):
            return Sheet(asked, headers)
        return Sheet(asked, filled_up(asked, headers, ask(render.across(asked)).rows))

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
        sheet = self.sheet(asked, rolled, ask)
        rows = sheet.rows(found.rows)
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
            as_of=self.as_of(asked, commit),
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


def within(asked: Resolved, limits: Limits) -> None:
    """Raise `TooLarge` when a question asks for more rows than it may have."""
    if asked.whole.limit is not None and asked.whole.limit > limits.rows:
        raise limits.many("$.limit")


def _total(found: Rows, extra: dict[str, int]) -> int:
    """How many rows there are without limit and offset."""
    if "total_" in extra:
        return int(found.rows[0][extra["total_"]]) if found.rows else 0
    return len(found.rows)


def mixed(found: Rows) -> bool:
    """Return whether a row mixes in what came after the commit that was read."""
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
        sides = [row[extra[name]] for name in sides_of(asked)]
        one_currency(asked, sides, f"row {place + 1}")
        result.append(currency(sides))
    return tuple(result)


def sides_of(asked: Resolved) -> list[str]:
    """Return the columns of a statement that tell which currencies a row's money is in."""
    return [f"{side}_currencies_" for side in sorted(asked.money)]


def one_currency(asked: Resolved, sides: Sequence[Sequence[str]], where: str) -> None:
    """Raise `Unprocessable` when the money of `where` is in several currencies and none was asked for."""
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
