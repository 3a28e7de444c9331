"""A search and a principal go in, the calls that stand come out, newest first: a page at a time, or all of them.

The ledger is read backwards in slices of whole hours. All postings of a call lie in one hour, so each slice nets by
itself, and the newest calls are found without looking at the rest of the window.
"""

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from engine import countries
from engine.access.principal import Principal
from engine.catalog.model import Catalog, Told
from engine.errors import Unprocessable
from engine.query import cursor
from engine.query.answer import Column, Moment, Warned, money_text
from engine.query.conditions import condition
from engine.query.coverage import Coverage
from engine.query.cursor import Place
from engine.query.resolve import Resolved
from engine.query.route import LEDGER
from engine.query.run import Desk
from engine.query.search import Page, Search
from engine.settings import Settings
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Rows, Warehouse

MONTHS = 6
"""The longest window, in calendar months, in which numbers are looked for."""
_FIRST_SLICE = 200_000
"""Ledger rows that the first slice is meant to read."""
_STEP = 8
"""How much further back the next slice reaches when one held little of what is wanted."""
_LOT = 10_000
"""Calls that one statement gives when all of them are wanted."""
_HOUR = 3_600_000


class Plan(Struct, frozen=True, kw_only=True):
    """A search with nothing left implicit, and nothing forbidden in it."""

    search: Search
    asked: Resolved
    moment: Moment
    place: Place | None
    told: tuple[Told, ...]
    wanted: tuple[str, ...]
    at_home: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as callers see them."""
        return tuple(Column(told.name, told.label, told.type, told.unit) for told in self.told)


class Calls:
    """Where single calls are looked up."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, settings: Settings, desk: Desk) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._settings = settings
        self._desk = desk
        self._coverage = Coverage(warehouse)
        self._six_months_after = lru_cache(1024)(self._ask_six_months_after)

    def page(self, search: Search, principal: Principal) -> Page:
        """Return a page of calls.

        Raises what a question raises, 422 `too_broad` without a number or a filter, 422 `range_too_long`, and 400 for
        a cursor that is none or another's.
        """
        began = time.perf_counter()
        plan = self.plan(search, principal)
        rows: list[tuple[Any, ...]] = []
        read = 0
        for found in self._walk(plan, search.limit + 1):
            read += found.rows_read
            rows += [tuple(row) for row in found.rows]
            if len(rows) > search.limit:
                break
        following = None
        if len(rows) > search.limit:
            last = rows[search.limit - 1]
            place = Place(int(last[-2]), str(last[-1]), plan.moment.commit)
            following = cursor.written(place, plan.search, principal)
        width = len(plan.told)
        written = _Written(plan)
        return Page(
            columns=plan.columns,
            rows=[written.row(row[:width]) for row in rows[: search.limit]],
            next_cursor=following,
            question=replace(plan.search, cursor=None),
            as_of=plan.moment,
            elapsed_ms=round((time.perf_counter() - began) * 1000, 3),
            rows_read=read,
            source=(LEDGER,),
            warnings=written.warnings or UNSET,
        )

    def every(self, plan: Plan) -> Iterator[tuple[Any, ...]]:
        """Yield all calls of a plan, from its place on, with flat memory."""
        width = len(plan.told)
        written = _Written(plan)
        for found in self._walk(plan, _LOT):
            for row in found.rows:
                yield written.row(row[:width])

    def plan(self, search: Search, principal: Principal) -> Plan:
        """Resolve names, window, numbers and scope; raises as `page` does."""
        asked = self._desk.resolve(search.question, principal)
        for at, clause in enumerate(search.where):
            if any(having.measure and having.measure.name == clause.field for having in asked.having):
                raise Unprocessable(
                    "bad_value",
                    f"{clause.field!r} is of groups of calls, not of one",
                    pointer=f"$.where[{at}].field",
                    hint="leave it out; a cell's calls are those of its dimensions",
                )
        if not search.numbers and not search.where:
            raise Unprocessable(
                "too_broad", "name a number or a filter", pointer="$.number", hint="like number=+12125550100"
            )
        self._within(search, asked)
        whole = replace(search, number=search.numbers, timezone=asked.zone, calls=asked.view, report=None)
        place = cursor.read(whole, principal)
        everything = principal.audience == "operator"
        wanted, at_home = self._numbers(search.numbers)
        return Plan(
            search=whole,
            asked=asked,
            moment=self._moment(asked, place),
            place=place,
            told=tuple(told for told in self._catalog.calls.values() if everything or told.audience == "all"),
            wanted=wanted,
            at_home=at_home,
        )

    def _within(self, search: Search, asked: Resolved) -> None:
        """Refuse a window in which numbers cannot be looked for, or in which no single calls are kept."""
        if search.numbers and asked.end_ms > self._six_months_after(asked.zone, asked.start_ms):
            raise Unprocessable(
                "range_too_long",
                f"numbers are looked for in at most {MONTHS} calendar months",
                pointer="$.to",
                hint="ask for one half year after the other, or filter without a number",
            )
        horizon = self._coverage.horizon(self._desk.watermark().commit)
        if asked.start_ms < horizon:
            day = datetime.fromtimestamp(horizon // 1000, UTC).date()
            raise Unprocessable(
                "before_horizon",
                f"single calls are kept from {day} on",
                pointer="$.from",
                hint=f"ask from {day} on; what is older answers by day in reports",
            )

    def _ask_six_months_after(self, zone: str, start_ms: int) -> int:
        then = "addMonths(fromUnixTimestamp64Milli({start:Int64}, {zone:String}), {months:UInt8})"
        parameters = {"start": start_ms, "zone": zone, "months": MONTHS}
        return int(self._warehouse.value(Statement(f"SELECT toUnixTimestamp64Milli({then})", parameters)))

    def _moment(self, asked: Resolved, place: Place | None) -> Moment:
        newest = self._desk.watermark()
        commit = place.commit if place else asked.as_of
        if commit is None or commit == newest.commit:
            return newest
        if commit > newest.commit:
            raise cursor.refused("this cursor is of another database")
        return self._desk.moments.told(commit)

    def _numbers(self, numbers: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What records may hold for these numbers, and what a switch at home may have written for callers."""
        if not numbers:
            return (), ()
        for place, number in enumerate(numbers):
            if not number.strip():
                raise Unprocessable("bad_value", "a number is empty", pointer=f"$.number[{place}]")
        prefixes = self._settings.tech_prefixes
        parameters: dict[str, Any] = {
            "numbers": list(numbers),
            "home_code": countries.calling_code(self._settings.home_country),
        }
        if prefixes:
            parameters["tech_prefixes"] = f"^({'|'.join(map(re.escape, prefixes))})"
        sql = render("query/wanted_numbers.sql.j2", tech_prefixes=bool(prefixes))
        wanted, at_home = self._warehouse.query(Statement(sql, parameters)).rows[0]
        return tuple(wanted), tuple(at_home)

    def _walk(self, plan: Plan, most: int) -> Iterator[Rows]:
        """Yield what slices of the window hold, the newest first, at most `most` calls at a time."""
        place = plan.place
        end = min(place.start_ms + 1, plan.asked.end_ms) if place else plan.asked.end_ms
        width = self._first_width(plan, end)
        while plan.asked.start_ms < end:
            start = max(plan.asked.start_ms, (end - width) // _HOUR * _HOUR)
            found = self._warehouse.query(self._statement(plan, start, end, place, most))
            yield found
            if len(found.rows) == most:  # the slice may hold more
                place = Place(int(found.rows[-1][-2]), str(found.rows[-1][-1]), plan.moment.commit)
                end = place.start_ms + 1
                continue
            end, place = start, None
            if len(found.rows) < most // 2:
                width *= _STEP

    def _first_width(self, plan: Plan, end: int) -> int:
        """How long the first slice is, in milliseconds, by how many rows the ledger holds at its time."""
        months = self._coverage.sizes(plan.moment.commit).get(LEDGER, {})
        rows = sum(months.values())
        if not rows:
            return end - plan.asked.start_ms
        days = 30 * len(months)
        return max(_HOUR, days * 24 * _HOUR * _FIRST_SLICE // rows)

    def _statement(self, plan: Plan, start: int, end: int, place: Place | None, most: int) -> Statement:
        asked = plan.asked
        parameters: dict[str, Any] = {
            "zone": asked.zone,
            "commit": plan.moment.commit,
            "from_time": _instant(start),
            "to_time": _instant(end),
            "limit": most,
            "wanted": list(plan.wanted),
            "at_home": list(plan.at_home),
            "home_code": countries.calling_code(self._settings.home_country),
        }
        if place:
            parameters |= {"after": int(place.identity), "after_time": _instant(place.start_ms)}
        if asked.scope is not None:
            parameters["scope"] = list(asked.scope)
        sql = render(
            "query/calls.sql.j2",
            ledger=LEDGER,
            columns=plan.told,
            hours=False,
            scope=asked.scope_dimension.column if asked.scope is not None else None,
            final=asked.view == "final",
            side=plan.search.side,
            match=plan.search.match,
            wanted=len(plan.wanted),
            at_home=len(plan.at_home),
            filters=[condition(clause, f"f{number}", parameters) for number, clause in enumerate(asked.filters)],
            after=place is not None,
        )
        return Statement(sql, {name: value for name, value in parameters.items() if f"{{{name}:" in sql})


class _Written:
    """Rows as callers get them: money as text, and empty where it is in another currency than the one asked for."""

    def __init__(self, plan: Plan) -> None:
        at = {told.name: place for place, told in enumerate(plan.told)}
        self._money = [at[told.name] for told in plan.told if told.type == "money"]
        self._profit = at.get("profit")
        self._sides = [
            (at[f"{side}_charge"], at[f"{side}_currency"])
            for side in ("customer", "provider")
            if f"{side}_charge" in at
        ]
        asked = plan.search.currency
        self._currency = None if asked == "native" else asked
        self._foreign: set[str] = set()

    def row(self, found: Sequence[Any]) -> tuple[Any, ...]:
        cells = list(found)
        for place in self._money:
            cells[place] = None if cells[place] is None else money_text(cells[place])
        for charge, currency in self._sides if self._currency else ():
            if cells[charge] is not None and cells[currency] != self._currency:
                self._foreign.add(cells[currency])
                cells[charge] = None
                if self._profit is not None:
                    cells[self._profit] = None
        return tuple(cells)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What a reader of these rows must know."""
        if not self._foreign:
            return ()
        codes = ", ".join(sorted(self._foreign))
        return (
            Warned("fx_missing", f"no exchange rate to {self._currency} for money in {codes}; those cells are empty"),
        )


def _instant(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{moment}.{milliseconds % 1000:03}"
