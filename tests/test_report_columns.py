"""The Columns panel, sorting and walking: by mouse and by keys alone."""

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.report_page import TREE, WINDOW, ask, cells, drawn, focused, heading, names, visit, words

pytestmark = pytest.mark.browser


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
