"""Questions under way: looked at, cancelled, shared, limited, and broken off where the client sees it."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from tests.conftest import fresh_database, required
from tests.server import Server
from web.progress import PROGRESS

pytestmark = pytest.mark.engine

OCTOBER = {"from": "2026-10-01", "to": "2026-11-01"}
LONG = {**OCTOBER, "rows": ["cli", "minute15"], "measures": ["attempts", "asr"]}
"""A question that takes seconds: as many groups as there are calls."""
ROWS = 1_000_000
FILL = """
INSERT INTO cdr (source, call_id, leg, start_time, attempt, is_final, cli, customer, sign, batch, commit)
SELECT 'made', toString(number), '1', toDateTime64('2026-10-02 00:00:00.000', 3, 'UTC') + number % 2500000, 1, true,
       toString(20000000000 + number), concat('c', toString(number % 50)), 1, 1, 1
FROM numbers({rows:UInt64})
"""
COMPLETE = "INSERT INTO commit_log (commit, kind, state, batch) VALUES (1, 'load', 'complete', 1)"


def fill(dsn: str, rows: int) -> None:
    """Post calls with nothing but a number and a start; a load would take its time."""
    with Site(Settings(database=dsn)) as site:
        site.warehouse.command(Statement(FILL, {"rows": rows}))
        site.warehouse.command(Statement(COMPLETE))


@pytest.fixture(scope="module", params=["embedded", "http"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program over some hundred thousand calls, on either kind of database."""
    if request.param == "http":
        dsn = fresh_database(request.getfixturevalue("clickhouse"))
        fill(dsn, ROWS)
    else:
        dsn = f"chdb://{tmp_path_factory.mktemp('database')}"
        script = f"from tests.test_under_way import fill; fill({dsn!r}, {ROWS})"
        subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[1])
    with Server(dsn, max_questions="8", max_seconds="30") as running:
        yield running


@pytest.fixture
def client(served: Server) -> Iterator[httpx.Client]:
    with served.client() as found:
        yield found


def ask(client: httpx.Client, asked: dict[str, Any], name: str, **more: Any) -> httpx.Response:
    return client.post("/api/v1/query", json=asked, headers={"query-id": name}, **more)


def state(client: httpx.Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/queries/{name}").json()
    return found


def until(what: Any, seconds: float = 20) -> Any:
    """Wait until `what()` is so."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)
    return found


def reading(client: httpx.Client, name: str) -> bool:
    """Whether the engine works on a question."""
    return bool(state(client, name).get("rows_read"))


def test_a_question_is_looked_at_and_cancelled_while_it_runs(client: httpx.Client) -> None:
    with ThreadPoolExecutor() as others:
        waiting = others.submit(ask, client, LONG, "slow")
        until(lambda: reading(client, "slow"))
        began = time.monotonic()
        told = client.delete("/api/v1/queries/slow")
        assert told.status_code == 200
        assert told.json()["state"] == "cancelled"
        answer = waiting.result()
        assert time.monotonic() - began < 3  # one on a machine that is not busy
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "cancelled"
    assert state(client, "slow")["state"] == "cancelled"
    again = client.delete("/api/v1/queries/slow").json()
    assert again["state"] == "cancelled"


def test_what_nobody_asked_is_not_found(client: httpx.Client) -> None:
    for method in ("GET", "DELETE"):
        response = client.request(method, "/api/v1/queries/nobody")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "unknown_query"


def test_an_answer_names_its_question(client: httpx.Client) -> None:
    response = ask(client, OCTOBER, "chosen")
    assert response.headers["query-id"] == response.json()["query_id"] == "chosen"
    assert state(client, "chosen")["state"] == "done"
    taken = ask(client, OCTOBER, "chosen")
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "query_id_taken")
    odd = ask(client, OCTOBER, "no spaces")
    assert (odd.status_code, odd.json()["error"]["pointer"]) == (400, "Query-Id")


def test_progress_is_told_in_lines_and_then_the_answer(client: httpx.Client) -> None:
    headers = {"accept": PROGRESS}
    with client.stream(
        "POST", "/api/v1/query", json={**LONG, "rows": ["cli"], "limit": 3}, headers=headers
    ) as response:
        assert response.headers["content-type"].startswith(PROGRESS)
        first, *more, last = [json.loads(line) for line in response.iter_lines()]
    assert first["progress"]["query_id"] == response.headers["query-id"]
    assert all("progress" in line for line in more)
    assert last["result"]["row_count"] == 3
    with client.stream("POST", "/api/v1/query", json={**OCTOBER, "rows": ["nothing"]}, headers=headers) as response:
        assert "error" in json.loads(list(response.iter_lines())[-1])


def test_a_client_that_goes_away_stops_the_engine(served: Server, client: httpx.Client) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    for form in ("json", "csv"):
        name = f"gone-{form}"
        body = json.dumps(LONG).encode()
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(
                f"POST /api/v1/query?format={form} HTTP/1.1\r\nHost: {host}\r\nQuery-Id: {name}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            until(lambda name=name: reading(client, name))
        found = until(lambda name=name: (told := state(client, name))["state"] != "running" and told, 3)
        assert found["state"] == "cancelled"


def test_the_same_question_of_many_is_worked_out_once(served: Server, client: httpx.Client) -> None:
    names = [f"same-{place}" for place in range(4)]
    with ThreadPoolExecutor(8) as others:
        waiting = [others.submit(ask, client, LONG, name) for name in names]
        until(lambda: all(reading(client, name) for name in names))
        # Whoever leaves is told at once; the others get the answer.
        assert client.delete(f"/api/v1/queries/{names[0]}").json()["state"] == "cancelled"
        answers = [answer.result() for answer in waiting]
    assert [answer.status_code for answer in answers] == [409, 200, 200, 200]
    told = [answer.json() for answer in answers[1:]]
    assert [answer["query_id"] for answer in told] == names[1:]
    assert told[0]["rows"] == told[1]["rows"] == told[2]["rows"]


def test_a_caller_has_so_many_under_way_and_no_more(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as others:
        names = [f"crowd-{place}" for place in range(8)]
        waiting = [others.submit(ask, client, LONG, name) for name in names]
        until(lambda: all(client.get(f"/api/v1/queries/{name}").status_code == 200 for name in names))
        response = ask(client, OCTOBER, "one-more")
        for name in names:
            client.delete(f"/api/v1/queries/{name}")
        assert {answer.result().status_code for answer in waiting} <= {200, 409}
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "too_many_questions"
    assert "max_questions" in response.json()["error"]["message"]
    assert int(response.headers["retry-after"]) > 0
    assert ask(client, OCTOBER, "and-again").status_code == 200


def test_a_spreadsheet_that_is_cancelled_while_it_is_made_is_no_file(client: httpx.Client) -> None:
    with ThreadPoolExecutor() as others:
        waiting = others.submit(ask, client, LONG, "sheet", params={"format": "xlsx"})
        until(lambda: reading(client, "sheet"))
        assert client.delete("/api/v1/queries/sheet").json()["state"] == "cancelled"
        answer = waiting.result()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "cancelled")


def test_single_calls_are_looked_at_and_cancelled_like_any_question(client: httpx.Client) -> None:
    everyone = {**OCTOBER, "where": [{"field": "customer", "op": "starts_with", "values": ["c1"]}]}
    page = client.post("/api/v1/calls", json={**everyone, "limit": 3}, headers={"query-id": "page"})
    assert page.headers["query-id"] == "page"
    assert state(client, "page")["state"] == "done"
    where = {"params": {"format": "ndjson"}, "headers": {"query-id": "all-calls"}}
    with client.stream("POST", "/api/v1/calls", json=everyone, **where) as response:  # type: ignore[arg-type]
        assert response.headers["query-id"] == "all-calls"
        lines = response.iter_lines()
        assert "call_id" in json.loads(next(lines))
        assert state(client, "all-calls")["state"] == "running"
        assert client.delete("/api/v1/queries/all-calls").json()["state"] == "cancelled"
        with pytest.raises(httpx.RemoteProtocolError):
            for line in lines:
                last = line
    assert json.loads(last)["error"]["code"] == "cancelled"


@pytest.mark.skipif(
    shutil.which("curl") is None and not required("browser"), reason="no curl here; apt-get install curl"
)
@pytest.mark.parametrize("form", ["csv", "ndjson", "arrow", "parquet", pytest.param("xlsx", marks=pytest.mark.nightly)])
def test_a_stream_that_breaks_off_is_seen_by_curl(
    served: Server, client: httpx.Client, form: str, tmp_path: Path
) -> None:
    """It is cancelled by another while it is sent; a spreadsheet is made before, which takes a while."""
    name, out = f"broken-{form}", tmp_path / "out"
    (tmp_path / "q.json").write_text(json.dumps(LONG))
    words = [
        "curl",
        "--silent",
        "--limit-rate",
        "200k",
        "--data-binary",
        f"@{tmp_path / 'q.json'}",
        "--output",
        str(out),
    ]
    with subprocess.Popen(
        [*words, "--header", f"Query-Id: {name}", f"{served.url}/api/v1/query?format={form}"]
    ) as curl:
        until(lambda: out.exists() and out.stat().st_size > 0, 240)
        assert client.delete(f"/api/v1/queries/{name}").json()["state"] == "cancelled"
        assert curl.wait(60) == 18
    if form == "ndjson":
        assert json.loads(out.read_bytes().splitlines()[-1])["error"]["code"] == "cancelled"
