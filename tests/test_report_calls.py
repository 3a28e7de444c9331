"""From the report page to single calls, to files and to views under a name."""

import csv
import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.report_page import (
    TREE,
    WINDOW,
    Open,
    answered,
    cells,
    names,
    visit,
)

pytestmark = pytest.mark.browser


class TestDrilling:
    def test_any_cell_leads_to_as_many_calls_as_it_counts(self, page: Page) -> None:
        path = f"/reports/explore?{WINDOW}&rows=provider,outcome&columns=day&measures=attempts&pivot=on"
        visit(page, f"{path}&customer_destination.starts_with=b")
        page.locator("#sheet tbody th").nth(3).click()
        expect(page.locator("#sheet tbody tr[aria-level='2']").first).to_be_visible()
        for selector in (
            "tbody tr[aria-level='1'] td >> nth=0",  # a group on a day
            "tbody tr[aria-level='2'] td >> nth=-1",  # a single row over all days
            "tfoot td >> nth=1",  # everything of a day
        ):
            cell = page.locator(f"#sheet {selector}")
            count = int(cell.inner_text().replace(",", ""))
            assert 0 < count <= 500
            cell.dblclick()
            dialog = page.locator("#calls")
            expect(dialog.locator(".foot")).to_contain_text("newest first")
            expect(dialog.locator("table")).to_have_attribute("aria-rowcount", str(count + 1))
            page.keyboard.press("Escape")
            expect(dialog).to_be_hidden()

    def test_by_keys_and_by_the_button_below(self, page: Page) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=attempts")
        page.locator("#sheet tbody td").last.focus()
        name = page.evaluate("document.activeElement.closest('tr').cells[0].textContent")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name=f"Calls: {name}")
        expect(dialog.locator("tbody tr").first).to_be_visible()
        assert {row[5] for row in cells(page, "#calls tbody tr")} == {name}
        dialog.get_by_role("button", name="Close").click()
        page.get_by_role("button", name=f"Show calls of {name}").click()
        expect(dialog.locator("tbody tr").first).to_be_visible()

    def test_on_a_telephone_too(self, open_page: Open) -> None:
        with open_page(viewport={"width": 390, "height": 844}) as page:
            visit(page, TREE)
            page.locator("#sheet tbody td").first.dblclick()
            expect(page.locator("#calls tbody tr").first).to_be_visible()
            cut = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)"
            assert page.locator("#calls tbody th").evaluate_all(cut) == []
            for name in ("Download", "Next 500", "Close"):
                page.locator("#calls").get_by_role("button", name=name).click(trial=True)
            page.locator("#calls").get_by_role("button", name="Close").click()
            expect(page.locator("#calls")).to_be_hidden()

    def test_more_calls_than_a_page_holds_follow(self, page: Page) -> None:
        visit(page, f"/reports/explore?{WINDOW}&measures=attempts")
        page.locator("#sheet tbody td").first.dblclick()
        told = page.locator("#calls .foot")
        expect(told).to_contain_text("The newest 500")
        page.get_by_role("button", name="Next 500").click()
        expect(told).to_contain_text("The newest 1,000")


class TestKeeping:
    @pytest.mark.parametrize("label", ["CSV", "Excel", "Parquet", "Arrow", "NDJSON", "JSON", "Text"])
    def test_every_format_can_be_downloaded(self, page: Page, label: str) -> None:
        visit(page, f"/reports/breakout?{WINDOW}&provider.ne=nobody&asr.ge=20&sort=profit:asc")
        page.get_by_role("button", name="Download").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=re.compile(f"^{label}")).click()
        path = Path(download.value.path())
        assert download.value.failure() is None
        assert path.stat().st_size > 500
        if label == "CSV":
            rows = list(csv.reader(path.read_text("utf-8").splitlines()))[1:]
            assert [row[:3] for row in rows[:15]] == [[c.replace(",", "") for c in row[:3]] for row in cells(page)[:15]]
            assert len(rows) == int((page.locator("#foot span").first.inner_text()).split()[0].replace(",", ""))
        if label == "JSON":
            assert json.loads(path.read_text())["question"]["where"][1]["field"] == "asr"

    def test_a_view_is_saved_under_a_name_and_is_a_report_then(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{TREE}&columns=day&provider.ne=nobody")
        shown_rows = names(page)
        page.get_by_role("button", name="Save view").click()
        page.locator("#save").get_by_label("Name").fill("Margins by day")
        page.get_by_label("What it tells").fill("Where the money goes.")
        page.locator("#save").get_by_role("button", name="Save").click()
        page.wait_for_url("**/reports/margins-by-day?**")
        try:
            answered(page)
            assert page.get_by_role("heading", name="Margins by day").is_visible()
            assert names(page) == shown_rows
            assert page.locator("#sheet thead .band").count() == 1
            saved = client.get("/api/v1/views/margins-by-day").json()["question"]
            assert saved["columns"] == ["day"]
            assert saved["where"] == [{"field": "provider", "op": "ne", "values": ["nobody"]}]
            assert "from" not in saved
            page.get_by_role("button", name="Reports").click()
            expect(page.get_by_role("link", name="Margins by day")).to_be_visible()
        finally:
            client.delete("/api/v1/views/margins-by-day")
