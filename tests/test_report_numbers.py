"""What the report page shows is what the API says: in every report, at every level, across."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.report_page import PIVOT, TREE, WIDE, WINDOW, Open, answered, ask, cells, drawn, heading, moved, names, visit

pytestmark = pytest.mark.browser


REPORTS = ("breakout", "dtmf", "explore", "usa-rate-center", "did-as-cli", "tech-prefix", "asr-per-route")


class TestNumbers:
    @pytest.mark.parametrize("name", REPORTS)
    def test_are_the_apis_in_every_report(self, open_page: Open, client: httpx.Client, name: str) -> None:
        answer = client.get(f"/api/v1/reports/{name}?{WINDOW}&totals=true").json()
        with open_page(viewport=WIDE) as page:
            visit(page, f"/reports/{name}?{WINDOW}&pivot=off")
            if not answer["rows"]:
                expect(page.locator("#instead h2")).to_have_text("No calls of this report in this window")
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

    def test_say_of_what_their_bands_are_and_name_values_as_rows_do(self, page: Page) -> None:
        visit(page, PIVOT.replace("day,outcome", "day_of_week,is_final"))
        bands = page.locator("#sheet thead .band")
        assert bands.locator(".corner").all_inner_texts() == ["Day of Week", "Final"]
        assert bands.nth(0).locator("th").first.inner_text() in ("Monday", "Tuesday", "Wednesday", "Thursday")
        assert set(bands.nth(1).locator("th").all_inner_texts()) <= {"yes", "no", ""}

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


class TestClasses:
    @pytest.mark.parametrize("kind", ["state", "lata"])
    def test_of_usa_calls_are_a_matrix_with_zeros(self, page: Page, client: httpx.Client, kind: str) -> None:
        answer = client.get(f"/api/v1/reports/usa-calls?{WINDOW}&type={kind}").json()
        said = dict(
            zip([column["name"] for column in answer["columns"]], drawn(answer, answer["rows"][0]), strict=True)
        )
        names_ = [column["name"] for column in answer["columns"]]
        visit(page, f"/reports/usa-calls?{WINDOW}&type={kind}")
        expected = [
            [column["label"], *(said[column["name"] + ending] for ending in ("", "_connected", "_duration"))]
            for column in answer["columns"]
            if f"{column['name']}_duration" in names_
        ]
        assert cells(page, "#matrix table:first-child tbody tr") == expected
        assert cells(page, "#matrix tfoot tr") == [["Total Duration", "", "", said["total_duration"]]]
        rest = ["international", "toll_free", "on_net_minutes", "off_net_minutes", "international_minutes"]
        assert [row[1] for row in cells(page, "#matrix table:last-child tr")] == [said[name] for name in rest]
        count = int(said["international"].replace(",", ""))
        assert count > 0
        page.get_by_role("button", name="show calls of International").click()
        expect(page.locator("#calls .foot")).to_contain_text("newest first")
        listed = int(page.locator("#calls table").get_attribute("aria-rowcount") or 0)
        assert listed == min(count, 500) + 1

    def test_are_a_table_when_there_are_rows(self, page: Page) -> None:
        visit(page, f"/reports/usa-calls?{WINDOW}&rows=customer")
        assert page.locator("#sheet tbody tr").count() > 3
        assert page.locator("#matrix").is_hidden()


class TestManyRows:
    PATH = f"/reports/explore?{WINDOW}&rows=customer,hour&measures=attempts&fill=true"

    def test_say_how_many_there_are_and_come_in_steps(self, page: Page, client: httpx.Client) -> None:
        answer = ask(client, rows=["customer", "hour"], measures=["attempts"], fill=True, totals=True)
        total = answer["row_count"]
        assert 10_000 < total < 20_000
        visit(page, self.PATH)
        foot = page.locator("#foot span").first
        assert foot.inner_text() == f"10,000 of {total:,} rows"
        assert f"the first 10,000 rows of {total:,}" in page.locator("#notices").inner_text()
        assert moved(page) < 0.002, "what there is to know about an answer stands below it"
        assert cells(page, "#sheet tfoot tr")[0][-1] == drawn(answer, answer["totals"])[-1]
        page.get_by_role("button", name="Next 10,000 rows").click()
        expect(foot).to_have_text(f"{total:,} rows")
        expect(page.get_by_role("button", name="Next 10,000 rows")).to_be_hidden()
        expect(page.locator("#notices")).to_be_hidden()
        page.locator("#sheet [tabindex='0']").focus()
        page.keyboard.press("Control+End")
        page.keyboard.press("ArrowUp")
        last = page.evaluate("[...document.activeElement.closest('tr').cells].map(cell => cell.textContent.trim())")
        assert last == drawn(answer, answer["rows"][-1])
