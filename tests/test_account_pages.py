"""What the pages of accounts promise: the report page's own table, fixed to whose page it is whatever is done."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import opened
from tests.portal import HEADER, ODD, Portal
from tests.report_page import ask, cells, drawn, moved, names, visit, words

pytestmark = pytest.mark.browser

WINDOW = "from=2026-10-01&to=2026-10-06"
CUSTOMER = f"/customers/acme-telecom?{WINDOW}"
ACME = {HEADER: "acme-telecom"}
OF_CUSTOMERS = ("breakout", "usa-rate-center", "did-as-cli", "tech-prefix", "usa-calls", "dtmf", "explore")

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


def provider_of(client: httpx.Client) -> str:
    """The provider with the most calls."""
    name: str = ask(client, rows=["provider"], measures=["attempts"])["rows"][0][0]
    return name


def only(name: str, field: str = "customer") -> list[dict[str, Any]]:
    return [{"field": field, "op": "eq", "values": [name]}]


def figure(page: Page, measure: str) -> str:
    return page.locator(f"[data-measure={measure}]").inner_text()


def choose(page: Page, label: str) -> None:
    page.get_by_label("Report", exact=True).select_option(label=label)
    page.get_by_role("button", name="Generate").click()
    page.wait_for_url("**report=**")
    page.locator("#sheet tbody tr, #matrix tbody tr, #instead h2").first.wait_for()


class TestLists:
    def test_tell_the_figures_of_every_account_and_lead_to_its_page(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/customers?{WINDOW}")
        measures = ["attempts", "connected", "asr", "acd", "customer_minutes", "customer_charge"]
        measures += ["provider_charge", "profit", "profit_percent"]
        answer = ask(client, rows=["customer_name", "customer"], measures=measures, totals=True)
        assert cells(page)[:15] == [drawn(answer, row) for row in answer["rows"][:15]]
        assert cells(page, "#sheet tfoot tr")[0][2:] == drawn(answer, answer["totals"])[2:]
        page.get_by_role("link", name="Acme Telecommunications plc").click()
        page.wait_for_url("**/customers/acme-telecom?**")
        expect(page.get_by_role("heading", level=1)).to_have_text("Acme Telecommunications plc")

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("acme-t", ["Acme Telecommunications plc"]),  # by id
            ("birch & v", ["Birch & Voice"]),  # by name
            ("nobody has this", []),
        ],
    )
    def test_are_searched_on_the_server(self, page: Page, text: str, found: list[str]) -> None:
        visit(page, f"/customers?{WINDOW}")
        page.get_by_label("Id or name holds").fill(text)
        page.keyboard.press("Enter")
        if not found:
            expect(page.locator("#instead h2")).to_have_text("No calls pass these filters")
            return
        expect(page.locator("#sheet tbody tr")).to_have_count(len(found))
        assert names(page) == found
        page.reload()
        expect(page.locator("#sheet tbody tr")).to_have_count(len(found))
        page.go_back()
        expect(page.locator("#sheet tbody tr").nth(3)).to_be_visible()

    def test_what_only_an_id_or_only_a_name_holds_is_found_together(self, page: Page, client: httpx.Client) -> None:
        held = "plc"  # Acme's name has it, others' ids may not; "te" is in both
        visit(page, f"/customers?{WINDOW}")
        page.get_by_label("Id or name holds").fill("te")
        page.keyboard.press("Enter")
        ids = ask(client, rows=["customer"], where=[{"field": "customer", "op": "contains", "values": ["te"]}])
        named = ask(client, rows=["customer"], where=[{"field": "customer_name", "op": "contains", "values": ["te"]}])
        both = {row[0] for row in ids["rows"]} | {row[0] for row in named["rows"]}
        expect(page.locator("#foot")).to_contain_text(f"{len(both)} rows")
        page.get_by_label("Id or name holds").fill(held)
        page.keyboard.press("Enter")
        expect(page.locator("#sheet tbody tr")).to_have_count(1)

    def test_lead_on_by_keys_alone(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"/providers?{WINDOW}")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.closest('#sheet tbody')"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/providers/{quote(provider_of(client))}**")

    def test_odd_ids_have_pages(self, page: Page) -> None:
        visit(page, f"/customers?{WINDOW}&attempts.eq=1&rows=customer")
        expect(page.locator("#sheet tbody a").nth(len(ODD) - 1)).to_be_visible()
        links = page.locator("#sheet tbody a").evaluate_all("links => links.map(each => each.href)")
        texts = page.locator("#sheet tbody a").evaluate_all("links => links.map(each => each.textContent)")
        for name in ODD:
            title = name or "(none)"
            at = texts.index(title)
            visit(page, f"{links[at]}?{WINDOW}")
            expect(page.locator(".title code")).to_have_text(title)
            assert cells(page, "#sheet tfoot tr")[0][1] == "1", name
        provider = quote(f"p/{ODD[3]}", safe="")
        visit(page, f"/providers/{provider}?{WINDOW}")
        assert figure(page, "attempts") == "1"


class TestReports:
    @pytest.mark.parametrize("name", OF_CUSTOMERS)
    def test_of_a_customer_are_its_own(self, page: Page, client: httpx.Client, name: str) -> None:
        visit(page, f"{CUSTOMER}&report={name}&pivot=off")
        preset = client.get(f"/api/v1/reports/{name}").json()
        rows = [row for row in preset["rows"] if row != "customer"]
        answer = ask(client, report=name, rows=rows, where=only("acme-telecom"))
        if name == "usa-calls":
            matrix = {text for row in cells(page, "#matrix tr") for text in row[1:]}
            assert set(drawn(answer, answer["rows"][0])) <= matrix
        elif answer["rows"]:
            first = [drawn(answer, row)[: len(cells(page)[0])] for row in answer["rows"][:12]]
            seen = [row[: len(first[0])] for row in cells(page)[:12]]
            assert seen == (first if rows else [["All calls", *row][: len(seen[0])] for row in first])
        else:
            expect(page.locator("#instead h2")).to_contain_text("in this window")

    @pytest.mark.parametrize(
        ("name", "rows"),
        [
            ("asr-per-route", ["hour", "provider_card"]),
            ("breakout", ["provider_card", "provider_destination"]),
            ("dtmf", ["provider_card"]),
        ],
    )
    def test_of_a_provider_are_its_own(self, page: Page, client: httpx.Client, name: str, rows: list[str]) -> None:
        provider = provider_of(client)
        visit(page, f"/providers/{provider}?{WINDOW}&report={name}")
        answer = ask(client, report=name, rows=rows, where=only(provider, "provider"))
        wide = len(cells(page)[0])
        assert [row[:wide] for row in cells(page)[:12]] == [drawn(answer, row)[:wide] for row in answer["rows"][:12]]

    def test_are_chosen_and_then_generated(self, page: Page) -> None:
        visit(page, CUSTOMER)
        url = page.url
        page.get_by_label("Report", exact=True).select_option(label="USA Calls")
        assert page.url == url, "pending"
        page.get_by_role("button", name="Undo changes").click()
        assert page.get_by_label("Report", exact=True).input_value() == "breakout"
        choose(page, "USA Calls")
        assert words(page)["report"] == ["usa-calls"]
        assert words(page)["from"] == ["2026-10-01"]
        page.get_by_label("Type").select_option("LATA")
        expect(page.locator("#matrix tbody th").first).to_have_text("IntraLATA")
        page.reload()
        expect(page.locator("#matrix tbody th").first).to_have_text("IntraLATA")
        page.go_back()
        expect(page.locator("#matrix tbody th").first).to_have_text("Intrastate")
        page.go_back()
        expect(page.locator("#sheet thead .label").first).to_have_text("Customer Destination")
        assert page.get_by_label("Report", exact=True).input_value() == "breakout"

    def test_by_keys_alone(self, page: Page) -> None:
        visit(page, CUSTOMER)
        page.get_by_label("Report", exact=True).focus()
        page.keyboard.type("Group by")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**report=tech-prefix**")
        expect(page.locator("#sheet thead .corner .label")).to_have_text("Tech Prefix")

    def test_bucket_of_a_route(self, page: Page, client: httpx.Client) -> None:
        provider = provider_of(client)
        visit(page, f"/providers/{provider}?{WINDOW}")
        page.get_by_label("Per", exact=True).select_option("Day")
        answer = ask(client, report="asr-per-route", bucket="day", where=only(provider, "provider"))
        expect(page.locator("#foot")).to_contain_text(f"{len(answer['rows'])} rows")
        assert cells(page)[0] == drawn(answer, answer["rows"][0])


class TestFigures:
    def test_are_the_windows_whatever_is_filtered_below(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{CUSTOMER}&customer_destination.starts_with=b")
        measures = ["attempts", "connected", "asr", "profit"]
        row = ask(client, report=None, rows=[], measures=measures, where=only("acme-telecom"))["rows"][0]
        assert figure(page, "attempts") == f"{row[0]:,}"
        assert figure(page, "asr") == f"{row[2]:.2f} %"
        assert figure(page, "profit").startswith(row[3].partition(".")[0])
        page.get_by_label("To", exact=True).fill("2026-10-02")
        page.get_by_role("button", name="Generate").click()
        two = ask(client, report=None, to="2026-10-03", rows=[], measures=measures, where=only("acme-telecom"))
        expect(page.locator("[data-measure=attempts]")).to_have_text(f"{two['rows'][0][0]:,}")


class TestFixed:
    def test_no_filter_of_an_address_leads_to_others(self, page: Page) -> None:
        for said in ("customer.eq=birch-voice", "customer=birch-voice", "customer.in=birch-voice"):
            visit(page, f"{CUSTOMER}&{said}")
            expect(page.locator("#instead h2")).to_have_text("No calls pass these filters")
            with page.expect_download() as caught:
                page.get_by_role("button", name="Download").click()
                page.get_by_role("menuitem", name="CSV").click()
            assert len(caught.value.path().read_text("utf-8").splitlines()) == 1, "the heading alone"

    def test_downloads_and_drilled_calls_are_the_accounts(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{CUSTOMER}&asr.ge=10")
        with page.expect_download() as caught:
            page.get_by_role("button", name="Download").click()
            page.get_by_role("menuitem", name=re.compile("^JSON")).click()
        answer = json.loads(caught.value.path().read_text("utf-8"))
        assert (
            answer["rows"]
            == ask(
                client,
                report="breakout",
                rows=["customer_destination"],
                where=[*only("acme-telecom"), {"field": "asr", "op": "ge", "values": [10]}],
            )["rows"]
        )
        assert caught.value.suggested_filename.startswith("acme-telecom-breakout-2026-10-01")
        count = cells(page)[0][1].replace(",", "")
        page.locator("#sheet tbody td").first.dblclick()
        table = page.locator("#calls table")
        expect(table).to_have_attribute("aria-rowcount", str(int(count) + 1))

    def test_the_filter_stands_in_the_panel_and_cannot_be_taken_away(self, page: Page) -> None:
        visit(page, f"{CUSTOMER}&panel=filters")
        expect(page.locator("#filters-panel .chip.fixed")).to_contain_text("acme-telecom")
        assert page.locator("#filters-panel .chip.fixed button").count() == 0
        assert page.get_by_role("button", name="Customer All").count() == 0, "no selector of customers"

    def test_groups_that_are_opened_are_the_accounts(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{CUSTOMER}&report=explore&rows=provider,customer_destination&measures=attempts&pivot=on")
        page.locator("#sheet tbody th").first.click()
        expect(page.locator("#sheet tbody tr[aria-level='2']").first).to_be_visible()
        where = [*only("acme-telecom"), *only(names(page)[0], "provider")]
        inner = ask(client, rows=["customer_destination"], measures=["attempts"], where=where)
        assert cells(page, "#sheet tbody tr[aria-level='2']")[:8] == [drawn(inner, row) for row in inner["rows"][:8]]

    def test_a_view_that_is_saved_keeps_the_account(self, page: Page, client: httpx.Client) -> None:
        visit(page, f"{CUSTOMER}&report=tech-prefix")
        page.get_by_role("button", name="Save view").click()
        page.locator("#save").get_by_label("Name").fill("Acme prefixes")
        page.locator("#save").get_by_role("button", name="Save").click()
        page.wait_for_url("**/reports/acme-prefixes?**")
        try:
            assert client.get("/api/v1/views/acme-prefixes").json()["question"]["where"] == only("acme-telecom")
            visit(page, f"/customers/birch-voice?{WINDOW}")
            choose(page, "Acme prefixes")
            expect(page.locator("#instead h2")).to_have_text("No calls pass these filters")
        finally:
            client.delete("/api/v1/views/acme-prefixes")


class TestCustomers:
    HIDDEN = ("provider", "profit", "margin", ">Cost<", "birch", "Birch")

    def test_see_their_own_page_and_nothing_of_what_is_hidden(self, open_page: Open, client: httpx.Client) -> None:
        with open_page(extra_http_headers=ACME) as page:
            page.goto(f"/customers?{WINDOW}")
            page.wait_for_url("**/customers/acme-telecom**")
            for report in ("breakout", "usa-rate-center", "did-as-cli", "tech-prefix", "usa-calls", "explore"):
                visit(page, f"{CUSTOMER}&report={report}")
                source = client.get(f"{CUSTOMER}&report={report}", headers=ACME).text
                for text in (source, page.content()):
                    text = text.replace("callee, provider, switch", "")
                    assert not [word for word in self.HIDDEN if word in text], report
            assert page.get_by_role("link", name="Providers").count() == 0
            visit(page, CUSTOMER)
            answer = client.get(f"/api/v1/reports/breakout?{WINDOW}", headers=ACME).json()
            assert cells(page)[0] == drawn(answer, answer["rows"][0])[: len(cells(page)[0])]

    @pytest.mark.parametrize(
        "path",
        ["/customers/birch-voice", "/customers/nobody", "/providers", "/providers/x", f"{CUSTOMER}&report=dtmf"],
    )
    def test_are_refused_what_is_not_theirs(self, client: httpx.Client, path: str) -> None:
        response = client.get(path, headers=ACME)
        assert response.status_code == 404
        assert "acme" not in response.text.lower() or "report" in path

    def test_see_of_every_report_what_is_theirs(self, open_page: Open, client: httpx.Client) -> None:
        known = client.get("/api/v1/reports", headers=ACME).json()["items"]
        assert {each["name"] for each in known} >= {*OF_CUSTOMERS, "per-number"} - {"dtmf"}
        with open_page(extra_http_headers=ACME) as page:
            for name in (each["name"] for each in known):
                path = f"/reports/{name}?{WINDOW}&panel=columns"
                visit(page, path)
                for text in (client.get(path, headers=ACME).text, page.content()):
                    text = text.replace("callee, provider, switch", "")
                    assert not [word for word in self.HIDDEN if word in text], name

    @pytest.mark.parametrize(
        "path",
        [
            "/reports/explore?rows=provider",
            "/reports/explore?measures=attempts,profit",
            "/reports/explore?sort=profit:desc&measures=profit",
            "/reports/breakout?provider=basalt-transit",
            "/reports/breakout?profit.gt=0",
            "/reports/breakout?nonsense=1",
            "/reports/per-number?provider=basalt-transit",
            "/customers/acme-telecom?provider.ne=x",
        ],
    )
    def test_ask_in_vain_for_what_is_hidden(self, open_page: Open, path: str) -> None:
        with open_page(extra_http_headers=ACME, quiet=False) as page:
            visit(page, f"{path}&{WINDOW}")
            expect(page.get_by_role("alert").locator("h2")).to_be_visible()
            assert page.locator("#sheet tbody tr").count() == 0

    @pytest.mark.parametrize("name", ["dtmf", "asr-per-route"])
    def test_find_no_report_that_is_not_theirs(self, client: httpx.Client, name: str) -> None:
        assert client.get(f"/reports/{name}?{WINDOW}", headers=ACME).status_code == 404

    def test_that_have_several_accounts_find_them_in_a_list(self, open_page: Open) -> None:
        with open_page(extra_http_headers={HEADER: "acme-telecom;birch-voice"}) as page:
            visit(page, f"/customers?{WINDOW}")
            assert sorted(names(page)) == ["Acme Telecommunications plc", "Birch & Voice"]


class TestScreens:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_break_no_rule_of_access(
        self, open_page: Open, client: httpx.Client, violations: Callable[[Page], list[str]], scheme: str
    ) -> None:
        with open_page(color_scheme=scheme) as page:
            for path in (f"/customers?{WINDOW}", f"{CUSTOMER}&panel=filters", f"/providers/{provider_of(client)}"):
                visit(page, path)
                assert violations(page) == [], path

    @pytest.mark.parametrize(("width", "scale"), [(700, 2), (390, 1), (320, 1)])
    def test_only_the_table_scrolls_sideways(self, open_page: Open, width: int, scale: int) -> None:
        with open_page(viewport={"width": width, "height": 700}, device_scale_factor=scale) as page:
            for path in (CUSTOMER, f"/customers?{WINDOW}"):
                visit(page, path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width

    @pytest.mark.parametrize("width", [1440, 390])
    def test_nothing_moves_when_the_figures_come(self, open_page: Open, width: int) -> None:
        with open_page(viewport={"width": width, "height": 900}) as page:
            visit(page, CUSTOMER)
            assert moved(page) < 0.002

    def test_it_prints_with_its_figures(self, page: Page) -> None:
        visit(page, CUSTOMER)
        page.emulate_media(media="print")
        assert page.locator("#figures").is_visible()
        assert not page.get_by_role("button", name="Generate").is_visible()
