"""Filters of every kind, selectors and the controls above the table."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.report_page import WINDOW, ask, cells, drawn, names, visit, words

pytestmark = pytest.mark.browser


class TestFilters:
    def test_a_selector_searches_on_the_server_and_filters(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=provider&measures=attempts")
        found = client.get("/api/v1/values/provider", params={"search": "dune"}).json()["items"]
        assert found
        page.get_by_role("button", name="Provider All").click()
        page.get_by_label("Search Provider").fill("dune")
        choices = page.locator(".values:popover-open .choices label")
        expect(choices).to_have_text(found)
        choices.first.click()
        expect(page.locator("#refresh")).to_have_text("Apply")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sheet tbody tr")).to_have_count(1)
        assert names(page) == [found[0]]
        assert words(page)["provider.in"] == [found[0]]

    def test_every_column_leads_to_its_filter(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=provider&measures=attempts,asr")
        page.locator("#sheet tbody td").last.focus()
        page.keyboard.press("Control+Home")
        for key in ("ArrowUp", "ArrowRight", "ArrowRight", "Alt+ArrowDown"):
            page.keyboard.press(key)
        expect(page.get_by_label("How ASR is filtered")).to_be_focused()
        page.get_by_label("How ASR is filtered").select_option("lt")
        page.get_by_label("Values of ASR").fill("low")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").filter(has_text="Not a number")).to_be_visible()
        page.get_by_label("Values of ASR").fill("30")
        page.keyboard.press("Enter")
        expect(page.locator("#sheet .funnel.active")).to_have_count(1)
        where = [{"field": "asr", "op": "lt", "values": [30]}]
        answer = ask(client, rows=["provider"], measures=["attempts", "asr"], where=where)
        assert cells(page) == [drawn(answer, row) for row in answer["rows"]]
        page.get_by_label("Add a filter").select_option("provider")
        page.get_by_label("How Provider is filtered").select_option("contains")
        page.get_by_label("Values of Provider").fill(answer["rows"][0][0][:5].upper())
        page.keyboard.press("Enter")
        expect(page.locator("#sheet .funnel.active")).to_have_count(2)
        assert set(words(page)) >= {"asr.lt", "provider.contains"}
        page.get_by_role("button", name="Remove the filter on ASR").click()
        page.locator("#refresh").click()
        expect(page.locator("#sheet .funnel.active")).to_have_count(1)

    def test_filters_of_the_report_itself_stay(self, page: Page) -> None:
        visit(page, f"/reports/usa-rate-center?{WINDOW}&panel=filters")
        assert page.locator("#filters-panel .fixed").all_inner_texts() == ["Country is US"]


class TestControls:
    def test_a_period_is_asked_at_once_and_custom_dates_are_pending(self, page: Page) -> None:
        visit(page, f"/reports/breakout?{WINDOW}")
        assert page.get_by_label("Period").input_value() == "Custom"
        assert page.get_by_label("To", exact=True).input_value() == "2026-10-05", "the last day that counts"
        page.get_by_label("Period").select_option("Last month")
        expect(page.locator("#refresh")).to_have_text("Refresh")
        asked = words(page)
        assert asked["from"][0].endswith("-01")
        assert asked["to"][0].endswith("-01")
        page.get_by_label("From", exact=True).fill("2026-10-02")
        page.get_by_label("To", exact=True).fill("2026-10-02")
        expect(page.locator("#refresh")).to_have_text("Apply")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        assert (words(page)["from"], words(page)["to"]) == (["2026-10-02"], ["2026-10-03"])

    def test_the_type_of_usa_calls(self, page: Page) -> None:
        visit(page, f"/reports/usa-calls?{WINDOW}")
        page.get_by_label("Type").select_option("LATA")
        first = page.locator("#matrix tbody th").first
        expect(first).to_have_text("IntraLATA")
        assert words(page)["type"] == ["lata"]
        page.reload()
        expect(first).to_have_text("IntraLATA")
        page.go_back()
        expect(first).to_have_text("Intrastate")
