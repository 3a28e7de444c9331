"""Proving, repairing and rebuilding as an operator does it: from the command line, and on a running server."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from engine.catalog.load import catalog
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.server import Server
from web import verification
from web.cli import main
from web.progress import PROGRESS

pytestmark = pytest.mark.engine

TABLE = "breakout_day_v1_utc"
CALLS = """call_id,start_time,duration,sip_code,customer,customer_charge,provider_charge
a,2026-10-05T10:00:00Z,60,200,acme,1.25,1
b,2026-10-06T10:00:00Z,0,486,acme,,
c,2026-10-06T11:00:00Z,30,200,acme,,0.5
"""


def damage(dsn: str, where: str = "toDate(tile) = '2026-10-05'") -> None:
    with Site(Settings(database=dsn), writes=False) as site:
        site.warehouse.command(Statement(f"DELETE FROM {TABLE} WHERE {where}"))


def tollhouse(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), env={"TOLLHOUSE_URL": ""})


@pytest.fixture
def dsn(tmp_path: Path) -> str:
    path = tmp_path / "calls.csv"
    path.write_text(CALLS)
    found = f"chdb://{tmp_path / 'database'}"
    loaded = tollhouse("--database", found, "ingest", str(path))
    assert loaded.exit_code == 0, loaded.output
    return found


def test_verify_says_what_it_proved_and_exits_0(dsn: str) -> None:
    said = tollhouse("verify", "--database", dsn)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0] == f"{TABLE}: 2 days of UTC, 2 groups: equal"
    assert "customer_unrated: 1 (connected, customer charge not known yet)" in lines
    assert "  canonical c attempt 1 at 2026-10-06T11:00:00.000Z: duration 30, billed 30" in lines
    assert lines[-1] == "proven: the rollups say what the ledger says"


def test_findings_of_audits_are_a_failure_only_when_strict(dsn: str) -> None:
    assert tollhouse("verify", "--database", dsn, "--strict").exit_code == 1
    quiet = ("--from", "2026-10-05", "--to", "2026-10-06")
    assert tollhouse("verify", "--database", dsn, "--strict", *quiet).exit_code == 0


def test_damage_exits_1_and_repaired_exits_0(dsn: str) -> None:
    damage(dsn)
    said = tollhouse("verify", "--database", dsn)
    assert said.exit_code == 1
    assert f"{TABLE}: 2 days of UTC, 2 groups: different on 1 day" in said.output
    assert "  2026-10-05 customer_charge: ledger 1.25, rollup 0.00; in 1 group, most in customer='acme'" in said.output
    assert "--repair makes them exact" in said.output.splitlines()[-1]

    repaired = tollhouse("verify", "--database", dsn, "--repair")
    assert repaired.exit_code == 0
    assert "different on 1 day, 1 group mended" in repaired.output
    assert repaired.output.splitlines()[-1] == "repaired: the rollups say again what the ledger says"
    assert tollhouse("verify", "--database", dsn).output.splitlines()[-1].startswith("proven")


def test_rebuild_says_how_many_groups_it_mended(dsn: str) -> None:
    damage(dsn)
    october = ("--from", "2026-10-01", "--to", "2026-11-01")
    first, *others = tollhouse("rebuild", "--database", dsn, *october).output.splitlines()
    assert first == f"{TABLE}: 2 days of UTC, 1 group mended"
    assert len(others) == len(catalog().rollups) - 1
    assert all(line.endswith(": 2 days of UTC, 0 groups mended") for line in others)
    as_json = tollhouse("rebuild", "--database", dsn, *october, "--format", "json")
    found = json.loads(as_json.output)
    assert (found["from"], found["to"]) == ("2026-10-01", "2026-11-01")
    assert found["tables"][0] == {"table": TABLE, "zone": "UTC", "tiles": 2, "mended": 0}


def test_the_report_as_json_has_the_same(dsn: str) -> None:
    damage(dsn)
    said = tollhouse("verify", "--database", dsn, "--format", "json")
    assert said.exit_code == 1
    found = json.loads(said.output)
    assert found["exact"] is False
    table, *others = found["tables"]
    assert (table["table"], all(other["exact"] for other in others)) == (TABLE, True)
    money = next(difference for difference in table["differences"] if difference["part"] == "customer_charge")
    assert (money["day"], money["ledger"], money["rollup"], money["groups"]) == ("2026-10-05", "1.25", "0.00", 1)
    assert {audit["name"]: audit["found"] for audit in found["audits"] if audit["found"]} == {"customer_unrated": 1}


def test_days_beyond_the_limit_are_counted(dsn: str) -> None:
    damage(dsn, "1")
    said = tollhouse("verify", "--database", dsn, "--limit", "1").output
    assert "  2026-10-05 standing: ledger 1, rollup 0" in said
    assert "  2026-10-06 " not in said
    assert "  and 1 more day (--limit, or --format json for all)" in said


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--from", "October"),
        ("verify", "--from", "2026-10-02", "--to", "2026-10-01"),
        ("verify", "--limit", "-1"),
        ("rebuild", "--from", "2026-10-01"),
    ],
)
def test_a_wrong_window_exits_2_with_one_line(words: tuple[str, ...]) -> None:
    said = tollhouse(words[0], "--database", "chdb://memory", *words[1:])
    assert said.exit_code == 2
    assert said.output.startswith("tollhouse: ")
    assert said.output.count("\n") == 1


def test_long_work_shows_how_far_it_has_come(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, int, str]] = []

    class Bar:
        def __init__(self, *_: str) -> None: ...

        def __enter__(self) -> Any:
            return lambda done, total, text: shown.append((done, total, text))

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("web.cli._bar", Bar)
    assert tollhouse("verify", "--database", dsn).exit_code == 0
    assert shown[-1][0] == shown[-1][1] > 5
    assert {text.split()[0] for _, _, text in shown} == {"verify"}
    assert verification.__name__ in sys.modules


# --- a running server -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(clickhouse: ClickHouseProcess) -> str:
    return fresh_database(clickhouse)


@pytest.fixture(scope="module")
def server(database: str) -> Iterator[Server]:
    with Server(database) as running:
        with running.client() as client:
            loaded = client.post("/api/v1/cdrs", content=CALLS, headers={"content-type": "text/csv"})
            assert loaded.status_code == 200, loaded.text
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


def test_a_server_proves_repairs_and_rebuilds(client: httpx.Client, database: str) -> None:
    assert client.post("/api/v1/verify").json()["exact"] is True
    damage(database)
    found = client.post("/api/v1/verify", json={"from": "2026-10-01", "to": "2026-11-01"}).json()
    assert (found["from"], found["to"], found["exact"]) == ("2026-10-01", "2026-11-01", False)
    assert client.post("/api/v1/verify", json={"from": "2026-10-06"}).json()["exact"] is True
    assert client.post("/api/v1/verify", json={"repair": True}).json()["repaired"] is True
    damage(database)
    made = client.post("/api/v1/rebuild", json={"from": "2026-10-05", "to": "2026-10-06"}).json()
    assert made["tables"][0] == {"table": TABLE, "zone": "UTC", "tiles": 1, "mended": 1}
    assert client.post("/api/v1/verify").json()["exact"] is True


def test_the_command_line_uses_the_server_that_is_named(server: Server, database: str) -> None:
    damage(database)
    at = ("--url", server.url)
    assert tollhouse("verify", *at).exit_code == 1
    repaired = tollhouse("verify", *at, "--repair")
    assert (repaired.exit_code, repaired.output.splitlines()[-1][:8]) == (0, "repaired")
    made = tollhouse("rebuild", *at, "--from", "2026-10-01", "--to", "2026-11-01")
    assert made.output.splitlines()[0] == f"{TABLE}: 2 days of UTC, 0 groups mended"


def test_progress_comes_before_the_result_when_it_is_asked_for(client: httpx.Client) -> None:
    response = client.post("/api/v1/verify", headers={"accept": PROGRESS})
    assert response.headers["content-type"].startswith(PROGRESS)
    *told, last = [json.loads(line) for line in response.text.splitlines()]
    assert all(set(line["progress"]) == {"step", "done", "total"} for line in told)
    assert told[-1]["progress"]["done"] == told[-1]["progress"]["total"]
    assert last["result"]["exact"] is True


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/verify", '{"form": "2026-10-01"}', "malformed"),
        ("/verify", '{"from": "x"}', "bad_value"),
        ("/verify", '{"limit": -1}', "malformed"),
        ("/verify?from=2026-10-01", "", "unknown_parameter"),
        ("/rebuild", "", "malformed"),
        ("/rebuild", '{"from": "2026-10-02", "to": "2026-10-02"}', "bad_value"),
    ],
)
def test_what_is_not_understood_is_refused(client: httpx.Client, path: str, body: str, code: str) -> None:
    response = client.post(f"/api/v1{path}", content=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)
