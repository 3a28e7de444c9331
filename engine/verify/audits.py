"""A window and a commit go in; calls in it that somebody should look at come out, counted and by example.

Only standing records are looked at: sums of signs leave out what was reversed. Audits of single records go month
by month, audits of whole calls day by day, so that memory does not grow with the window.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from msgspec import Struct

from engine.reference import lookups
from engine.settings import Settings
from engine.statement import Statement
from engine.template import render
from engine.verify.window import Window
from engine.warehouse.gateway import Warehouse

Side = Literal["customer", "provider"]
Span = tuple[int, int]
_DAY = 86400
_CONVENTIONS = ("total", "after_minimum")


class Kind(Struct, frozen=True):
    """One audit: the template that says what a finding is, about which side, and in words."""

    name: str
    template: str
    about: str
    side: Side | None = None
    by_day: bool = False


def _sided(name: str, template: str, about: str) -> list[Kind]:
    sides: tuple[Side, Side] = ("customer", "provider")
    return [Kind(f"{side}_{name}", f"verify/{template}.sql.j2", about.format(side=side), side) for side in sides]


KINDS: tuple[Kind, ...] = (
    *_sided("charged_not_connected", "charged_not_connected", "{side} charge although nobody was connected"),
    *_sided("unrated", "connected_unrated", "connected, {side} charge not known yet"),
    *_sided("free", "connected_free", "connected, {side} charge 0 without a rate of 0"),
    *_sided("charge_differs", "charge_differs", "{side} charge is not what rate, minimum and pulse come to"),
    Kind("final_attempts", "verify/final_attempts.sql.j2", "calls with no final attempt, or several", by_day=True),
    Kind(
        "start_time_shifted",
        "verify/start_time_shifted.sql.j2",
        "the same but for a start up to 26 hours later",
        by_day=True,
    ),
)
"""Every audit, in the order of the report."""


class Finding(Struct, frozen=True):
    """One record, or the first of a call, and the amounts that show what is wrong; no telephone numbers."""

    source: str
    call_id: str
    attempt: int
    start_time: str
    amounts: dict[str, str]


class Audit(Struct, frozen=True):
    """What one audit found in the window: how many, and the first of them by start time."""

    name: str
    about: str
    found: int
    examples: tuple[Finding, ...]


class Auditor:
    """Looks through the ledger as it is at one commit."""

    def __init__(self, warehouse: Warehouse, settings: Settings, commit: int) -> None:
        self._warehouse = warehouse
        self._commit = commit
        told = settings.charge_convention
        self._cards = lookups.versions(warehouse, commit).get("cards", 0)
        self._zone = settings.timezone
        self._structure = {
            "cards": bool(self._cards),
            "count_zero_answers": settings.count_zero_answers,
            "rounding": settings.charge_rounding,
            "conventions": _CONVENTIONS if told == "either" else (told,),
        }
        self._decimals = list(settings.charge_decimals)

    def spans(self, window: Window) -> dict[bool, list[Span]]:
        """Return the pieces to go through, in seconds: days under True, months under False."""
        start, end = window.seconds
        sql = render("verify/months.sql")
        months = [
            (int(first), int(until))
            for first, until in self._warehouse.query(Statement(sql, {"from": start, "to": end})).rows
        ]
        days = [(day, day + _DAY) for month in months for day in self._days(month)]
        return {False: months, True: days}

    def _days(self, month: Span) -> Iterator[int]:
        statement = Statement(render("verify/days.sql"), {"first": month[0], "until": month[1]})
        yield from (int(day) for (day,) in self._warehouse.query(statement).rows)

    def audit(self, kind: Kind, spans: list[Span], limit: int, step: Callable[[], None]) -> Audit:
        """Count what `kind` finds, and show the first `limit` of it; `step` is called after each span."""
        found = 0
        examples: list[Finding] = []
        for first, until in spans:
            for day, count in self._rows(kind, first, until, counting=True):
                found += int(count)
                if len(examples) < limit:
                    end = int(day) + _DAY
                    rows = self._rows(kind, int(day), end, counting=False, limit=limit - len(examples))
                    examples += [Finding(str(s), str(c), int(a), str(t), dict(amounts)) for s, c, a, t, amounts in rows]
            step()
        return Audit(kind.name, kind.about, found, tuple(examples))

    def _rows(self, kind: Kind, first: int, until: int, *, counting: bool, **more: int) -> list[tuple[Any, ...]]:
        sql = render(kind.template, side=kind.side, counting=counting, **self._structure)
        told = {"first": first, "until": until, "commit": self._commit, "decimals": self._decimals, **more}
        told |= {"cards": self._cards, "site_zone": self._zone}
        used = {name: value for name, value in told.items() if f"{{{name}:" in sql}
        return [tuple(row) for row in self._warehouse.query(Statement(sql, used)).rows]
