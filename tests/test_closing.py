"""Closing a month from outside: on the command line, over HTTP, and on the command line through a server."""

import json
import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner

from tests.server import Server
from web.cli import main

pytestmark = pytest.mark.engine

HEADER = "call_id,start_time,duration,customer,customer_charge,revision\n"
OCTOBER = ("--from", "2025-10-01", "--to", "2025-11-01")
KEYS = ["month", "timezone", "from", "to", "commit", "state", "who", "time"]


def run(*words: str, status: int = 0, **settings: str) -> str:
    """Run a command, here and not in a process of its own; what it said, on either stream."""
    nobodys = {name: None for name in os.environ if name.startswith("TOLLHOUSE_")}
    done = CliRunner().invoke(main, words, env={**nobodys, **settings})
    assert done.exit_code == status, done.output
    return done.output


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def calls(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


# --- on the command line --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The options that name an own embedded database."""
    return ("--database", f"chdb://{tmp_path_factory.mktemp('closing')}")


def test_a_month_is_closed_changed_and_reopened(database: tuple[str, str], tmp_path: Path) -> None:
    first, later = tmp_path / "first.csv", tmp_path / "later.csv"
    first.write_text(calls("a,2025-10-05T10:00:00Z,60,acme,1.00,0", "b,2025-10-06T10:00:00Z,60,acme,2.00,0"))
    later.write_text(
        calls(
            "b,2025-10-06T10:00:00Z,60,acme,2.50,1",
            "c,2025-10-07T10:00:00Z,60,acme,4.00,0",
            "d,2025-11-02T10:00:00Z,60,acme,8.00,0",
        )
    )
    assert run("close", *database) == "no month is closed\n"
    assert "after close" not in run("ingest", str(first), *database)
    said = run("close", "2025-10", "--tz", "America/New_York", "--who", "anna", *database)
    month = "2025-10 in America/New_York, 2025-10-01T04:00:00Z to 2025-11-01T04:00:00Z: closed at "
    assert said.startswith(month)
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}Z by anna, commit 1\n", said.removeprefix(month))

    assert "2 after close" in run("ingest", str(later), *database)
    assert "after close" in run("batches", *database).splitlines()[0]
    [newest, oldest] = lines(run("batches", "--format", "json", *database))
    assert (newest["after_close"], oldest["after_close"]) == (2, 0)

    measures = ("--rows", "customer", "--measures", "attempts,customer_charge", "--format", "csv", *database)
    now = run("report", "breakout", *OCTOBER, *measures)
    then = run("report", "breakout", *OCTOBER, *measures, "--as-of", "close:2025-10")
    since = run("report", "breakout", *OCTOBER, *measures, "--since", "batch:1")
    adjustments = run("report", "adjustments", *OCTOBER, *measures)
    assert [text.splitlines()[1] for text in (now, then, since, adjustments)] == [
        "acme,3,7.50,USD",
        "acme,2,3.00,USD",
        "acme,1,4.50,USD",
        "acme,1,4.50,USD",
    ]

    [closed] = lines(run("close", "--format", "json", *database))
    assert list(closed) == KEYS
    assert (closed["month"], closed["timezone"], closed["who"]) == ("2025-10", "America/New_York", "anna")
    assert "was closed in America/New_York by anna at commit 1" in run("close", "2025-10", *database, status=2)
    [reopened] = lines(run("close", "2025-10", "--undo", "--who", "bert", "--format", "json", *database))
    assert (reopened["state"], reopened["who"]) == ("reopened", "bert")
    assert run("close", "--format", "json", *database) == ""
    assert "not closed" in run("close", "2025-10", "--undo", *database, status=2)
    assert "not closed" in run("report", "adjustments", *OCTOBER, *database, status=2)


def test_who_closed_it_is_the_user_of_the_machine(database: tuple[str, str]) -> None:
    [closed] = lines(run("close", "2025-09", "--format", "json", *database, LOGNAME="carla"))
    assert (closed["who"], closed["timezone"]) == ("carla", "UTC")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--undo",), "--undo needs a month"),
        (("--tz", "UTC"), "--tz needs a month"),
        (("--who", "anna"), "--who needs a month"),
        (("2025-10", "--undo", "--tz", "UTC"), "--undo takes no --tz"),
        (("2025-10", "--who", "anna", "--url", "http://127.0.0.1:1"), "leave out --who"),
        (("2025-1",), "is not a month"),
        (("2025-08", "--tz", "Europe/Atlantis"), "there is no time zone"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(database: tuple[str, str], words: tuple[str, ...], said: str) -> None:
    assert said in run("close", *words, *database, status=2)


def test_the_help_shows_an_example() -> None:
    assert isinstance(main, click.Group)
    assert (main.commands["close"].epilog or "").startswith("Example: tollhouse close 2026-10")


# --- over HTTP ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[Server]:
    with Server(dsn, timezone="Europe/Paris") as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def post(http: httpx.Client, *rows: str) -> dict[str, Any]:
    response = http.post("/api/v1/cdrs", content=calls(*rows), headers={"content-type": "text/csv"})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_month_is_closed_listed_and_reopened(http: httpx.Client) -> None:
    assert http.get("/api/v1/closes").json() == {"items": [], "next_cursor": None}
    assert post(http, "a,2025-10-05T10:00:00Z,60,acme,1.00,0")["after_close"] == 0
    made = http.post("/api/v1/closes", json={"month": "2025-10"})
    assert made.status_code == 201
    closed = made.json()
    assert list(closed) == KEYS
    about = {"month": "2025-10", "timezone": "Europe/Paris", "state": "closed", "who": "admin", "commit": 1}
    assert about.items() <= closed.items()
    assert (closed["from"], closed["to"]) == ("2025-09-30T22:00:00Z", "2025-10-31T23:00:00Z")
    assert http.get("/api/v1/closes").json() == {"items": [closed], "next_cursor": None}

    afterwards = datetime.now(UTC).isoformat(timespec="milliseconds")
    time.sleep(0.005)
    receipt = post(http, "a,2025-10-05T10:00:00Z,60,acme,1.10,1", "b,2025-10-31T23:30:00Z,60,acme,1.00,0")
    assert receipt["after_close"] == 1
    window = {"from": "2025-10-01", "to": "2025-11-01", "rows": "customer", "measures": "attempts,customer_charge"}
    for moment in ("close:2025-10", "batch:1", afterwards):
        answer = http.get("/api/v1/reports/breakout", params=window | {"as_of": moment}).json()
        assert answer["rows"] == [["acme", 1, "1.00"]], moment
        assert answer["as_of"]["commit"] == 1
        assert answer["question"]["as_of"] == moment
    asked = {
        "from": "2025-10-01",
        "to": "2025-11-01",
        "rows": ["customer"],
        "measures": ["attempts", "customer_charge"],
    }
    assert http.post("/api/v1/query", json={**asked, "as_of": "batch:1"}).json()["rows"] == [["acme", 1, "1.00"]]
    assert http.post("/api/v1/query", json={**asked, "since": "batch:1"}).json()["rows"] == [["acme", 0, "0.10"]]
    adjustments = http.get("/api/v1/reports/adjustments", params=window).json()
    assert adjustments["rows"] == [["acme", 0, "0.10"]]

    reopened = http.delete("/api/v1/closes/2025-10")
    assert (reopened.status_code, reopened.json()["state"]) == (200, "reopened")
    assert http.get("/api/v1/closes").json()["items"] == []
    zoned = http.post("/api/v1/closes", json={"month": "2025-10", "timezone": "UTC"})
    assert (zoned.status_code, zoned.json()["commit"]) == (201, 2)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "malformed", "$"),
        (b"{}", 400, "malformed", "$"),
        (b'{"month": "2025-13"}', 400, "malformed", "$.month"),
        (b'{"month": 202510}', 400, "malformed", "$.month"),
        (b'{"month": "2025-07", "who": "anna"}', 400, "malformed", "$"),
        (b'{"month": "2025-07", "timezone": "Europe/Atlantis"}', 400, "unknown_zone", "$.timezone"),
        (b'{"month": "2199-01"}', 422, "month_not_over", "$.month"),
    ],
)
def test_what_cannot_be_closed_is_refused(
    http: httpx.Client, body: bytes, status: int, code: str, pointer: str
) -> None:
    response = http.post("/api/v1/closes", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert (response.json()["error"]["code"], response.json()["error"]["pointer"]) == (code, pointer)


def test_a_month_is_closed_once_and_reopened_once(http: httpx.Client) -> None:
    assert http.post("/api/v1/closes", json={"month": "2025-06"}).status_code == 201
    again = http.post("/api/v1/closes", json={"month": "2025-06"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_closed")
    assert http.delete("/api/v1/closes/2025-06").status_code == 200
    gone = http.delete("/api/v1/closes/2025-06")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_closed")
    odd = http.delete("/api/v1/closes/june")
    assert (odd.status_code, odd.json()["error"]["code"]) == (400, "malformed")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_parameter_that_does_not_exist_is_refused(http: httpx.Client, method: str) -> None:
    response = http.request(method, "/api/v1/closes", params={"month": "2025-05"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_parameter")


@pytest.mark.parametrize(
    ("moment", "status", "code"),
    [("close:2024-01", 422, "not_closed"), ("batch:999", 404, "no_such_batch"), ("soon", 422, "bad_value")],
)
def test_a_moment_that_is_none_is_pointed_to(http: httpx.Client, moment: str, status: int, code: str) -> None:
    window = {"from": "2025-10-01", "to": "2025-11-01"}
    by_url = http.get("/api/v1/reports/breakout", params=window | {"as_of": moment})
    by_question = http.post("/api/v1/query", json=window | {"as_of": moment})
    for response in (by_url, by_question):
        assert response.status_code == status
        assert (response.json()["error"]["code"], response.json()["error"]["pointer"]) == (code, "$.as_of")


def test_a_page_of_another_site_closes_nothing(http: httpx.Client) -> None:
    across = {"sec-fetch-site": "cross-site"}
    assert http.post("/api/v1/closes", json={"month": "2025-05"}, headers=across).status_code == 403
    assert http.delete("/api/v1/closes/2025-05", headers=across).status_code == 403


@pytest.mark.server_nightly
def test_through_a_server_the_same_commands_close_months(server: Server) -> None:
    url = ("--url", server.url)
    [closed] = lines(run("close", "2025-04", "--tz", "Asia/Kolkata", "--format", "json", *url))
    assert (closed["timezone"], closed["who"]) == ("Asia/Kolkata", "admin")
    assert closed in lines(run("close", "--format", "json", *url))
    assert "2025-04 in Asia/Kolkata" in run("close", *url)
    report = ("report", "breakout", "--from", "2025-04-01", "--to", "2025-05-01", "--format", "json", *url)
    assert json.loads(run(*report, "--as-of", "close:2025-04"))["as_of"]["commit"] == closed["commit"]
    assert "already" not in run("close", "2025-04", "--undo", *url)
    assert "2025-04" not in run("close", *url)
    assert "is not closed" in run("close", "2025-04", "--undo", *url, status=2)
