"""Every question in tests/golden/ and the statement it becomes, side by side, run as well as compared.

`make golden` rewrites the expected files; the difference is to be read before it is committed.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.access.principal import Principal
from engine.catalog.load import catalog
from engine.ingest.stage import ledger_columns
from engine.query import question, render, search
from engine.query.answer import Moment
from engine.query.calls import Calls
from engine.query.coverage import Coverage
from engine.query.cursor import Place
from engine.query.lists import Rates
from engine.query.moments import Moments
from engine.query.resolve import Resolved, bare, resolve
from engine.query.route import Route, both, route
from engine.query.run import Desk
from engine.settings import Settings
from engine.statement import Statement
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parent / "golden"
CALLS = FOLDER / "calls"
ZONES = ("UTC", "America/New_York")
COMMIT = 4711
MONTHS = {202609: 1_000_000, 202610: 1_000_000, 202611: 1_000_000, 202612: 1_000_000}


class Golden(msgspec.Struct, forbid_unknown_fields=True):
    """A question, who asks it, and the site it is asked at."""

    about: str
    question: dict[str, Any]
    principal: Principal = Principal("admin")
    settings: dict[str, Any] = {}
    shrink: float = 20.0  # how many ledger rows a rollup row stands for
    alike: bool = False  # whether all money there is is in the currency asked for
    rates: int | None = None  # the version of the exchange rates, when money in other currencies is about
    versions: dict[str, int] = {}  # of the operator's lists


MOMENTS = (
    "INSERT INTO batch_log (batch, state) VALUES (7, 'loaded')",
    """INSERT INTO commit_log (commit, kind, state, batch, verdicts)
       SELECT 30, 'load', 'complete', 7, map('accepted', 1000) UNION ALL
       SELECT 35, 'load', 'complete', 8, map('accepted', 4000)""",
    """INSERT INTO closes (month, zone, first, until, commit, who, state)
       SELECT '2026-10', 'America/New_York', toDateTime('2026-10-01 04:00:00', 'UTC'),
              toDateTime('2026-11-01 04:00:00', 'UTC'), 30, 'anna', 'closed'""",
)
"""What the statements about a moment look up: batch 7 is commit 30, at which October was closed in New York."""


@pytest.fixture(scope="module")
def laid_out() -> Iterator[Warehouse]:
    with Warehouse("chdb://memory") as warehouse:
        layout.make(warehouse, catalog(), ZONES, ledger_columns())
        for sql in MOMENTS:
            warehouse.command(Statement(sql))
        yield warehouse


def planned(golden: Golden, warehouse: Warehouse) -> tuple[Resolved, Route]:
    settings = msgspec.convert({"timezone": "UTC", **golden.settings}, Settings)
    coverage = Coverage(warehouse)
    moments = Moments(warehouse, coverage)
    asked = resolve(
        question.of(golden.question),
        golden.principal,
        catalog(),
        settings,
        coverage.instants,
        moments,
        coverage.earlier,
    )
    rates = Rates(golden.rates, settings.timezone) if golden.rates is not None else None
    asked = msgspec.structs.replace(asked, rates=rates, versions=golden.versions, alike=golden.alike)
    if golden.alike:
        asked = msgspec.structs.replace(asked, parts=bare(asked))
    tables = layout.tables_of(catalog(), ZONES)
    sizes = {"cdr": MONTHS} | {
        name: {month: round(rows / golden.shrink) for month, rows in MONTHS.items()} for _, _, name in tables
    }
    covered = {name: (rollup, zone) for rollup, zone, name in tables}
    later = moments.later(asked.as_of) if asked.as_of is not None else 0
    choose = partial(
        route, catalog=catalog(), tables=covered, uncovered={}, sizes=sizes, tiles=coverage.tiles, later=later
    )
    return asked, both(asked, choose)


def written(golden: Golden, asked: Resolved, chosen: Route) -> str:
    rows = render.rows(asked, chosen, catalog(), COMMIT, 1_000_000)
    lines = [f"-- {golden.about}", f"-- from {' + '.join(chosen.sources)}, about {chosen.rows} rows"]
    lines += [f"-- not from {refused.table}: {refused.reason} ({refused.detail})" for refused in chosen.refusals]
    lines += [f"-- {name} = {value!r}" for name, value in sorted(rows.parameters.items())]
    lines.append(rows.sql)
    if asked.question.totals or asked.question.subtotals:
        lines += ["", "-- subtotals and totals", render.totals(asked, chosen, catalog(), COMMIT).sql]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_question_becomes_this_statement(path: Path, laid_out: Warehouse, update_golden: bool) -> None:
    golden = msgspec.json.decode(path.read_bytes(), type=Golden)
    asked, chosen = planned(golden, laid_out)
    text = written(golden, asked, chosen)
    expected = path.with_suffix(".sql")
    if update_golden:
        expected.write_text(text, "utf-8")
    assert text == expected.read_text("utf-8"), f"run `make golden` and read the difference in {expected.name}"
    laid_out.query(render.rows(asked, chosen, catalog(), COMMIT, 1_000_000))
    if asked.question.totals or asked.question.subtotals:
        laid_out.query(render.totals(asked, chosen, catalog(), COMMIT))


def test_every_statement_has_its_question() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} == {path.stem for path in FOLDER.glob("*.json")}


class GoldenCalls(msgspec.Struct, forbid_unknown_fields=True):
    """A search for single calls, and who asks it."""

    about: str
    search: dict[str, Any]
    principal: Principal = Principal("admin")
    follows: bool = False  # whether a page came before


HOURS = (1791226800, 1791223200, 1790967600)
"""When the numbers called or were called."""


@pytest.mark.parametrize("path", sorted(CALLS.glob("*.json")), ids=lambda path: path.stem)
def test_a_search_becomes_this_statement(path: Path, laid_out: Warehouse, update_golden: bool) -> None:
    golden = msgspec.json.decode(path.read_bytes(), type=GoldenCalls)
    settings = Settings(timezone="UTC")
    calls = Calls(laid_out, catalog(), settings, Desk(laid_out, catalog(), settings, {}))
    plan = calls._plan(search.of(golden.search), golden.principal, laid_out.query)
    hours = HOURS if plan.hours is not None else ()
    place = Place(1791224444123, "123456789012345678901234567890", COMMIT) if golden.follows else None
    plan = msgspec.structs.replace(plan, moment=Moment(COMMIT, None))
    statement = calls._statement(
        plan, plan.asked.start_ms, plan.asked.end_ms, hours, place, (plan.search.limit or 100) + 1
    )
    lines = [f"-- {golden.about}"]
    lines += [f"-- {name} = {value!r}" for name, value in sorted(statement.parameters.items())]
    text = "\n".join([*lines, statement.sql]) + "\n"
    expected = path.with_suffix(".sql")
    if update_golden:
        expected.write_text(text, "utf-8")
    assert text == expected.read_text("utf-8"), f"run `make golden` and read the difference in {expected.name}"
    laid_out.query(statement)


def test_every_statement_of_calls_has_its_search() -> None:
    assert {path.stem for path in CALLS.glob("*.sql")} == {path.stem for path in CALLS.glob("*.json")}
