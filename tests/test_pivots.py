"""Columns, fill, compare and top: every cell, total and order equals a calculation in plain Python over the records."""

import csv
import io
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest

from engine.access.principal import ADMIN, Principal
from engine.errors import TollhouseError
from engine.exports import formats
from engine.ingest.pipeline import Asked
from engine.query import parameters, question
from engine.query.answer import Answer, Period, Subtotal, money_text
from engine.settings import Settings
from engine.site import Site
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.plain import NUMBERS, OTHER, RATIOS, TIMES, Plain, Record, bucket, in_order
from web import cli
from web.cli import main

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


def written(calls: list[Record], path: Path) -> Path:
    """Write records as a file to be loaded."""
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
    return path


@pytest.fixture(scope="module")
def calls() -> list[Record]:
    return records()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, calls: list[Record]) -> Iterator[Site]:
    path = written(calls, tmp_path_factory.mktemp("calls") / "calls.csv")
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


@pytest.mark.parametrize("seed", range(2))
def test_every_cell_equals_a_calculation_in_plain_python(site: Site, calls: list[Record], seed: int) -> None:
    run(site, calls, seed, 12)


def test_so_it_does_on_a_server(clickhouse: ClickHouseProcess, calls: list[Record], tmp_path: Path) -> None:
    settings = Settings(database=fresh_database(clickhouse), rollup_zones=("America/New_York",))
    with Site(settings) as site:
        site.ingest(written(calls, tmp_path / "calls.csv"), "calls.csv", Asked())
        run(site, calls, 2, 10)


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


class TestColumns:
    def test_come_in_order_with_the_total_last_and_say_what_they_are(self, site: Site) -> None:
        answer = ask(site, rows=["provider"], columns=["is_final", "customer"], measures=["attempts", "asr"])
        names = [column.name for column in answer.columns]
        assert names[:4] == ["provider", "attempts|false|", "asr|false|", "attempts|false|acme"]
        assert names[-2:] == ["attempts", "asr"]
        told = json.loads(b"".join(formats.write(answer, "json")))["columns"]
        assert told[0] == {"name": "provider", "label": "Provider", "type": "string"}
        assert told[names.index("attempts|false|a\\|b\\\\c")] == {
            "name": "attempts|false|a\\|b\\\\c",
            "label": "Attempts, false, a|b\\c",
            "type": "integer",
            "unit": "calls",
            "measure": "attempts",
            "pivot": {"is_final": False, "customer": "a|b\\c"},
        }
        assert told[-2] == {"name": "attempts", "label": "Attempts", "type": "integer", "unit": "calls"}

    def test_are_one_row_without_rows_also_without_calls(self, site: Site) -> None:
        answer = ask(site, rows=[], columns=["provider"], measures=["attempts", "acd"], totals=True)
        assert len(answer.rows) == 1
        assert answer.rows[0] == answer.totals
        nothing = {"from": "2025-01-01", "to": "2025-02-01", "measures": ["attempts", "acd"]}
        assert ask(site, rows=[], columns=["provider"], **nothing, totals=True).rows == [(0, None)]
        answer = ask(site, rows=["customer"], columns=["provider"], **nothing, totals=True, subtotals=True)
        assert (answer.rows, answer.totals, answer.subtotals) == ([], (None, 0, None), [])

    def test_add_up_to_the_row_and_rows_to_the_total(self, site: Site) -> None:
        measures = ["attempts", "customer_charge"]
        answer = ask(site, rows=["customer"], columns=["week", "provider"], measures=measures, totals=True)
        assert isinstance(answer.totals, tuple)
        for row in [*answer.rows, answer.totals]:
            counts, money = row[1:-2:2], row[2:-2:2]
            assert sum(counts) == row[-2]
            assert sum(map(Decimal, money)) == Decimal(row[-1])
        for place in range(1, len(answer.columns), 2):
            assert sum(row[place] for row in answer.rows) == answer.totals[place]

    def test_of_adjacent_windows_tile(self, site: Site) -> None:
        def cells(start: str, end: str) -> Counter[tuple[str, str]]:
            answer = ask(site, **{"from": start, "to": end}, rows=["customer"], columns=["provider"])
            names = [column.name for column in answer.columns[1:]]
            return Counter({(row[0], name): row[place] for row in answer.rows for place, name in enumerate(names, 1)})

        edges = ["2026-10-01", "2026-10-05T07:15", "2026-10-25T02:30:00.001", "2026-11-01"]
        tiles = [cells(start, end) for start, end in itertools.pairwise(edges)]
        assert sum(tiles, Counter()) == cells(edges[0], edges[-1])

    def test_beyond_the_limit_are_refused(self, site: Site) -> None:
        # 100 quarters of an hour of that long day make 1000 columns with 10 measures, and more with 11.
        day: Any = {
            "from": "2026-10-25",
            "to": "2026-10-26",
            "timezone": "Europe/Paris",
            "columns": ["minute15"],
            "fill": True,
        }
        measures = [*NUMBERS, *RATIOS]
        assert len(ask(site, **day, measures=measures).columns) == 1000 + 10
        failure = refused(site, **day, measures=[*measures, "minutes"])
        assert (failure.code, failure.status, failure.pointer) == ("too_many_columns", 422, "$.columns")
        assert refused(site, columns=["minute15"], fill=True).code == "too_many_columns"

    def test_can_be_sorted_by_with_nulls_last_both_ways(self, site: Site) -> None:
        for down in (False, True):
            sort = [{"field": "acd|carrier-b", "descending": down}]
            answer = ask(site, rows=["day"], columns=["provider"], measures=["acd"], sort=sort)
            place = [column.name for column in answer.columns].index("acd|carrier-b")
            found = [row[place] for row in answer.rows]
            known = [value for value in found if value is not None]
            assert known == sorted(known, reverse=down)
            assert found == [*known, *[None] * (len(found) - len(known))]
            assert None in found
            assert answer.question.sort is not None
            assert answer.question.sort[0].field == "acd|carrier-b"

    def test_that_are_not_there_cannot_be_sorted_by(self, site: Site) -> None:
        asked: Any = {"rows": ["customer"], "columns": ["day", "is_final"]}
        for field in ("attempts|2026-10-05", "attempts|yesterday|true", "asr|2026-10-05|true", "day", "attemps"):
            failure = refused(site, **asked, sort=[{"field": field}])
            assert (failure.code, failure.status, failure.pointer) == ("unknown_field", 422, "$.sort[0].field")
        assert "'attempts'" in (failure.hint or "")
        answer = ask(site, **asked, sort=[{"field": "attempts|2027-10-05|true"}])
        assert [warning.code for warning in answer.warnings] == ["no_such_column"]

    def test_have_the_numerators_and_denominators_of_their_own_cells(self, site: Site) -> None:
        answer = ask(site, rows=["customer"], columns=["provider"], measures=["asr"], parts=True, totals=True)
        assert isinstance(answer.totals, tuple)
        for row in [*answer.rows, answer.totals]:
            for ratio, above, below in zip(row[1::3], row[2::3], row[3::3], strict=True):
                assert ratio == (pytest.approx(100 * above / below) if below else None)

    def test_are_the_same_in_csv(self, site: Site) -> None:
        answer = ask(site, rows=["customer"], columns=["is_final"], measures=["attempts", "profit"])
        written = b"".join(formats.write(answer, "csv")).decode()
        header, *rows = csv.reader(io.StringIO(written, newline=""))
        assert header == [column.name for column in answer.columns] + ["currency"]
        assert [len(row) for row in rows] == [len(header)] * answer.row_count

    def test_are_named_in_urls(self) -> None:
        pairs = [
            ("from", "2026-10-01"), ("to", "2026-11-01"), ("columns", "hour,customer"), ("fill", "true"),
            ("compare", "week"), ("top", "customer:3:profit,provider"),
            ("sort", "attempts|2026-11-01T01:00:00-04:00|a:desc,asr|2026-11-01T01:00:00-05:00|b"),
        ]  # fmt: skip
        asked = parameters.question(None, pairs, ())
        assert (asked.columns, asked.fill, asked.compare) == (("hour", "customer"), True, "week")
        assert [(top.field, top.count, top.by) for top in asked.top or ()] == [
            ("customer", 3, "profit"),
            ("provider", 10, None),
        ]
        assert [(key.field, key.descending) for key in asked.sort or ()] == [
            ("attempts|2026-11-01T01:00:00-04:00|a", True),
            ("asr|2026-11-01T01:00:00-05:00|b", False),
        ]


def test_the_command_line_asks_the_same_question_as_a_url() -> None:
    words = [
        "explore",
        "--from",
        "2026-10-01",
        "--to",
        "2026-11-01",
        "--rows",
        "provider",
        "--columns",
        "day",
        "--fill",
        "--compare",
        "year",
    ]
    words += ["--top", "provider:3:profit", "--sort", "attempts|2026-10-05:desc"]
    command = main.get_command(click.Context(main), "report")
    assert command is not None
    given = dict(command.make_context("report", words, obj=SimpleNamespace()).params)
    pairs = [
        ("from", "2026-10-01"), ("to", "2026-11-01"), ("rows", "provider"), ("columns", "day"), ("fill", "true"),
        ("compare", "year"), ("top", "provider:3:profit"), ("sort", "attempts|2026-10-05:desc"),
    ]  # fmt: skip
    assert cli._question(given.pop("name"), given) == parameters.question("explore", pairs, ())


@pytest.mark.parametrize(
    ("fields", "status", "code", "pointer"),
    [
        ({"columns": ["custmer"]}, 422, "unknown_field", "$.columns[0]"),
        ({"rows": ["day"], "columns": ["provider", "day"]}, 422, "bad_value", "$.columns[1]"),
        ({"top": [{"field": "customer"}]}, 422, "unknown_field", "$.top[0].field"),
        ({"rows": ["day"], "top": [{"field": "day", "by": "attemps"}]}, 422, "unknown_field", "$.top[0].by"),
        ({"rows": ["day"], "top": [{"field": "day"}, {"field": "day"}]}, 422, "bad_value", "$.top[1]"),
        ({"compare": "weak"}, 400, "malformed", "$.compare"),
        ({"top": [{"field": "day", "count": 0}]}, 400, "malformed", "$.top[0].count"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    site: Site, fields: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    failure = refused(site, **fields)
    assert (failure.status, failure.code, failure.pointer) == (status, code, pointer)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"columns": ["provider"]}, "$.columns[0]"),
        ({"columns": ["customer"], "top": [{"field": "customer", "by": "profit"}]}, "$.top[0].by"),
    ],
)
def test_what_is_not_a_customers_to_see_is_not_asked_by_a_detour(
    site: Site, fields: dict[str, Any], pointer: str
) -> None:
    customer = Principal("acme", accounts=("acme",), audience="customer")
    failure = refused(site, customer, **fields)
    assert (failure.code, failure.pointer) == ("forbidden_field", pointer)
    hidden = refused(site, customer, rows=["day"], columns=["customer"], sort=[{"field": "profit|acme"}])
    assert hidden.status == 422


class TestFill:
    @pytest.mark.parametrize(
        ("zone", "day", "hours"),
        [
            ("America/New_York", "2026-11-01", 25),
            ("Europe/Paris", "2026-10-25", 25),
            ("Europe/Paris", "2027-03-28", 23),
            ("Australia/Lord_Howe", "2026-10-04", 24),  # one of them has 30 minutes
            ("Australia/Lord_Howe", "2027-04-04", 25),
            ("Asia/Kathmandu", "2026-10-25", 24),
        ],
    )
    def test_has_the_hours_of_the_night(self, site: Site, zone: str, day: str, hours: int) -> None:
        window = {"from": day, "to": (date.fromisoformat(day) + timedelta(days=1)).isoformat(), "timezone": zone}
        rows = ask(site, **window, rows=["hour"], fill=True).rows
        across = ask(site, **window, rows=[], columns=["hour"], fill=True)
        begins = [datetime.fromisoformat(row[0]) for row in rows]
        assert begins == sorted(begins)
        assert len(rows) == hours
        assert [column.name for column in across.columns] == [f"attempts|{row[0]}" for row in rows] + ["attempts"]
        assert across.rows[0][:-1] == tuple(row[1] for row in rows)

    def test_keeps_to_the_filters(self, site: Site) -> None:
        weekend = {"field": "day_of_week", "op": "ge", "values": [6]}
        days = [row[0] for row in ask(site, rows=["day"], where=[weekend], fill=True).rows]
        assert days == [f"2026-10-{day:02}" for day in (3, 4, 10, 11, 17, 18, 24, 25, 31)]
        silent = {"field": "attempts", "op": "eq", "values": [0]}
        hours = ask(site, rows=["hour"], where=[silent], fill=True)
        assert hours.total_rows == 31 * 24 - ask(site, rows=["hour"], limit=1).total_rows
        assert {row[1] for row in hours.rows} == {0}


class TestCompare:
    @pytest.mark.parametrize(
        ("window", "zone", "compare", "earlier"),
        [
            (("2026-10-01", "2026-11-01"), "America/New_York", "previous", ("2026-09-01", "2026-10-01")),
            (("2026-07-01", "2026-10-01"), "UTC", "previous", ("2026-04-01", "2026-07-01")),
            (("2026-11-01", "2026-11-02"), "America/New_York", "previous", ("2026-10-31", "2026-11-01")),
            (("2026-10-26", "2026-11-02"), "Europe/Paris", "week", ("2026-10-19", "2026-10-26")),
            (("2028-02-29", "2028-03-01"), "UTC", "year", ("2027-02-28", "2027-03-01")),
            (
                ("2026-11-02T06:00", "2026-11-02T18:00"), "America/New_York", "week",
                ("2026-10-26T06:00:00-04:00", "2026-10-26T18:00:00-04:00"),
            ),
            (
                ("2026-11-01T12:00", "2026-11-01T18:00"), "America/New_York", "previous",
                ("2026-11-01T06:00:00-05:00", "2026-11-01T12:00:00-05:00"),
            ),
        ],
    )  # fmt: skip
    def test_with_the_period_it_says(
        self, site: Site, window: tuple[str, str], zone: str, compare: str, earlier: tuple[str, str]
    ) -> None:
        answer = ask(site, **{"from": window[0], "to": window[1]}, timezone=zone, compare=compare)
        assert answer.compared == Period(*earlier)
        before = ask(site, **{"from": earlier[0], "to": earlier[1]}, timezone=zone).rows[0][0]
        assert answer.rows[0][1] == before

    def test_has_every_call_of_a_longer_month(self, site: Site) -> None:
        window = {"from": "2026-11-01", "to": "2026-12-01"}
        answer = ask(site, **window, rows=["day"], compare="previous", totals=True)
        assert isinstance(answer.totals, tuple)
        assert answer.totals[2] == sum(row[2] for row in answer.rows) == ask(site).rows[0][0]
        assert {row[0] for row in answer.rows} <= {f"2026-11-{day:02}" for day in range(1, 31)}

    def test_reads_both_periods_at_one_commit_and_from_rollups(self, site: Site) -> None:
        answer = ask(site, rows=["customer"], compare="previous", timezone="America/New_York")
        assert set(answer.source) - {"cdr"}


class TestTop:
    def test_tells_the_rest_from_a_customer_of_that_name(self, site: Site) -> None:
        every = {row[0]: row[1] for row in ask(site, rows=["customer"]).rows}
        answer = ask(site, rows=["customer"], top=[{"field": "customer", "count": 5}], totals=True)
        assert [column.name for column in answer.columns] == ["customer", "customer.other", "attempts"]
        *told, rest = answer.rows
        assert rest[:2] == ("other", True)
        assert {row[0]: row[2] for row in told} == {name: every[name] for name in [row[0] for row in told]}
        assert rest[2] == sum(every.values()) - sum(row[2] for row in told)
        assert answer.totals == (None, None, sum(every.values()))
        across = ask(site, rows=[], columns=["customer"], top=[{"field": "customer", "count": 5}])
        assert across.columns[-2].name == "attempts|\\other"
        assert (across.columns[-2].pivot, across.columns[-2].other) == ({"customer": None}, ("customer",))
        assert across.rows[0][-2:] == (rest[2], sum(every.values()))

    def test_of_all_leaves_no_rest(self, site: Site) -> None:
        answer = ask(site, rows=["customer"], top=[{"field": "customer", "count": 100}])
        assert {row[1] for row in answer.rows} == {False}


def test_rows_beyond_the_last_one_are_none_of_how_many(site: Site) -> None:
    for fields in ({"rows": ["customer"]}, {"rows": ["customer"], "columns": ["provider"]}):
        answer = ask(site, **fields, limit=3, offset=50)
        assert (answer.rows, answer.row_count, answer.total_rows, answer.truncated) == ([], 0, 6, False)
        nothing = ask(site, **fields, limit=0)
        assert (nothing.row_count, nothing.total_rows, nothing.truncated) == (0, 6, True)


OPERATORS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "eq": lambda value, wanted: value in wanted,
    "in": lambda value, wanted: value in wanted,
    "ne": lambda value, wanted: value not in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "lt": lambda value, wanted: value < wanted[0],
    "le": lambda value, wanted: value <= wanted[0],
    "gt": lambda value, wanted: value > wanted[0],
    "ge": lambda value, wanted: value >= wanted[0],
    "between": lambda value, wanted: wanted[0] <= value <= wanted[1],
    "contains": lambda value, wanted: wanted[0].lower() in value.lower(),
    "starts_with": lambda value, wanted: value.lower().startswith(wanted[0].lower()),
}
FILTERED: dict[str, list[Any]] = {
    "customer": ["acme", "a|b\\c", "", "ZENITH", "zenith"],
    "provider": ["carrier-a", "-c", "CARRIER"],
    "sip_code": [486, 200, 487],
    "is_final": [True, False],
    "attempt": [1, 2],
    "day": ["2026-10-25", "2026-11-01", "2026-10-03"],
    "week": ["2026-10-26", "2026-10-05"],
    "month": ["2026-10-01", "2026-11-01"],
    "hour": ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-12T09:00:00+02:00"],
    "minute15": ["2026-10-25T02:45:00+02:00", "2026-10-25T02:00:00+01:00"],
    "hour_of_day": [2, 0, 23],
    "day_of_week": [1, 7],
}


@pytest.mark.parametrize("field", FILTERED)
def test_every_operator_chooses_the_calls_it_says_and_a_null_passes_none(
    site: Site, calls: list[Record], field: str
) -> None:
    """The field is not shown; one that is null passes no comparison, also not `ne`."""
    zone = ZoneInfo("Europe/Paris")
    window: Any = {"from": "2026-09-25", "to": "2026-11-10", "timezone": zone.key, "rows": []}
    begin, end = (datetime(2026, *day, tzinfo=zone) for day in ((9, 25), (11, 10)))
    values = [
        bucket(field, call["start_time"].astimezone(zone)) if field in TIMES else call[field]
        for call in calls
        if begin <= call["start_time"] < end
    ]
    wanted = FILTERED[field]
    for op, passes in OPERATORS.items():
        given = wanted[:1] if op in ("lt", "le", "gt", "ge", "contains", "starts_with") else wanted[:2]
        given = sorted(given, key=in_order) if op == "between" else given
        if op in ("contains", "starts_with"):
            if field not in ("customer", "provider"):
                assert refused(site, **window, where=[{"field": field, "op": op, "values": given}]).code == "bad_value"
                continue
            given = [given[0][:2].upper()]
        compared = [
            in_order(value) if field in ("hour", "minute15") else value for value in values if value is not None
        ]
        bounds = [in_order(value) if field in ("hour", "minute15") else value for value in given]
        found = ask(site, **window, where=[{"field": field, "op": op, "values": given}])
        assert found.rows == [(sum(passes(value, bounds) for value in compared),)], op
    for op, null in (("is_null", True), ("not_null", False)):
        found = ask(site, **window, where=[{"field": field, "op": op}])
        assert found.rows == [(sum((value in (None, "")) is null for value in values),)], op


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("sip_code", ["4x"]), ("sip_code", [2**63]), ("day", ["2026-02-30"]), ("day", ["1888-01-01"]),
        ("hour", ["soon"]), ("is_final", ["perhaps"]), ("asr", ["nan"]), ("customer_charge", ["1e999"]),
        ("attempts", [True]),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_told_with_its_place(site: Site, field: str, values: list[Any]) -> None:
    failure = refused(site, where=[{"field": field, "op": "eq", "values": values}])
    assert (failure.code, failure.status, failure.pointer) == ("bad_value", 422, "$.where[0].values[0]")


@pytest.mark.parametrize("measure", ["attempts", "acd", "customer_charge"])
def test_filters_of_measures_choose_groups_whether_shown_or_not(site: Site, measure: str) -> None:
    every = {row[0]: row[1] for row in ask(site, rows=["day"], measures=[measure]).rows}
    if measure == "customer_charge":
        every = {day: Decimal(value) for day, value in every.items()}
    known = sorted(value for value in every.values() if value is not None)
    given = [known[4], known[-4]]
    for op, passes in OPERATORS.items():
        if op in ("contains", "starts_with"):
            continue
        one = given[:1] if op in ("lt", "le", "gt", "ge") else given
        where = [{"field": measure, "op": op, "values": [str(value) for value in one]}]
        found = {row[0] for row in ask(site, rows=["day"], where=where).rows}
        assert found == {day for day, value in every.items() if value is not None and passes(value, one)}, op
    nulls = {row[0] for row in ask(site, rows=["day"], where=[{"field": measure, "op": "is_null"}]).rows}
    assert nulls == {day for day, value in every.items() if value is None}
