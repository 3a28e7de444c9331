"""A page's first question is under way when the page is sent, and belongs to who asked for that page alone."""

import html
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Request
from litestar.testing import TestClient

from engine.access.principal import ADMIN, Principal
from engine.settings import Settings
from engine.site import Site
from tests.loading import load
from web import ahead
from web.app import create
from web.progress import PROGRESS

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

PAGE = "/reports/breakout?from=2026-10-01&to=2026-11-01"
CALLS = """call_id,start_time,duration,customer,customer_destination,customer_charge
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",1.2
b,2026-10-06T00:00:00Z,30.5,zenith,India,0.5
"""
OTHERS = {"x-other": "yes"}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    path.write_text(CALLS, "utf-8")

    def who(request: Request[Any, Any, Any]) -> Principal:
        return Principal("another") if "x-other" in request.headers else ADMIN

    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('database')}")) as site:
        load(site, path, "sw")
        with TestClient(create(site, who), base_url="http://127.0.0.1") as client:
            yield client


def opened(door: TestClient[Any], path: str = PAGE) -> tuple[str, dict[str, Any]]:
    """Ask for a page; return the id and the words of the question that it will ask."""
    found = re.search(r'id="first" data-query="(\w*)">([^<]*)<', door.get(path).text)
    assert found
    return found[1], json.loads(html.unescape(found[2]))


def ask(door: TestClient[Any], name: str, asked: dict[str, Any], **more: str) -> dict[str, Any]:
    """Ask as a page does; return the last line of what comes."""
    response = door.post("/api/v1/query", json=asked, headers={"query-id": name, "accept": PROGRESS, **more})
    last: dict[str, Any] = json.loads(response.text.strip().splitlines()[-1])
    return last


def state(door: TestClient[Any], name: str) -> str:
    return str(door.get(f"/api/v1/queries/{name}").json().get("state"))


def test_a_question_is_answered_before_the_page_asks_it(door: TestClient[Any]) -> None:
    name, asked = opened(door)
    deadline = time.monotonic() + 20
    while state(door, name) != "done":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    found = ask(door, name, asked)["result"]
    assert found["query_id"] == name
    again = ask(door, "by-hand", asked)["result"]
    assert {**found, "query_id": "", "elapsed_ms": 0} == {**again, "query_id": "", "elapsed_ms": 0}
    assert ask(door, name, asked)["error"]["code"] == "query_id_taken"  # it is given once


def test_only_that_question_is_answered_by_it_and_only_to_who_asked_for_the_page(door: TestClient[Any]) -> None:
    name, asked = opened(door)
    assert ask(door, name, {**asked, "limit": 1})["error"]["code"] == "query_id_taken"
    others = ask(door, name, asked, **OTHERS)["result"]  # theirs is a question of its own
    assert door.get(f"/api/v1/queries/{name}", headers=OTHERS).json()["state"] == "done"
    assert others["rows"] == ask(door, name, asked)["result"]["rows"]


def test_what_goes_wrong_is_told_when_the_page_asks(door: TestClient[Any]) -> None:
    name, asked = opened(door, "/reports/breakout?from=2026-11-01&to=2026-10-01")
    assert ask(door, name, asked)["error"] == ask(door, "wrong", asked)["error"]


def test_what_no_page_asks_for_is_forgotten(door: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "PATIENCE", 0)
    name, asked = opened(door)
    time.sleep(0.1)
    assert ask(door, name, asked)["error"]["code"] == "query_id_taken"
    monkeypatch.setattr(ahead, "MOST", 0)
    name, asked = opened(door)
    assert name == ""  # and so many may wait, no more
    assert ask(door, "late", asked)["result"]["rows"]
