"""One question by every door and in every format: the same statement, the same rows, the same refusal."""

import csv
import io
import json
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import click
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engine.access.principal import ADMIN
from engine.query import parameters, question
from engine.query.question import Question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.warehouse.gateway import Rows, Warehouse
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.loading import load
from tests.server import Server
from tests.test_pivots import records, written
from web import cli
from web.app import create
from web.cli import main
from web.home import FIGURES

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

WINDOW = {"from": "2026-10-20", "to": "2026-11-03"}
QUESTIONS: dict[str, dict[str, Any]] = {
    "as the report has it": {"report": "breakout"},
    "a report with a parameter": {"report": "asr-per-route", "bucket": "day", "timezone": "Europe/Paris"},
    "rows, filters and an order": {
        "rows": ["customer", "provider"],
        "measures": ["attempts", "asr", "acd", "profit", "duration"],
        "where": [
            {"field": "customer", "op": "not_in", "values": ["acme", "no, one"]},
            {"field": "sip_code", "op": "is_null", "values": []},
            {"field": "attempts", "op": "ge", "values": ["2"]},
        ],
        "sort": [{"field": "profit", "descending": True}, {"field": "provider", "descending": False}],
        "limit": 7, "offset": 1, "totals": True, "subtotals": True, "parts": True, "base": "seizures",
    },
    "values across": {
        "rows": ["provider"], "columns": ["is_final", "customer"], "measures": ["attempts", "asr", "customer_charge"],
        "totals": True, "subtotals": True, "calls": "final",
    },
    "empty hours of a long night": {
        "from": "2026-10-25", "to": "2026-10-26", "timezone": "Europe/Paris", "rows": ["hour"], "fill": True,
        "measures": ["attempts", "acd"],
    },
    "compared with the period before": {
        "rows": ["day"], "measures": ["attempts", "provider_charge", "asr"], "compare": "previous",
        "timezone": "America/New_York", "sort": [{"field": "attempts.change", "descending": True}],
    },
    "a top in rows": {
        "rows": ["customer", "day_of_week"], "measures": ["attempts"], "subtotals": True,
        "top": [{"field": "customer", "count": 2, "by": "customer_charge"}],
    },
    "all of it at once": {
        "rows": ["customer"], "columns": ["week", "provider"], "measures": ["attempts", "asr"], "fill": True,
        "compare": "week", "top": [{"field": "provider", "count": 1}], "totals": True, "parts": True,
        "timezone": "Asia/Kathmandu", "sort": [{"field": "asr.change_percent|2026-10-26|\\other", "descending": False}],
        "where": [{"field": "attempts", "op": "gt", "values": ["1"]}], "limit": 3,
    },
    "money as it was charged, as of a load": {
        "rows": ["customer_currency", "provider"], "measures": ["customer_charge"], "currency": "native",
        "as_of": "batch:1", "columns": ["month"],
    },
    "no calls at all": {
        "from": "2025-01-01", "to": "2025-01-03", "rows": [], "columns": ["day"], "fill": True,
        "measures": ["attempts", "asr", "profit"], "compare": "year",
    },
}  # fmt: skip
names = pytest.mark.parametrize("asked", QUESTIONS)


def listed(values: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def as_url(asked: dict[str, Any]) -> str:
    """A question as the parameters of GET /reports/{name}."""
    pairs: list[tuple[str, str]] = []
    for word, said in asked.items():
        if word == "where":
            pairs += [(f"{clause['field']}.{clause['op']}", listed(clause["values"])) for clause in said]
        elif word == "sort":
            pairs += [("sort", listed([f"{key['field']}:{'desc' if key['descending'] else 'asc'}"])) for key in said]
        elif word == "top":
            pairs += [("top", ":".join(str(part) for part in top.values())) for top in said]
        elif word != "report":
            text = listed(said) if isinstance(said, list) else json.dumps(said).strip('"')
            pairs.append((word, text))
    return urlencode(pairs)


def as_options(asked: dict[str, Any]) -> list[str]:
    """A question as words behind `tollhouse report`."""
    words = [asked["report"]]
    for word, text in parse_qsl(as_url({**asked, "where": []}), keep_blank_values=True):
        option = f"--{ {'timezone': 'tz'}.get(word, word).replace('_', '-') }".replace(" ", "")
        words += [option] if text == "true" else [option, text]
    for clause in asked.get("where", []):
        words += ["--where", f"{clause['field']} {clause['op']} {listed(clause['values'])}".strip()]
    return words


def whole(asked: str) -> dict[str, Any]:
    return {"report": "explore", **WINDOW, **QUESTIONS[asked]}


def by_command(words: list[str]) -> Question:
    command = main.get_command(click.Context(main), "report")
    assert command is not None
    given = dict(command.make_context("report", words, obj=SimpleNamespace()).params)
    found: Question = cli._question(given.pop("name"), given)
    return found


# --- the statement --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(records(), tmp_path_factory.mktemp("calls") / "calls.csv")


@pytest.fixture(scope="module")
def site(calls: Path) -> Iterator[Site]:
    with Site(Settings(database="chdb://memory", rollup_zones=("America/New_York",))) as opened:
        load(opened, calls, "sw")
        yield opened


@pytest.fixture(scope="module")
def door(site: Site) -> Iterator[TestClient[Any]]:
    with TestClient(create(site, lambda _: ADMIN), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are run meanwhile."""
    told: list[str] = []
    query, stream = Warehouse.query, Warehouse.stream

    def noted(self: Warehouse, statement: Statement, *more: Any, **named: Any) -> Rows:
        told.append(statement.sql)
        return query(self, statement, *more, **named)

    def streamed(self: Warehouse, statement: Statement, *more: Any, **named: Any) -> Any:
        told.append(statement.sql)
        return stream(self, statement, *more, **named)

    monkeypatch.setattr(Warehouse, "query", noted)
    monkeypatch.setattr(Warehouse, "stream", streamed)
    return told


@names
def test_every_door_reads_the_same_question(site: Site, asked: str) -> None:
    said = whole(asked)
    by_url = parameters.question(said["report"], parse_qsl(as_url(said), keep_blank_values=True), site.fields)
    assert by_command(as_options(said)) == by_url
    statements = [site.desk.statement(one, ADMIN) for one in (question.of(said), by_url)]
    assert statements[0] == statements[1]


@names
def test_every_format_runs_the_same_statement(site: Site, door: TestClient[Any], ran: list[str], asked: str) -> None:
    said = whole(asked)
    expected = site.desk.statement(question.of(said), ADMIN).sql
    for form in ("json", "table", "csv", "ndjson", "arrow", "parquet", "xlsx"):
        ran.clear()
        assert door.post("/api/v1/query", json=said, params={"format": form}).status_code == 200
        assert ran.count(expected) == 1, form


def test_so_does_the_first_page(site: Site, door: TestClient[Any], ran: list[str]) -> None:
    asked = {"report": "explore", "from": "2026-10-24", "to": "2026-10-25", "timezone": "Europe/Paris"}
    expected = site.desk.statement(question.of({**asked, "measures": FIGURES}), ADMIN).sql
    assert door.get("/", params={"day": "2026-10-24", "tz": "Europe/Paris"}).status_code == 200
    assert expected in ran


# --- the answer -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory, calls: Path) -> Iterator[httpx.Client]:
    """The program on an embedded database."""
    yield from served(f"chdb://{tmp_path_factory.mktemp('database')}", calls)


@pytest.fixture(scope="module")
def on_clickhouse(clickhouse: ClickHouseProcess, calls: Path) -> Iterator[httpx.Client]:
    """The program on a ClickHouse server."""
    yield from served(fresh_database(clickhouse), calls)


def served(dsn: str, calls: Path) -> Iterator[httpx.Client]:
    with Server(dsn, rollup_zones="America/New_York") as running, running.client() as client:
        sent = client.post("/api/v1/cdrs", content=calls.read_bytes(), headers={"content-type": "text/csv"})
        assert sent.json()["accepted"] == len(records())
        yield client


def terminal(http: httpx.Client, *words: str) -> bytes:
    done = CliRunner().invoke(main, ["--url", str(http.base_url).rstrip("/"), "report", *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout_bytes


def agree(found: Any, wanted: Any) -> bool:
    """Whether a value of a typed format, or its text, is that of the JSON answer."""
    if wanted is None or found in (None, ""):
        return found in (None, "") and wanted in (None, "")
    if isinstance(found, datetime):
        return found.timestamp() == datetime.fromisoformat(wanted).timestamp()
    if isinstance(wanted, bool):
        return str(found).lower() == str(wanted).lower()
    if isinstance(wanted, int | float):
        return float(found) == wanted
    return str(found) == wanted or (not isinstance(found, str) and float(found) == float(wanted))


@pytest.mark.parametrize(
    ("program", "asked"),
    [*(("http", asked) for asked in QUESTIONS), *(("on_clickhouse", asked) for asked in list(QUESTIONS)[2:-1:2])],
)
def test_every_door_and_format_has_the_same_rows(request: pytest.FixtureRequest, program: str, asked: str) -> None:
    http: httpx.Client = request.getfixturevalue(program)
    said = whole(asked)
    answer = http.post("/api/v1/query", json=said)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    columns, rows = [column["name"] for column in told["columns"]], told["rows"]
    assert rows
    url = f"/api/v1/reports/{said['report']}?{as_url(said)}"
    for other in (http.get(url).json(), json.loads(terminal(http, *as_options(said), "--format", "json"))):
        for part in ("columns", "rows", "totals", "subtotals", "total_rows", "question", "compared", "currencies"):
            assert other.get(part) == told.get(part), part

    def check(found: list[list[Any]]) -> None:
        assert len(found) == len(rows)
        for line, row in zip(found, rows, strict=True):
            wrong = [(name, a, b) for name, a, b in zip(columns, line, row, strict=False) if not agree(a, b)]
            assert not wrong

    for written_ in (
        http.get(f"{url}&format=csv&raw=true").content,
        terminal(http, *as_options(said), "--format", "csv", "--raw"),
    ):
        header, *lines = csv.reader(io.StringIO(written_.decode(), newline=""))
        assert header[: len(columns)] == columns
        check(lines)
    *lines_, last = map(json.loads, http.get(f"{url}&format=ndjson").text.splitlines())
    assert last == {"end": {"rows": len(rows)}}
    check([[line[name] for name in columns] for line in lines_])
    stream = pa.ipc.open_stream(http.get(f"{url}&format=arrow").content).read_all()
    parquet = pq.read_table(io.BytesIO(http.get(f"{url}&format=parquet").content))
    for table in (stream, parquet):
        assert table.schema.names[: len(columns)] == columns
        check([list(line.values()) for line in table.to_pylist()])


# --- the refusal ----------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], int, str, str, str]] = [
    ({"report": "brekout"}, 404, "unknown_report", "$.report", "'breakout'"),
    ({"type": "state"}, 422, "bad_value", "$.type", "usa-calls"),
    ({"report": "usa-calls", "type": "latta"}, 422, "bad_value", "$.type", "'lata'"),
    ({"rows": ["custmer"]}, 422, "unknown_field", "$.rows[0]", "'customer'"),
    ({"rows": ["Customer"]}, 422, "unknown_field", "$.rows[0]", "'customer'"),
    ({"rows": ["day", "zzzzz"]}, 422, "unknown_field", "$.rows[1]", "/api/v1/catalog"),
    ({"columns": ["provder"]}, 422, "unknown_field", "$.columns[0]", "'provider'"),
    ({"measures": ["attempts", "ASR"]}, 422, "unknown_field", "$.measures[1]", "'asr'"),
    ({"where": [{"field": "provder", "op": "in", "values": []}]}, 422, "unknown_field", "$.where[0].field", "provider"),
    ({"where": [{"field": "asr", "op": "lit", "values": ["2"]}]}, 400, "malformed", "$.where[0].op", "'lt'"),
    ({"where": [{"field": "asr", "op": "~~~", "values": ["2"]}]}, 400, "malformed", "$.where[0].op", "one of eq, ne"),
    ({"sort": [{"field": "atempts", "descending": True}]}, 422, "unknown_field", "$.sort[0].field", "'attempts'"),
    ({"sort": [{"field": "zzzzz", "descending": True}]}, 422, "unknown_field", "$.sort[0].field", "columns are"),
    ({"compare": "weak"}, 400, "malformed", "$.compare", "'week'"),
    ({"calls": "finl"}, 400, "malformed", "$.calls", "'final'"),
    ({"base": "siezures"}, 400, "malformed", "$.base", "'seizures'"),
    ({"rows": ["day"], "top": [{"field": "dya", "count": 3}]}, 422, "unknown_field", "$.top[0].field", "'day'"),
    (
        {"rows": ["day"], "top": [{"field": "day", "count": 3, "by": "conected"}]},
        422, "unknown_field", "$.top[0].by", "'connected'",
    ),
    ({"currency": "usd"}, 400, "malformed", "$.currency", "USD"),
    ({"timezone": "America/NewYork"}, 422, "unknown_zone", "$.timezone", "'America/New_York'"),
    ({"timezone": "EST5"}, 422, "unknown_zone", "$.timezone", "IANA"),
    ({"as_of": "bacth:7"}, 422, "bad_value", "$.as_of", "batch:ID"),
    ({"as_of": "batch:4711"}, 404, "no_such_batch", "$.as_of", "tollhouse batches"),
    ({"since": "close:2026-10"}, 422, "not_closed", "$.since", "closed:"),
    ({"from": "2026-10-32"}, 422, "bad_value", "$.from", "2026-10-01"),
]  # fmt: skip
"""What is misspelt, and what everybody is told: status, code, place, and the nearest that there is."""


@pytest.mark.parametrize(("asked", "status", "code", "pointer", "hint"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_does_not_exist_is_refused_with_its_place_and_the_nearest_that_does(
    http: httpx.Client, asked: dict[str, Any], status: int, code: str, pointer: str, hint: str
) -> None:
    said = {"report": "explore", **WINDOW, **asked}
    by_body = http.post("/api/v1/query", json=said)
    error = by_body.json()["error"]
    assert (by_body.status_code, error["code"], error["pointer"]) == (status, code, pointer)
    assert hint in error["hint"]
    by_url = http.get(f"/api/v1/reports/{said['report']}?{as_url(said)}")
    told = by_url.json()["error"]
    if "where" in pointer:  # a filter in a URL is a parameter, and has no place of its own
        assert (by_url.status_code, told["hint"]) == (400, error["hint"])
    else:
        assert (by_url.status_code, told) == (status, error)
    done = CliRunner().invoke(main, ["--url", str(http.base_url).rstrip("/"), "report", *as_options(said)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert hint in done.stderr
    assert done.stderr.count("\n") == 1, shlex.join(as_options(said))


CALLS_REFUSED: list[tuple[dict[str, Any], int, str, str, str]] = [
    ({"side": "caled"}, 400, "malformed", "$.side", "'called'"),
    ({"match": "prefx"}, 400, "malformed", "$.match", "'prefix'"),
    ({"calls": "finl"}, 400, "malformed", "$.calls", "'final'"),
    ({"nummber": "1"}, 400, "malformed", "$", "'number'"),
    ({"timezone": "America/NewYork"}, 422, "unknown_zone", "$.timezone", "'America/New_York'"),
    ({"where": [{"field": "provder", "values": ["x"]}]}, 422, "unknown_field", "$.where[0].field", "'provider'"),
    (
        {"where": [{"field": "provider", "op": "is_nul"}]},
        400,
        "malformed",
        "$.where[0].op",
        "'is_null'",
    ),
]


@pytest.mark.parametrize(
    ("asked", "status", "code", "pointer", "hint"), CALLS_REFUSED, ids=lambda value: str(value)[:50]
)
def test_so_it_is_when_single_calls_are_looked_for(
    http: httpx.Client, asked: dict[str, Any], status: int, code: str, pointer: str, hint: str
) -> None:
    response = http.post("/api/v1/calls", json={**WINDOW, "number": "442079460000", **asked})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["pointer"]) == (status, code, pointer)
    assert hint in error["hint"]
