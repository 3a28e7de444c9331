"""What the page of single calls promises: pasted numbers as they are written, every field, every call once."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import opened
from tests.portal import HEADER, Portal
from tests.report_page import cells, moved, visit, words

pytestmark = pytest.mark.browser

WINDOW = "from=2026-10-01&to=2026-10-06"
PAGE = f"/reports/per-number?{WINDOW}"
OF_ACME = f"{PAGE}&customer=acme-telecom"

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def client(portal: Portal) -> Iterator[httpx.Client]:
    with portal.client() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, portal: Portal) -> Open:
    return partial(opened, browser, portal.url)


@pytest.fixture
def page(open_page: Open) -> Iterator[Page]:
    with open_page() as found:
        yield found


def found(client: httpx.Client, **search: Any) -> list[dict[str, Any]]:
    """Every call of a search, by field."""
    asked = {"from": "2026-10-01", "to": "2026-10-06", "limit": 1000, **search}
    rows: list[dict[str, Any]] = []
    while True:
        response = client.post("/api/v1/calls", json=asked)
        assert response.status_code == 200, response.text
        answer = response.json()
        names = [column["name"] for column in answer["columns"]]
        rows += [dict(zip(names, row, strict=True)) for row in answer["rows"]]
        if answer["next_cursor"] is None:
            return rows
        asked["cursor"] = answer["next_cursor"]


def of_acme(client: httpx.Client) -> list[dict[str, Any]]:
    return found(client, where=[{"field": "customer", "op": "in", "values": ["acme-telecom"]}])


def numbers(client: httpx.Client, count: int) -> list[str]:
    """Numbers that acme called, the most recent first."""
    return list(dict.fromkeys(row["number"] for row in of_acme(client) if row["number"]))[:count]


def paste(page: Page, text: str) -> None:
    """Put a text into the box as the clipboard does."""
    box = page.get_by_label("Numbers: one a line")
    box.fill("")
    box.focus()
    page.keyboard.insert_text(text)


def find(page: Page) -> None:
    page.get_by_role("button", name="Find calls").click()
    page.locator("#sheet tbody tr, #instead h2").first.wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def listed(page: Page) -> int:
    return int(page.locator("#sheet table").get_attribute("aria-rowcount") or 0) - 1


class TestPasting:
    def test_whatever_way_numbers_are_written(self, page: Page, client: httpx.Client) -> None:
        some = numbers(client, 5)
        spaced = f"+{some[0][:2]} {some[0][2:5]} {some[0][5:]}"
        text = f"{spaced}\n00{some[1]}, {some[2]};{some[3]} {some[4]}\n\n{some[2]}"
        visit(page, PAGE)
        paste(page, text)
        expect(page.locator("#numbers [role=status]")).to_have_text("5 numbers")
        find(page)
        assert listed(page) == len(found(client, number=some))
        assert words(page)["number"] == [f"{spaced},00{some[1]},{some[2]},{some[3]},{some[4]}"]
        expect(page.locator("#unheard")).to_have_text("All 5 numbers had calls.")

    def test_callers_who_show_no_number_are_found_too_and_told_before(self, page: Page, client: httpx.Client) -> None:
        visit(page, PAGE)
        paste(page, "442079460000\nanonymous")
        expect(page.locator("#numbers [role=status]")).to_have_text("2 numbers, without digits: anonymous")
        find(page)
        expected = found(client, number=["442079460000", "anonymous"])
        assert any(call["cli"] == "anonymous" for call in expected)
        assert listed(page) == len(expected)

    def test_national_ones_are_those_of_home(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{PAGE}&number=(020)%207946-0000")
        expected = found(client, number=["(020) 7946-0000"])
        if expected:
            assert listed(page) == len(expected)
        else:
            expect(page.locator("#instead h2")).to_have_text("No calls of (020) 7946-0000")

    def test_by_how_they_begin_and_on_one_side(self, page: Page, client: httpx.Client) -> None:
        start = numbers(client, 1)[0][:3]
        visit(page, PAGE)
        page.get_by_label("Compared as").select_option(label="How they begin")
        paste(page, f"{start} 44")
        page.get_by_label("Side").select_option(label="Called")
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        answer = found(client, number=[start, "44"], match="prefix", side="called")
        expect(page.locator("#foot")).to_contain_text(re.compile(rf"^(The newest 500|{len(answer):,}) call"))
        assert words(page) | {"side": ["called"], "match": ["prefix"]} == words(page)

    def test_a_list_too_long_for_an_address_stays_behind_its_hash(self, page: Page, client: httpx.Client) -> None:
        many = [*numbers(client, 2), *(str(4930_0000_0000 + at) for at in range(600))]
        visit(page, PAGE)
        paste(page, "\n".join(many))
        with page.expect_response("**/api/v1/calls") as asked:
            find(page)
        assert json.loads(asked.value.request.post_data or "")["number"] == many
        count = listed(page)
        assert "number=" not in page.url.partition("#")[0]
        expect(page.locator("#unheard")).to_contain_text("600 numbers of 602 not in these calls")
        page.reload()
        page.locator("#sheet tbody tr").first.wait_for()
        assert listed(page) == count


class TestCalls:
    def test_are_the_apis_newest_first_to_the_last(self, page: Page, client: httpx.Client) -> None:
        expected = of_acme(client)
        visit(page, f"{OF_ACME}&show=start_time,call_id,number")
        expect(page.locator("#foot")).to_contain_text("The newest 500 calls")
        page.locator("#sheet").evaluate("sheet => { sheet.scrollTop = 3000 }")
        before = page.locator("#sheet").evaluate("sheet => sheet.scrollTop")
        page.get_by_role("button", name="More").click()
        expect(page.locator("#foot")).to_contain_text(f"The newest {min(1000, len(expected)):,}")
        assert page.locator("#sheet").evaluate("sheet => sheet.scrollTop") == before, "it stays where it was"
        while (more := page.get_by_role("button", name="More")).is_visible():
            count = listed(page)
            more.click()
            expect(page.locator("#sheet table")).not_to_have_attribute("aria-rowcount", str(count + 1))
        assert listed(page) == len(expected)
        page.emulate_media(media="print")
        expect(page.locator("#sheet tbody tr")).to_have_count(len(expected), timeout=20_000)
        assert [row[1] for row in cells(page)] == [row["call_id"] for row in expected]

    def test_any_column_can_be_shown(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{OF_ACME}&panel=columns")
        panel = page.locator("#columns-panel")
        panel.get_by_label("SIP Reason", exact=True).check()
        panel.get_by_label("Provider", exact=True).uncheck()
        assert "sip_reason" in words(page)["show"][0]
        labels = page.locator("#sheet thead .label").all_inner_texts()
        assert "Provider" not in labels
        panel.get_by_role("button", name="All").click()
        count = str(len(of_acme(client)[0]))
        expect(page.locator("#sheet table")).to_have_attribute("aria-colcount", count)
        page.reload()
        expect(page.locator("#sheet table")).to_have_attribute("aria-colcount", count)

    def test_open_in_full_by_keys_alone(self, page: Page, client: httpx.Client) -> None:
        newest = of_acme(client)
        visit(page, OF_ACME)
        page.locator("#sheet [tabindex='0']").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.locator("dt")).to_have_count(len(newest[0]))
        labels = dialog.locator("dt").all_inner_texts()
        texts = dict(zip(labels, dialog.locator("dd").all_inner_texts(), strict=True))
        assert texts["Call ID"] == newest[1]["call_id"]
        assert texts["Number"] == newest[1]["number"]
        page.keyboard.press("ArrowRight")
        expect(dialog.locator("dd").nth(labels.index("Call ID"))).to_have_text(newest[2]["call_id"])
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(dialog.get_by_role("button", name="Newer")).to_be_disabled()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert page.evaluate("document.activeElement.closest('tr').dataset.row") == "1"

    def test_open_by_a_click_on_their_time(self, page: Page) -> None:
        visit(page, OF_ACME)
        page.locator("#sheet tbody th").nth(2).click()
        expect(page.get_by_role("dialog").get_by_role("heading")).to_contain_text("Call of 2026-10-05")

    def test_are_found_by_keys_alone(self, page: Page, client: httpx.Client) -> None:
        number = numbers(client, 1)[0]
        visit(page, PAGE)
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.tagName") == "TEXTAREA":
                break
        page.keyboard.type(f"+{number}")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        assert listed(page) == len(found(client, number=[number]))


class TestAsking:
    def test_which_numbers_had_none(self, page: Page, client: httpx.Client) -> None:
        some = [*numbers(client, 2), "999000111222", "+999 000 111 223"]
        visit(page, f"{PAGE}&number={','.join(some).replace('+', '%2B')}")
        told = "2 of 4 numbers had no calls: 999000111222, +999 000 111 223"
        expect(page.locator("#unheard")).to_have_text(told)

    def test_numbers_and_filters_narrow_together(self, page: Page, client: httpx.Client) -> None:
        number = numbers(client, 1)[0]
        rows = found(client, number=[number])
        outcome = rows[0]["outcome"]
        visit(page, f"{PAGE}&number={number}&outcome={outcome}")
        assert listed(page) == sum(row["outcome"] == outcome for row in rows)
        visit(page, f"{PAGE}&number={number}&customer=nobody")
        page.get_by_role("button", name="Without the filters").click()
        expect(page.locator("#sheet tbody tr").first).to_be_visible()
        assert "customer" not in page.url

    def test_more_than_six_months_are_not_even_asked(self, page: Page) -> None:
        visit(page, "/calls?from=2026-01-31&to=2026-10-06&number=442079460000")
        expect(page.locator("#instead h2")).to_have_text("Numbers are looked for in at most 6 calendar months")
        expect(page.locator("#numbers .negative")).to_have_text("At most 6 months: to 2026-07-30")
        page.get_by_role("button", name="Until 2026-07-31").click()
        expect(page.locator("#instead h2")).to_have_text("No calls of 442079460000")
        visit(page, "/calls?from=2026-01-31&to=2026-10-06&customer=acme-telecom")
        expect(page.locator("#sheet tbody tr").first).to_be_visible()

    def test_nothing_is_asked_before_it_says_whose(self, page: Page) -> None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        visit(page, "/calls")
        expect(page.locator("#instead h2")).to_have_text("Whose calls?")
        assert not [url for url in asked if "/api/" in url]
        expect(page.get_by_role("button", name="Download")).to_be_disabled()

    def test_the_servers_own_words_tell_what_is_wrong(self, open_page: Open) -> None:
        with open_page(quiet=False) as page:
            visit(page, f"{PAGE}&number=442079460000&tz=Mars/Base")
            expect(page.get_by_role("alert")).to_contain_text("There is no time zone")

    def test_back_and_forward_and_a_copied_address_restore_it(self, open_page: Open, client: httpx.Client) -> None:
        one, other = numbers(client, 300)[200:202]  # on the same days in either zone
        with open_page() as page:
            visit(page, f"{PAGE}&number={one}")
            first = cells(page)
            paste(page, other)
            page.get_by_label("Time zone").fill("Asia/Kolkata")
            find(page)
            expect(page.locator("#foot")).to_contain_text("Asia/Kolkata")
            second, url = cells(page), page.url
            page.go_back()
            expect(page.locator("#foot")).to_contain_text("UTC")
            assert cells(page) == first
            expect(page.get_by_label("Numbers: one a line")).to_have_value(one)
            page.go_forward()
            expect(page.locator("#foot")).to_contain_text("Asia/Kolkata")
            assert cells(page) == second
        with open_page() as page:
            visit(page, url)
            assert cells(page) == second
            assert page.url == url


class TestLeaving:
    @pytest.mark.parametrize("form", ["CSV", "Excel", "Parquet", "Arrow", "NDJSON", "JSON", "Text"])
    def test_every_format_holds_the_same_question(self, page: Page, client: httpx.Client, form: str) -> None:
        number = numbers(client, 1)[0]
        visit(page, f"{PAGE}&number={number}&side=called&customer=acme-telecom")
        with page.expect_download() as caught:
            page.get_by_role("button", name="Download").click()
            page.get_by_role("menuitem", name=re.compile(f"^{form}")).click()
        content = caught.value.path().read_bytes()
        assert content
        if form == "CSV":
            where = [{"field": "customer", "op": "in", "values": ["acme-telecom"]}]
            rows = found(client, number=[number], side="called", where=where)
            assert len(content.decode("utf-8").splitlines()) == 1 + len(rows)

    def test_the_calls_of_a_cell_open_as_a_page(self, page: Page) -> None:
        visit(page, f"/reports/explore?{WINDOW}&rows=customer,outcome&measures=attempts")
        count = int(cells(page)[0][2].replace(",", ""))
        page.locator("#sheet tbody td").last.dblclick()
        page.locator("#calls tbody tr").first.wait_for()
        told = page.locator("#calls .foot").inner_text()
        page.get_by_role("link", name="Open as a page").click()
        page.wait_for_url("**/reports/per-number?**")
        page.locator("#sheet tbody tr").first.wait_for()
        expect(page.locator("#foot")).to_contain_text(told.partition(" record")[0])
        assert count

    def test_an_account_leads_to_its_calls(self, page: Page) -> None:
        visit(page, f"/customers/acme-telecom?{WINDOW}")
        page.get_by_role("link", name="Calls").click()
        page.wait_for_url("**/reports/per-number?**customer.in=acme-telecom**")
        expect(page.locator("#sheet tbody tr").first).to_be_visible()


class TestCustomers:
    def test_find_their_own_calls_and_nothing_that_is_hidden(self, open_page: Open, client: httpx.Client) -> None:
        headers = {HEADER: "acme-telecom"}
        own = client.get(f"/api/v1/calls?{WINDOW}&sip_code=200", headers=headers).json()["columns"]
        assert not {"provider", "profit", "batch"} & {column["name"] for column in own}
        with open_page(extra_http_headers=headers) as page:
            visit(page, f"{PAGE}&sip_code=200&panel=columns")
            page.get_by_role("button", name="All", exact=True).click()
            page.locator("#sheet tbody th").first.click()
            for text in (client.get(PAGE, headers=headers).text, page.content()):
                text = text.replace("callee, provider, switch", "")
                assert not [word for word in ("provider", "profit", "Provider", "Profit", ">Batch<") if word in text]
            assert page.locator("#detail dt").count() == len(own)
        foreign = found(client, where=[{"field": "customer", "op": "eq", "values": ["birch-voice"]}])[0]["number"]
        with open_page(extra_http_headers=headers) as page:
            visit(page, f"{PAGE}&number={foreign}&customer=birch-voice")
            expect(page.locator("#instead h2")).to_have_text(f"No calls of {foreign}")


class TestScreens:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_break_no_rule_of_access(
        self, open_page: Open, violations: Callable[[Page], list[str]], scheme: str
    ) -> None:
        with open_page(color_scheme=scheme) as page:
            for path in ("/calls", f"{OF_ACME}&panel=columns", f"{OF_ACME}&panel=filters&sip_code.ge=200"):
                visit(page, path)
                assert violations(page) == [], path
            page.locator("#sheet tbody th").first.click()
            assert violations(page) == [], "a call"

    @pytest.mark.parametrize(("width", "scale"), [(1400, 1), (700, 2), (390, 1), (320, 1)])
    def test_only_the_table_scrolls_sideways(self, open_page: Open, width: int, scale: int) -> None:
        with open_page(viewport={"width": width, "height": 700}, device_scale_factor=scale) as page:
            visit(page, OF_ACME)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.locator("#sheet tbody th").first.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("#detail").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
            bottom = page.locator("#detail .actions").evaluate("bar => bar.getBoundingClientRect().bottom")
            top = page.locator("#detail .detail").evaluate("list => list.getBoundingClientRect().top")
            assert bottom <= top  # the buttons hide none of its fields

    def test_times_are_whole_on_a_telephone(self, open_page: Open) -> None:
        with open_page(viewport={"width": 390, "height": 844}) as page:
            visit(page, OF_ACME)
            cut = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)"
            assert page.locator("#sheet tbody th").evaluate_all(cut) == []
            # What they are beside UTC is the same for all, and told once.
            expect(page.locator("#sheet thead .corner")).to_contain_text("Call Time +00:00")
            assert all("+" not in text for text in page.locator("#sheet tbody th").all_inner_texts())

    def test_nothing_moves_when_the_calls_come(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{PAGE}&number={','.join([*numbers(client, 3), '999000111222'])}")
        expect(page.locator("#unheard")).to_contain_text("1 of 4")
        assert moved(page) < 0.002


class TestSaving:
    def test_a_search_is_saved_with_its_columns_and_is_a_report_then(self, page: Page, client: httpx.Client) -> None:
        some = numbers(client, 2)
        visit(page, f"{OF_ACME}&number={','.join(some)}&match=prefix&show=start_time,number,outcome")
        shown = cells(page)
        page.get_by_role("button", name="Save view").click()
        page.locator("#save").get_by_label("Name").fill("Acme's two numbers")
        page.locator("#save").get_by_role("button", name="Save").click()
        page.wait_for_url("**/reports/acme-s-two-numbers?**")
        try:
            page.locator("#sheet tbody tr").first.wait_for()
            expect(page.get_by_role("heading", level=1)).to_have_text("Acme's two numbers")
            assert cells(page) == shown
            saved = client.get("/api/v1/views/acme-s-two-numbers").json()["question"]
            assert saved == {
                "report": "per-number",
                "timezone": "UTC",
                "number": some,
                "side": "any",
                "match": "prefix",
                "where": [{"field": "customer", "op": "in", "values": ["acme-telecom"]}],
                "columns": ["start_time", "number", "outcome"],
            }
            # What is changed stands in the address, and without a word there it is as it was saved.
            assert set(words(page)) == {"from", "to"}
            paste(page, some[0])
            find(page)
            assert words(page)["number"] == [some[0]]
            assert listed(page) == len(found(client, number=some[:1], match="prefix", where=saved["where"]))
            page.go_back()
            expect(page.locator("#numbers [role=status]")).to_have_text("2 numbers")
            expect(page.locator("#sheet tbody tr")).to_have_count(len(shown))
            assert cells(page) == shown
            page.goto("/views")
            link = page.locator("#views").get_by_role("link", name="Acme's two numbers")
            expect(link).to_have_attribute("href", "/reports/acme-s-two-numbers")
        finally:
            client.delete("/api/v1/views/acme-s-two-numbers")

    def test_customers_cannot_save(self, open_page: Open) -> None:
        with open_page(extra_http_headers={HEADER: "acme-telecom"}) as page:
            visit(page, PAGE)
            assert page.get_by_role("button", name="Save view").count() == 0
