"""The most valuable test we own: every question, routed and from the ledger alone, agrees to the last digit.

The calls are a carrier's, with late ones, duplicates, corrections and withdrawals, across two nights on which
clocks change. A sample of the questions is also worked out in plain Python from the files themselves.
"""

import csv
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.catalog.preset import PARAMETERS
from engine.errors import TollhouseError
from engine.ingest.pipeline import Asked
from engine.query import question, render
from engine.query.answer import Answer
from engine.query.question import OPERATORS
from engine.query.route import LEDGER
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import Traffic, write
from tests.exchange import HERE, Rates, Sum, give_rates, text
from tests.exchange import write as write_csv
from tests.questions import EVERY_DIMENSION, EVERY_MEASURE, REPORTS, ZONES, random_question, times

pytestmark = pytest.mark.engine

START, DAYS = date(2026, 3, 1), 35  # New York changes its clocks on 8 March, Paris on the 29th
RATES: Rates = {
    (START + timedelta(days=day), *pair): Decimal(950_000 + 7919 * day % 200_000).scaleb(-6)
    for day in range(-3, 20)
    if day % 7 not in (5, 6)
    for pair in (("EUR", "USD"), ("USD", "EUR"))
}
"""Rates of working days; at the end of the month there are none any more."""
CALLS = 8_000
PLAIN_DIMENSIONS = ("customer", "customer_destination", "provider", "provider_card", "country", "day", "outcome")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traffic")


@pytest.fixture(scope="module")
def loaded(dsn: str, files: Path) -> Iterator[tuple[Site, list[Path]]]:
    settings = Settings(database=dsn, timezone=HERE, rollup_zones=("Asia/Kolkata",), chunk_records=3000, currency="USD")
    with Site(settings) as site:
        paths = [files / "calls.csv", files / "again.csv"]
        if not paths[0].exists():
            write(Traffic(CALLS, DAYS, 7, START), site.warehouse, paths[0], None)
            _say_again(paths[0], paths[1])
        give_rates(site, files, {**RATES, (START, "EUR", "USD"): Decimal(7)})
        for path in paths:
            site.ingest(path, path.name, Asked())
        give_rates(site, files, RATES)
        for kind in ("customers", "providers"):
            site.load_list(kind, write_csv(files / f"{kind}.csv", _names(site, kind)), f"{kind}.csv")
        yield site, paths


def _names(site: Site, kind: str) -> list[dict[str, str]]:
    """A list that calls some accounts by a name, two of them by the same, and others not at all."""
    sql = f"SELECT DISTINCT {kind[:-1]} FROM cdr WHERE {kind[:-1]} != '' ORDER BY 1"
    ids = [str(row[0]) for row in site.warehouse.query(Statement(sql)).rows]
    return [{"id": one, "name": f"Name {place // 2}" if place % 5 else ""} for place, one in enumerate(ids)]


def _say_again(path: Path, again: Path) -> None:
    """A later file: some records as they were, some re-rated, some withdrawn, some with an older revision."""
    dice = random.Random(11)
    with path.open(encoding="utf-8", newline="") as file, again.open("w", encoding="utf-8", newline="") as out:
        reader = csv.DictReader(file)
        writer = csv.DictWriter(out, [*(reader.fieldnames or []), "withdrawn"])
        writer.writeheader()
        told = set()
        for row in reader:
            identity = (row["source"], row["call_id"], row["attempt"])
            fate = dice.random()
            if fate < 0.9 or identity in told:
                continue
            told.add(identity)
            if fate < 0.93:
                row["revision"] = "2"
                row["customer_charge"] = str(Decimal(row["customer_charge"] or "0") + Decimal("0.00000001"))
            elif fate < 0.95:
                row["revision"] = "3"
                row["withdrawn"] = "true"
            elif fate < 0.97:
                row["customer"] = "somebody-else"
                row["revision"] = "1"
            writer.writerow(row)


def _values(site: Site) -> dict[str, list[Any]]:
    """Some values of every dimension, those of the questions' filters in full."""
    columns = {name: told.column for name, told in site.catalog.dimensions.items() if told.column and not told.lookup}
    sums = ", ".join(f"arraySort(groupUniqArrayIf(400)({column}, isNotNull({column})))" for column in columns.values())
    row = site.warehouse.query(Statement(f"SELECT {sums} FROM cdr")).rows[0]
    found = dict(zip(columns, map(list, row), strict=True))
    found["customer_name"] = [*found["customer"][:2], "Name 0", "Name 1", "Name 2"]
    return found | times(datetime.combine(START, datetime.min.time(), UTC), DAYS)


def _same(routed: Answer, ledger: Answer) -> bool:
    return (routed.columns, routed.rows, routed.totals, routed.subtotals, routed.total_rows, routed.warnings) == (
        ledger.columns,
        ledger.rows,
        ledger.totals,
        ledger.subtotals,
        ledger.total_rows,
        ledger.warnings,
    )


def _compare(site: Site, seed: int, numbers: range) -> Counter[str]:
    dice = random.Random(seed)
    values = _values(site)
    start = datetime(START.year, START.month, START.day, tzinfo=UTC)
    used: Counter[str] = Counter()
    for number in numbers:
        asked = random_question(dice, start, DAYS, values, number)
        principal = ADMIN
        if dice.random() < 0.2:
            principal = Principal("somebody", accounts=tuple(dice.sample(values["customer"], 3)))
        if (number + seed) % 4 == 0:  # before the corrections
            asked["as_of"] = "batch:1"
        try:
            parsed = question.of(asked)
            routed = site.desk.ask(parsed, principal)
        except Exception as failure:
            if isinstance(failure, TollhouseError) and failure.code == "too_many_columns":
                used[failure.code] += 1
                continue
            raise AssertionError(f"question {number}: {asked}") from failure
        if set(routed.source) != {LEDGER}:  # what was answered from the ledger alone is the same statement again
            ledger = site.desk.ask(parsed, principal, ledger_only=True)
            assert _same(routed, ledger), f"question {number} from {routed.source}: {asked}"
        kinds = dict.fromkeys("ledger" if table == LEDGER else "rollup" for table in routed.source)
        used["+".join(kinds)] += 1
        used.update({table.rpartition("_v")[0] for table in routed.source if table != LEDGER})
    return used


def test_routed_equals_ledger(loaded: tuple[Site, list[Path]], request: pytest.FixtureRequest) -> None:
    site, _ = loaded
    numbers = range(400) if site.warehouse.embedded else range(400, 600)
    used = _compare(site, numbers.start, numbers)
    # A test that never used a rollup, or never mixed one with the ledger, would prove nothing.
    assert min(used["rollup"], used["rollup+ledger"], used["ledger"]) >= 5, used
    assert not site.warehouse.embedded or all(used[rollup] for rollup in site.catalog.rollups), used


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_routed_equals_ledger_ten_thousand_times(loaded: tuple[Site, list[Path]]) -> None:
    _compare(loaded[0], 2, range(10_000))


def test_five_hundred_questions_leave_nothing_out() -> None:
    """Every dimension, measure, operator, report, shape and zone is in those that are asked above."""
    dice = random.Random(0)
    start = datetime(START.year, START.month, START.day, tzinfo=UTC)
    values: dict[str, list[Any]] = {name: ["a", "b", "c", "d"] for name in EVERY_DIMENSION} | times(start, DAYS)
    asked = [random_question(dice, start, DAYS, values, number) for number in range(500)]
    shown = Counter(name for one in asked for name in (*one.get("rows", []), *one.get("columns", [])))
    clauses = [(clause["field"], clause["op"]) for one in asked for clause in one.get("where", [])]
    assert set(EVERY_DIMENSION) <= shown.keys()
    assert set(EVERY_DIMENSION) <= {field for field, _ in clauses}
    assert {name for one in asked for name in one.get("measures", [])} == set(EVERY_MEASURE)
    assert {op for field, op in clauses if field in EVERY_DIMENSION} == set(OPERATORS)
    assert {op for field, op in clauses if field in EVERY_MEASURE} == set(OPERATORS) - {"contains", "starts_with"}
    presets = {(one["report"], *(one.get(name, "") for name in PARAMETERS)) for one in asked if "report" in one}
    assert {report for report, *_ in presets} == set(REPORTS)
    for report in map(catalog().reports.__getitem__, REPORTS):
        for name, parameter in report.parameters.items():
            assert set(parameter.values) == {one[name] for one in asked if one.get("report") == report.name}
    assert {one.get("compare") for one in asked} == {None, "previous", "week", "year"}
    assert all(sum(bool(one.get(shape)) for one in asked) >= 8 for shape in ("columns", "fill", "top", "compare"))
    assert {one["timezone"] for one in asked} == set(ZONES)
    # New York goes forward on 8 March, Paris on the 29th, Auckland and Lord Howe back on 5 April.
    nights = {"America/New_York": "2026-03-08", "Europe/Paris": "2026-03-29", "Australia/Lord_Howe": "2026-04-05"}
    for zone, night in nights.items():
        after = (date.fromisoformat(night) + timedelta(days=1)).isoformat()
        ragged = [one for one in asked if one["timezone"] == zone and one["from"] < night and one["to"] >= after[:10]]
        assert any(one["from"].endswith("+00:00") and "." in one["from"] for one in ragged), zone


@cache  # a file is read once for all the questions
def _standing(*paths: Path) -> list[dict[str, str]]:
    """What stands, from the files alone: the highest revision, of those the one that was said first."""
    standing: dict[tuple[str, str, str, str], dict[str, str]] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                identity = (row["source"], row["call_id"], row["attempt"], row["start_time"])
                told = standing.get(identity)
                content = {name: text for name, text in row.items() if name != "withdrawn" or text}
                if told is None or (int(row["revision"]) >= int(told["revision"]) and content != told):
                    standing[identity] = content
    return [row for row in standing.values() if row.get("withdrawn") != "true"]


def _number(text: str) -> Decimal:
    return Decimal(text or "0")


def _by_hand(
    records: list[dict[str, str]], asked: dict[str, Any], zone: str, currency: str
) -> dict[tuple[str, ...], dict[str, Any]]:
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in records:
        moment = datetime.fromisoformat(row["start_time"])
        local = moment.astimezone(ZoneInfo(zone))
        if not asked["from"] <= local.date().isoformat() < asked["to"]:
            continue
        day = {"day": local.date().isoformat()}
        groups[tuple((row | day)[name] for name in asked["rows"])].append(row)
    answer = {}
    for key, rows in groups.items():
        counted = rows if asked["calls"] == "attempts" else [row for row in rows if row["is_final"] == "true"]
        talked = [row for row in counted if _number(row["duration"]) > 0]
        seconds = sum((_number(row["duration"]) for row in talked), Decimal(0))
        customer, provider = Sum(), Sum()
        for row in rows:
            customer.add(row, "customer", currency, RATES)
            provider.add(row, "provider", currency, RATES)
        answer[key] = {
            "attempts": len(counted),
            "connected": len(talked),
            "asr": 100 * len(talked) / len(counted) if counted else None,
            "acd": float(seconds) / len(talked) if talked else None,
            "duration": float(sum((_number(row["duration"]) for row in rows), Decimal(0))),
            "customer_charge": None if customer.lacks else text(customer.amount),
            "profit": None if customer.lacks or provider.lacks else text(customer.amount - provider.amount),
            "dtmf_calls": sum(int(row["dtmf"] or 0) > 0 for row in talked),
        }
    return answer


@pytest.mark.parametrize("rows", [["customer"], ["customer", "provider"], ["day"], ["provider_card", "day"], []])
@pytest.mark.parametrize("calls", ["attempts", "final"])
@pytest.mark.parametrize(("zone", "currency"), [("UTC", "USD"), ("America/New_York", "EUR")])
def test_answers_equal_a_calculation_in_plain_python(
    loaded: tuple[Site, list[Path]], rows: list[str], calls: str, zone: str, currency: str
) -> None:
    site, paths = loaded
    measures = ["attempts", "connected", "asr", "acd", "duration", "customer_charge", "profit", "dtmf_calls"]
    asked = {"from": "2026-03-04", "to": "2026-03-30", "rows": rows, "measures": measures, "calls": calls}
    asked["currency"] = currency
    expected = _by_hand(_standing(*paths), asked, zone, currency)
    answer = site.ask(question.of({**asked, "timezone": zone}), ADMIN)
    found = {row[: len(rows)]: dict(zip(measures, row[len(rows) :], strict=True)) for row in answer.rows}
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        for name, value in values.items():
            got = found[key][name]
            assert got == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), (key, name)


def test_every_read_during_a_load_agrees_with_the_ledger_at_its_commit(
    loaded: tuple[Site, list[Path]], files: Path
) -> None:
    site, _ = loaded
    path = files / "meanwhile.csv"
    if not path.exists():
        write(Traffic(14_000, DAYS, 8, START), site.warehouse, path, None)
    asked = question.of(
        {"from": "2026-03-02", "to": "2026-04-01T10:30", "rows": ["provider"], "measures": ["attempts", "duration"]}
    )
    failures: list[BaseException] = []

    def load() -> None:
        try:
            site.ingest(path, path.name, Asked(source=f"meanwhile-{site.warehouse.embedded}"))
        except BaseException as failure:  # the main thread raises it
            failures.append(failure)

    loader = threading.Thread(target=load)
    loader.start()
    commits = set()
    while loader.is_alive():
        routed = site.ask(asked, ADMIN)
        commits.add(routed.as_of.commit)
        resolved = site.desk.resolve(asked, ADMIN)
        ledger = site.desk.route(resolved, routed.as_of, ledger_only=True)
        statement = render.rows(resolved, ledger, site.catalog, routed.as_of.commit, 1000)
        alone = site.warehouse.query(statement)
        assert [row[:3] for row in alone.rows] == routed.rows
    loader.join()
    assert not failures
    assert len(commits) > 2, "nothing was committed while reading"
