"""What the page promises to people: the API's numbers, a URL that holds everything, the keyboard, every screen."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page

from engine.exports.formats import shown
from tests.browser import chromium, opened
from tests.server import Server

pytestmark = pytest.mark.browser

HEADER = (
    "call_id,start_time,duration,customer,customer_destination,provider,provider_card,customer_charge,"
    "customer_currency,provider_charge,provider_currency,sip_code"
)
OCTOBER = """
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",carrier-a,gold,1.2,USD,1,USD,200
b,2026-10-05T12:00:00Z,0,acme,"UK, Mobile",carrier-a,gold,,,,,486
c,2026-10-06T00:00:00Z,3630.5,acme,India,carrier-b,grey,12345.5,USD,0.75,USD,200
d,2026-10-07T08:00:00Z,10,zenith,India,carrier-b,grey,0.30000001,USD,0.7,USD,200
e,2026-10-08T08:00:00Z,0,"Smith & Sons, Inc",Peru,carrier-a,gold,,,,,503
f,2026-10-08T09:00:00Z,0,,,carrier-a,gold,,,,,404
"""
AUGUST = "".join(
    f"x{number},2026-08-{number % 28 + 1:02}T08:00:00Z,6,many,Place {number:03},"
    f"carrier-{number % 7},grey,0.01,EUR,0.005,USD,200\n"
    for number in range(620)
)
IN_OCTOBER = "/?from=2026-10-01&to=2026-11-01"
IN_AUGUST = "/?from=2026-08-01&to=2026-09-01"

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"chdb://{tmp_path_factory.mktemp('database')}") as running:
        with running.client() as client:
            for calls in (OCTOBER.lstrip(), AUGUST):
                headers = {"content-type": "text/csv"}
                response = client.post("/api/v1/cdrs", content=f"{HEADER}\n{calls}".encode(), headers=headers)
                assert response.status_code == 200, response.text
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Open:
    return partial(opened, browser, server.url)


def cells(page: Page, selector: str) -> list[list[str]]:
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    found: list[list[str]] = page.locator(selector).evaluate_all(script)
    return found


def control(page: Page, label: str) -> Locator:
    return page.get_by_label(label, exact=True)


def follow(page: Page, link: Locator) -> None:
    """Click, and wait until the page that follows is there whole: a click returns before that."""
    with page.expect_event("load"):
        link.click()


def refresh(page: Page) -> None:
    follow(page, page.get_by_role("button", name="Refresh"))


def words(page: Page) -> dict[str, str]:
    """What the page's URL asks for."""
    return dict(parse_qsl(urlsplit(page.url).query))


def customers(page: Page) -> list[str]:
    return [row[0] for row in cells(page, "tbody tr")]


def drawn(answer: dict[str, Any], row: list[Any]) -> list[str]:
    texts = []
    for value, column in zip(row, answer["columns"], strict=True):
        texts.append("(none)" if value == "" else shown(value, column["type"]))
    return texts


class TestNumbers:
    @pytest.mark.parametrize(
        "path",
        [
            IN_OCTOBER,
            f"{IN_OCTOBER}&rows=provider,provider_card",
            f"{IN_OCTOBER}&rows=day&tz=America/New_York",
            f"{IN_OCTOBER}&customer=acme&sort=profit:desc",
            f"{IN_OCTOBER}&provider_card=gold&asr.ge=0",
            f"{IN_AUGUST}&rows=provider,provider_destination",
        ],
    )
    def test_are_the_apis_cell_for_cell(self, open_page: Open, client: httpx.Client, path: str) -> None:
        answer = client.get(f"/api/v1/reports/breakout{path[1:]}&totals=true").json()
        assert answer["rows"]
        with open_page() as page:
            page.goto(path)
            labels = [re.sub(r"\s[▾▴]$", "", text).replace("\xa0", " ") for text in cells(page, "thead tr")[0]]
            assert labels == [column["label"] for column in answer["columns"]]
            assert cells(page, "tbody tr") == [drawn(answer, row) for row in answer["rows"]]
            total = drawn(answer, answer["totals"])
            assert cells(page, "tfoot tr") == [["Total", *total[1:]]]

    def test_are_exact_and_say_their_currency(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer")
            money = {row[0]: row[5:8] for row in cells(page, "tbody tr, tfoot tr")}
            assert money["acme"] == ["12,346.70", "1.75", "12,344.95"]
            assert money["zenith"] == ["0.30000001", "0.70", "-0.39999999"]
            assert money["Total"] == ["12,347.00000001", "2.45", "12,344.55000001"]
            assert "money in USD" in page.locator(".foot").inner_text()
            page.goto(f"{IN_AUGUST}&rows=customer&measures=customer_charge&currency=native")
            assert cells(page, "tbody tr") == [["many", "6.20", "EUR"]]
            assert "money as charged" in page.locator(".foot").inner_text()

    def test_stand_in_line(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(IN_OCTOBER)
            cell = page.locator("tbody td.money").first
            assert cell.evaluate("cell => getComputedStyle(cell).textAlign") == "right"
            assert "tabular-nums" in cell.evaluate("cell => getComputedStyle(cell).fontVariantNumeric")

    def test_warnings_are_one_box(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(IN_AUGUST)
            assert page.locator(".warning").count() == 1
            text = page.locator(".warning").inner_text()
            assert "The first 500 of 620 rows" in text
            assert "No exchange rate to USD" in text
            box = page.locator(".warning").bounding_box()
            assert box
            assert box["height"] < 60

    def test_more_rows_than_a_page_holds_are_a_download_away(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_AUGUST}&customer=many")
            assert len(cells(page, "tbody tr")) == 500
            assert cells(page, "tfoot tr")[0][2] == "620"
            assert "500 of 620 rows" in page.locator(".foot").inner_text()
            with page.expect_download() as download:
                page.get_by_role("link", name="CSV").click()
            text = Path(download.value.path()).read_text("utf-8")
            assert len(list(csv.reader(io.StringIO(text)))) == 621

    def test_the_download_has_the_same_rows(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&customer=acme,zenith&sort=customer:desc&provider_card=grey,gold")
            with page.expect_download() as download:
                page.get_by_role("link", name="CSV").click()
            assert download.value.suggested_filename == "breakout.csv"
            rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
            assert [row[:3] for row in rows[1:]] == [row[:3] for row in cells(page, "tbody tr")]
            assert [row[1] for row in rows[1:]] == ["India", "India", "UK, Mobile"]


class TestAsking:
    def test_a_heading_sorts_and_sorts_back(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer")
            heading = page.locator("thead th").filter(has_text="Duration").nth(1)
            assert heading.get_attribute("aria-sort") is None
            for direction, first in (("descending", "acme"), ("ascending", "(none)"), ("descending", "acme")):
                follow(page, heading.get_by_role("link"))
                assert heading.get_attribute("aria-sort") == direction
                assert page.locator("[aria-sort]").count() == 1
                assert customers(page)[0] == first
            follow(page, page.get_by_role("link", name="Customer", exact=True))
            assert customers(page) == ["(none)", "Smith & Sons, Inc", "acme", "zenith"]
            assert words(page)["sort"] == "customer:asc"

    def test_another_grouping_lets_go_of_a_sort_it_does_not_show(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer&sort=customer:asc")
            control(page, "Group by").select_option(label="Provider, route")
            refresh(page)
            assert [row[:2] for row in cells(page, "tbody tr")] == [["carrier-a", "gold"], ["carrier-b", "grey"]]
            page.goto(f"{IN_OCTOBER}&rows=customer&sort=profit:asc")
            control(page, "Group by").select_option(label="Day")
            refresh(page)
            assert words(page)["sort"] == "profit:asc"
            assert page.locator("[aria-sort=ascending]").inner_text().startswith("Profit")

    def test_filters_and_time_zone_work_and_stay_in_the_url(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(IN_OCTOBER)
            control(page, "Customer").fill('"Smith & Sons, Inc",zenith')
            refresh(page)
            assert sorted(customers(page)) == ["Smith & Sons, Inc", "zenith"]
            assert words(page)["customer"] == '"Smith & Sons, Inc",zenith'
            assert control(page, "Customer").input_value() == '"Smith & Sons, Inc",zenith'

            control(page, "Customer").fill("acme")
            control(page, "Customer Destination").fill('"UK, Mobile"')
            control(page, "Provider").fill("carrier-a,carrier-b")
            control(page, "Time zone").fill("America/New_York")
            control(page, "Group by").select_option(label="Day")
            refresh(page)
            assert [row[:2] for row in cells(page, "tbody tr")] == [["2026-10-04", "1"], ["2026-10-05", "1"]]
            assert words(page)["tz"] == "America/New_York"
            assert "America/New_York" in page.locator(".foot").inner_text()
            page.reload()
            assert len(cells(page, "tbody tr")) == 2

    def test_a_filter_without_a_control_is_shown_and_kept(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer&provider_card=gold&attempts.ge=2&customer=acme&customer=zenith")
            assert customers(page) == ["acme"]
            refresh(page)
            assert customers(page) == ["acme"]
            chips = page.locator(".chips a")
            assert [text[:-2] for text in chips.all_inner_texts()] == ["Route in gold", "Attempts ge 2"]
            follow(page, chips.first)
            assert "provider_card" not in words(page)
            assert words(page)["attempts.ge"] == "2"

    def test_presets_set_the_window_and_keep_the_rest(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer&customer=acme&tz=Pacific/Kiritimati")
            follow(page, page.get_by_role("link", name="30 days"))
            asked = words(page)
            assert (asked["rows"], asked["customer"], asked["tz"]) == ("customer", "acme", "Pacific/Kiritimati")
            assert page.locator(".presets [aria-current]").inner_text() == "30 days"
            follow(page, page.get_by_role("link", name="Today"))
            today = words(page)["from"]
            page.goto("/?tz=Pacific/Niue")
            follow(page, page.get_by_role("link", name="Today"))
            assert words(page)["from"] < today, "it is another day on the other side of the date line"
            assert words(page)["from"] < words(page)["to"]

    def test_back_and_forward_restore(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer")
            everybody = customers(page)
            control(page, "Customer").fill("zenith")
            refresh(page)
            follow(page, page.get_by_role("link", name="Profit", exact=True))
            assert customers(page) == ["zenith"]
            page.go_back()
            page.go_back()
            assert customers(page) == everybody
            assert control(page, "Customer").input_value() == ""
            page.go_forward()
            assert customers(page) == ["zenith"]
            assert control(page, "Customer").input_value() == "zenith"

    def test_the_keyboard_is_enough(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer")
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
            for _ in range(20):
                page.keyboard.press("Tab")
                ring = page.evaluate(
                    "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
                )
                assert ring[0] != "none", page.evaluate("document.activeElement.outerHTML")
                assert ring[1] >= 2
                if page.evaluate("document.activeElement.name") == "customer":
                    break
            page.keyboard.type("zenith")
            page.keyboard.press("Enter")
            page.wait_for_url("**customer=zenith**")
            assert customers(page) == ["zenith"]
            page.locator(".grid").focus()
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.wait_for_url("**sort=customer**")


class TestStates:
    @pytest.mark.parametrize(
        ("label", "typed", "said"),
        [
            ("From", "yesterdax", "is not a time"),
            ("To (exclusive)", "2026-09-01", "The window is empty"),
            ("Time zone", "Mars/Base", "There is no time zone"),
            ("Customer", '"acme', "is not a list"),
        ],
    )
    def test_a_mistake_is_told_at_its_place_and_what_was_typed_stays(
        self, open_page: Open, label: str, typed: str, said: str
    ) -> None:
        with open_page(quiet=False) as page:  # Chromium notes every status above 399 in the console
            page.goto(IN_OCTOBER)
            control(page, "Provider").fill("carrier-a")
            mistaken = control(page, label)
            mistaken.fill(typed)
            refresh(page)
            assert said in page.get_by_role("alert").inner_text()
            assert mistaken.input_value() == typed
            assert mistaken.get_attribute("aria-invalid") == "true"
            assert control(page, "Provider").input_value() == "carrier-a"
            assert page.locator("[aria-invalid]").count() == 1

    def test_an_empty_window_leads_to_the_newest_calls(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto("/?from=2020-01-01&to=2020-02-01&rows=customer")
            assert page.get_by_role("heading", name="No calls in this window").is_visible()
            follow(page, page.get_by_role("link", name="Show the week up to it"))
            assert words(page)["to"] == "2026-10-09"
            assert "acme" in customers(page)

    def test_filters_that_leave_nothing_can_be_taken_away(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&rows=customer&customer=nobody&provider_card.ne=gold")
            assert page.get_by_role("heading", name="No calls pass these filters").is_visible()
            follow(page, page.get_by_role("link", name="Show this window without them"))
            assert len(customers(page)) == 4

    def test_nothing_loaded_says_how_to_load(self, browser: Browser) -> None:
        with Server("chdb://memory") as running, opened(browser, running.url) as page:
            page.goto("/")
            assert page.get_by_role("heading", name="Nothing is loaded yet").is_visible()
            assert "tollhouse ingest FILE" in page.locator(".empty").inner_text()

    def test_a_name_is_never_markup(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{IN_OCTOBER}&customer=%3Cb%3E%22%27&provider_card=%3Cscript%3Ealert(1)%3C/script%3E")
            assert control(page, "Customer").input_value() == "<b>\"'"
            assert page.locator("main b, main script").count() == 0


CONTRAST = """
element => {
  const numbers = text => (text.match(/[0-9.]+/g) ?? []).map(Number);
  const light = rgb => rgb.slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  let ground = element, behind;
  do { behind = numbers(getComputedStyle(ground).backgroundColor); ground = ground.parentElement; }
  while (behind[3] === 0 && ground);
  const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
"""


class TestScreens:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_everything_can_be_read(self, open_page: Open, scheme: str) -> None:
        with open_page(color_scheme=scheme, quiet=False) as page:
            seen = set()
            for path in (
                f"{IN_OCTOBER}&provider_card=gold,grey",
                IN_AUGUST,
                "/?from=2020-01-01&to=2020-02-01",
                "/?to=x",
            ):
                page.goto(path)
                for selector in (
                    "h1", ".bar a", ".presets a", ".presets a[aria-current]", ".tools label", "input", "select",
                    "button", ".warning", ".chips a", ".problem p", ".empty h2", ".empty p", ".empty a", "thead a",
                    "tbody th", "tbody td", ".negative", "tfoot td", ".foot span", ".foot a",
                ):  # fmt: skip
                    if page.locator(selector).count():
                        seen.add(selector)
                        ratio = page.locator(selector).first.evaluate(CONTRAST)
                        assert ratio >= 4.5, f"{selector} on {path} in {scheme} has {ratio:.2f}"
            assert len(seen) >= 20
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", background))) < 200) == (scheme == "dark")

    @pytest.mark.parametrize(
        ("width", "height", "scale"), [(1400, 800, 1), (700, 400, 2), (390, 800, 1), (320, 640, 1)]
    )
    def test_only_the_table_scrolls_sideways(self, open_page: Open, width: int, height: int, scale: int) -> None:
        with open_page(viewport={"width": width, "height": height}, device_scale_factor=scale) as page:
            for path in (
                IN_AUGUST,
                f"{IN_OCTOBER}&provider_card=gold,grey,silver,platinum&provider_destination.ne=none",
            ):
                page.goto(path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                grid = page.locator(".grid")
                if width < 1400:
                    assert grid.evaluate("grid => grid.scrollWidth > grid.clientWidth")
                grid.evaluate("grid => { grid.scrollLeft = 300; grid.scrollTop = 200 }")
                frame = grid.bounding_box()
                name = page.locator("tbody th").last.bounding_box()
                head = page.locator("thead th").last.bounding_box()
                total = page.locator("tfoot th").bounding_box()
                assert frame
                assert name
                assert head
                assert total
                assert abs(name["x"] - frame["x"]) < 3, "the first column stays"
                assert abs(head["y"] - frame["y"]) < 3, "the headings stay"
                assert abs(total["y"] + total["height"] - frame["y"] - frame["height"]) < 20, "the total stays"

    def test_on_a_wide_screen_the_form_is_one_row_and_the_footer_in_sight(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(IN_AUGUST)
            tops = {
                round(box["y"])
                for field in page.locator(".tools input:not([type=hidden]), .tools select, .tools button").all()
                if (box := field.bounding_box())
            }
            assert len(tops) == 1
            foot = page.locator(".foot").bounding_box()
            assert foot
            assert foot["y"] + foot["height"] <= 800

    def test_it_prints_whole(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(IN_AUGUST)
            page.emulate_media(media="print", color_scheme="dark")
            assert not page.locator(".bar").is_visible()
            assert not page.get_by_role("button", name="Refresh").is_visible()
            assert page.locator(".grid").evaluate("grid => grid.scrollHeight <= grid.clientHeight + 1")
            assert page.locator("tbody td").first.evaluate(CONTRAST) >= 4.5
            color = page.locator("tbody td").first.evaluate("cell => getComputedStyle(cell).color")
            assert sum(map(int, re.findall(r"\d+", color))) < 200, "dark ink on white paper"
