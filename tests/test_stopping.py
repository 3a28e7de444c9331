"""Work that nobody waits for any more: whoever asked and however they left, the engine stops it within a second."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn

from engine.access.principal import ADMIN, Principal
from engine.errors import Conflict, TollhouseError
from engine.exports import formats
from engine.query import question
from engine.query.run import Desk
from engine.query.running import Ticket
from engine.site import Site
from engine.statement import Statement
from engine.warehouse.errand import Errand
from engine.warehouse.gateway import Rows
from tests.conftest import fresh_database
from tests.server import Server
from tests.test_cli import Terminal
from tests.test_under_way import COMPLETE, FILL, LONG, OCTOBER, ROWS, fill, until
from web.app import create
from web.server import listening

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:.*[Ii]nferred:DeprecationWarning")]

SECONDS = 1.0
TRIES = 3
"""One of so many must be in time: the machine does other things besides."""

PIVOT = {**LONG, "rows": ["cli"], "columns": ["customer"]}
CALLS = {**OCTOBER, "where": [{"field": "customer", "op": "starts_with", "values": ["c"]}]}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "an answer": ("query", LONG),
    "a pivot": ("query", PIVOT),
    "a file": ("query?format=csv", LONG),
    "a file of a pivot": ("query?format=arrow", PIVOT),
    "a spreadsheet": ("query?format=xlsx", LONG),
    "calls": ("calls?format=ndjson", CALLS),
    "calls as Parquet": ("calls?format=parquet", CALLS),
}


@pytest.fixture(scope="module")
def busy(few_rollups: None, site: Site) -> Site:
    """Calls enough to be at them for seconds."""
    site.warehouse.command(Statement(FILL, {"rows": ROWS}))
    site.warehouse.command(Statement(COMPLETE))
    return site


@pytest.fixture(scope="module")
def door(busy: Site) -> Iterator[tuple[str, int]]:
    """The API over real HTTP in this process, so that its engine can be looked at, an embedded one as well."""
    with closing(listening("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(create(busy), log_level="critical", lifespan="on"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        serving.start()
        yield bound.getsockname()
        server.should_exit = True
        serving.join()


def works(site: Site, ticket: Ticket) -> bool:
    """Whether the engine has a statement of a question."""
    if ticket.flight is None:
        return False
    sql = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = {tag:String}"
    found = site.warehouse.query(Statement(sql, {"tag": ticket.flight.errand.tag}), aside=True)
    return bool(found.rows[0][0])


def taken(door: tuple[str, int], path: str, asked: dict[str, Any]) -> tuple[socket.socket, str]:
    """Ask, and take nothing of the answer."""
    name, body = uuid4().hex, json.dumps(asked).encode()
    caller = socket.create_connection(door)
    caller.sendall(
        f"POST /api/v1/{path} HTTP/1.1\r\nHost: {door[0]}\r\nQuery-Id: {name}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return caller, name


def under_way(site: Site, name: str) -> Ticket | None:
    with suppress(TollhouseError):
        return site.board.find(ADMIN.name, name)
    return None


@pytest.mark.parametrize(
    ("what", "leave"),
    [*((what, "deleted") for what in ASKED), ("an answer", "gone"), ("a file of a pivot", "gone"), ("calls", "gone")],
)
def test_the_engine_stops_within_a_second(busy: Site, door: tuple[str, int], what: str, leave: str) -> None:
    host, port = door
    took = []
    for _ in range(TRIES):
        caller, name = taken(door, *ASKED[what])
        with caller:
            ticket = until(lambda name=name: under_way(busy, name))
            until(lambda ticket=ticket: works(busy, ticket))
            began = time.monotonic()
            if leave == "gone":
                caller.close()
            else:
                told = httpx.delete(f"http://{host}:{port}/api/v1/queries/{name}", trust_env=False).json()
                assert told["state"] == "cancelled"
            until(lambda ticket=ticket: not works(busy, ticket))
            took.append(time.monotonic() - began)
        assert until(lambda ticket=ticket: ticket.state != "running" and ticket.state) == "cancelled"
        assert until(lambda ticket=ticket: ticket.flight.landed.is_set())
        if min(took) <= SECONDS:
            return
    pytest.fail(f"it took {took} seconds")


def test_a_file_that_cannot_be_made_stops_the_engine(busy: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is not the engine but whoever writes what it gives."""
    monkeypatch.setattr("engine.exports.sheet.MOST_ROWS", 10)
    ticket = busy.board.open(ADMIN.name)
    with pytest.raises(TollhouseError, match="spreadsheet"):
        list(formats.write(busy.stream(question.of({**LONG, "rows": ["cli"]}), ADMIN, ticket), "xlsx"))
    ticket.failed()
    assert ticket.flight
    until(ticket.flight.landed.is_set)  # and its connection is there for others
    until(lambda: not works(busy, ticket))


class Gate:
    """The database, where statements of questions wait until it opens, and are counted."""

    def __init__(self, site: Site) -> None:
        self._warehouse = site.warehouse
        self.open = threading.Event()
        self.sent: list[str] = []

    def query(self, statement: Statement, errand: Errand | None = None, *, aside: bool = False) -> Rows:
        if errand:
            self.sent.append(errand.tag)
            assert self.open.wait(20)
        return self._warehouse.query(statement, errand, aside=aside)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)


ONE = Principal("one", ("c1",), "customer")
OTHER = Principal("other", ("c2",), "customer")
SAME_AS_ONE = Principal("somebody else", ("c1",), "customer")


def asked_at_once(site: Site, callers: list[Principal], leaving: tuple[int, ...] = ()) -> tuple[Gate, list[Any]]:
    """Ask the same for each caller at the same time; those `leaving` cancel before the engine begins."""
    gate = Gate(site)
    desk = Desk(gate, site.catalog, site.settings, {})  # type: ignore[arg-type]  # which counts
    asked = question.of({**OCTOBER, "rows": ["customer"], "measures": ["attempts"]})
    tickets = [desk.board.open(caller.name) for caller in callers]
    answers: list[Any] = [None] * len(callers)

    def ask(place: int) -> None:
        try:
            answers[place] = desk.ask(asked, callers[place], ticket=tickets[place]).rows
        except Conflict as failure:
            answers[place] = failure.code

    with ThreadPoolExecutor(len(callers)) as threads:
        for place in range(len(callers)):
            threads.submit(ask, place)
        until(lambda: all(ticket.flight for ticket in tickets))
        for place in leaving:
            tickets[place].cancel()
            until(lambda place=place: answers[place])  # is told at once
        until(lambda: len(leaving) == len(callers) or gate.sent)
        gate.open.set()
    return gate, answers


def test_what_is_asked_by_many_at_once_is_sent_to_the_engine_once(busy: Site) -> None:
    gate, answers = asked_at_once(busy, [ADMIN] * 5)
    assert len(gate.sent) == 1
    assert len(answers[0]) == 50
    assert all(answer == answers[0] for answer in answers)
    assert len(set(asked_at_once(busy, [ADMIN])[0].sent) & set(gate.sent)) == 0  # afterwards it is asked anew


def test_callers_share_only_what_both_may_see(busy: Site) -> None:
    gate, answers = asked_at_once(busy, [ONE, OTHER, SAME_AS_ONE, ADMIN])
    assert len(gate.sent) == 3
    assert [[row[0] for row in answer] for answer in answers[:3]] == [["c1"], ["c2"], ["c1"]]
    assert len(answers[3]) == 50


def test_who_leaves_does_not_end_it_for_the_others(busy: Site) -> None:
    gate, answers = asked_at_once(busy, [ADMIN] * 3, leaving=(0, 2))
    assert answers[0] == answers[2] == "cancelled"
    assert len(answers[1]) == 50
    assert len(gate.sent) == 1


def test_when_all_have_left_the_engine_is_not_begun_with(busy: Site) -> None:
    gate, answers = asked_at_once(busy, [ADMIN] * 2, leaving=(0, 1))
    assert answers == ["cancelled"] * 2
    assert len(gate.sent) <= 1


@pytest.fixture(scope="module", params=["embedded", "http"])
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal whose database holds calls enough, of either kind."""
    terminal = Terminal(tmp_path_factory.mktemp("terminal"))
    if request.param == "http":
        terminal.database = fresh_database(request.getfixturevalue("clickhouse"))
        fill(terminal.database, FEWER)
    else:
        script = f"from tests.test_under_way import fill; fill({terminal.database!r}, {FEWER})"
        subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[1])
    (terminal.folder / "question.json").write_text(json.dumps(WIDE))
    return terminal


FEWER = ROWS // 4
WIDE = {**LONG, "rows": ["cli"], "columns": ["is_final"]}
"""Its rows take seconds to write."""
WINDOW = ("--from", "2026-10-01", "--to", "2026-11-01")
COMMANDS = {
    "report": ("report", "explore", *WINDOW, "--rows", "cli", "--columns", "is_final", "--measures", "asr"),
    "query": ("query", "question.json"),
    "calls": ("calls", *WINDOW, "--where", "customer starts_with c"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_the_command_and_its_work(terminal: Terminal, command: str) -> None:
    out = terminal.folder / f"{command}.csv"
    part = out.with_name(f".{out.name}.part")
    words = (*COMMANDS[command], "--out", out.name)
    with terminal.start(*words) as process:
        if command == "report" and terminal.database.startswith("http"):
            until(lambda: statements(terminal.database), 60)
        else:
            until(lambda: part.exists() and part.stat().st_size, 60)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        if terminal.database.startswith("http"):
            until(lambda: not statements(terminal.database))
            assert time.monotonic() - began < TRIES * SECONDS
        said = process.communicate(timeout=30)[1].decode()
        assert time.monotonic() - began < 10  # an embedded engine is closed with the program
    assert process.returncode == 130
    assert said.startswith("tollhouse: interrupted")
    assert said.count("\n") == 1
    assert not out.exists()
    assert not part.exists()


@pytest.mark.parametrize("terminal", ["embedded"], indirect=True)
def test_a_server_that_dies_leaves_no_half_file(terminal: Terminal) -> None:
    out = terminal.folder / "broken.csv"
    part = out.with_name(f".{out.name}.part")
    words = ("query", "question.json", "--out", out.name)
    with Server(terminal.database) as running, terminal.start(*words, "--url", running.url) as process:
        until(lambda: part.exists() and part.stat().st_size, 60)
        running.end(signal.SIGKILL)
        said = process.communicate(timeout=30)[1].decode()
    assert (process.returncode, said.count("\n")) == (2, 1)
    assert said.startswith("tollhouse: the server broke off its answer")
    assert not out.exists()
    assert not part.exists()


def statements(dsn: str) -> int:
    """How many statements of questions a server runs."""
    sql = "SELECT count() FROM system.processes WHERE Settings['log_comment'] != ''"
    return int(httpx.get(dsn.rpartition("/")[0], params={"query": sql}, trust_env=False).text)
