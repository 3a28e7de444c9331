"""What the operator's pages promise: loads taken back and given again, rejects read again, sums proven and repaired."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Request
from litestar.testing import TestClient
from playwright.sync_api import Browser, Page, expect

from engine.access.principal import ADMIN, Principal
from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from tests.browser import opened
from tests.server import Server
from web.app import create

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

HEADER = "call_id,start_time,duration,customer,provider,customer_charge,provider_charge,sip_code,revision"
FIRST = f"""{HEADER}
a,2026-10-05T10:00:00Z,60,acme,carrier-a,1,0.5,200,0
b,2026-10-05T10:01:00Z,60,acme,carrier-a,2,0.5,200,0
c,2026-10-06T10:02:00Z,60,zenith,carrier-b,4,0.5,200,0
"""
SECOND = f"""{HEADER}
a,2026-10-05T10:00:00Z,60,acme,carrier-a,10,0.5,200,1
d,2026-10-07T10:03:00Z,60,zenith,carrier-b,,,200,0
e,never,60,"<b>bold</b>",carrier-a,1,1,200,0
f,2026-10-07T10:03:00,{"long " * 40},acme,carrier-a,1,1,200,0
"""
"""To FIRST: a correction, a new call that is not rated, and two that cannot be read."""
LONG = 30_000
"""Milliseconds that a proof, or a load taken back, may take on a busy machine."""
PAGES = ("/batches", "/batches/1", "/rejects", "/rejects?batch=2", "/verify", "/views")
Open = Callable[..., AbstractContextManager[Page]]


def post(client: httpx.Client, text: str, origin: str, source: str) -> None:
    words = {"origin": origin, "source": source}
    sent = client.post("/api/v1/cdrs", content=text.encode(), params=words, headers={"content-type": "text/csv"})
    assert sent.status_code == 200, sent.text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"chdb://{tmp_path_factory.mktemp('database')}") as running, running.client() as client:
        post(client, FIRST, "first.csv", "sw1")
        post(client, SECOND, "second.csv", "sw1")
        post(client, FIRST.replace("2026-10", "2026-09"), "september.csv", "sw2")
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Open:
    return partial(opened, browser, server.url)


def charge(client: httpx.Client) -> str:
    asked = {"from": "2026-10-01", "to": "2026-11-01", "measures": ["customer_charge"]}
    found: str = client.post("/api/v1/query", json=asked).json()["rows"][0][0]
    return found


class TestBatches:
    def test_are_listed_newest_first_and_filtered(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto("/batches")
            assert page.locator("tbody th").all_inner_texts()[-3:] == ["3", "2", "1"]
            page.get_by_label("File").fill("SECOND")
            page.get_by_label("File").press("Enter")
            assert page.locator("tbody th").all_inner_texts() == ["2"]
            cells = page.locator("tbody tr").first.locator("td").all_inner_texts()
            assert cells[2:8] == ["sw1", "loaded", "4", "1", "1", "2"]
            page.get_by_role("link", name="All batches").click()
            page.get_by_label("Source").fill("sw2")
            page.get_by_role("button", name="Show").click()
            assert page.locator("tbody th").all_inner_texts() == ["3"]
            page.goto("/batches?state=rolling_back")
            assert page.get_by_role("heading", name="No batch is like that").is_visible()

    def test_filters_are_the_apis(self, client: httpx.Client) -> None:
        def listed(**words: str) -> list[int]:
            return [batch["id"] for batch in client.get("/api/v1/batches", params=words).json()["items"]]

        assert listed(source="sw2") == [3]
        assert listed(origin="FIRST") == [1]
        assert listed(source="sw1", origin="second", state="loaded") == [2]
        assert listed(source="sw") == []

    def test_one_is_taken_back_and_given_again_by_keys_alone(self, open_page: Open, client: httpx.Client) -> None:
        assert charge(client) == "16.00"
        with open_page() as page:
            page.goto("/batches/2")
            page.get_by_role("button", name="Take it back…").focus()
            page.keyboard.press("Enter")
            expect(page.get_by_role("dialog", name="Take batch 2 back?")).to_contain_text(
                "as if it had never been loaded"
            )
            expect(page.get_by_role("button", name="Cancel")).to_be_focused()
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_be_hidden()
            expect(page.get_by_role("button", name="Take it back…")).to_be_focused()
            assert charge(client) == "16.00", "nothing is done before it is confirmed"
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            said = page.locator("#happened")
            expect(said).to_have_text(
                "Batch 2 is taken back: 1 record went, 1 record fell back to another load.", timeout=LONG
            )
            expect(page.locator("#state .state")).to_have_text("rolled back")
            assert charge(client) == "7.00"
            expect(page.get_by_role("button", name="Give it again…")).to_be_focused()
            page.keyboard.press("Enter")
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            expect(said).to_contain_text("Batch 2 is given again", timeout=LONG)
            expect(page.locator("#state .state")).to_have_text("loaded")
            assert charge(client) == "16.00"

    def test_what_cannot_be_is_told_in_the_dialog(self, open_page: Open, client: httpx.Client) -> None:
        with open_page(quiet=False) as page:  # Chromium notes every status above 399 in the console
            page.goto("/batches/3")
            client.post("/api/v1/batches/3/rollback").raise_for_status()
            page.get_by_role("button", name="Take it back…").click()
            page.get_by_role("button", name="Take it back", exact=True).click()
            expect(page.get_by_role("alert")).to_contain_text("batch 3")
            client.post("/api/v1/batches/3/restore").raise_for_status()

    def test_pages_follow_the_cursor(self, tmp_path: Path) -> None:
        with Site(Settings(database="chdb://memory")) as site:
            file = tmp_path / "calls.csv"
            for number in range(3):
                file.write_text(f"call_id,start_time\nc{number},2026-10-05T10:00:00Z\n")
                site.ingest(file, f"{number}.csv", Asked(None, "sw", None, False))
            with pytest.MonkeyPatch.context() as patch, TestClient(create(site), base_url="http://127.0.0.1") as door:
                patch.setattr("web.batches_page.PAGE", 2)
                door.app.state.who = lambda _: ADMIN
                text = door.get("/batches?source=sw").text
                assert re.findall(r'href="/batches/(\d+)"', text) == ["3", "2"]
                following = re.search(r'href="(/batches\?[^"]*cursor[^"]*)" rel="next"', text)
                assert following
                text = door.get(following[1].replace("&amp;", "&")).text
                assert re.findall(r'href="/batches/(\d+)"', text) == ["1"]
                assert 'rel="next"' not in text


class TestRejects:
    def test_say_where_and_why_and_are_never_markup(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto("/batches/2")
            page.get_by_role("link", name="2", exact=True).click()
            rows = page.locator("tbody tr")
            assert rows.count() == 2
            assert rows.first.locator("td").all_inner_texts()[:3] == ["second.csv", "4", "start_time"]
            assert "<b>bold</b>" in rows.first.locator("td").last.inner_text()
            assert page.locator("td b").count() == 0
            raw = rows.nth(1).locator("details > code")
            expect(raw).to_be_hidden()
            rows.nth(1).locator("summary").focus()
            page.keyboard.press("Enter")
            expect(raw).to_be_visible()
            assert raw.inner_text().count("long") == 40

    def test_are_read_again(self, open_page: Open, client: httpx.Client) -> None:
        with open_page() as page:
            page.goto("/rejects?batch=2")
            page.get_by_role("button", name="Read them again…").click()
            page.get_by_label("Time zone").fill("America/New_York")
            page.get_by_role("button", name="Read again", exact=True).click()
            expect(page.locator("#happened")).to_contain_text("Batch 2 (second.csv)")
            expect(page.locator("#happened")).to_contain_text("2 stayed")
        headers = {"accept": "application/vnd.tollhouse.progress+ndjson"}
        lines = client.post("/api/v1/rejects/retry", json={"batch": 2}, headers=headers).text.splitlines()
        told, *within, result = (json.loads(line) for line in lines)
        assert told == {"progress": {"step": "reading again", "done": 0, "total": 2}}
        assert {each["progress"]["step"] for each in within} <= {"reading", "loading"}
        assert result["result"]["items"][0]["stayed"] == 2

    def test_of_a_batch_without_any(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto("/rejects?batch=1")
            assert page.get_by_role("heading", name="Nothing is rejected").is_visible()


class TestProofs:
    def test_tell_tables_and_audits_and_stay(self, open_page: Open, client: httpx.Client) -> None:
        with open_page() as page:
            page.goto("/verify")
            assert page.get_by_label("Last day").input_value() == "2026-10-07"
            page.get_by_role("button", name="Prove").focus()
            page.keyboard.press("Enter")
            expect(page.locator(".verdict")).to_contain_text("every sum of 2026-10-01 to 2026-10-07", timeout=LONG)
            expect(page.locator("#result")).to_be_focused()
            api = client.post("/api/v1/verify", json={"from": "2026-10-01", "to": "2026-10-08"}).json()
            tables = page.locator(".card:has(#tables) tbody tr")
            assert tables.locator("th").all_inner_texts() == [table["table"] for table in api["tables"]]
            found = {audit["name"]: audit["found"] for audit in api["audits"]}
            row = page.locator(".card:has(#audits) tbody tr").filter(has_text="customer unrated").first
            assert row.locator("> td.number").inner_text() == str(found["customer_unrated"]) == "1"
            row.locator("summary").click()
            expect(row.locator("details tbody th").first).to_have_text("d")
            page.reload()
            expect(page.locator(".verdict")).to_contain_text("Proven")
            row.locator("> td.number a").click()
            expect(page.locator("#sheet tbody tr")).to_have_count(1)

    def test_a_wrong_day_is_told_and_the_last_result_stays(self, open_page: Open) -> None:
        with open_page(quiet=False) as page:
            page.goto("/verify")
            page.get_by_role("button", name="All days").click()
            expect(page.locator(".verdict")).to_contain_text("every sum of all days", timeout=LONG)
            page.get_by_label("First day").fill("2026-10-05")
            page.get_by_label("Last day").fill("2026-09-01")
            page.get_by_role("button", name="Prove").click()
            expect(page.get_by_role("alert")).to_contain_text("empty")
            expect(page.locator(".verdict")).to_be_visible()

    def test_it_can_be_cancelled(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto("/verify")
            page.route("**/api/v1/verify", lambda _: None)  # a proof that takes its time
            page.get_by_role("button", name="Prove").click()
            expect(page.get_by_role("button", name="Cancel")).to_be_focused()
            page.keyboard.press("Enter")
            expect(page.locator("#running")).to_be_hidden()
            expect(page.locator("#spoken")).to_have_text("Cancelled.")
            expect(page.get_by_role("button", name="Prove")).to_be_focused()


class TestViews:
    def test_are_renamed_deleted_and_brought_back(self, open_page: Open, client: httpx.Client) -> None:
        question = {"report": "explore", "rows": ["customer"], "measures": ["attempts"]}
        body = {"name": "late-calls", "label": "Late calls", "help": "By customer", "question": question}
        client.post("/api/v1/views", json=body).raise_for_status()
        with open_page() as page:
            page.goto("/views")
            row = page.locator("[data-view=late-calls]")
            assert row.locator("td").all_inner_texts()[:3] == ["By customer", "operators", "admin"]
            page.get_by_role("button", name="Rename Late calls").click()
            page.get_by_label("Name", exact=True).fill("Very late calls")
            page.get_by_label("Who may ask it").select_option("all")
            page.keyboard.press("Enter")
            expect(row.locator("th")).to_have_text("Very late calls")
            assert client.get("/api/v1/views/late-calls").json()["audience"] == "all"
            page.get_by_role("button", name="Delete Very late calls").click()
            page.get_by_role("button", name="Delete", exact=True).click()
            expect(page.get_by_role("heading", name="No view is saved yet")).to_be_visible()
            assert client.get("/api/v1/views").json()["items"] == []
            expect(page.get_by_role("button", name="Undo")).to_be_focused()
            page.keyboard.press("Enter")
            expect(row.locator("th")).to_have_text("Very late calls")
            assert client.get("/api/v1/views/late-calls").json()["question"] == question
            row.locator("th a").click()
            expect(page.locator("h1")).to_have_text("Very late calls")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, violations: Callable[[Page], list[str]], scheme: str) -> None:
    with open_page(color_scheme=scheme) as page:
        for path in PAGES:
            page.goto(path)
            assert violations(page) == [], path
        page.goto("/batches/2")
        page.locator("[data-change]").click()
        assert violations(page) == []
        page.goto("/verify")
        page.get_by_role("button", name="Prove").click()
        expect(page.locator("#result")).to_be_focused(timeout=LONG)
        assert violations(page) == []


@pytest.mark.parametrize("width", [700, 390])
def test_only_tables_scroll_sideways(open_page: Open, width: int) -> None:
    with open_page(viewport={"width": width, "height": 700}) as page:
        for path in PAGES:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_repair_is_offered_and_done(browser: Browser, tmp_path: Path) -> None:
    """The database is damaged while nobody serves it; then the page finds and repairs it."""
    dsn = f"chdb://{tmp_path / 'database'}"
    calls = tmp_path / "calls.csv"
    calls.write_text(FIRST)
    with Site(Settings(database=dsn)) as site:
        site.ingest(calls, "first.csv", Asked(None, "sw1", None, False))
        sql = "ALTER TABLE breakout_day_v1_utc DELETE WHERE customer = 'zenith' SETTINGS mutations_sync = 2"
        site.warehouse.command(Statement(sql))
    with Server(dsn) as running, opened(browser, running.url) as page:
        page.goto("/verify")
        page.get_by_role("button", name="Prove").click()
        expect(page.get_by_role("alert").filter(has_text="are not what the ledger says")).to_be_visible(timeout=LONG)
        page.locator("summary").filter(has_text="difference").first.click()
        expect(page.locator("details[open] tbody tr").first).to_contain_text("2026-10-06")
        page.get_by_role("button", name="Repair…").click()
        page.get_by_role("button", name="Repair", exact=True).click()
        expect(page.locator(".verdict")).to_contain_text("Repaired: every sum", timeout=LONG)


def test_customers_have_none_of_it() -> None:
    def who(_: Request[Any, Any, Any]) -> Principal:
        return Principal("acme's", accounts=("acme",), audience="customer")

    with (
        Site(Settings(database="chdb://memory")) as site,
        TestClient(create(site, who), base_url="http://127.0.0.1") as door,
    ):
        for path in ("/batches", "/batches/1", "/rejects", "/verify"):
            assert (
                door.get(path).status_code
                == door.get(f"/api/v1{path}" if path != "/verify" else path).status_code
                == 403
            )
        text = door.get("/views").text
        assert "Views" in text
        for word in ("Batches", "Rejects", "Verify", "Rename"):
            assert word not in text


def test_a_failed_batch_says_why_and_what_to_do(open_page: Open, client: httpx.Client) -> None:
    response = client.post(
        "/api/v1/cdrs", content=b"call_id,start_time\nx,never\n", headers={"content-type": "text/csv"}
    )
    assert response.status_code == 400
    number = client.get("/api/v1/batches", params={"state": "failed"}).json()["items"][0]["id"]
    with open_page() as page:
        page.goto(f"/batches/{number}")
        expect(page.locator("#problem")).to_contain_text("No record of POST /cdrs can be read as canonical, 1 tried")
        expect(page.locator("#batch")).to_contain_text("Load it again once it is mended: nothing counts twice.")
        page.goto("/batches")
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(number), exact=True))
        expect(row).to_contain_text("no record of POST /cdrs can be read")
