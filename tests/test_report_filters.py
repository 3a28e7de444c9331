"""Filters of every kind, selectors and the controls above the table."""

import json
import re
from datetime import date, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.report_page import WINDOW, answered, apply, ask, cells, drawn, names, visit, words

pytestmark = pytest.mark.browser

DAY = timedelta(days=1)


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

    def test_a_set_is_searched_ticked_and_taken_back_one_by_one(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=attempts&panel=filters")
        page.get_by_label("Add a filter").select_option("customer")
        filter_ = page.locator("#filters-panel .filter")
        filter_.get_by_role("button", name="Customer All").click()
        found = client.get("/api/v1/values/customer", params={"search": "comms"}).json()["items"]
        filter_.get_by_label("Search Customer").fill("comms")
        choices = filter_.locator(".choices label")
        expect(choices).to_have_text(found)
        for name in found[:2]:
            choices.filter(has_text=name).first.click()
        page.keyboard.press("Escape")
        apply(page)
        assert sorted(names(page)) == sorted(found[:2])
        filter_.get_by_role("button", name=f"Without {found[0]}").click()
        apply(page)
        assert names(page) == [found[1]]
        page.get_by_label("How Customer is filtered").select_option("not_in")
        apply(page)
        assert found[1] not in names(page)
        assert words(page)["customer.not_in"] == [found[1]]
        page.get_by_label("How Customer is filtered").select_option("is_null")
        apply(page)
        assert "customer.is_null" in words(page)

    def test_figures_are_compared_and_lie_between(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer&measures=attempts&panel=filters")
        page.get_by_label("Add a filter").select_option("attempts")
        page.get_by_label("How Attempts is filtered").select_option("between")
        page.get_by_label("From of Attempts").fill("20")
        page.get_by_label("To of Attempts").fill("60")
        apply(page)
        where = [{"field": "attempts", "op": "between", "values": [20, 60]}]
        answer = ask(client, rows=["customer"], measures=["attempts"], where=where)
        assert cells(page)[:10] == [drawn(answer, row) for row in answer["rows"][:10]]
        assert words(page)["attempts.between"] == ["20,60"]

    def test_a_pasted_list_of_numbers(self, page: Page, client: httpx.Client) -> None:
        found = ask(client, rows=["number"], measures=["attempts"], limit=200)["rows"]
        home = next(row[0] for row in found if row[0].startswith("1") and len(row[0]) == 11)
        away = [row[0] for row in found if not row[0].startswith("1")][:2]
        visit(page, f"/reports/explore?{WINDOW}&rows=number&measures=attempts&panel=filters")
        box = page.get_by_label("Numbers")
        box.fill(f"+{away[0]}\n00{away[1]}\n({home[1:4]}) {home[4:7]}-{home[7:]}")
        expect(page.locator(".numbers [role=status]")).to_have_text("3 numbers")
        apply(page)
        assert sorted(names(page)) == sorted([*away, home])
        box.fill("three")
        expect(page.locator(".numbers [role=status]")).to_have_text("No number: three")
        assert box.get_attribute("aria-invalid") == "true"
        box.fill("")
        apply(page)
        assert "number.in" not in words(page)
        caller = ask(client, rows=["cli"], measures=["attempts"], limit=1)["rows"][0]
        page.get_by_label("Which number").select_option("cli")
        box.fill(f"+{caller[0].lstrip('+')}")
        apply(page)
        total = page.locator("#sheet tfoot td").first.inner_text().replace(",", "")
        assert int(total) >= caller[1]

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

    def test_every_period_is_the_days_it_says(self, page: Page) -> None:
        visit(page, "/reports/explore?rows=day&measures=attempts")
        assert page.get_by_label("Period").input_value() == "7 days", "what is asked when nothing is said"
        today = date.fromisoformat(json.loads(page.locator("#page").inner_text())["site"]["today"])
        first = today.replace(day=1)
        periods = {
            "Today": (today, today),
            "Yesterday": (today - DAY, today - DAY),
            "30 days": (today - 29 * DAY, today),
            "This month": (first, (first + 31 * DAY).replace(day=1) - DAY),
            "Last month": ((first - DAY).replace(day=1), first - DAY),
            "7 days": (today - 6 * DAY, today),
        }
        for name, (start, last) in periods.items():
            page.get_by_label("Period").select_option(name)
            expect(page.get_by_label("From", exact=True)).to_have_value(start.isoformat())
            expect(page.get_by_label("To", exact=True)).to_have_value(last.isoformat())
            assert words(page)["to"] == [(last + DAY).isoformat()], "the day after the last, as the API has it"
            expect(page.locator("#instead h2, #sheet tbody tr").first).to_be_visible()

    def test_a_zone_is_chosen_among_all_there_are(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=hour&measures=attempts")
        box = page.get_by_label("Time zone")
        box.focus()
        zones = page.locator(f"datalist#{box.get_attribute('list')} option")
        offered = zones.evaluate_all("all => all.map(e => e.value)")
        assert {"UTC", "Asia/Kolkata", "America/New_York"} <= set(offered)
        assert len(offered) > 400
        box.fill("Asia/Kathmandu")
        expect(page.locator("#refresh")).to_have_text("Apply")
        apply(page)
        assert words(page)["tz"] == ["Asia/Kathmandu"]
        answer = ask(client, rows=["hour"], measures=["attempts"], timezone="Asia/Kathmandu")
        assert names(page)[0].endswith("+05:45")
        assert [row[1] for row in cells(page)[:5]] == [str(row[1]) for row in answer["rows"][:5]]

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

    @pytest.mark.parametrize(
        ("name", "label", "choice", "said"),
        [("usa-rate-center", "Side", "Calling", "side=calling"), ("asr-per-route", "Per", "Day", "bucket=day")],
    )
    def test_what_a_report_lets_choose(
        self, page: Page, client: httpx.Client, name: str, label: str, choice: str, said: str
    ) -> None:
        visit(page, f"/reports/{name}?{WINDOW}")
        page.locator("form").get_by_label(label, exact=True).select_option(choice)
        expect(page).to_have_url(re.compile(said))
        answered(page)
        answer = client.get(f"/api/v1/reports/{name}?{WINDOW}&{said}").json()
        if not answer["rows"]:
            expect(page.locator("#instead h2")).to_have_text("No calls in this window")
            return
        expect(page.locator("#sheet thead .label").first).to_have_text(answer["columns"][0]["label"])
        assert cells(page)[:5] == [drawn(answer, row) for row in answer["rows"][:5]]
