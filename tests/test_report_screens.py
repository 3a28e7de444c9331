"""The report page on every screen: access, small and large, no shift, paper."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.report_page import PIVOT, TREE, WINDOW, Open, moved, visit

pytestmark = pytest.mark.browser


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

    def test_what_is_in_sight_is_there_however_it_is_scrolled(self, page: Page) -> None:
        visit(
            page, f"/reports/explore?{WINDOW}&rows=number&columns=day&measures=attempts,asr,acd,minutes,profit&pivot=on"
        )
        missing = """async () => {
          const sheet = document.getElementById("sheet"), body = sheet.querySelector("tbody");
          const frame = () => new Promise(requestAnimationFrame);
          const height = parseFloat(getComputedStyle(sheet).getPropertyValue("--row"));
          const missing = [];
          const ways = [[60, 90, 30], [-60, 90, 20], [-45, -120, 20], [400, 0, 3], [0, -3000, 2]];
          for (const [across, down, steps] of ways) {
            for (let step = 0; step < steps; step++) {
              sheet.scrollBy(across, down);
              await frame();
              await frame();
              const here = sheet.getBoundingClientRect();
              const top = sheet.querySelector("thead").getBoundingClientRect().bottom;
              const bottom = sheet.querySelector("tfoot").getBoundingClientRect().top;
              const left = here.left + body.querySelector("th").offsetWidth;
              const start = body.getBoundingClientRect().top;
              for (let row = Math.ceil((top - start) / height); start + (row + 1) * height < bottom; row++) {
                for (let x = left + 3; x < here.right - 20; x += 40) {
                  const cell = document.elementFromPoint(x, start + (row + 0.5) * height)?.closest("td");
                  const found = Number(cell?.parentElement.dataset.row);
                  if (found !== row) missing.push([sheet.scrollTop, sheet.scrollLeft, row, x]);
                }
              }
            }
          }
          return missing;
        }"""
        assert page.evaluate(missing) == []
        across = page.locator("#sheet thead .labels th:not(.corner)").evaluate_all(
            "all => all.map(e => e.dataset.column)"
        )
        first = page.locator("#sheet tbody tr").first.locator("td")
        assert sorted(first.evaluate_all("all => all.map(e => e.dataset.column)")) == sorted(across)

    @pytest.mark.parametrize("width", [1440, 1000, 390])
    def test_nothing_moves_when_the_answer_comes(self, open_page: Open, width: int) -> None:
        with open_page(viewport={"width": width, "height": 900}) as page:
            for path in (
                f"/reports/explore?{WINDOW}&rows=customer&measures=attempts,asr",
                PIVOT,
                f"{TREE}&panel=columns",
            ):
                visit(page, path)
                assert moved(page) < 0.002, path

    @pytest.mark.parametrize("width", [1440, 390])
    def test_nothing_moves_when_a_change_is_pending(self, open_page: Open, width: int) -> None:
        with open_page(viewport={"width": width, "height": 900}) as page:
            visit(page, TREE)
            before = page.locator("#sheet").bounding_box()
            page.get_by_label("From").fill("2026-10-02")
            expect(page.get_by_role("button", name="Undo changes")).to_be_visible()
            assert page.locator("#sheet").bounding_box() == before
            assert page.get_by_role("button", name="Undo changes").is_enabled()
            page.get_by_role("button", name="Undo changes").click()
            expect(page.get_by_label("From")).to_have_value("2026-10-01")

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
