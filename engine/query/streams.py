"""A question and a principal go in, an exact answer whose rows are read while they are written comes out.

It is the same answer as `run` gives as a whole, by the same statement. Only when a limit is larger than a whole answer
may be, or an offset has no limit, nothing is told of all rows at once, for which the engine would have to hold them.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.access.principal import Principal
from engine.catalog.model import Catalog
from engine.catalog.preset import Preset
from engine.errors import TollhouseError
from engine.query import render
from engine.query.answer import Answer, Moment, Stream, currency
from engine.query.flights import Pump
from engine.query.flow import codes, counted, described, limited, opened
from engine.query.limits import Limits, of_exports
from engine.query.pivot import Sheet
from engine.query.question import Question
from engine.query.resolve import Resolved
from engine.query.route import Route
from engine.query.run import READS, Ask, Desk, mixed, one_currency, sides_of, within
from engine.query.running import Ticket
from engine.query.shape import shaped, values
from engine.settings import Settings
from engine.statement import Statement
from engine.warehouse.errand import Errand
from engine.warehouse.gateway import Warehouse


class Streams:
    """Where questions are answered row by row."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, settings: Settings, desk: Desk) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._settings = settings
        self._desk = desk

    def open(self, question: Question, principal: Principal, *, ticket: Ticket | None = None) -> Stream:
        """Answer a question, for as long as it takes; the columns are known when this returns.

        Raises what `Desk.ask` raises, as far as it is known before the first row. It ends when the text does, or
        when the ticket is cancelled.
        """
        limits = of_exports(self._settings)
        with self._desk.under_way(ticket, principal) as open_:
            asked = self._desk.resolve(question, principal)
            within(asked, limits)
            errand = Errand(limits.engine())
            pump = Pump(self._warehouse, errand, open_, partial(self._begin, asked, limits, errand, open_))
            try:
                found = pump.head()
            except TollhouseError as failure:
                raise limits.named(failure) from failure
            return replace(found, text=limited(pump, limits, open_, owned=ticket is None))

    def _begin(
        self, asked: Resolved, limits: Limits, errand: Errand, ticket: Ticket
    ) -> tuple[Stream, Generator[bytes]]:
        """Return everything but the text, and the text."""
        ask = partial(self._warehouse.query, errand=errand)
        for read in range(READS + 1):
            commit = self._desk.watermark()
            asked = self._desk.at(asked, commit)
            chosen = self._desk.route(asked, commit, ledger_only=read == READS)
            sheet = self._sheet(asked, chosen, commit, ask)
            if sheet is None:
                continue
            few = asked.whole.limit is not None and asked.whole.limit <= self._settings.max_rows
            skip = 0 if few else asked.whole.offset
            whole = asked if few else replace(asked, whole=_from_the_first(asked.whole, limits))
            statement = render.rows(whole, chosen, self._catalog, commit.commit, limits.rows, windows=few)
            self._count(asked, chosen, commit, statement, limits, ask)
            names = tuple(str(row[0]) for row in ask(described(statement)).rows)
            cells = shaped(asked)
            # A failure is remembered as long as its ticket, and would keep the statement open with it.
            with ExitStack() as begun:
                sent = begun.enter_context(
                    closing(self._warehouse.stream(statement, "JSONEachRow" if cells else "CSV", errand))
                )
                first, text = opened(sent, None if cells else names)
                if int(first.get("mixed_", 0)):
                    continue
                native = asked.currency is None and bool(asked.money)
                if first and native and not asked.whole.offset and asked.whole.limit is None:
                    sides = [first[name] for name in sides_of(asked)]
                    one_currency(asked, sides if cells else [codes(side) for side in sides], "the answer")
                stream = Stream(
                    head=self._head(asked, sheet, chosen, commit, ticket),
                    names=names,
                    text=text,
                    row=_reader(asked, sheet, names) if cells else None,
                    currency=partial(_currency, asked) if native else None,
                    skip=skip,
                    most=limits.rows,
                )
                begun.pop_all()
                return stream, text
        raise AssertionError("the ledger mixes nothing in")

    def _sheet(self, asked: Resolved, chosen: Route, commit: Moment, ask: Ask) -> Sheet | None:
        """The columns of the answer; None when those across mix in a newer commit."""
        if not asked.columns:
            return Sheet(asked)
        bare = replace(asked, whole=replace(asked.whole, subtotals=False))
        rolled = ask(render.totals(bare, chosen, self._catalog, commit.commit))
        return None if mixed(rolled) else self._desk.sheet(asked, rolled, ask)

    def _count(
        self, asked: Resolved, chosen: Route, commit: Moment, statement: Statement, limits: Limits, ask: Ask
    ) -> None:
        """Raise `TooLarge` when there are more rows than may be, before the first is sent."""
        whole = asked.whole
        if whole.limit is not None or (self._desk.held(chosen, commit) <= limits.rows and not whole.fill):
            return  # no more groups than rows
        if int(ask(counted(statement)).rows[0][0]) > limits.rows + whole.offset:
            raise limits.many()

    def _head(self, asked: Resolved, sheet: Sheet, chosen: Route, commit: Moment, ticket: Ticket) -> Answer:
        return Answer(
            columns=sheet.columns,
            rows=[],
            row_count=0,
            total_rows=0,
            truncated=False,
            question=asked.question,
            as_of=self._desk.as_of(asked, commit),
            query_id=ticket.id,
            elapsed_ms=ticket.elapsed_ms,
            rows_read=0,
            source=chosen.sources,
        )


def _from_the_first(whole: Preset, limits: Limits) -> Preset:
    """The question with the rows before its offset, which are skipped here: the first row tells of all."""
    if not whole.offset:
        return whole
    limit = limits.rows + 1 if whole.limit is None else whole.limit
    return replace(whole, limit=limit + whole.offset, offset=0)


def _currency(asked: Resolved, sides: Sequence[Sequence[str]]) -> str:
    one_currency(asked, sides, "a row")
    return currency(sides)


def _reader(asked: Resolved, sheet: Sheet, names: Sequence[str]) -> Callable[[bytes], tuple[Any, ...]]:
    """What makes a row of the engine's JSON for it, with the currency of its money behind it where rows differ."""
    money = {measure.name for measure in asked.measures if measure.type == "money"}
    kinds = [Decimal | None if name in money else Any for name in values(asked)]
    cells = list[tuple[int, int, str, *kinds]]  # type: ignore[valid-type]  # as the question has them
    fields = [(name, cells if name == "cells_" else Any) for name in names]
    record = msgspec.json.Decoder(msgspec.defstruct("Record", fields))
    sides = sides_of(asked) if asked.currency is None else []

    def row(line: bytes) -> tuple[Any, ...]:
        found = record.decode(line)
        laid = sheet.row(msgspec.structs.astuple(found))
        return (*laid, _currency(asked, [getattr(found, side) for side in sides])) if sides else laid

    return row
