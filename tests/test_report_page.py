"""How the report page asks and what it says of it: pending, under way, empty, failed; and its address."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import opened
from tests.report_page import WINDOW, Open, answered, cells, heading, visit, words
from tests.server import Server

pytestmark = pytest.mark.browser


class TestAsking:
    def test_a_change_is_pending_until_it_is_applied(self, page: Page) -> None:
        visit(page, f"/reports/breakout?{WINDOW}")
        before, url = cells(page), page.url
        page.get_by_label("Time zone").first.fill("America/New_York")
        button = page.locator("#refresh")
        expect(button).to_have_text("Apply")
        assert page.url == url
        assert cells(page) == before
        page.get_by_role("button", name="Undo changes").click()
        expect(button).to_have_text("Refresh")
        page.get_by_label("Time zone").first.fill("America/New_York")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#foot")).to_contain_text("America/New_York")
        assert words(page)["tz"] == ["America/New_York"]

    def test_a_long_question_tells_how_far_it_is_and_cancel_stops_the_engine(
        self, browser: Browser, tmp_path: Path
    ) -> None:
        dsn = f"chdb://{tmp_path / 'database'}"
        script = f"from tests.test_under_way import fill; fill({dsn!r}, 2_000_000)"
        subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[1])
        short = "/reports/explore?from=2026-10-01&to=2026-11-01&rows=customer&measures=attempts"
        with Server(dsn) as server, server.client() as client, opened(browser, server.url) as page:
            visit(page, short)
            before = cells(page)
            with page.expect_request("**/api/v1/query") as asked:
                page.goto(f"{short.replace('customer', 'cli,minute15')},asr")
            running = page.locator("#running")
            expect(running).to_contain_text("rows read")
            with page.expect_request(lambda request: request.method == "DELETE"):
                running.get_by_role("button", name="Cancel").click()
            expect(running).to_be_hidden()
            expect(page.locator("#instead h2")).to_have_text("Cancelled")
            query = asked.value.headers["query-id"]
            assert client.get(f"/api/v1/queries/{query}").json()["state"] == "cancelled"
            visit(page, short)
            assert cells(page) == before

    def test_progress_and_answer_come_packed_line_by_line(self, client: httpx.Client) -> None:
        question = {"from": "2026-10-01", "to": "2026-10-06", "report": "breakout"}
        headers = {"accept": "application/vnd.tollhouse.progress+ndjson"}
        plain = client.post("/api/v1/query", json=question, headers={**headers, "accept-encoding": "identity"})
        packed = client.post("/api/v1/query", json=question, headers=headers)
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2
        told = [[json.loads(line) for line in each.text.splitlines()] for each in (plain, packed)]
        assert told[0][-1]["result"]["rows"] == told[1][-1]["result"]["rows"]
        assert {word for line in told[1][:-1] for word in line} == {"progress"}

    def test_back_and_forward_and_a_copied_url_restore_the_view(self, open_page: Open) -> None:
        with open_page() as page:
            visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=attempts,profit")
            first = cells(page)
            heading(page, "Profit").get_by_role("button", name="Profit", exact=True).click()
            expect(heading(page, "Profit")).to_have_attribute("aria-sort", "descending")
            page.get_by_label("Time zone").first.fill("Asia/Kolkata")
            page.locator("#refresh").click()
            expect(page.locator("#foot")).to_contain_text("Asia/Kolkata")
            third, url = cells(page), page.url
            page.go_back()
            page.go_back()
            expect(page.locator("#foot")).to_contain_text("UTC")
            expect(page.locator("#sheet tbody tr").first).to_contain_text(first[0][0])
            answered(page)
            assert cells(page) == first
            page.go_forward()
            page.go_forward()
            expect(page.locator("#foot")).to_contain_text("Asia/Kolkata")
            assert cells(page) == third
        with open_page() as other:
            visit(other, url)
            assert cells(other) == third
            assert other.url == url


class TestStates:
    def test_an_empty_window_leads_to_the_newest_calls(self, page: Page) -> None:
        visit(page, "/reports/breakout?from=2020-01-01&to=2020-02-01")
        expect(page.locator("#foot")).to_contain_text("2020-01-01 to 2020-01-31")  # as the fields say it
        expect(page.locator("#instead h2")).to_have_text("No calls in this window")
        page.get_by_role("button", name="Show the week up to it").click()
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        assert words(page)["to"][0] >= "2026-10-05"

    def test_a_report_that_is_about_none_of_the_calls_says_so(self, page: Page) -> None:
        visit(page, f"/reports/did-as-cli?{WINDOW}")  # no list of DIDs is loaded
        expect(page.locator("#instead h2")).to_have_text("No calls of this report in this window")
        expect(page.locator("#instead button")).to_have_count(0)

    def test_filters_that_leave_nothing_can_be_taken_away(self, page: Page) -> None:
        visit(page, f"/reports/breakout?{WINDOW}&customer=nobody")
        expect(page.locator("#instead h2")).to_have_text("No calls pass these filters")
        page.get_by_role("button", name="Show this window without them").click()
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        assert "customer" not in page.url

    def test_a_mistake_is_told_with_what_to_do(self, open_page: Open) -> None:
        with open_page(quiet=False) as page:  # Chromium notes every status above 399 in the console
            visit(page, f"/reports/breakout?{WINDOW}&tz=Mars/Base")
            alert = page.get_by_role("alert").filter(has_text="time zone")
            expect(alert).to_contain_text("There is no time zone")
            page.get_by_label("Time zone").first.fill("UTC")
            page.keyboard.press("Enter")
            expect(page.locator("#sheet tbody tr").first).to_be_visible()

    def test_a_report_that_is_not_there_is_a_page_too(self, open_page: Open) -> None:
        with open_page(quiet=False) as page:
            response = page.goto("/reports/nonsense")
            assert response
            assert response.status == 404
            assert page.get_by_role("heading").inner_text() == "There is no report 'nonsense'"
