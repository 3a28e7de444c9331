"""Loads as people and scripts see them: listed, taken back, given again, forced, and what could not be taken."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from click.testing import CliRunner, Result

from engine.access.principal import Principal
from engine.cursor import cursor, place
from engine.errors import BadRequest, Forbidden, NotFound, Unavailable
from engine.ingest import history
from engine.ingest.rollback import Undone
from engine.site import Site
from engine.statement import Statement
from engine.words import many
from tests.conftest import fresh_database
from tests.loading import assert_books_agree, load
from tests.server import Server
from web import batches
from web.cli import main
from web.inventory import told
from web.progress import PROGRESS

FIELDS = [
    "id", "time", "source", "dialect", "origin", "state", "from", "to",
    "received", "accepted", "duplicates", "stale", "corrections", "withdrawn", "rejected", "after_close", "skipped",
    "forced", "problem",
]  # fmt: skip
HEADER = "call_id,start_time,revision,withdrawn,customer_charge"
EARLY = f"""{HEADER}
a,2026-10-05T10:00:00Z,0,,1
b,2026-10-05T10:01:00Z,0,,2
c,2026-10-06T10:02:00Z,0,,4
"""
LATE = f"""{HEADER}
a,2026-10-05T10:00:00Z,1,,10
b,2026-10-05T10:01:00Z,1,true,
c,2026-10-06T10:02:00Z,0,,4
d,2026-10-07T10:03:00Z,0,,8
e,never,0,,
"""
"""To EARLY: a correction, a withdrawal, a duplicate, a new call, and one that cannot be read."""


def a_call(call: str, charge: str = "1", revision: int = 0) -> str:
    return f"{HEADER}\n{call},2026-10-05T10:00:00Z,{revision},,{charge}\n"


def counts(batch: dict[str, Any]) -> dict[str, int]:
    return {name: batch[name] for name in FIELDS[9:15] if batch[name]}


# --- what a page of a list is -----------------------------------------------------------------------------


def test_a_cursor_leads_back_to_its_place_and_nothing_else_does() -> None:
    assert place(cursor("rejects", 7, 12), "rejects", 2) == [7, 12]
    assert re.fullmatch(r"[\w-]+", cursor("batches", 2**32 - 1))
    for text in ("", "7", "é", cursor("batches", 7), cursor("rejects", 7), "bnVsbA", "WyJyZWplY3RzIiwtMSwwXQ", "W10"):
        with pytest.raises(BadRequest, match="no cursor of rejects") as refusal:
            place(text, "rejects", 2)
        assert refusal.value.pointer == "cursor"


def test_only_the_operator_may_look_at_loads_and_take_them_back() -> None:
    customer = Principal("acme", ("acme",), "customer")
    nothing: Any = None
    assert len(batches.HANDLERS) == 6
    for handler in batches.HANDLERS:
        with pytest.raises(Forbidden) as refusal:
            anyio.run(handler.fn, nothing, customer, nothing)
        assert refusal.value.code == "forbidden"


# --- in words ---------------------------------------------------------------------------------------------


def test_what_is_one_is_not_many() -> None:
    assert [many(count, "record") for count in (0, 1, 2, 12_345)] == [
        "0 records", "1 record", "2 records", "12,345 records",
    ]  # fmt: skip
    assert many(1, "stale", "stale") == many(2, "stale", "stale").replace("2", "1")


@pytest.mark.parametrize(
    ("counted", "undo", "words"),
    [
        (
            (900, 12, 60, 3),
            False,
            "rolled back: 900 records went, 12 came back, 60 fell back to another load, 3 stayed",
        ),
        ((1, 0, 0, 0), False, "rolled back: 1 record went"),
        ((0, 0, 0, 1), False, "rolled back: 1 record stayed"),
        ((0, 0, 0, 0), False, "rolled back: 0 records changed"),
        ((12, 1_900, 60, 3), True, "restored: 1,900 records came back, 12 went, 60 took another content, 3 stayed"),
    ],
)
def test_a_rollback_is_told_in_words(counted: tuple[int, int, int, int], undo: bool, words: str) -> None:
    assert told(Undone(7, "any", *counted), undo=undo) == f"batch 7 {words}"


# --- in a database, without a server -----------------------------------------------------------------------


@pytest.mark.engine
def test_the_last_word_counts_even_when_the_clock_went_back(site: Site) -> None:
    site.close_month("2024-02", "anna", "UTC")
    later = "SELECT * REPLACE (toDateTime64('2099-01-01 00:00:00', 3, 'UTC') AS time) FROM closes"
    site.warehouse.command(Statement(f"INSERT INTO closes {later} WHERE month = '2024-02'"))
    site.warehouse.command(
        Statement(
            "ALTER TABLE closes DELETE WHERE month = '2024-02' AND time < '2090-01-01' SETTINGS mutations_sync = 1"
        )
    )
    assert site.reopen_month("2024-02", "anna").state == "reopened"
    assert "2024-02" not in [closed.month for closed in site.closes()]


@pytest.mark.engine
def test_a_rollback_says_how_many_records_changed_a_closed_month(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "closed.csv"
    path.write_text("call_id,start_time\nin,2024-03-31T23:59:59Z\nout,2024-04-01T00:00:00Z\n")
    batch = load(site, path, "closed").batch
    assert site.rollback(batch).after_close == 0
    assert site.rollback(batch, undo=True).after_close == 0
    site.close_month("2024-03", "anna", "UTC")
    taken = site.rollback(batch)
    assert (taken.went, taken.after_close) == (2, 1)
    assert told(taken, undo=False).endswith("2 records went (1 of them in a closed month)")


@pytest.mark.engine
def test_a_load_that_failed_keeps_its_origin_in_the_list(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "from-sw1.csv"
    path.write_text(f"{HEADER}\na,never,,,\n")
    with pytest.raises(BadRequest) as refusal:
        load(site, path, "sw1")
    read = history.batches(site.warehouse, 1).items[0]
    assert (read.state, read.origin, read.source, read.start) == ("failed", "from-sw1.csv", "sw1", None)
    assert read.problem == str(refusal.value)
    assert "no record of from-sw1.csv can be read as canonical, 1 tried" in read.problem

    # One that failed later said its origin once, and not again when it failed.
    log = site.loader._batches
    number = log.number()
    log.note(number, "staged", source="sw1", dialect="canonical", origin="later.csv")
    log.forget([number], Unavailable("engine_gone", "the engine cannot be reached", hint="start it"))
    found = history.batch(site.warehouse, number)
    assert (found.state, found.origin, found.dialect) == ("failed", "later.csv", "canonical")
    assert found.problem == "the engine cannot be reached (start it)"


@pytest.mark.engine
def test_a_clock_that_is_set_back_does_not_keep_a_batch_as_it_was(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(EARLY)
    receipt = load(site, path, "clock")
    log, ahead = site.loader._batches, "time + INTERVAL 1 HOUR AS time"
    newest = f"SELECT * REPLACE ({ahead}) FROM batch_log WHERE batch = {{batch:UInt32}} ORDER BY time DESC LIMIT 1"
    site.warehouse.command(Statement(f"INSERT INTO batch_log {newest}", {"batch": receipt.batch}))
    assert site.rollback(receipt.batch) == Undone(receipt.batch, "rolled_back", 3, 0, 0, 0)
    assert log.state(receipt.batch) == "rolled_back"
    assert site.rollback(receipt.batch, undo=True) == Undone(receipt.batch, "loaded", 0, 3, 0, 0)
    assert log.receipt(receipt.batch) == receipt
    assert_books_agree(site)


@pytest.mark.engine
def test_every_batch_comes_whatever_the_size_of_a_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    log = site.loader._batches
    for _ in range(5):
        log.note(log.number(), "failed", origin="any.csv")
    expected = [batch.id for batch in history.batches(site.warehouse, 1000).items]
    monkeypatch.setattr(history, "MOST", 2)
    assert [batch.id for batch in history.every_batch(site.warehouse)] == expected
    assert sorted(expected, reverse=True) == expected
    assert len(expected) >= 5


@pytest.mark.engine
@pytest.mark.parametrize("number", [0, 999_999, 2**32, 2**70, -1])
def test_a_batch_that_is_not_there_is_not_found(site: Site, number: int) -> None:
    with pytest.raises(NotFound) as refusal:
        history.batch(site.warehouse, number)
    assert refusal.value.code == "no_such_batch"
    with pytest.raises(NotFound):
        history.rejects(site.warehouse, 10, of=number)


# --- over HTTP ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["embedded", "http"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program, once on an embedded database and once on a server."""
    if request.param == "embedded":
        dsn = f"chdb://{tmp_path_factory.mktemp('served')}"
    else:
        dsn = fresh_database(request.getfixturevalue("clickhouse"))
    with Server(dsn, chunk_records="1000") as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


@pytest.fixture
def source(request: pytest.FixtureRequest) -> str:
    """A switch that no other test speaks of."""
    return str(request.node.name)


def post(client: httpx.Client, body: str, source: str, **parameters: str) -> dict[str, Any]:
    response = client.post(
        "/api/v1/cdrs", content=body, params={"source": source, **parameters}, headers={"content-type": "text/csv"}
    )
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def got(client: httpx.Client, path: str, **parameters: Any) -> dict[str, Any]:
    response = client.get(f"/api/v1{path}", params=parameters)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()["error"]
    assert found["code"] == code
    return found


def changed(client: httpx.Client, batch: int, what: str) -> dict[str, int]:
    """Take a batch back or give it again; return what the answer counts, zeros left out."""
    response = client.post(f"/api/v1/batches/{batch}/{what}")
    assert response.status_code == 200, response.text
    found = response.json()
    assert list(found) == ["batch", "state", "went", "came", "fell_back", "stayed", "after_close"]
    assert found["batch"] == batch
    assert found["state"] == {"rollback": "rolled_back", "restore": "loaded"}[what]
    assert got(client, f"/batches/{batch}")["state"] == found["state"]
    return {name: found[name] for name in ("went", "came", "fell_back", "stayed") if found[name]}


def standing(client: httpx.Client, source: str) -> tuple[int, str]:
    """How many records of a source stand, and what they are charged."""
    where = [{"field": "source", "values": [source]}]
    question = {"from": "2026-10-01", "to": "2026-11-01", "rows": [], "measures": ["attempts", "customer_charge"]}
    answer = client.post("/api/v1/query", json={**question, "where": where}).json()
    attempts, charge = answer["rows"][0]
    return attempts, charge


@pytest.mark.engine
def test_a_load_is_listed_with_everything_that_is_known_of_it(client: httpx.Client, source: str) -> None:
    first = post(client, EARLY, source)["batch"]
    second = post(client, LATE, source, force="false")["batch"]
    items = got(client, "/batches", limit=2)["items"]
    assert [list(item) for item in items] == [FIELDS, FIELDS]
    assert [item["id"] for item in items] == [second, first]
    newest = items[0]
    assert counts(newest) == {"accepted": 1, "duplicates": 1, "corrections": 1, "withdrawn": 1, "rejected": 1}
    assert newest["received"] == 5
    about = {name: newest[name] for name in FIELDS[2:8]}
    assert about == {
        "source": source,
        "dialect": "canonical",
        "origin": "POST /cdrs",
        "state": "loaded",
        "from": "2026-10-05T10:00:00Z",
        "to": "2026-10-07T10:03:00Z",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", newest["time"])
    assert newest["forced"] is False
    assert got(client, f"/batches/{second}") == newest


@pytest.mark.engine
def test_pages_tile_the_list_while_loads_go_on(client: httpx.Client, server: Server, source: str) -> None:
    expected = [post(client, a_call(f"p{n}"), source)["batch"] for n in range(7)][::-1]
    stop = threading.Event()
    later: list[int] = []

    def go_on() -> None:
        with server.client() as other:
            while not stop.is_set():
                later.append(post(other, a_call(f"l{len(later)}"), source)["batch"])

    loading = threading.Thread(target=go_on)
    first = got(client, "/batches", limit=3)
    loading.start()
    try:
        pages = [first]
        while pages[-1]["next_cursor"] and len(pages) < 50:
            before = len(later)
            while len(later) == before:  # another load between any two pages
                time.sleep(0.01)
            pages.append(got(client, "/batches", limit=3, cursor=pages[-1]["next_cursor"]))
    finally:
        stop.set()
        loading.join()
    listed = [item["id"] for page in pages for item in page["items"]]
    assert listed[:7] == expected
    assert listed == list(range(expected[0], 0, -1)), "each batch there was, once"
    assert all(len(page["items"]) == 3 for page in pages[:-1])
    assert min(later) > expected[0]


@pytest.mark.engine
def test_rolled_back_falls_away_and_restored_stands_again(client: httpx.Client, source: str) -> None:
    early, late = (post(client, text, source)["batch"] for text in (EARLY, LATE))
    assert standing(client, source) == (3, "22.00")  # a 10, c 4, d 8
    assert changed(client, late, "rollback") == {"went": 1, "came": 1, "fell_back": 1, "stayed": 1}
    assert standing(client, source) == (3, "7.00")  # a 1, b 2, c 4
    assert changed(client, early, "rollback") == {"went": 3}
    assert standing(client, source)[0] == 0
    assert changed(client, late, "restore") == {"came": 3, "stayed": 1}  # b is withdrawn again, but did not stand
    assert standing(client, source) == (3, "22.00")
    assert changed(client, early, "restore") == {"stayed": 3}
    assert standing(client, source) == (3, "22.00")
    assert changed(client, late, "rollback") == {"went": 1, "came": 1, "fell_back": 1, "stayed": 1}
    assert changed(client, late, "restore") == {"went": 1, "came": 1, "fell_back": 1, "stayed": 1}
    assert counts(got(client, f"/batches/{late}"))["corrections"] == 1, "as it was when it was loaded"
    verified = client.post("/api/v1/verify").json()
    assert verified["exact"] is True


@pytest.mark.engine
@pytest.mark.server_nightly
def test_a_file_that_was_taken_back_loads_again_as_new(client: httpx.Client, source: str) -> None:
    first = post(client, EARLY, source)["batch"]
    changed(client, first, "rollback")
    again = post(client, EARLY, source)
    assert counts(again) == {"accepted": 3}
    assert standing(client, source) == (3, "7.00")
    assert changed(client, first, "restore") == {"stayed": 3}
    assert changed(client, again["batch"], "rollback") == {"stayed": 3}
    assert standing(client, source) == (3, "7.00")
    assert counts(post(client, EARLY, source)) == {"duplicates": 3}
    assert changed(client, first, "rollback") == {"stayed": 3}  # the duplicates say it too
    assert standing(client, source) == (3, "7.00")


@pytest.mark.engine
@pytest.mark.server_nightly
def test_forced_content_stands_until_something_newer_comes(client: httpx.Client, source: str) -> None:
    old, new = a_call("x", "1", revision=1), a_call("x", "2", revision=2)
    post(client, old, source)
    post(client, new, source)
    assert counts(post(client, old, source)) == {"stale": 1}
    assert standing(client, source) == (1, "2.00")
    forced = post(client, old, source, force="true")
    assert counts(forced) == {"corrections": 1}
    assert got(client, f"/batches/{forced['batch']}")["forced"] is True
    assert standing(client, source) == (1, "1.00")
    assert changed(client, forced["batch"], "rollback") == {"fell_back": 1}
    assert standing(client, source) == (1, "2.00")
    assert changed(client, forced["batch"], "restore") == {"fell_back": 1}
    post(client, a_call("x", "3", revision=3), source)
    assert standing(client, source) == (1, "3.00")


@pytest.mark.engine
@pytest.mark.server_nightly
def test_only_what_is_loaded_is_taken_back_and_only_what_was_taken_back_is_restored(
    client: httpx.Client, source: str
) -> None:
    batch = post(client, EARLY, source)["batch"]
    path = f"/api/v1/batches/{batch}"
    said = refused(client.post(f"{path}/restore"), 409, "batch_state")
    assert said["message"] == f"batch {batch} is loaded, not rolled back"
    changed(client, batch, "rollback")
    said = refused(client.post(f"{path}/rollback"), 409, "batch_state")
    assert said["message"] == f"batch {batch} is rolled back, not loaded"
    assert standing(client, source)[0] == 0

    garbage = client.post("/api/v1/cdrs", content="call_id,start_time\nx,never\n", headers={"content-type": "text/csv"})
    refused(garbage, 400, "nothing_readable")
    failed = got(client, "/batches", limit=1)["items"][0]
    assert (failed["state"], failed["origin"]) == ("failed", "POST /cdrs")
    for what in ("rollback", "restore"):
        refused(client.post(f"/api/v1/batches/{failed['id']}/{what}"), 409, "batch_state")
        refused(client.post(f"/api/v1/batches/999999/{what}"), 404, "no_such_batch")
        refused(client.post(f"/api/v1/batches/4294967296/{what}"), 404, "no_such_batch")
    refused(client.get("/api/v1/batches/999999"), 404, "no_such_batch")
    refused(client.get("/api/v1/batches/18446744073709551617"), 404, "no_such_batch")
    refused(client.get("/api/v1/batches/seven"), 404, "not_found")

    listed = got(client, "/batches", state="rolled_back")["items"]
    assert batch in [item["id"] for item in listed]
    assert {item["state"] for item in listed} == {"rolled_back"}


@pytest.mark.engine
@pytest.mark.server_nightly
def test_what_a_rollback_does_not_know_is_refused_before_anything_changes(client: httpx.Client, source: str) -> None:
    batch = post(client, EARLY, source)["batch"]
    path = f"/api/v1/batches/{batch}/rollback"
    refused(client.post(path, json={"dry_run": True}), 400, "malformed")
    refused(client.post(path, content="yes"), 400, "malformed")
    refused(client.post(path, params={"undo": "true"}), 400, "unknown_parameter")
    refused(client.post(path, headers={"sec-fetch-site": "cross-site"}), 403, "cross_site")
    assert got(client, f"/batches/{batch}")["state"] == "loaded"
    assert client.post(path, json={}).status_code == 200


@pytest.mark.engine
@pytest.mark.parametrize(
    ("path", "code", "pointer"),
    [
        ("/batches?limit=0", "malformed", "limit"),
        ("/batches?limit=1001", "malformed", "limit"),
        ("/batches?limit=-1", "malformed", "limit"),
        ("/batches?limit=ten", "malformed", "limit"),
        ("/batches?limit=%C2%B2", "malformed", "limit"),
        ("/batches?limit=5&limit=6", "malformed", "limit"),
        ("/batches?cursor=next", "malformed", "cursor"),
        ("/batches?cursor=WyJyZWplY3RzIiwxLDFd", "malformed", "cursor"),
        ("/batches?state=loadd", "malformed", "state"),
        ("/batches?page=2", "unknown_parameter", "page"),
        ("/batches/1?limit=2", "unknown_parameter", "limit"),
        ("/rejects?batch=one", "malformed", "batch"),
        ("/rejects?batch=4294967296", "malformed", "batch"),
        ("/rejects?cursor=WyJiYXRjaGVzIiwxXQ", "malformed", "cursor"),
        ("/rejects?state=loaded", "unknown_parameter", "state"),
        ("/cdrs?force=yes", "malformed", "force"),
    ],
)
def test_a_parameter_that_is_not_understood_is_named(client: httpx.Client, path: str, code: str, pointer: str) -> None:
    if path.startswith("/cdrs"):
        response = client.post(f"/api/v1{path}", content=EARLY, headers={"content-type": "text/csv"})
    else:
        response = client.get(f"/api/v1{path}")
    assert refused(response, 400, code)["pointer"] == pointer


@pytest.mark.engine
def test_rejects_are_listed_with_what_they_said_and_the_log_keeps_it_not(
    client: httpx.Client, server: Server, source: str
) -> None:
    number = "12125550199"
    lines = [f"r{n},never,,,{number}" for n in range(5)]
    one = post(client, "\n".join([HEADER, *lines, f"good,2026-10-05T10:00:00Z,,,{1}"]) + "\n", source)
    two = post(client, f"{HEADER}\nok,2026-10-05T10:00:00Z,,,1\nbad,2026-10-05T10:00:00Z,,,x{number}\n", source)
    assert (counts(one)["rejected"], counts(two)["rejected"]) == (5, 1)

    newest = got(client, "/rejects", limit=1)
    [reject] = newest["items"]
    assert list(reject) == ["batch", "origin", "record", "line", "field", "reason", "raw"]
    assert {name: reject[name] for name in ("batch", "origin", "record", "line", "field")} == {
        "batch": two["batch"],
        "origin": "POST /cdrs",
        "record": 2,
        "line": 3,
        "field": "customer_charge",
    }
    assert reject["raw"] == f"bad,2026-10-05T10:00:00Z,,,x{number}"

    pages = [got(client, "/rejects", batch=one["batch"], limit=2)]
    while pages[-1]["next_cursor"]:
        post(client, f"{HEADER}\nok,2026-10-05T10:00:00Z,,,1\nbad,never,,,\n", source)  # meanwhile
        pages.append(got(client, "/rejects", batch=one["batch"], limit=2, cursor=pages[-1]["next_cursor"]))
    assert [[item["record"] for item in page["items"]] for page in pages] == [[1, 2], [3, 4], [5]]

    follows = got(client, "/rejects", limit=3, cursor=newest["next_cursor"])
    assert [(item["batch"], item["record"]) for item in follows["items"]] == [(one["batch"], n) for n in (1, 2, 3)]
    assert got(client, "/rejects", batch=post(client, EARLY, source)["batch"]) == {"items": [], "next_cursor": None}
    refused(client.get("/api/v1/rejects?batch=999999"), 404, "no_such_batch")
    assert number not in server.said


@pytest.mark.engine
def test_a_rollback_tells_how_far_it_has_come_and_ends_also_when_nobody_listens(
    client: httpx.Client, source: str
) -> None:
    rows = (f"m{n},2026-10-{n // 1000 + 10}T{n % 24:02}:00:00Z,,,0.01" for n in range(4000))
    batch = post(client, "\n".join([HEADER, *rows]) + "\n", source)["batch"]
    path, accept = f"/api/v1/batches/{batch}", {"accept": PROGRESS}
    response = client.post(f"{path}/rollback", headers=accept)
    assert response.headers["content-type"].startswith(PROGRESS)
    *progress, last = [json.loads(line) for line in response.text.splitlines()]
    steps = [line["progress"] for line in progress]
    assert [step["done"] for step in steps] == sorted({step["done"] for step in steps})
    assert len(steps) >= 4
    assert {(step["step"], step["total"]) for step in steps} == {("rolling back", 4000)}
    assert last["result"] == {
        "batch": batch, "state": "rolled_back", "went": 4000, "came": 0, "fell_back": 0, "stayed": 0, "after_close": 0,
    }  # fmt: skip
    twice = [json.loads(line) for line in client.post(f"{path}/rollback", headers=accept).text.splitlines()]
    assert [line["error"]["code"] for line in twice] == ["batch_state"]

    with client.stream("POST", f"{path}/restore", headers=accept) as stream:
        assert "restoring" in next(stream.iter_lines())
    deadline = time.monotonic() + 60
    while got(client, f"/batches/{batch}")["state"] != "loaded":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert standing(client, source) == (4000, "40.00")


# --- on the command line -----------------------------------------------------------------------------------


class Shell:
    """The command line at one place: a database, or a server's URL."""

    def __init__(self, *at: str) -> None:
        self.at = at

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, [*words, *self.at], env={"TOLLHOUSE_URL": ""})

    def lines(self, *words: str, status: int = 0) -> list[str]:
        said = self.run(*words)
        assert said.exit_code == status, said.output
        return said.output.splitlines()

    def objects(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines(*words, "--format", "json")]


@pytest.fixture(params=["embedded", "http", "url"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """A fresh database, opened by the command itself or by a server that it asks."""
    if request.param == "url":
        with Server("chdb://memory") as running:
            yield Shell("--url", running.url)
    elif request.param == "http":
        yield Shell("--database", fresh_database(request.getfixturevalue("clickhouse")))
    else:
        yield Shell("--database", f"chdb://{tmp_path / 'database'}")


@pytest.mark.engine
def test_the_command_line_does_the_same_here_and_through_a_server(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early, late = tmp_path / "early.csv", tmp_path / "late.csv"
    early.write_text(EARLY)
    late.write_text(LATE)
    assert shell.lines("batches") == ["nothing is loaded yet"]
    assert shell.lines("rejects") == ["nothing was rejected"]
    assert shell.lines("ingest", str(early)) == [f"batch 1: {early} as canonical: 3 records, 3 accepted"]
    [said] = shell.lines("ingest", str(late), status=1)
    assert said.endswith(": 5 records, 1 accepted, 1 duplicate, 1 correction, 1 withdrawn, 1 rejected")

    header, second, first = (re.split(r"  +", line.strip()) for line in shell.lines("batches"))
    assert header == [
        "id", "time", "origin", "source", "dialect", "state", "received", "accepted", "duplicates",
        "corrections", "withdrawn", "rejected", "from", "to",
    ]  # fmt: skip
    assert second[5:] == [
        "loaded", "5", "1", "1", "1", "1", "1", "2026-10-05T10:00:00Z", "2026-10-07T10:03:00Z",
    ]  # fmt: skip
    assert first[5:] == ["loaded", "3", "3", *"0000", "2026-10-05T10:00:00Z", "2026-10-06T10:02:00Z"]

    words = "1 record went, 1 came back, 1 fell back to another load, 1 stayed"
    assert shell.lines("rollback", "2") == [f"batch 2 rolled back: {words}"]
    refused = shell.run("rollback", "2")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        "tollhouse: batch 2 is rolled back, not loaded (tollhouse batches tells what each batch is)\n"
    )
    assert shell.run("rollback", "99").stderr.startswith("tollhouse: there is no batch 99 ")
    assert shell.run("rejects", "--batch", "99").stderr.startswith("tollhouse: there is no batch 99 ")
    assert "did you mean 'loaded'?" in shell.run("batches", "--state", "loadd").stderr
    assert [batch["id"] for batch in shell.objects("batches", "--state", "rolled_back")] == [2]
    assert shell.lines("batches", "--state", "failed") == ["no batch is like that"]
    [undone] = shell.objects("rollback", "2", "--undo")
    assert undone == {
        "batch": 2,
        "state": "loaded",
        "went": 1,
        "came": 1,
        "fell_back": 1,
        "stayed": 1,
        "after_close": 0,
    }

    assert shell.lines("ingest", str(early))[0].endswith(": 3 records, 1 duplicate, 2 stale")
    assert shell.lines("ingest", str(early), "--force")[0].endswith(": 3 records, 1 duplicate, 2 corrections")
    newest, *_ = listed = shell.objects("batches")
    assert list(newest) == FIELDS
    assert [batch["forced"] for batch in listed] == [True, False, False, False]
    assert re.split(r"  +", shell.lines("batches", "--limit", "1")[1])[-3] == "yes"
    [reject] = shell.objects("rejects", "--batch", "2")
    assert (reject["record"], reject["line"], reject["field"]) == (5, 6, "start_time")
    assert reject["raw"] == "e,never,0,,"

    monkeypatch.setattr(history, "MOST", 2)
    assert [batch["id"] for batch in shell.objects("batches", "--limit", "3")] == [4, 3, 2]
    assert [batch["id"] for batch in shell.objects("batches")] == [4, 3, 2, 1]


@pytest.mark.engine
def test_a_long_rollback_shows_how_far_it_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, int, str]] = []

    class Bar:
        def __init__(self, *_: str) -> None: ...

        def __enter__(self) -> Any:
            return lambda done, total, text: shown.append((done, total, text))

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setenv("TOLLHOUSE_CHUNK_RECORDS", "1000")
    shell = Shell("--database", f"chdb://{tmp_path / 'database'}")
    path = tmp_path / "many.csv"
    path.write_text("\n".join([HEADER, *(f"m{n},2026-10-{n // 1000 + 10}T01:00:00Z,,," for n in range(3000))]) + "\n")
    shell.lines("ingest", str(path))
    monkeypatch.setattr("web.cli._bar", Bar)
    assert shell.lines("rollback", "1") == ["batch 1 rolled back: 3,000 records went"]
    assert shown == [(done, 3000, "rolling back batch 1") for done in (0, 1000, 2000)]


@pytest.mark.parametrize(
    "words", [("rollback",), ("rollback", "seven"), ("rollback", "-1"), ("rejects", "--batch", "x")]
)
def test_what_is_no_number_of_a_batch_is_told_in_one_line(words: tuple[str, ...]) -> None:
    said = Shell("--database", "chdb://memory").run(*words)
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("tollhouse: ")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("batches",), ("rejects",), ("rollback", "1")])
def test_a_server_that_is_named_is_asked_and_nobody_else(words: tuple[str, ...]) -> None:
    said = Shell("--url", "http://127.0.0.1:1").run(*words)
    assert said.exit_code == 2
    assert "no Tollhouse answers at http://127.0.0.1:1" in said.stderr


@pytest.mark.engine
def test_after_all_of_it_the_books_agree(site: Site, tmp_path: Path) -> None:
    for name, text in (("early", EARLY), ("late", LATE)):
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        load(site, path, "books")
    newest = history.batches(site.warehouse, 1).items[0].id
    for undo in (False, True, False):
        site.rollback(newest, undo=undo)
        assert_books_agree(site)
