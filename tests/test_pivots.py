"""Columns, fill, compare and top: every cell, total and order equals a calculation in plain Python over the records."""

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.access.principal import ADMIN, Principal
from engine.errors import TollhouseError
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.query.answer import Answer, Subtotal, money_text
from engine.settings import Settings
from engine.site import Site
from tests.plain import NUMBERS, OTHER, RATIOS, Plain, Record

pytestmark = pytest.mark.engine

FIRST, LAST = datetime(2026, 9, 20, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)
"""Europe's clocks change on 25 October, New York's on 1 November."""
ZONES = ("UTC", "America/New_York", "Europe/Paris", "Asia/Kathmandu")
WINDOWS = (
    ("2026-10-01", "2026-11-01"), ("2026-11-01", "2026-11-16"), ("2026-10-25", "2026-10-26"),
    ("2026-10-31", "2026-11-03"), ("2026-10-05T07:30", "2026-10-21T16:45"), ("2026-10-26", "2026-11-02"),
    ("2026-10-20T03:10:00.500", "2026-10-27T03:10:00.500"),
)  # fmt: skip
FIELDS = ("customer", "provider", "sip_code", "is_final")


def records() -> list[Record]:
    """Some hundred calls, more of them near the nights on which clocks change, with names that are hard to write."""
    dice = random.Random(5)
    span = (LAST - FIRST).total_seconds()
    nights = [datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)]
    found = []
    for number in range(700):
        start = FIRST + timedelta(milliseconds=dice.randrange(int(span) * 1000))
        if dice.random() < 0.2:
            start = dice.choice(nights) + timedelta(milliseconds=dice.randrange(4 * 3_600_000))
        talked = dice.random() < 0.5
        final = dice.random() < 0.8
        found.append(
            {
                "call_id": f"c{number}",
                "start_time": start,
                "attempt": 1 if final else 2,
                "is_final": final,
                "customer": dice.choice(["acme", "zenith", "other", "a|b\\c", "globex", ""]),
                "provider": dice.choice(["carrier-a", "carrier-a", "carrier-b", "-c"]),
                "sip_code": 200 if talked else dice.choice([486, 503, None]),
                "duration": Decimal(dice.randrange(1, 400_000)) / 1000 if talked else Decimal(0),
                "customer_charge": Decimal(dice.randrange(-50, 900_000)) / 10**6 if talked else Decimal(0),
                "provider_charge": Decimal(dice.randrange(0, 700_000)) / 10**6 if talked else Decimal(0),
            }
        )
    return found


@pytest.fixture(scope="module")
def calls() -> list[Record]:
    return records()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, calls: list[Record]) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*calls[0], "customer_currency", "provider_currency"])
        for call in calls:
            texts = [
                "" if value is None else str(value).lower() if isinstance(value, bool) else value
                for value in call.values()
            ]
            texts[1] = call["start_time"].isoformat(timespec="milliseconds")
            writer.writerow([*texts, "USD", "USD"])
    with Site(Settings(database="chdb://memory", rollup_zones=("America/New_York",))) as opened:
        opened.ingest(path, path.name, Asked())
        yield opened


def ask(site: Site, **fields: Any) -> Answer:
    return site.ask(question.of({"from": "2026-10-01", "to": "2026-11-01", **fields}), ADMIN)


def refused(site: Site, principal: Principal = ADMIN, **fields: Any) -> TollhouseError:
    with pytest.raises(TollhouseError) as failure:
        site.ask(question.of({"from": "2026-10-01", "to": "2026-11-01", **fields}), principal)
    return failure.value


def random_question(dice: random.Random) -> dict[str, Any]:
    start, end = dice.choice(WINDOWS)
    times = ["day", "week", "month", "hour", "hour_of_day", "day_of_week", "minute15", "quarter"]
    names = dice.sample([*FIELDS, *FIELDS, *times[: 8 if dice.random() < 0.3 else 4]], 4)
    names = list(dict.fromkeys(names))
    place = dice.randint(0, len(names))
    rows, columns = names[:place], names[place : place + dice.choice((0, 1, 1, 2))]
    asked: dict[str, Any] = {
        "from": start,
        "to": end,
        "timezone": dice.choice(ZONES),
        "rows": rows[:2],
        "columns": columns,
        "measures": dice.sample([*NUMBERS, *RATIOS], dice.randint(1, 3)),
        "calls": dice.choice(("attempts", "final")),
        "totals": dice.random() < 0.5,
        "subtotals": dice.random() < 0.5,
        "fill": dice.random() < 0.3,
    }
    if dice.random() < 0.5:
        asked["compare"] = dice.choice(("previous", "week", "year"))
    shown = [*asked["rows"], *columns]
    if shown and dice.random() < 0.4:
        by = dice.choice([*NUMBERS, *RATIOS])
        asked["top"] = [{"field": name, "count": dice.randint(1, 3), "by": by} for name in dice.sample(shown, 1)]
    if dice.random() < 0.3:
        asked["where"] = [{"field": "customer", "op": "not_in", "values": ["acme"]}]
    return asked


def header(values: tuple[Any, ...]) -> str:
    def text(value: Any) -> str:
        if value is OTHER:
            return "\\other"
        if value is None:
            return ""
        plain = str(value).lower() if isinstance(value, bool) else str(value)
        return plain.replace("\\", "\\\\").replace("|", "\\|")

    return "".join(f"|{text(value)}" for value in values)


def same(found: Any, wanted: Any, kind: str) -> bool:
    if found is None or wanted is None:
        return found is wanted
    if kind == "money":
        return bool(found == money_text(wanted))
    if kind == "integer":
        return bool(found == wanted)
    return bool(float(found) == pytest.approx(float(wanted), rel=1e-9, abs=1e-9))


def leading(row: tuple[Any, ...] | list[Any], plain: Plain, asked: dict[str, Any]) -> tuple[Any, ...]:
    """The dimensions of a row as the answer has them: a flag stands behind each that is cut to its top."""
    found: list[Any] = []
    for name, value in zip(asked["rows"], row, strict=True):
        rest = value is OTHER
        found.append(("other" if name in ("customer", "provider") else None) if rest else value)
        if name in plain.asked.top:
            found.append(rest)
    return tuple(found)


def check(site: Site, calls: list[Record], asked: dict[str, Any], dice: random.Random) -> str:
    where = asked.pop("where", [])
    tests = [lambda record, _: record["customer"] != "acme"] if where else []
    least = [("attempts", 3)] if dice.random() < 0.3 else []
    plain = Plain(calls, {**asked, "tests": tests, "least": least})
    if len(plain.across) * len(asked["measures"]) * (4 if asked.get("compare") else 1) > 1000:
        return "too many"
    beside = ["", ".previous", ".change", ".change_percent"] if asked.get("compare") else [""]
    names = [
        f"{name}{aspect}{header(across) if across is not None else ''}"
        for across in [*plain.across, None]
        for name in asked["measures"]
        for aspect in beside
    ]
    sort: list[tuple[int | str, bool]] = []
    if dice.random() < 0.6:
        place = dice.randrange(len(names))
        sort = [(place, dice.random() < 0.5)]
        asked["sort"] = [{"field": names[place], "descending": sort[0][1]}]
    else:
        asked["sort"] = [{"field": name, "descending": False} for name in asked["rows"]]
    having = [{"field": name, "op": "ge", "values": [value]} for name, value in least]
    expected = plain.sorted_rows(sort)
    if dice.random() < 0.3:
        asked["limit"], asked["offset"] = dice.randint(0, 5), dice.choice((0, 1, 40))
    answer = site.ask(question.of({**asked, "where": [*where, *having]}), ADMIN)
    depth = len(leading(("",) * len(asked["rows"]), plain, asked))
    assert [column.name for column in answer.columns[depth:]] == names
    types = [column.type for column in answer.columns[depth:]]

    def agree(found: tuple[Any, ...], wanted: list[Any]) -> None:
        for name, kind, got, value in zip(names, types, found, wanted, strict=True):
            assert same(got, value, kind), (name, got, value)

    begin = asked.get("offset", 0)
    page = expected[begin : begin + asked["limit"]] if "limit" in asked else expected[begin:]
    assert [row[:depth] for row in answer.rows] == [leading(row, plain, asked) for row in page]
    assert answer.total_rows == len(expected)
    assert answer.truncated == (begin + len(page) < len(expected))
    for found, row in zip(answer.rows, page, strict=True):
        agree(found[depth:], plain.row(plain.lines[row]))
    if asked["totals"]:
        assert isinstance(answer.totals, tuple)
        assert set(answer.totals[:depth]) <= {None}
        agree(answer.totals[depth:], plain.over(expected))
    if asked["subtotals"]:
        assert isinstance(answer.subtotals, list)
        _subtotals(answer.subtotals, plain, expected, asked, depth, agree)
    return "rollup" if answer.source != ("cdr",) else "ledger"


def _subtotals(
    found: list[Subtotal], plain: Plain, rows: list[tuple[Any, ...]], asked: dict[str, Any], depth: int, agree: Any
) -> None:
    wanted = {
        (level, row[:level]): [other for other in rows if other[:level] == row[:level]]
        for row in rows
        for level in range(1, len(asked["rows"]))
    }
    assert len(found) == len(wanted)
    told = {(subtotal.level, subtotal.row[:depth]): subtotal.row[depth:] for subtotal in found}
    for (level, key), below in wanted.items():
        width = len(leading(("",) * level, plain, {**asked, "rows": asked["rows"][:level]}))
        lead = leading(key, plain, {**asked, "rows": asked["rows"][:level]})
        agree(told[level, (*lead, *[None] * (depth - width))], plain.over(below))


@pytest.mark.parametrize("seed", range(3))
def test_every_cell_equals_a_calculation_in_plain_python(site: Site, calls: list[Record], seed: int) -> None:
    run(site, calls, seed, 15)


def run(site: Site, calls: list[Record], seed: int, count: int) -> None:
    dice = random.Random(seed)
    for number in range(count):
        asked = random_question(dice)
        try:
            check(site, calls, asked, dice)
        except Exception as failure:
            raise AssertionError(f"question {number}: {asked}") from failure


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_every_cell_equals_a_calculation_in_plain_python_two_thousand_times(site: Site, calls: list[Record]) -> None:
    run(site, calls, 99, 2000)
