"""Charts follow the table: its filters, its rows, its order; their axes say nothing twice, and keys walk them."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from engine.exports.formats import shown
from tests.report_page import WINDOW, Open, answered, apply, ask, heading, names, visit, words

pytestmark = pytest.mark.browser

PATH = f"/reports/explore?{WINDOW}&rows=customer&measures=attempts,asr,profit"


def walked(page: Page) -> list[str]:
    """What a line tells from its first point to its last, walked by keys."""
    plot = page.locator("#chart .plot")
    plot.focus()
    page.keyboard.press("Home")
    told = [page.locator("#chart output").inner_text()]
    while True:
        page.keyboard.press("ArrowRight")
        now = page.locator("#chart output").inner_text()
        if now == told[-1]:
            return told
        told.append(now)


def per(answer: dict[str, Any], unit: str = "") -> list[str]:
    return [f"{row[0]}: {shown(row[1], answer['columns'][1]['type'])}{unit}" for row in answer["rows"]]


class TestTrend:
    def test_is_opened_by_a_button_and_stays_in_the_address(self, page: Page, client: httpx.Client) -> None:
        visit(page, PATH)
        page.get_by_role("button", name="Chart").click()
        expect(page.locator("#chart .plot")).to_be_visible()
        answer = ask(client, rows=["day"], measures=["attempts"])
        assert walked(page) == per(answer)
        label = page.locator("#chart .plot").get_attribute("aria-label") or ""
        assert label.startswith("Attempts by day, 5 points. Least ")
        page.locator("#chart").get_by_label("Measure").select_option("asr")
        expect(page.locator("#chart .plot")).to_have_attribute("aria-label", re.compile("^ASR by day"))
        assert walked(page) == per(ask(client, rows=["day"], measures=["asr"]), " %")
        assert words(page)["chart"] == ["trend:asr"]
        page.reload()
        expect(page.locator("#chart .plot")).to_have_attribute("aria-label", re.compile("^ASR by day"))
        page.get_by_role("button", name="Chart").click()
        expect(page.locator("#chart")).to_be_hidden()
        assert "chart" not in words(page)

    def test_has_the_tables_filters_also_those_on_measures(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{PATH}&chart=trend:attempts&provider.ne=nobody&attempts.ge=40&customer_destination.starts_with=b")
        expect(page.locator("#chart .plot")).to_be_visible()
        where = [
            {"field": "provider", "op": "ne", "values": ["nobody"]},
            {"field": "attempts", "op": "ge", "values": [40]},
            {"field": "customer_destination", "op": "starts_with", "values": ["b"]},
        ]
        measures = ["attempts"]
        answer = ask(client, rows=["customer"], columns=["day"], measures=measures, where=where, totals=True, fill=True)
        days = [column["pivot"]["day"] for column in answer["columns"] if "pivot" in column]
        counts = [f"{value:,}" for value in answer["totals"][1:-1]]
        assert walked(page) == [f"{day}: {count}" for day, count in zip(days, counts, strict=True)]
        total = page.locator("#sheet tfoot td").first.inner_text().replace(",", "")
        assert sum(answer["totals"][1:-1]) == int(total)

    def test_sums_the_rows_that_pass_when_time_is_among_them(self, page: Page, client: httpx.Client) -> None:
        rows = ["customer", "day"]
        visit(page, f"{PATH.replace('rows=customer', 'rows=customer,day')}&chart=trend:attempts&attempts.ge=30")
        expect(page.locator("#chart .plot")).to_be_visible()
        where = [{"field": "attempts", "op": "ge", "values": [30]}]
        answer = ask(client, rows=rows, measures=["attempts"], where=where)
        sums: dict[str, int] = {}
        for _, day, attempts in answer["rows"]:
            sums[day] = sums.get(day, 0) + attempts
        assert walked(page) == [f"{day}: {sums[day]:,}" for day in sorted(sums)]

    def test_follows_a_change_and_shows_the_period_before(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{PATH}&from=2026-10-03&chart=trend:attempts")
        expect(page.locator("#chart .plot")).to_be_visible()
        assert page.locator("#chart .before").count() == 0
        page.get_by_role("button", name="Options").click()
        page.get_by_label("Compare with").select_option("previous")
        apply(page)
        expect(page.locator("#chart .plot .before")).to_have_count(1)
        window = {"from": "2026-10-03"}
        answer = ask(client, **window, rows=["hour"], measures=["attempts"], compare="previous", fill=True)
        expected = [f"{row[1]:,}, before {row[2]:,}" for row in answer["rows"]]
        assert [told.partition(": ")[2] for told in walked(page)] == expected

    @pytest.mark.parametrize(
        ("window", "unit"), [("from=2026-10-01&to=2026-10-02", "hour"), ("from=2026-01-01&to=2027-01-01", "week")]
    )
    def test_takes_the_buckets_that_fit_and_labels_none_twice(self, page: Page, window: str, unit: str) -> None:
        visit(page, f"{PATH.replace(WINDOW, window)}&chart=trend:customer_charge&measures=customer_charge")
        expect(page.locator("#chart .plot")).to_have_attribute("aria-label", re.compile(f"by {unit}, "))
        amounts = page.locator("#chart .amount").all_text_contents()
        assert len(amounts) > 2
        assert len(set(amounts)) == len(amounts)
        below = page.locator("#chart .more").all_text_contents()
        assert below
        assert len(set(below)) == len(below)

    def test_money_as_charged_is_not_added_up(self, page: Page) -> None:
        visit(page, f"{PATH}&chart=trend:profit&currency=native")
        expect(page.locator("#chart .note")).to_contain_text("Choose a currency")


class TestBars:
    def test_are_the_rows_in_their_order(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{PATH}&chart=bars:profit")
        bars = page.locator("#chart .bars li")
        expect(bars.first).to_be_visible()
        answer = ask(client, rows=["customer"], measures=["profit"], sort=[{"field": "profit", "descending": True}])
        heading(page, "Profit").get_by_role("button", name="Profit", exact=True).click()
        expect(heading(page, "Profit")).to_have_attribute("aria-sort", "descending")
        expect(bars.first.locator(".name")).to_have_text(answer["rows"][0][0])
        assert bars.locator(".name").all_inner_texts()[:8] == names(page)[:8]
        values = bars.locator(".value").all_inner_texts()
        assert values == [f"{shown(row[1], 'money')} USD" for row in answer["rows"][: len(values)]]
        widths = bars.locator(".bar").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
        positive = [width for width, row in zip(widths, answer["rows"], strict=False) if float(row[1]) > 0]
        assert positive == sorted(positive, reverse=True)
        expect(page.locator("#chart output")).to_have_text(
            re.compile(r"^Profit(: the first 50 of \d+ rows)?, as the table")
        )


class TestPlace:
    def test_nothing_moves_when_it_is_drawn(self, page: Page) -> None:
        visit(page, f"{PATH}&chart=trend:attempts")
        expect(page.locator("#chart .plot")).to_be_visible()
        shifts = page.evaluate("""async () => {
          let sum = 0;
          const add = list => { for (const entry of list.getEntries()) sum += entry.value; };
          new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
          await new Promise(done => setTimeout(done, 200));
          return sum;
        }""")
        assert shifts < 0.002

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_breaks_no_rule_of_access_and_prints(
        self, open_page: Open, violations: Callable[[Page], list[str]], scheme: str
    ) -> None:
        with open_page(color_scheme=scheme) as page:
            visit(page, f"{PATH}&chart=trend:attempts&panel=options&top=customer:5")
            expect(page.locator("#chart .plot")).to_be_visible()
            assert violations(page) == []
            visit(page, f"{PATH}&chart=bars:attempts&panel=filters&customer.ne=x&asr.ge=1")
            expect(page.locator("#chart .bars")).to_be_visible()
            assert violations(page) == []
            page.emulate_media(media="print")
            bars = page.locator("#chart .drawing")
            assert bars.evaluate("bars => bars.scrollHeight <= bars.clientHeight + 1"), "all of them on paper"

    def test_a_chart_that_fails_says_why_and_the_table_stays(self, open_page: Open) -> None:
        with open_page(quiet=False) as page:  # Chromium notes every status above 399 in the console
            visit(page, f"{PATH}&chart=trend:attempts&attempts.ge=1")

            def refuse(route: Any) -> None:
                question = json.loads(route.request.post_data)
                if question.get("columns"):
                    route.continue_(post_data=json.dumps({**question, "rows": ["nonsense"]}))
                else:
                    route.continue_()

            expect(page.locator("#chart .plot")).to_be_visible()
            page.route("**/api/v1/query", refuse)
            page.locator("#chart").get_by_label("Measure").select_option("profit")
            expect(page.locator("#chart .note")).to_contain_text("nonsense")
            answered(page)
            assert names(page)
