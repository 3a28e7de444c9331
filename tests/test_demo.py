"""What `make demo` does: calls out of nothing, loaded and served, afresh each time, and never over real ones."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.server import PROGRAM, Server

pytestmark = pytest.mark.engine

CALLS, DAYS = 3000, 5


def demo(directory: Path, calls: int = CALLS) -> Server:
    return Server(f"chdb://{directory}", "--calls", str(calls), "--days", str(DAYS), command="demo")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "not-there-yet"


@pytest.fixture(scope="module")
def running(directory: Path) -> Iterator[Server]:
    with demo(directory) as found:
        yield found


def window() -> dict[str, str]:
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=DAYS)), "to": str(today + timedelta(days=1))}


def counted(client: httpx.Client) -> dict[str, int]:
    measures = ["attempts", "calls", "connected"]
    response = client.post("/api/v1/query", json={**window(), "rows": [], "measures": measures})
    assert response.status_code == 200, response.text
    return dict(zip(measures, response.json()["rows"][0], strict=True))


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def run(*words: str, status: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_it_says_what_it_loaded_and_where_it_is(running: Server) -> None:
    assert re.search(rf"^[\d,]+ records of {CALLS:,} calls over {DAYS} days are loaded\.$", running.said, re.MULTILINE)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", running.url)
    assert "administrator" in running.said


def test_the_calls_are_all_there(running: Server) -> None:
    told = re.search(r"^([\d,]+) records of", running.said, re.MULTILINE)
    assert told
    with running.client() as client:
        found = counted(client)
    assert found["calls"] == CALLS
    assert found["attempts"] == int(told[1].replace(",", "")) > CALLS
    assert 0 < found["connected"] < found["attempts"]


def test_the_first_page_has_the_figures_of_a_day(running: Server) -> None:
    with running.client() as client:
        asked = {**window(), "rows": ["day"], "measures": ["attempts"]}
        day, attempts = client.post("/api/v1/query", json=asked).json()["rows"][-2]
        page = client.get("/", params={"day": day})
    assert page.status_code == 200
    assert f">{attempts:,}</a>" in page.text


def test_a_second_one_beside_it_says_who_holds_the_directory(running: Server, directory: Path) -> None:
    done = run("demo", "--port", "0", "--database", f"chdb://{directory}", status=2)
    assert running.url in done.stderr
    assert "held by process" in done.stderr
    with running.client() as client:
        assert counted(client)["calls"] == CALLS


def test_it_ends_cleanly_and_the_next_one_begins_afresh(tmp_path: Path) -> None:
    for calls, number in ((200, signal.SIGTERM), (100, signal.SIGINT)):
        with demo(tmp_path / "demo", calls) as running:
            with running.client() as client:
                assert counted(client)["calls"] == calls
                began = time.monotonic()
                assert running.end(number) == 0, running.said  # also with a connection still open
            assert time.monotonic() - began < 5
            assert "Traceback" not in running.said
            assert "Aborted" not in running.said
    answer = run(
        *("--database", f"chdb://{tmp_path / 'demo'}", "report", "breakout", "--format", "json", "--rows", ""),
        *(word for name, text in window().items() for word in (f"--{name}", text)),
        status=0,
    )
    assert json.loads(answer.stdout)["rows"][0][0] > 100


def test_a_directory_with_real_calls_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    calls, database = tmp_path / "calls.csv", tmp_path / "real"
    calls.write_text("call_id,start_time\na,2026-10-05T00:30:00Z\n", "utf-8")
    run("ingest", str(calls), "--database", f"chdb://{database}", status=0)
    before = contents(database)
    done = run("demo", "--port", "0", "--database", f"chdb://{database}", status=2)
    assert "not a demonstration" in done.stderr
    assert contents(database) == before


def test_calls_that_somebody_loaded_into_a_demonstration_are_not_deleted(tmp_path: Path) -> None:
    directory, calls = tmp_path / "demo", tmp_path / "mine.csv"
    calls.write_text("call_id,start_time\na,2026-10-05T00:30:00Z\n", "utf-8")
    with demo(directory, 100) as running:
        assert running.end(signal.SIGTERM) == 0
    run("ingest", str(calls), "--database", f"chdb://{directory}", status=0)
    done = run("demo", "--port", "0", "--database", f"chdb://{directory}", status=2)
    assert "mine.csv" in done.stderr
    assert "untouched" in done.stderr


def test_it_wants_an_embedded_database() -> None:
    done = run("demo", "--port", "0", "--database", "http://127.0.0.1:1/calls", status=2)
    assert "embedded" in done.stderr
