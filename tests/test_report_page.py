"""What the report page promises: the API's numbers at every level, keys for everything, a view that is its URL."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from engine.exports.formats import shown
from tests.browser import opened
from tests.server import Server

pytestmark = pytest.mark.browser

WINDOW = "from=2026-10-01&to=2026-10-06"
REPORTS = ("breakout", "dtmf", "explore", "usa-rate-center", "usa-calls", "did-as-cli", "tech-prefix", "asr-per-route")
TREE = f"/reports/explore?{WINDOW}&rows=customer,customer_destination,provider&measures=attempts,asr,profit&pivot=on"
PIVOT = f"/reports/explore?{WINDOW}&rows=customer&columns=day,outcome&measures=attempts,acd&pivot=on"
WIDE = {"width": 3600, "height": 900}
"""So wide that every column of most tables is in sight."""

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def client(traffic_server: Server) -> Iterator[httpx.Client]:
    with traffic_server.client() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, traffic_server: Server) -> Open:
    return partial(opened, browser, traffic_server.url)


@pytest.fixture
def page(open_page: Open) -> Iterator[Page]:
    with open_page() as found:
        yield found


def answered(page: Page) -> None:
    """Wait until the page has its answer."""
    page.locator("#sheet tbody tr, #instead h2").first.wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def visit(page: Page, path: str) -> None:
    page.goto(path)
    answered(page)


def cells(page: Page, selector: str = "#sheet tbody tr") -> list[list[str]]:
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    found: list[list[str]] = page.locator(selector).evaluate_all(script)
    return found


def names(page: Page) -> list[str]:
    return page.locator("#sheet tbody th .name").all_inner_texts()


def ask(client: httpx.Client, **question: Any) -> dict[str, Any]:
    window = {"from": "2026-10-01", "to": "2026-10-06", "report": "explore"}
    response = client.post("/api/v1/query", json={**window, **question})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def drawn(answer: dict[str, Any], row: list[Any]) -> list[str]:
    """A row of an answer as the page draws it."""
    texts = []
    for value, column in zip(row, answer["columns"], strict=True):
        text = "(none)" if value == "" else shown(value, column["type"])
        if column["type"] == "instant":
            text = text.replace("T", " ").replace(":00+", " +")
        texts.append(text)
    return texts


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def words(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def heading(page: Page, label: str) -> Locator:
    return page.locator("#sheet thead th[aria-sort]").filter(has_text=label).first


class TestNumbers:
    @pytest.mark.parametrize("name", REPORTS)
    def test_are_the_apis_in_every_report(self, open_page: Open, client: httpx.Client, name: str) -> None:
        answer = client.get(f"/api/v1/reports/{name}?{WINDOW}&totals=true").json()
        with open_page(viewport=WIDE) as page:
            visit(page, f"/reports/{name}?{WINDOW}&pivot=off")
            if not answer["rows"]:
                expect(page.locator("#instead h2")).to_have_text("No calls in this window")
                return
            grouped = bool(answer["question"]["rows"])
            first = [drawn(answer, row) for row in answer["rows"][:25]]
            assert cells(page)[:25] == (first if grouped else [["All calls", *row] for row in first])
            if grouped:
                total = drawn(answer, answer["totals"])
                assert cells(page, "#sheet tfoot tr") == [["Total", *total[1:]]]
            assert page.locator("#foot").inner_text().startswith(f"{len(answer['rows']):,} row")

    def test_money_is_exact_and_says_its_currency(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=customer_charge")
        answer = ask(client, rows=["customer"], measures=["customer_charge"])
        assert cells(page)[:20] == [drawn(answer, row) for row in answer["rows"][:20]]
        assert any(len(row[1].partition(".")[2]) > 2 for row in cells(page)), "more than cents"
        assert "money in USD" in page.locator("#foot").inner_text()
        cell = page.locator("#sheet tbody td").first
        assert cell.evaluate("cell => getComputedStyle(cell).textAlign") == "end"
        assert "tabular-nums" in cell.evaluate("cell => getComputedStyle(cell).fontVariantNumeric")

    def test_a_ratio_of_few_calls_is_grey(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer_destination&measures=asr&sort=customer_destination")
        fewest = client.get("/api/v1/catalog").json()["min_calls"]
        many = {
            row[0]: row[2] for row in ask(client, rows=["customer_destination"], measures=["asr", "attempts"])["rows"]
        }
        rows = page.locator("#sheet tbody tr")
        grey = rows.evaluate_all("rows => rows.map(row => row.cells[1].classList.contains('few'))")
        assert grey == [many[name] < fewest for name in names(page)]
        assert len(set(grey)) == 2
        assert heading(page, "Attempts").count() == 0, "asked for, but not shown"

    def test_a_name_is_never_markup(self, page: Page) -> None:
        visit(page, f"/reports/breakout?{WINDOW}&customer=%3Cimg%20src=x%20onerror=alert(1)%3E")
        expect(page.locator("#instead h2")).to_have_text("No calls pass these filters")
        assert page.locator("main img").count() == 0


class TestGroups:
    def test_open_level_by_level_to_what_the_api_says(self, page: Page, client: httpx.Client) -> None:
        visit(page, TREE)
        top = ask(client, rows=["customer"], measures=["attempts", "asr", "profit"])
        assert cells(page)[:10] == [drawn(top, row) for row in top["rows"][:10]]
        customer = top["rows"][0][0]
        where = [{"field": "customer", "op": "eq", "values": [customer]}]
        page.locator("#sheet tbody th").first.click()
        inner = ask(client, rows=["customer_destination"], measures=["attempts", "asr", "profit"], where=where)
        expect(page.locator("#sheet tbody tr[aria-level='2']").first).to_be_visible()
        assert cells(page)[1:10] == [drawn(inner, row) for row in inner["rows"][:9]]
        page.locator("#sheet tbody tr[aria-level='2'] th").first.click()
        where += [{"field": "customer_destination", "op": "eq", "values": [inner["rows"][0][0]]}]
        leaves = ask(client, rows=["provider"], measures=["attempts", "asr", "profit"], where=where)
        expect(page.locator("#sheet tbody tr[aria-level='3']").first).to_be_visible()
        assert cells(page)[2 : 2 + len(leaves["rows"])] == [drawn(leaves, row) for row in leaves["rows"]]
        assert page.locator("#sheet tbody tr[aria-level='3'][aria-expanded]").count() == 0

    def test_stay_open_when_it_is_asked_again_and_close(self, page: Page) -> None:
        visit(page, TREE)
        page.locator("#sheet tbody th").nth(1).click()
        expect(page.locator("#sheet tbody tr[aria-level='2']").first).to_be_visible()
        before = names(page)
        page.get_by_role("button", name="Refresh").click()
        answered(page)
        assert names(page) == before
        page.reload()
        answered(page)
        assert names(page) == before, "the URL remembers"
        page.locator("#sheet tbody tr[aria-expanded=true] th").click()
        expect(page.locator("#sheet tbody tr[aria-level='2']")).to_have_count(0)

    def test_hold_only_leaves_that_pass_a_filter_on_a_measure(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{TREE}&attempts.ge=20")
        where = [{"field": "attempts", "op": "ge", "values": [20]}]
        rows = ["customer", "customer_destination", "provider"]
        measures = ["attempts", "asr", "profit"]
        answer = ask(client, rows=rows, measures=measures, where=where, subtotals=True, totals=True)
        groups = {each["row"][0]: drawn(answer, each["row"])[3:] for each in answer["subtotals"] if each["level"] == 1}
        found = cells(page)
        assert {row[0]: row[1:] for row in found} == groups
        assert cells(page, "#sheet tfoot tr")[0][1:] == drawn(answer, answer["totals"])[3:]
        page.locator("#sheet tbody th").first.click()
        inner = {
            e["row"][1]: drawn(answer, e["row"])[3:]
            for e in answer["subtotals"]
            if e["row"][:1] == [found[0][0]] and e["level"] == 2
        }
        assert {row[0]: row[1:] for row in cells(page, "#sheet tbody tr[aria-level='2']")} == inner


class TestPivots:
    def test_have_nested_headings_over_the_apis_columns(self, open_page: Open, client: httpx.Client) -> None:
        answer = ask(client, rows=["customer"], columns=["day", "outcome"], measures=["attempts", "acd"], totals=True)
        with open_page(viewport={"width": 12000, "height": 700}) as page:
            visit(page, PIVOT)
            bands = page.locator("#sheet thead .band")
            days = sorted({column["pivot"]["day"] for column in answer["columns"] if "pivot" in column})
            assert [text for text in bands.nth(0).locator("th").all_inner_texts() if text != "Total"] == days
            per_day = [sum(column.get("pivot", {}).get("day") == day for column in answer["columns"]) for day in days]
            spans = [int(head.get_attribute("aria-colspan") or 0) for head in bands.nth(0).locator("th").all()]
            assert sorted(spans) == sorted([*per_day, 2])
            expect(page.locator("#sheet thead th[aria-sort]")).to_have_count(len(answer["columns"]))
            assert cells(page)[:8] == [drawn(answer, row) for row in answer["rows"][:8]]
            assert cells(page, "#sheet tfoot tr")[0][1:] == drawn(answer, answer["totals"])[1:]

    def test_draw_only_the_columns_in_sight(self, page: Page, client: httpx.Client) -> None:
        path = f"/reports/explore?{WINDOW}&rows=customer&columns=hour&measures=attempts,asr,acd&pivot=on"
        answer = ask(client, rows=["customer"], columns=["hour"], measures=["attempts", "asr", "acd"])
        visit(page, path)
        assert len(answer["columns"]) > 300
        table = page.locator("#sheet table")
        assert table.get_attribute("aria-colcount") == str(len(answer["columns"]))
        assert page.locator("#sheet tbody tr").first.locator("td").count() < 40
        page.locator("#sheet tbody td").first.focus()
        page.keyboard.press("End")
        last = page.locator("#sheet tbody tr").first.locator(f"td[aria-colindex='{len(answer['columns'])}']")
        expect(last).to_be_focused()
        assert last.inner_text() == drawn(answer, answer["rows"][0])[-1]


def zone(page: Page, name: str) -> list[str]:
    return page.locator(f"#columns-panel .zone[data-zone={name}] .grip").all_inner_texts()


def drag(page: Page, piece: Locator, to: Locator) -> None:
    piece.scroll_into_view_if_needed()
    start, end = piece.bounding_box(), to.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 60, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 70, start["y"] + 5)
    page.mouse.move(end["x"] + 60, end["y"] + 4)
    page.mouse.up()


class TestColumns:
    PATH = f"/reports/explore?{WINDOW}&rows=customer,provider&measures=attempts,asr,profit&panel=columns"

    def test_are_shown_hidden_and_put_in_order(self, page: Page, client: httpx.Client) -> None:
        visit(page, self.PATH)
        panel = page.locator("#columns-panel")
        panel.get_by_label("Route", exact=True).check()
        panel.get_by_label("Profit", exact=True).uncheck()
        panel.get_by_placeholder("Search fields").fill("acd")
        panel.get_by_label("ACD", exact=True).check()
        drag(page, panel.locator(".piece[data-field=acd]"), panel.locator(".piece[data-field=attempts]"))
        assert zone(page, "measures") == ["ACD", "Attempts", "ASR"]
        page.locator("#refresh").click()
        answer = ask(client, rows=["customer", "provider", "provider_card"], measures=["acd", "attempts", "asr"])
        expect(page.locator("#sheet tbody tr").first.locator("td")).to_have_count(5)
        labels = page.locator("#sheet thead .label").all_inner_texts()
        assert [label.replace("\xa0", " ") for label in labels] == [column["label"] for column in answer["columns"]]
        assert cells(page)[:10] == [drawn(answer, row) for row in answer["rows"][:10]]

    def test_make_a_pivot_by_drag(self, page: Page) -> None:
        visit(page, f"{self.PATH}&pivot=on")
        panel = page.locator("#columns-panel")
        panel.get_by_placeholder("Search fields").fill("day")
        drag(page, panel.locator(".free [data-field=day]"), panel.locator(".zone[data-zone=columns]"))
        assert zone(page, "columns") == ["Day"]
        drag(page, panel.locator(".piece[data-field=provider]"), panel.locator(".piece[data-field=customer]"))
        assert zone(page, "rows") == ["Provider", "Customer"]
        drag(page, panel.locator(".piece[data-field=profit]"), panel.locator(".zone[data-zone=rows]"))
        assert zone(page, "measures") == ["Attempts", "ASR", "Profit"], "a measure is no group"
        drag(page, panel.locator(".piece[data-field=profit]"), page.locator("#sheet"))
        assert zone(page, "measures") == ["Attempts", "ASR"], "dropped elsewhere it is away"
        page.locator("#refresh").click()
        expect(page.locator("#sheet thead .band .label").first).to_have_text("2026-10-01")
        assert page.locator("#sheet thead .corner .label").inner_text().split(" \u203a ") == ["Provider", "Customer"]

    def test_make_a_pivot_by_keys_alone(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=attempts")

        def tab_to(name: str) -> None:
            for _ in range(120):
                page.keyboard.press("Tab")
                if page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent") == name:
                    return
                if page.evaluate("document.activeElement.labels?.[0]?.textContent") == name:
                    return
            pytest.fail(f"Tab does not lead to {name}")

        tab_to("Columns")
        page.keyboard.press("Enter")
        tab_to("Pivot")
        page.keyboard.press("Space")
        tab_to("Search fields")
        page.keyboard.type("hour of")
        tab_to("Hour of Day")
        page.keyboard.press("c")
        assert zone(page, "columns") == ["Hour of Day"]
        assert "column labels, 1 of 1" in page.locator("#spoken").inner_text()
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sheet thead .band")).to_have_count(1)
        answer = ask(client, rows=["customer"], columns=["hour_of_day"], measures=["attempts"])
        assert cells(page)[0][:4] == drawn(answer, answer["rows"][0])[:4]
        page.locator(".grip", has_text="Hour of Day").focus()
        page.keyboard.press("r")
        assert zone(page, "rows") == ["Customer", "Hour of Day"]
        page.keyboard.press("Alt+ArrowUp")
        assert zone(page, "rows") == ["Hour of Day", "Customer"]
        assert "Hour of Day" in page.evaluate("document.activeElement.ariaLabel"), "the focus goes with it"
        page.keyboard.press("Delete")
        assert zone(page, "rows") == ["Customer"]


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

    def test_the_type_of_usa_calls(self, open_page: Open, client: httpx.Client) -> None:
        answer = client.get(f"/api/v1/reports/usa-calls?{WINDOW}&type=lata").json()
        labels = [column["label"] for column in answer["columns"]]
        with open_page(viewport=WIDE) as page:
            visit(page, f"/reports/usa-calls?{WINDOW}")
            page.get_by_label("Type").select_option("LATA")
            expect(page.locator("#sheet thead .label").first).to_have_text(labels[0])
            assert page.locator("#sheet thead .label").all_inner_texts() == labels
            assert words(page)["type"] == ["lata"]
            page.reload()
            answered(page)
            assert page.locator("#sheet thead .label").all_inner_texts() == labels
            page.go_back()
            expect(page.locator("#sheet thead .label").first).to_have_text("Intrastate")


class TestSorting:
    def test_by_mouse_turns_and_tells(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer,provider&measures=attempts,profit,acd")
        for descending, told in ((True, "descending"), (False, "ascending")):
            heading(page, "Profit").get_by_role("button", name="Profit", exact=True).click()
            expect(heading(page, "Profit")).to_have_attribute("aria-sort", told)
            sort = [{"field": "profit", "descending": descending}]
            answer = ask(client, rows=["customer", "provider"], measures=["attempts", "profit", "acd"], sort=sort)
            assert cells(page)[:20] == [drawn(answer, row) for row in answer["rows"][:20]]
            assert page.locator("#sheet th[aria-sort=ascending], #sheet th[aria-sort=descending]").count() == 1
        assert words(page)["sort"] == ["profit:asc"]

    def test_by_keyboard_within_each_group(self, page: Page, client: httpx.Client) -> None:
        visit(page, TREE)
        page.locator("#sheet tbody th").first.click()
        expect(page.locator("#sheet tbody tr[aria-level='2']").first).to_be_visible()
        customer = names(page)[0]
        for key in ("ArrowUp", "ArrowRight", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        expect(heading(page, "ASR")).to_have_attribute("aria-sort", "descending")
        assert "ASR" in focused(page), "the focus stays where it was"
        sort = [{"field": "asr", "descending": True}]
        where = [{"field": "customer", "op": "eq", "values": [customer]}]
        measures = ["attempts", "asr", "profit"]
        top = ask(client, rows=["customer"], measures=measures, sort=sort)
        inner = ask(client, rows=["customer_destination"], measures=measures, sort=sort, where=where)
        tops = [row for row in top["rows"] if row[0]]
        page.locator("#sheet").evaluate("sheet => { sheet.scrollTop = 0 }")
        found = cells(page, "#sheet tbody tr[aria-level='1']")
        assert found[:3] == [drawn(top, row) for row in tops[:3]] or found[0] == drawn(top, top["rows"][0])
        place = [row[0] for row in top["rows"]].index(customer)
        page.locator("#sheet").evaluate("(sheet, top) => { sheet.scrollTop = top }", place * 29)
        row = page.locator("#sheet tbody tr[aria-expanded=true]")
        row.wait_for()
        number = int(row.get_attribute("data-row") or 0)
        below = page.locator(f"#sheet tbody tr[data-row='{number + 1}']")
        below.wait_for()
        assert cells(page, f"#sheet tbody tr[data-row='{number + 1}']") == [drawn(inner, inner["rows"][0])]


class TestKeys:
    def test_walk_the_whole_table_and_tab_leaves_it(self, page: Page) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=number&measures=attempts,acd")
        rows = int(page.locator("#sheet table").get_attribute("aria-rowcount") or 0)
        assert rows > 1000
        assert page.locator("#sheet tbody tr").count() < 80
        assert page.locator("#sheet [tabindex='0']").count() == 1
        page.locator("#sheet [tabindex='0']").focus()
        steps = {"ArrowDown": 1, "PageDown": 2, "ArrowUp": 1}
        seen = [int(page.evaluate("document.activeElement.closest('tr').dataset.row"))]
        for key in steps:
            page.keyboard.press(key)
            seen.append(int(page.evaluate("document.activeElement.closest('tr').dataset.row")))
        assert seen[0] == 0
        assert seen[1] == 1
        assert seen[2] > 10
        assert seen[3] == seen[2] - 1
        page.keyboard.press("Control+End")
        expect(page.locator("#sheet tfoot td").last).to_be_focused()
        page.keyboard.press("ArrowUp")
        assert int(page.evaluate("document.activeElement.closest('tr').dataset.row")) == rows - 3
        page.locator("#sheet").evaluate("sheet => { sheet.scrollTop = 0 }")
        expect(page.locator("#sheet tbody tr[data-row='0']")).to_be_visible()
        page.keyboard.press("ArrowUp")
        assert int(page.evaluate("document.activeElement.closest('tr').dataset.row")) == rows - 4, (
            "not lost by scrolling"
        )
        page.keyboard.press("Control+Home")
        expect(page.locator("#sheet tbody tr[data-row='0'] th")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#sheet')") is None

    def test_fold_and_go_to_the_parent(self, page: Page) -> None:
        visit(page, TREE)
        page.locator("#sheet [tabindex='0']").focus()
        first = focused(page)
        page.keyboard.press("ArrowRight")
        expect(page.locator("#sheet tbody tr[aria-level='2']").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.closest('tr').ariaLevel") == "2"
        page.keyboard.press("ArrowLeft")
        assert focused(page) == first
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#sheet tbody tr[aria-level='2']")).to_have_count(0)
        assert focused(page) == first


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
        expect(page.locator("#instead h2")).to_have_text("No calls in this window")
        page.get_by_role("button", name="Show the week up to it").click()
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        assert words(page)["to"][0] >= "2026-10-05"

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
            assert dialog.locator("table").get_attribute("aria-rowcount") == str(count + 1)
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


class TestScreens:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_break_no_rule_of_access(
        self, open_page: Open, violations: Callable[[Page], list[str]], scheme: str
    ) -> None:
        with open_page(color_scheme=scheme) as page:
            for path in (
                f"{TREE}&columns=day",
                f"/reports/breakout?{WINDOW}&panel=columns",
                f"/reports/usa-rate-center?{WINDOW}&panel=filters&asr.ge=0",
                "/reports/breakout?from=2020-01-01&to=2020-02-01",
            ):
                visit(page, path)
                assert violations(page) == [], path
            visit(page, f"/reports/explore?{WINDOW}&rows=customer")
            page.locator("#sheet tbody td").first.dblclick()
            expect(page.locator("#calls tbody tr").first).to_be_visible()
            assert violations(page) == [], "the calls"

    @pytest.mark.parametrize(
        ("width", "height", "scale"), [(1400, 800, 1), (700, 400, 2), (390, 844, 1), (320, 640, 1)]
    )
    def test_only_the_table_scrolls_sideways(self, open_page: Open, width: int, height: int, scale: int) -> None:
        with open_page(viewport={"width": width, "height": height}, device_scale_factor=scale) as page:
            visit(page, f"{PIVOT}&rows=customer,provider")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            sheet = page.locator("#sheet")
            sheet.evaluate("sheet => { sheet.scrollLeft = 300; sheet.scrollTop = 200 }")
            page.wait_for_timeout(100)
            frame, name = sheet.bounding_box(), page.locator("#sheet tbody th").last.bounding_box()
            head, total = page.locator("#sheet thead").bounding_box(), page.locator("#sheet tfoot").bounding_box()
            assert frame
            assert name
            assert head
            assert total
            assert abs(name["x"] - frame["x"]) < 3, "the first column stays"
            assert abs(head["y"] - frame["y"]) < 3, "the headings stay"
            assert abs(total["y"] + total["height"] - frame["y"] - frame["height"]) < 20, "the total stays"

    def test_nothing_moves_when_the_answer_comes(self, page: Page) -> None:
        shifts = """async () => {
          let sum = 0;
          const add = list => { for (const entry of list.getEntries()) sum += entry.value; };
          new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
          await new Promise(done => setTimeout(done, 200));
          return sum;
        }"""
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=attempts,asr")
        assert page.evaluate(shifts) < 0.02

    def test_it_prints_whole(self, page: Page) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&columns=day&measures=attempts,asr,acd&pivot=on")
        rows = int(page.locator("#sheet table").get_attribute("aria-rowcount") or 0)
        page.emulate_media(media="print", color_scheme="dark")
        expect(page.locator("#sheet tbody tr")).to_have_count(rows - 3)
        assert not page.locator(".top").is_visible()
        assert not page.locator("#refresh").is_visible()
        assert page.locator("#sheet").evaluate("sheet => sheet.scrollHeight <= sheet.clientHeight + 1")
        page.emulate_media(media="screen")
        expect(page.locator("#sheet tbody tr").nth(79)).to_have_count(0)
