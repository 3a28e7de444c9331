"""A question and a principal go in, an exact answer comes out.

All statements of one answer read at one commit. A rollup row that mixes in a newer commit makes the whole
answer be read again at the new watermark; after three times the ledger answers alone.
"""

import time
from functools import partial
from typing import Any
from uuid import uuid4

from msgspec import UNSET, Struct
from msgspec.structs import replace

from engine.access.principal import Principal
from engine.catalog.model import Catalog, Rollup
from engine.errors import TooLarge, Unprocessable
from engine.query import render
from engine.query.answer import Answer, Moment, Subtotal, Warned
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
from engine.query.lists import Rates
from engine.query.moments import Moments
from engine.query.pivot import Sheet, filled_up
from engine.query.provenance import Origin, Provenance
from engine.query.question import Question
from engine.query.resolve import Resolved, resolve
from engine.query.route import Refusal, Route, both, route
from engine.query.shape import filled
from engine.settings import Settings
from engine.statement import Statement
from engine.warehouse.gateway import Rows, Warehouse

_READS = 3


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
        uncovered: tuple[str, ...] = (),
        begins: dict[str, int] | None = None,
        limits: LimitsOf = lambda _: (),
    ) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._settings = settings
        self._covered = covered
        self._uncovered = uncovered
        self._begins = begins or {}
        self._coverage = Coverage(warehouse)
        self._provenance = Provenance(warehouse, covered, self._begins)
        self._limits = limits
        self.moments = Moments(warehouse, self._coverage)

    def ask(self, question: Question, principal: Principal, *, ledger_only: bool = False) -> Answer:
        """Answer a question. `ledger_only` reads no rollup: the other half of the differential test."""
        began = time.perf_counter()
        asked = self.resolve(question, principal)
        for read in range(_READS + 1):
            commit = self._coverage.watermark()
            asked = self.at(asked, commit)
            chosen = self.route(asked, commit, ledger_only=ledger_only or read == _READS)
            rolled = None
            if asked.question.totals or asked.question.subtotals or asked.columns:  # the total has every value across
                rolled = self._warehouse.query(render.totals(asked, chosen, self._catalog, commit.commit))
            statement = render.rows(asked, chosen, self._catalog, commit.commit, self._settings.max_rows)
            found = self._warehouse.query(statement)
            one = found
            if not found.rows and (question.offset or question.limit == 0):
                # Each row tells what is told of all rows; when none was asked for, one is read for that.
                one = self._warehouse.query(render.first(asked, chosen, self._catalog, commit.commit))
            if not _mixed(one) and not (rolled and _mixed(rolled)):
                break
        return self._answer(asked, chosen, commit, found, one, rolled, began, principal)

    def explain(self, question: Question, principal: Principal) -> Explanation:
        """Say which tables would answer, why the others do not, and with what statement."""
        asked = self.resolve(question, principal)
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
            question, principal, self._catalog, self._settings, coverage.instants, self.moments, coverage.earlier
        )

    def at(self, asked: Resolved, commit: Moment) -> Resolved:
        """Add what the answer at a commit rests on beside the calls: the lists that stood, and the rates it needs."""
        versions = self._provenance.versions(commit.commit if asked.as_of is None else asked.as_of)
        rates = None
        if asked.money and asked.currency is not None:
            known = self._provenance.currencies(commit.commit)
            if known is None or known - {asked.currency}:
                rates = Rates(versions.get("fx", 0), self._settings.timezone)
        return replace(asked, versions=versions, rates=rates)

    def route(self, asked: Resolved, commit: Moment, *, ledger_only: bool = False) -> Route:
        """Choose the tables."""
        choose = partial(
            route,
            catalog=self._catalog,
            covered=self._covered,
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
        level, cells = (list(rolled.columns).index(name) for name in ("level_", "cells_"))
        headers = {cell[2] for row in rolled.rows if row[level] == 0 for cell in row[cells] if cell[1]}
        if not filled(asked, asked.columns):
            return Sheet(asked, headers)
        return Sheet(asked, filled_up(asked, headers, self._warehouse.query(render.across(asked)).rows))

    def _answer(
        self,
        asked: Resolved,
        chosen: Route,
        commit: Moment,
        found: Rows,
        one: Rows,
        rolled: Rows | None,
        began: float,
        principal: Principal,
    ) -> Answer:
        question = asked.question
        origins = self._origins(asked, commit)
        extra = {name: place for place, name in enumerate(one.columns)}
        total = int(one.rows[0][extra["total_"]]) if one.rows else 0
        if question.limit is None and total > self._settings.max_rows:
            raise TooLarge(
                "too_many_rows",
                f"the answer has {total} rows, over the site's cap of {self._settings.max_rows}",
                hint="narrow the question, give a limit, or raise max_rows",
            )
        sheet = self._sheet(asked, rolled)
        rows = [sheet.row(row) for row in found.rows]
        subtotals, totals = _rolled(rolled, sheet) if rolled else ([], None)
        return Answer(
            columns=sheet.columns,
            rows=rows,
            subtotals=subtotals if question.subtotals else UNSET,
            totals=totals if question.totals and totals is not None else UNSET,
            row_count=len(rows),
            total_rows=total,
            truncated=len(rows) + question.offset < total,
            question=question,
            as_of=self._as_of(asked, commit),
            query_id=uuid4().hex,
            elapsed_ms=round((time.perf_counter() - began) * 1000, 3),
            rows_read=found.rows_read + (rolled.rows_read if rolled else 0),
            source=chosen.sources,
            warnings=(
                *unrated(asked, one),
                *self._missing_rates(asked, chosen, commit, one, rolled),
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
        self, asked: Resolved, chosen: Route, commit: Moment, found: Rows, rolled: Rows | None
    ) -> list[Warned]:
        lacking = without_rate(asked, *([found, rolled] if rolled else [found]))
        if not lacking:
            return []
        statement = render.missing_rates(asked, chosen, self._catalog, commit.commit)
        days = {(side, code): days for side, code, days in self._warehouse.query(statement).rows}
        return fx_missing(asked, lacking, days)


def _mixed(found: Rows) -> bool:
    if not found.rows:
        return False
    place = list(found.columns).index("mixed_")
    return any(row[place] for row in found.rows)


def _rolled(rolled: Rows, sheet: Sheet) -> tuple[list[Subtotal], tuple[Any, ...]]:
    level_at = list(rolled.columns).index("level_")
    subtotals: list[Subtotal] = []
    totals = sheet.empty()
    for row in rolled.rows:
        level = int(row[level_at])
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
    both = any(measure.money == "both" for measure in asked.measures)
    for place, row in enumerate(found.rows):
        sides = [row[extra[f"{side}_currencies_"]] for side in sorted(asked.money)]
        codes = {code for side in sides for code in side}
        if any(len(side) > 1 for side in sides) or (both and len(codes) > 1):
            raise Unprocessable(
                "mixed_currency",
                f"row {place + 1} holds money in {', '.join(sorted(codes))}, which cannot be added",
                pointer="$.currency",
                hint="group by customer_currency and provider_currency, or ask for one currency",
            )
        result.append("/".join(dict.fromkeys(code for side in sides for code in side)))
    return tuple(result)
