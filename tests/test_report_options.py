"""What the Options panel sets: what counts, in which money, compared, cut to its top, filled, and as of when."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.report_page import WIDE, WINDOW, Open, apply, ask, cells, drawn, visit, words

pytestmark = pytest.mark.browser

PATH = f"/reports/explore?{WINDOW}&rows=customer&measures=attempts,asr,profit&panel=options"


class TestOptions:
    def test_are_pending_until_applied_and_stand_in_the_address(self, page: Page, client: httpx.Client) -> None:
        visit(page, PATH)
        before = cells(page)
        panel = page.locator("#options-panel")
        panel.get_by_label("Count", exact=True).select_option("final")
        panel.get_by_label("ASR and NER are over").select_option("seizures")
        panel.get_by_label("Currency").fill("nonsense")
        assert panel.get_by_label("Currency").get_attribute("aria-invalid") == "true"
        panel.get_by_label("Currency").fill("native")
        expect(page.locator("#refresh")).to_have_text("Apply")
        assert cells(page) == before
        apply(page)
        asked = {"calls": "final", "base": "seizures", "currency": "native"}
        answer = ask(client, rows=["customer"], measures=["attempts", "asr", "profit"], **asked)
        assert cells(page)[:15] == [drawn(answer, row) for row in answer["rows"][:15]]
        assert {word: words(page)[word] for word in asked} == {word: [text] for word, text in asked.items()}
        expect(page.get_by_role("button", name="Options 3")).to_be_visible()
        page.reload()
        expect(panel.get_by_label("Count", exact=True)).to_have_value("final")
        assert "money as charged" in page.locator("#foot").inner_text()

    def test_a_comparison_has_signs_and_can_be_sorted(self, open_page: Open, client: httpx.Client) -> None:
        with open_page(viewport=WIDE) as page:
            visit(page, PATH.replace("from=2026-10-01", "from=2026-10-03"))
            page.get_by_label("Compare with").select_option("previous")
            apply(page)
            said = {"from": "2026-10-03", "rows": ["customer"], "measures": ["attempts", "asr", "profit"]}
            answer = ask(client, **said, compare="previous")
            assert cells(page)[:15] == [drawn(answer, row) for row in answer["rows"][:15]]
            texts = {text for row in cells(page) for text in row[1:]}
            assert any(text.startswith("+") for text in texts)
            assert any(text.startswith("-") for text in texts)
            page.locator("#sheet thead").get_by_role("button", name="Attempts change", exact=True).click()
            sort = [{"field": "attempts.change", "descending": True}]
            sorted_ = ask(client, **said, compare="previous", sort=sort)
            expect(page.locator("#sheet thead th[aria-sort=descending]")).to_have_text("Attempts change\xa0▾")
            assert cells(page)[:10] == [drawn(sorted_, row) for row in sorted_["rows"][:10]]
            at, row = next((at, row) for at, row in enumerate(cells(page)) if 0 < int(row[2].replace(",", "")) <= 500)
            page.locator(f"#sheet tbody tr >> nth={at} >> td >> nth=1").dblclick()
            expect(page.locator("#calls .foot")).to_contain_text("newest first")
            listed = int(page.locator("#calls table").get_attribute("aria-rowcount") or 0)
            assert listed == int(row[2]) + 1, "those of the period before"

    def test_the_largest_and_the_rest_as_other(self, page: Page, client: httpx.Client) -> None:
        visit(page, PATH)
        page.get_by_label("How many of Customer").fill("3")
        page.keyboard.press("Tab")
        page.get_by_label("The largest of Customer by").select_option("profit")
        apply(page)
        top = [{"field": "customer", "count": 3, "by": "profit"}]
        answer = ask(client, rows=["customer"], measures=["attempts", "asr", "profit"], top=top, totals=True)
        assert [row[0] for row in cells(page)] == [*[row[0] for row in answer["rows"][:3]], "Other"]
        assert cells(page)[-1][1] == drawn(answer, answer["rows"][3])[2]
        assert words(page)["top"] == ["customer:3:profit"]
        page.get_by_label("How many of Customer").fill("")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sheet tbody tr").nth(10)).to_be_visible()

    def test_times_without_calls(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=hour&measures=attempts&panel=options&provider=amber-carrier")
        page.get_by_label("List times without calls").check()
        apply(page)
        where = [{"field": "provider", "op": "in", "values": ["amber-carrier"]}]
        answer = ask(client, rows=["hour"], measures=["attempts"], where=where, fill=True)
        assert len(answer["rows"]) == 120
        assert page.locator("#foot span").first.inner_text() == "120 rows"
        assert words(page)["fill"] == ["true"]

    def test_as_it_was_at_a_moment_or_after_a_load(self, page: Page) -> None:
        visit(page, PATH)
        rows = cells(page)
        page.get_by_label("As of", exact=True).select_option("A load")
        page.get_by_label("Which load").fill("1")
        apply(page)
        assert words(page)["as_of"] == ["batch:1"]
        assert cells(page) == rows
        page.get_by_label("As of", exact=True).select_option("A moment")
        page.get_by_label("Which moment").fill("2020-01-01")
        page.keyboard.press("Tab")
        apply(page)
        expect(page.locator("#instead h2")).to_have_text("No calls in this window")
        page.get_by_label("As of", exact=True).select_option("A closed month")
        expect(page.get_by_label("Which closed month")).to_have_text("no month is closed")
        page.get_by_label("As of", exact=True).select_option("Now")
        apply(page)
        assert "as_of" not in words(page)

    def test_what_a_saved_view_does_can_be_undone(self, page: Page, client: httpx.Client) -> None:
        question: dict[str, Any] = {
            "report": "explore",
            "rows": ["customer"],
            "measures": ["attempts"],
            "compare": "week",
        }
        question |= {"top": [{"field": "customer", "count": 2}], "fill": True}
        client.post("/api/v1/views", json={"name": "undone", "label": "Undone", "question": question})
        try:
            visit(page, f"/reports/undone?{WINDOW}&panel=options")
            expect(page.get_by_label("Compare with")).to_have_value("week")
            page.get_by_label("Compare with").select_option("Nothing")
            page.get_by_label("How many of Customer").fill("")
            page.get_by_label("List times without calls").uncheck()
            apply(page)
            answer = ask(client, rows=["customer"], measures=["attempts"])
            assert cells(page)[:10] == [drawn(answer, row) for row in answer["rows"][:10]]
            assert {word: words(page)[word] for word in ("compare", "top", "fill")} == {
                "compare": [""], "top": [""], "fill": ["false"]
            }  # fmt: skip
            page.reload()
            expect(page.locator("#sheet tbody tr").nth(5)).to_be_visible()
            assert cells(page)[:10] == [drawn(answer, row) for row in answer["rows"][:10]]
        finally:
            client.delete("/api/v1/views/undone")
