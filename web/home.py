"""A day goes in; its figures beside those of the day and of the week before, what moved and what is bad come out."""

from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.access.principal import Principal
from engine.catalog.preset import Clause, Sort
from engine.exports.formats import shown
from engine.query.answer import Answer
from engine.query.question import Question
from web.accounts import CUSTOMERS
from web.changes import Change, change, difference
from web.links import address
from web.rounds import Ask
from web.trend import Trend, trend

FIGURES = ("attempts", "connected", "asr", "acd", "minutes", "profit")
OF_CUSTOMERS = ("attempts", "connected", "asr", "acd", "minutes", "customer_charge")
MOST = 5
"""Rows of a list: of what grew and of what fell as many each."""
QUOTIENTS = ("asr", "acd")


class Day(Struct, frozen=True):
    """A day and its part that is looked at: all of it, or up to a local time."""

    date: str
    until: str
    zone: str

    @property
    def whole(self) -> bool:
        """Whether it is over."""
        return "T" not in self.until

    def before(self, days: int) -> "Day":
        """Return the same part of an earlier day."""
        return Day(moved(self.date, -days), moved(self.until[:10], -days) + self.until[10:], self.zone)

    def question(self, **more: Any) -> Question:
        """Return a question about it."""
        return Question(report="explore", start=self.date, end=self.until, timezone=self.zone, **more)


def moved(day: str, days: int) -> str:
    """Return the date some days later.

    >>> moved("2026-10-31", 1)
    '2026-11-01'
    """
    return date.fromordinal(date.fromisoformat(day).toordinal() + days).isoformat()


class Beside(Struct, frozen=True):
    """A figure of an earlier day, where it is proven, and what changed since."""

    label: str
    text: str
    href: str
    change: Change


class Figure(Struct, frozen=True):
    """One figure of the day; `few` when it is a ratio over so few calls that it says little."""

    name: str
    label: str
    text: str
    unit: str
    href: str
    few: bool
    negative: bool
    money: bool
    besides: list[Beside]


class Row(Struct, frozen=True):
    """A line of a list: names, cells with their kind, and where the line stands alone."""

    name: str
    href: str
    cells: list[tuple[str, str]]


class Listing(Struct, frozen=True):
    """A list of what moved or is bad, and where the whole of it is."""

    title: str
    about: str
    headings: list[str]
    rows: list[Row]
    href: str
    nothing: str


class Home(Struct, frozen=True):
    """Everything a home page says of a day."""

    day: Day
    figures: list[Figure]
    hours: Trend
    movers: list[Listing]
    worst: list[Listing]


class Reader:
    """Who looks at which day, and what becomes of it."""

    def __init__(self, day: Day, principal: Principal, ask: Ask, min_calls: int) -> None:
        self._day = day
        self._ask = ask
        self._min_calls = min_calls
        self._operator = principal.audience == "operator"

    def home(self, figures: list[Figure], by: str) -> Home:
        """Ask everything else."""
        return Home(self._day, figures, self._hours(), self._movers(by), self._worst())

    def figures(self) -> list[Figure]:
        """Return the figures of the day beside those of yesterday and of the same weekday."""
        names = FIGURES if self._operator else OF_CUSTOMERS
        days = [self._day, self._day.before(1), self._day.before(7)]
        questions = [day.question(measures=names) for day in days]
        answers = [self._ask(question) for question in questions]
        columns, now = answers[0].columns, answers[0].rows[0]
        found = []
        for place, column in enumerate(columns):
            besides = [
                Beside(
                    named(then.date, full=False),
                    shown(answer.rows[0][place], column.type),
                    address(replace(question, measures=(column.name,))),
                    change(now[place], answer.rows[0][place], column.type),
                )
                for then, question, answer in zip(days[1:], questions[1:], answers[1:], strict=True)
            ]
            text = shown(now[place], column.type)
            found.append(
                Figure(
                    column.name,
                    column.label,
                    text,
                    _unit(column.type, column.unit, answers[0]),
                    address(replace(questions[0], measures=(column.name,))),
                    column.name in QUOTIENTS and now[0] < self._min_calls,
                    text.startswith("-"),
                    column.type == "money",
                    besides,
                )
            )
        return found

    def _hours(self) -> Trend:
        """Minutes by the hour, beside those of the whole day a week before."""
        before = self._day.before(7)
        whole = replace(before, until=moved(before.date, 1))
        now, then = (each.question(rows=("hour",), measures=("minutes",), fill=True) for each in (self._day, whole))
        series = [[float(row[1]) for row in self._ask(question).rows] for question in (now, then)]
        return trend(series[0], series[1], address(now), address(then), named(before.date, full=True))

    def _movers(self, by: str) -> list[Listing]:
        fields = {"customer": "Customers"} if self._operator else {}
        fields |= {"customer_destination": "Destinations"}
        return [self._moved(field, title, by) for field, title in fields.items()]

    def _moved(self, field: str, title: str, by: str) -> Listing:
        other = "profit" if self._operator else "customer_charge"
        question = self._day.question(rows=(field,), measures=("minutes", other), compare="week")
        found: dict[str, tuple[Any, ...]] = {}
        for descending in (False, True):
            key = Sort(f"{by}.change", descending)
            answer = self._ask(replace(question, sort=(key,), limit=MOST))
            found |= {row[0]: row for row in answer.rows}
        place = {column.name: index for index, column in enumerate(answer.columns)}
        moving = [row for row in found.values() if row[place[f"{by}.change"]] not in (0, 0.0, "0.00", None)]
        moving.sort(key=lambda row: -abs(float(row[place[f"{by}.change"]])))
        rows = []
        for row in moving[:MOST]:
            cells = []
            for name, kind in (("minutes", "real"), (other, "money")):
                number = "number money" if kind == "money" else "number"
                cells.append((shown(row[place[name]], kind), number))
                text = difference(row[place[f"{name}.change"]], kind)
                cells.append((text, f"{number} {'bad' if text.startswith('-') else 'good'}"))
            rows.append(Row(row[0] or "(none)", self._alone(question, field, row[0]), cells))
        labels = [answer.columns[0].label, "Minutes", "Change", answer.columns[place[other]].label, "Change"]
        everything = address(replace(question, sort=(Sort(f"{by}.change"),)))
        weekday = named(self._day.before(7).date, full=False)
        return Listing(title, f"against {weekday}", labels, rows, everything, "Nothing moved.")

    def _alone(self, question: Question, field: str, value: Any) -> str:
        """Where one of those that moved is by itself: a customer on its own page, with the same window and figures."""
        if field != "customer" or value is None:
            return address(replace(question, where=(Clause(field, "eq", (value,)),)))
        words = address(replace(question, rows=None)).partition("?")[2]
        return f"{CUSTOMERS.href(value)}?{words}"

    def _worst(self) -> list[Listing]:
        rows = ("provider", "provider_card") if self._operator else ("customer_destination",)
        enough = Clause("attempts", "ge", (str(self._min_calls),))
        known = Clause(rows[-1], "not_null")  # what was refused before it had a route tells nothing of routes
        more = ("profit",) if self._operator else ()
        lowest = self._day.question(
            rows=rows,
            measures=("attempts", "asr", "acd", *more),
            where=(known, enough),
            sort=(Sort("asr"),),
            compare="week",
        )
        title = "Routes" if self._operator else "Destinations"
        shown_ = [("attempts", "Attempts"), ("asr", "ASR"), ("asr.change", "Points"), ("acd", "ACD")]
        about = f"with at least {self._min_calls} attempts"
        found = [self._list(lowest, f"{title} of lowest ASR", about, shown_, "No route has so many attempts.")]
        if self._operator:
            losing = self._day.question(
                rows=rows,
                measures=("attempts", "minutes", "customer_charge", "profit"),
                where=(known, Clause("profit", "lt", ("0",))),
                sort=(Sort("profit"),),
            )
            shown_ = [
                ("attempts", "Attempts"),
                ("minutes", "Minutes"),
                ("customer_charge", "Charge"),
                ("profit", "Profit"),
            ]
            found.append(self._list(losing, "Routes that lose money", "", shown_, "No route loses money."))
        return found

    def _list(self, question: Question, title: str, about: str, cells: list[tuple[str, str]], nothing: str) -> Listing:
        answer = self._ask(replace(question, limit=MOST))
        place = {column.name: (index, column.type) for index, column in enumerate(answer.columns)}
        names = question.rows or ()
        rows = []
        for row in answer.rows:
            texts = []
            for name, _ in cells:
                index, kind = place[name]
                text = difference(row[index], kind) if name.endswith(".change") else shown(row[index], kind)
                bad = text.startswith("-") or (name == "asr" and row[index] == 0)
                number = "number money" if kind == "money" else "number"
                texts.append((text, f"{number} bad" if bad else number))
            alone = tuple(Clause(name, "eq", (row[place[name][0]],)) for name in names)
            link = address(replace(question, where=(*question.where, *alone), sort=None))
            rows.append(Row(" · ".join(row[place[name][0]] or "(none)" for name in names), link, texts))
        labels = [
            " · ".join(answer.columns[index].label for index in range(len(names))),
            *(label for _, label in cells),
        ]
        return Listing(title, about, labels, rows, address(question), nothing)


def _unit(kind: str, unit: str | None, answer: Answer) -> str:
    if kind == "money":
        return answer.question.currency or ""
    return {"percent": "%", "integer": ""}.get(kind, unit or "")


def named(day: str, *, full: bool) -> str:
    """Return a date as people say it.

    >>> named("2026-10-05", full=True), named("2026-10-05", full=False)
    ('Monday, 5 October 2026', 'Mon 5 Oct')
    """
    at = date.fromisoformat(day)
    return f"{at:%A}, {at.day} {at:%B} {at.year}" if full else f"{at:%a} {at.day} {at:%b}"
