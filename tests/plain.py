"""Records and a question go in, the answer in plain Python comes out: no SQL, no rollups, one loop after another.

It knows only what its questions speak of, and shares no code with the engine. Money is in one currency.
"""

import calendar
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]
TIMES = ("hour", "minute15", "day", "week", "month", "quarter", "year", "hour_of_day", "day_of_week")
CYCLES = ("hour_of_day", "day_of_week")
NUMBERS = ("attempts", "calls", "connected", "duration", "customer_charge", "provider_charge", "profit")
RATIOS = ("asr", "acd", "profit_percent")


def bucket(name: str, at: datetime) -> Any:
    """The bucket of a local time, as answers write it."""
    day = at.date()
    if name in ("hour", "minute15"):
        return at.replace(minute=0 if name == "hour" else at.minute // 15 * 15, second=0, microsecond=0).isoformat()
    found: Any = {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": day.replace(month=1, day=1),
        "hour_of_day": at.hour,
        "day_of_week": day.isoweekday(),
    }[name]
    return found.isoformat() if isinstance(found, date) else found


def by_months(day: date, count: int) -> date:
    month = day.year * 12 + day.month - 1 + count
    year, month = month // 12, month % 12 + 1
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))


class Asked:
    """A question with its window worked out."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.zone = ZoneInfo(asked["timezone"])
        self.rows: list[str] = asked.get("rows", [])
        self.columns: list[str] = asked.get("columns", [])
        self.measures: list[str] = asked["measures"]
        self.asked = asked
        self.start, self.end = self._at(asked["from"]), self._at(asked["to"])
        self.compare: str | None = asked.get("compare")
        self.top = {top["field"]: (top["count"], top["by"]) for top in asked.get("top", [])}
        self.fill: bool = asked.get("fill", False)
        self.move: Callable[[datetime, int], datetime]
        if self.compare:
            self._compare()

    def _at(self, text: str) -> datetime:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=self.zone)

    def _compare(self) -> None:
        first, last = (at.astimezone(self.zone) for at in (self.start, self.end))
        midnights = first.time() == last.time() == datetime.min.time()
        months = midnights and first.day == last.day == 1
        if self.compare == "year" or (self.compare == "previous" and months):
            count = 12 if self.compare == "year" else (last.year - first.year) * 12 + last.month - first.month
            self._move_by(lambda day, sign: by_months(day, sign * count))
        elif self.compare == "week" or midnights:
            days = 7 if self.compare == "week" else (last.date() - first.date()).days
            self._move_by(lambda day, sign: day + timedelta(days=sign * days))
        else:
            length = self.end.astimezone(UTC) - self.start.astimezone(UTC)
            self.move = lambda at, sign: (at.astimezone(UTC) + sign * length).astimezone(self.zone)

    def _move_by(self, day: Callable[[date, int], date]) -> None:
        def move(at: datetime, sign: int) -> datetime:
            local = at.astimezone(self.zone)
            there = datetime.combine(day(local.date(), sign), local.time(), self.zone)
            return there.astimezone(UTC).astimezone(self.zone)  # out of a gap

        self.move = move

    def periods(self) -> list[tuple[datetime, datetime]]:
        """The window, and the earlier one."""
        now = [(self.start, self.end)]
        return [*now, (self.move(self.start, -1), self.move(self.end, -1))] if self.compare else now

    def key(self, names: Iterable[str], record: Record, period: int) -> tuple[Any, ...]:
        at = record["start_time"].astimezone(self.zone)
        moved = self.move(at, 1) if period else at
        return tuple(bucket(name, at if name in CYCLES else moved) if name in TIMES else record[name] for name in names)

    def buckets(self, names: list[str]) -> list[dict[str, Any]]:
        """Every combination of time buckets in the window, by looking at each of its quarters of an hour."""
        found = {}
        at = self.start.astimezone(UTC)
        while at < self.end.astimezone(UTC):
            local = at.astimezone(self.zone)
            told = {name: bucket(name, local) for name in names}
            found[tuple(told.values())] = told
            at = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + timedelta(minutes=15)
        return list(found.values())


def sums(records: list[Record], view: str) -> dict[str, Any]:
    """The measures of one cell."""
    counted = [record for record in records if view == "attempts" or record["is_final"]]
    talked = [record for record in counted if record["duration"] > 0]
    charge = sum((record["customer_charge"] for record in records), Decimal(0))
    cost = sum((record["provider_charge"] for record in records), Decimal(0))
    seconds = sum((record["duration"] for record in talked), Decimal(0))
    return {
        "attempts": len(counted),
        "calls": sum(record["is_final"] for record in records),
        "connected": len(talked),
        "duration": sum((record["duration"] for record in records), Decimal(0)),
        "customer_charge": charge,
        "provider_charge": cost,
        "profit": charge - cost,
        "asr": Decimal(100 * len(talked)) / len(counted) if counted else None,
        "acd": seconds / len(talked) if talked else None,
        "profit_percent": 100 * (charge - cost) / charge if charge else None,
    }


class Other:
    """The rest of a dimension that is cut to its top."""

    def __repr__(self) -> str:
        return "other"


OTHER = Other()


def in_order(value: Any) -> tuple[Any, ...]:
    """Ascending, nulls behind, the rest of a top behind those; times by the instant they begin at."""
    if value is OTHER or value is None:
        return (2 if value is OTHER else 1,)
    if isinstance(value, str) and "T" in value and value[:2] == "20":
        return (0, datetime.fromisoformat(value).timestamp())
    return (0, value)


class Plain:
    """An answer: cells by row, values across (None for all of them) and period."""

    def __init__(self, records: list[Record], question: dict[str, Any]) -> None:
        self.asked = asked = Asked(question)
        view = question.get("calls", "attempts")
        names = [*asked.rows, *asked.columns]
        found: dict[tuple[Any, ...], list[list[Record]]] = defaultdict(lambda: [[], []])
        for period, (start, end) in enumerate(asked.periods()):
            for record in records:
                if start <= record["start_time"] < end and all(test(record, asked) for test in question["tests"]):
                    found[asked.key(names, record, period)][period].append(record)
        for name, (count, by) in asked.top.items():
            self._cut(found, names.index(name), count, by, view)
        self.cells: dict[tuple[Any, ...], dict[tuple[Any, ...], list[list[Record]]]] = defaultdict(dict)
        for key, both in found.items():
            row, across = key[: len(asked.rows)], key[len(asked.rows) :]
            old = self.cells[row].setdefault(across, [[], []])
            for period in (0, 1):
                old[period] += both[period]
        if asked.fill:
            for row in self._filled(asked.rows, set(self.cells)):
                self.cells.setdefault(row, {})
        if not asked.rows:
            self.cells.setdefault((), {})
        self.view = view
        self.lines = {row: self._line(cells) for row, cells in self.cells.items()}
        for name, least in question.get("least", []):
            value: Any = None
            self.lines = {
                row: cells
                for row, cells in self.lines.items()
                if (value := self.told(cells, None, 0, name)) is not None and value >= least
            }
        # What columns there are follows from the rows that pass.
        passing = {key for row in self.lines for key in self.cells[row]}
        if asked.fill:
            passing = self._filled(asked.columns, passing)
        self.across = sorted(passing if asked.columns else (), key=lambda key: [in_order(value) for value in key])

    def _cut(self, found: Any, place: int, count: int, by: str, view: str) -> None:
        together: dict[Any, list[Record]] = defaultdict(list)
        for key, both in found.items():
            together[key[place]] += both[0]
        ranked = [(sums(records, view)[by], value) for value, records in together.items()]
        ranked.sort(key=lambda one: (one[0] is None, -(one[0] or 0), in_order(one[1])))
        best = {value for _, value in ranked[:count]}
        for key in list(found):
            if key[place] not in best:
                rest = (*key[:place], OTHER, *key[place + 1 :])
                both = found.pop(key)
                for period in (0, 1):
                    found[rest][period].extend(both[period])

    def _filled(self, names: list[str], keys: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
        times = [name for name in names if name in TIMES and name not in self.asked.top]
        if not times:
            return keys
        places = [place for place, name in enumerate(names) if name not in times]
        others = {tuple(key[place] for place in places) for key in keys} if places else {()}
        made = set(keys)
        for told, other in itertools.product(self.asked.buckets(times), others):
            rest = iter(other)
            made.add(tuple(told[name] if name in times else next(rest) for name in names))
        return made

    def _line(self, cells: dict[tuple[Any, ...], list[list[Record]]]) -> dict[Any, list[list[Record]]]:
        whole = [list(itertools.chain(*(both[period] for both in cells.values()))) for period in (0, 1)]
        return {**cells, None: whole}

    def told(self, cells: dict[Any, list[list[Record]]], across: Any, period: int, name: str) -> Any:
        """One value; that of no calls when there is no such cell."""
        return sums(cells.get(across, [[], []])[period], self.view)[name]

    def row(self, cells: dict[Any, list[list[Record]]]) -> list[Any]:
        """The numbers of one row, in the order of the answer's columns."""
        found: list[Any] = []
        for across in [*self.across, None]:
            for name in self.asked.measures:
                now = self.told(cells, across, 0, name)
                found.append(now)
                if self.asked.compare:
                    before = self.told(cells, across, 1, name)
                    change = None if now is None or before is None else now - before
                    found += [before, change, 100 * change / abs(before) if change is not None and before else None]
        return found

    def over(self, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        """The numbers over several rows: made of their calls."""
        together: dict[Any, list[list[Record]]] = defaultdict(lambda: [[], []])
        for row in rows:
            for across, both in self.lines[row].items():
                for period in (0, 1):
                    together[across][period].extend(both[period])
        return self.row(together)

    def sorted_rows(self, sort: list[tuple[int | str, bool]]) -> list[tuple[Any, ...]]:
        """The rows by keys, each the place of a number or a dimension's name; then by the row dimensions."""
        rows = sorted(self.lines, key=lambda row: [in_order(value) for value in row])
        for key, descending in reversed(sort):

            def value(row: tuple[Any, ...], key: int | str = key) -> Any:
                return row[self.asked.rows.index(key)] if isinstance(key, str) else self.row(self.lines[row])[key]

            known = [row for row in rows if value(row) is not None and value(row) is not OTHER]
            rest = [row for row in rows if value(row) is OTHER]
            null = [row for row in rows if value(row) is None]
            known.sort(key=lambda row: in_order(value(row)), reverse=descending)  # keeps ties in order
            rows = [*rest, *known, *null] if descending else [*known, *null, *rest]
        return rows
