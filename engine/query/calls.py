"""A search and a principal go in, the calls that stand come out, newest first: a page at a time, or all of them.

The ledger is read backwards in pieces of whole hours. All postings of a call lie in one hour, so each piece nets by
itself, and the newest calls are found without looking at the rest of the window. Of whole numbers a table of their own
knows the hours.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain, islice
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from engine import countries
from engine.access.principal import Principal
from engine.catalog.model import Catalog, Told
from engine.errors import TollhouseError, Unprocessable
from engine.query import cursor, flow
from engine.query.amounts import Rates, Written
from engine.query.answer import Column, Moment, Warned
from engine.query.conditions import condition
from engine.query.coverage import Coverage
from engine.query.cursor import Place
from engine.query.flights import Flights, Pump
from engine.query.flow import limited
from engine.query.limits import Limits, of_answers, of_exports
from engine.query.lists import name_lists, rate_parameters
from engine.query.resolve import Resolved
from engine.query.route import LEDGER
from engine.query.run import Ask, Desk
from engine.query.running import Ticket
from engine.query.search import PAGE, Page, Search
from engine.reference.kinds import kinds
from engine.settings import Settings
from engine.statement import Statement
from engine.template import render
from engine.warehouse.errand import Errand
from engine.warehouse.gateway import Rows, Warehouse

NUMBERS = "number_hours"
"""The table that tells in which hours a number called or was called."""
MONTHS = 6
"""The longest window, in calendar months, in which numbers are looked for."""
_FIRST_SLICE = 200_000
"""Ledger rows that the first slice is meant to read."""
_STEP = 8
"""How much further back the next slice reaches when one held little of what is wanted."""
_LOT = 1_000
"""Calls that are passed on together when all of them are wanted."""
_FIRST_HOURS = 100
"""Hours that the first piece looks into when they are known."""
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
    hours: tuple[int, ...] | None
    """When the numbers called or were called, in seconds, the newest first; None when every hour may hold some."""
    rows_read: int
    """What finding the hours has read."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as callers see them."""
        return tuple(Column(told.name, told.label, told.type, told.unit) for told in self.told)


class Listing(Struct, frozen=True):
    """Calls that are read while they are written: what they are, and their rows, read once."""

    plan: Plan
    rows: Iterator[tuple[Any, ...]]


class Calls:
    """Where single calls are looked up."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, settings: Settings, desk: Desk) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._settings = settings
        self._desk = desk
        self._coverage = Coverage(warehouse)
        self._flights: Flights[Page] = Flights(warehouse)
        self._six_months_after = lru_cache(1024)(self._ask_six_months_after)

    def page(self, search: Search, principal: Principal, *, ticket: Ticket | None = None) -> Page:
        """Return a page of calls, looked for once for everyone who asks the same meanwhile and may see the same.

        Raises what a question raises, 422 `too_broad` without a number or a filter, 422 `range_too_long`, and 400 for
        a cursor that is none or another's.
        """
        limits = of_answers(self._settings)
        with self._desk.under_way(ticket, principal) as open_:
            key = msgspec.json.encode((search, principal.audience, principal.accounts, self._desk.watermark().commit))
            find = partial(self._page, search, principal, limits)
            page = self._flights.share(key, open_, Errand(_settings(limits)), find)
            open_.done(page.rows_read)
            return replace(page, elapsed_ms=open_.elapsed_ms)

    def _page(self, search: Search, principal: Principal, limits: Limits, errand: Errand) -> Page:
        ask = partial(self._warehouse.query, errand=errand)
        most = search.limit or PAGE
        rows: list[tuple[Any, ...]] = []
        try:
            plan = self._plan(search, principal, ask)
            read = plan.rows_read
            for found in self._walk(plan, most + 1, ask):
                read += found.rows_read
                rows += [tuple(row) for row in found.rows]
                if len(rows) > most:
                    break
        except TollhouseError as failure:
            raise limits.named(failure) from failure
        following = None
        if len(rows) > most:
            last = rows[most - 1]
            place = Place(int(last[0]), str(last[1]), plan.moment.commit)
            following = cursor.written(place, plan.search, principal)
        written = _Rows(plan, self._rates(plan, ask))
        return Page(
            columns=plan.columns,
            rows=[written(day, said) for _, _, day, said in rows[:most]],
            next_cursor=following,
            question=replace(plan.search, cursor=None, limit=most),
            as_of=plan.moment,
            elapsed_ms=0,  # each who waits has a ticket of his own
            rows_read=read,
            source=(LEDGER,) if plan.hours is None else (NUMBERS, LEDGER),
            warnings=written.warnings or UNSET,
        )

    def every(self, search: Search, principal: Principal, *, ticket: Ticket | None = None) -> Listing:
        """Return all calls, or as many as the search says, read while they are taken; raises as `page` does."""
        limits = of_exports(self._settings)
        with self._desk.under_way(ticket, principal) as open_:
            errand = Errand(_settings(limits))
            pump = Pump(self._warehouse, errand, open_, partial(self._begin, search, principal, limits, errand))
            try:
                plan = pump.head()
            except TollhouseError as failure:
                raise limits.named(failure) from failure
            lots = limited(pump, limits, open_, owned=ticket is None)
            return Listing(plan, chain.from_iterable(lots))

    def _begin(
        self, search: Search, principal: Principal, limits: Limits, errand: Errand
    ) -> tuple[Plan, Generator[list[tuple[Any, ...]]]]:
        ask = partial(self._warehouse.query, errand=errand)
        plan = self._plan(search, principal, ask)
        return plan, self._lots(plan, limits, errand)

    def _lots(self, plan: Plan, limits: Limits, errand: Errand) -> Generator[list[tuple[Any, ...]]]:
        """Yield the calls of a plan some at a time: each piece of the window is read once, as the engine sends it."""
        ask = partial(self._warehouse.query, errand=errand)
        written, record = _Rows(plan, self._rates(plan, ask)), _decoder(plan)
        left = limits.rows + 1 if plan.search.limit is None else plan.search.limit
        for start, end, hours in self._slices(plan) if plan.hours is None else self._pieces(plan):
            until = min(end, plan.place.start_ms + 1) if plan.place else end
            statement = self._statement(plan, start, until, hours, plan.place, left)
            with closing(self._warehouse.stream(statement, "JSONEachRow", errand)) as sent:
                records = map(record.decode, flow.lines(sent))
                while lot := [written(found.rate_day, found.said) for found in islice(records, _LOT)]:
                    left -= len(lot)
                    if not left and plan.search.limit is None:
                        raise limits.many()
                    yield lot
            if not left:
                return

    def _plan(self, search: Search, principal: Principal, ask: Ask) -> Plan:
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
        newest = self._desk.watermark()
        self._within(search, asked, newest)
        whole = replace(search, number=search.numbers, timezone=asked.zone, calls=asked.view, report=None)
        place = cursor.read(whole, principal)
        everything = principal.audience == "operator"
        wanted, at_home, keys = self._numbers(search.numbers)
        hours = self._hours(keys, asked, place, ask) if keys and search.match == "exact" else None
        moment = self._moment(asked, place, newest)
        return Plan(
            search=whole,
            asked=self._desk.at(asked, moment, money=search.currency not in (None, "native")),
            moment=moment,
            place=place,
            told=tuple(told for told in self._catalog.calls.values() if everything or told.audience == "all"),
            wanted=wanted,
            at_home=at_home,
            hours=None if hours is None else tuple(int(began) for (began,) in hours.rows),
            rows_read=hours.rows_read if hours else 0,
        )

    def _rates(self, plan: Plan, ask: Ask) -> Rates:
        """The rates of the window's days, by currency and day."""
        asked = plan.asked
        if asked.rates is None:
            return {}
        parameters = {
            "currency": asked.currency,
            **rate_parameters(asked.rates, asked.start_ms, asked.end_ms),
        }
        del parameters["rates_zone"]
        sql = render("query/rates.sql.j2", lists=(), rates={"place": kinds()["fx"].place})
        return {(code, day): rate for code, day, rate in ask(Statement(sql, parameters)).rows}

    def _within(self, search: Search, asked: Resolved, newest: Moment) -> None:
        """Refuse a window in which numbers cannot be looked for, or in which no single calls are kept."""
        if search.numbers and asked.end_ms > self._six_months_after(asked.zone, asked.start_ms):
            raise Unprocessable(
                "range_too_long",
                f"numbers are looked for in at most {MONTHS} calendar months",
                pointer="$.to",
                hint="ask for one half year after the other, or filter without a number",
            )
        horizon = self._coverage.horizon(newest.commit)
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

    def _moment(self, asked: Resolved, place: Place | None, newest: Moment) -> Moment:
        commit = place.commit if place else asked.as_of
        if commit is None or commit == newest.commit:
            return newest
        if commit > newest.commit:
            raise cursor.refused("this cursor is of another database")
        return self._desk.moments.told(commit)

    def _numbers(self, numbers: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
        """What records may hold for these numbers, what a switch at home may have written for callers, their keys."""
        if not numbers:
            return (), (), ()
        for place, number in enumerate(numbers):
            if not number.strip():
                raise Unprocessable("bad_value", "a number is empty", pointer=f"$.number[{place}]")
        spelled = list(numbers)
        if self._settings.tech_prefixes:
            prefixes = "|".join(map(re.escape, self._settings.tech_prefixes))
            spelled += [re.sub(f"^({prefixes})", "", number.strip()) or number for number in numbers]
        home = countries.calling_code(self._settings.home_country)
        statement = Statement(render("query/wanted_numbers.sql.j2"), {"numbers": spelled, "home_code": home})
        wanted, at_home, keys = self._warehouse.query(statement).rows[0]
        return tuple(wanted), tuple(at_home), tuple(keys)

    def _hours(self, keys: tuple[int, ...], asked: Resolved, place: Place | None, ask: Ask) -> Rows:
        last = place.start_ms if place else asked.end_ms - 1
        window = {"from_hour": asked.start_ms // _HOUR, "to_hour": last // _HOUR}
        return ask(Statement(render("query/number_hours.sql"), {"keys": list(keys), **window}))

    def _walk(self, plan: Plan, most: int, ask: Ask) -> Iterator[Rows]:
        """Yield what pieces of the window hold, the newest first, at most `most` calls at a time."""
        place = plan.place
        for start, end, hours in self._pieces(plan):
            while True:
                until = min(end, place.start_ms + 1) if place else end
                if until <= start:
                    break
                found = ask(self._statement(plan, start, until, hours, place, most))
                yield found
                if len(found.rows) < most:
                    break
                start_ms, identity, _, _ = found.rows[-1]
                place = Place(int(start_ms), str(identity), plan.moment.commit)

    def _pieces(self, plan: Plan) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Yield pieces of the window as (start, end, the hours in it that matter), longer and longer."""
        first, last = plan.asked.start_ms, plan.asked.end_ms
        if plan.hours is not None:
            left, count = plan.hours, _FIRST_HOURS
            while left:
                some, left = left[:count], left[count:]
                yield max(first, some[-1] * 1000), min(last, some[0] * 1000 + _HOUR), some
                count *= _STEP
            return
        end = min(plan.place.start_ms + 1, last) if plan.place else last
        width = self._first_width(plan, end)
        while first < end:
            start = max(first, (end - width) // _HOUR * _HOUR)
            yield start, end, ()
            end, width = start, width * _STEP

    def _slices(self, plan: Plan) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Yield pieces that hold about as many rows of the ledger each, as `_pieces` does; none where there is none.

        All of a piece is wanted, and the engine groups and sorts it before it sends anything. No month is missed: what
        a commit has posted lies in parts of its months before anybody can see the commit.
        """
        end = min(plan.place.start_ms + 1, plan.asked.end_ms) if plan.place else plan.asked.end_ms
        for month, rows in sorted(self._coverage.sizes(plan.moment.commit).get(LEDGER, {}).items(), reverse=True):
            first, over = _month(month)
            # A month that has just been dropped is an empty part for a while.
            width = max(_HOUR, (over - first) * _FIRST_SLICE // max(rows, 1))
            first, end = max(first, plan.asked.start_ms), min(end, over)
            while first < end:
                start = max(first, (end - width) // _HOUR * _HOUR)
                yield start, end, ()
                end = start

    def _first_width(self, plan: Plan, end: int) -> int:
        """How long the first slice is, in milliseconds, by how many rows the ledger holds at its time."""
        months = self._coverage.sizes(plan.moment.commit).get(LEDGER, {})
        rows = sum(months.values())
        if not rows:
            return end - plan.asked.start_ms
        days = 30 * len(months)
        return max(_HOUR, days * 24 * _HOUR * _FIRST_SLICE // rows)

    def _statement(
        self, plan: Plan, start: int, end: int, hours: tuple[int, ...], place: Place | None, most: int
    ) -> Statement:
        asked = plan.asked
        parameters: dict[str, Any] = {
            "zone": asked.zone,
            "commit": plan.moment.commit,
            "from_time": _instant(start),
            "to_time": _instant(end),
            "hours": [_second(hour) for hour in hours],
            "limit": most,
            "wanted": list(plan.wanted),
            "at_home": list(plan.at_home),
            "home_code": countries.calling_code(self._settings.home_country),
        }
        if place:
            parameters |= {"after": int(place.identity), "after_time": _instant(place.start_ms)}
        if asked.scope is not None:
            parameters["scope"] = list(asked.scope)
        if asked.rates is not None:
            parameters["rates_zone"] = asked.rates.zone
        names = name_lists((clause.dimension for clause in asked.filters), asked.versions)
        parameters |= {told.relation: told.version for told in names.values()}
        sql = render(
            "query/calls.sql.j2",
            lists=list({told.relation: told for told in names.values()}.values()),
            rates=None,
            by_day=asked.rates is not None,
            ledger=LEDGER,
            columns=plan.told,
            hours=bool(hours),
            scope=asked.scope_dimension.column if asked.scope is not None else None,
            final=asked.view == "final",
            side=plan.search.side,
            match=plan.search.match,
            wanted=len(plan.wanted),
            at_home=len(plan.at_home),
            filters=[condition(clause, f"f{number}", parameters, names) for number, clause in enumerate(asked.filters)],
            after=place is not None,
        )
        return Statement(sql, {name: value for name, value in parameters.items() if f"{{{name}:" in sql})


class _Rows:
    """Rows of the statement as callers get them, and what must be known about them."""

    def __init__(self, plan: Plan, rates: Rates) -> None:
        self._instants = [place for place, told in enumerate(plan.told) if told.type == "instant"]
        self._amounts = Written(plan.told, plan.search.currency, rates)

    def __call__(self, day: Any, said: Sequence[Any]) -> tuple[Any, ...]:
        cells = list(said)
        for place in self._instants:
            cells[place] = _local(*cells[place])
        return self._amounts.row(cells, str(day))

    @property
    def warnings(self) -> tuple[Warned, ...]:
        return self._amounts.warnings


def _settings(limits: Limits) -> dict[str, int | float]:
    # The columns are plain ones: compiling what is done with them takes longer than it saves.
    return {**limits.engine(), "compile_expressions": 0}


def _decoder(plan: Plan) -> msgspec.json.Decoder[Any]:
    """What reads a row of the engine's JSON; amounts keep their digits."""
    kinds = [Decimal | None if told.type == "money" else Any for told in plan.told]
    said = tuple[*kinds]  # type: ignore[valid-type]  # as the catalog has them
    return msgspec.json.Decoder(msgspec.defstruct("Record", [("rate_day", str), ("said", said)]))


def _month(number: int) -> tuple[int, int]:
    """Return the first millisecond of a month like 202610, in UTC, and that of the next one."""
    year, month = divmod(number, 100)
    bounds = (datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC))
    first, over = (int(bound.timestamp()) * 1000 for bound in bounds)
    return first, over


def _instant(milliseconds: int) -> str:
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}"


def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _local(milliseconds: int, ahead: int) -> str:
    """An instant as it is written `ahead` seconds of UTC; milliseconds only when there are some."""
    local = _instant(milliseconds + 1000 * ahead).replace(" ", "T").removesuffix(".000")
    minutes = abs(ahead) // 60
    return f"{local}{'-' if ahead < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
