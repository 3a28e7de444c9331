"""What the first page promises: figures that a click proves, what is wrong before anything else, every screen."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from litestar import Request
from litestar.testing import TestClient
from playwright.sync_api import Browser, Page, expect

from engine.access.principal import ADMIN, Principal
from engine.exports.formats import shown
from engine.settings import Settings
from engine.site import Site
from tests.browser import opened
from tests.loading import load
from tests.server import Server
from web.app import create
from web.changes import change
from web.home import FIGURES, Beside, Day, Figure, Home
from web.home_page import chosen_day
from web.links import line
from web.notable import notes
from web.trend import trend

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

DAY = "/?day=2026-10-05"
Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def client(traffic_server: Server) -> Iterator[httpx.Client]:
    with traffic_server.client() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, traffic_server: Server) -> Open:
    return partial(opened, browser, traffic_server.url)


def proof(client: httpx.Client, href: str) -> dict[str, Any]:
    """The answer of the API to what a link to a report page asks."""
    response = client.get(f"/api/v1{href}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


class TestFigures:
    def test_every_one_is_what_its_report_says(self, open_page: Open, client: httpx.Client) -> None:
        with open_page() as page:
            page.goto(DAY)
            links = page.locator(".figure a").evaluate_all("all => all.map(a => [a.getAttribute('href'), a.innerText])")
        assert len(links) == 3 * len(FIGURES)
        days = set()
        for href, text in links:
            answer = proof(client, href)
            days.add(answer["question"]["from"])
            (row,), (column,) = answer["rows"], answer["columns"]
            assert text.split(" ")[0].split("\n")[0] == (shown(row[0], column["type"]) or "\u2013")
        assert days == {"2026-10-05", "2026-10-04", "2026-09-28"}

    def test_all_are_as_high(self, open_page: Open) -> None:
        for width in (1440, 390):
            with open_page(viewport={"width": width, "height": 900}) as page:
                page.goto(DAY)
                heights = page.locator(".figure").evaluate_all("all => all.map(e => Math.round(e.clientHeight))")
                assert len(set(heights)) == 1, (width, heights)

    def test_a_click_shows_the_same_number(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(DAY)
            figure = page.locator(".figure a.now").first
            text = figure.inner_text()
            figure.click()
            expect(page.locator("#sheet tbody td").first).to_have_text(text)

    def test_hours_are_the_reports(self, open_page: Open, client: httpx.Client) -> None:
        with open_page() as page:
            page.goto(DAY)
            told = page.locator(".plot title").all_text_contents()
            rows = proof(client, page.locator(".key.day").get_attribute("href") or "")["rows"]
            assert told == [f"{at:02}:00: {shown(row[1], 'real')} min" for at, row in enumerate(rows)]
            assert len(rows) == 24
            total = sum(row[1] for row in rows)
            assert shown(total, "real") in page.locator(".key.day").inner_text()
            before = proof(client, page.locator(".key.before").get_attribute("href") or "")["question"]
            assert (before["from"], before["to"]) == ("2026-09-28", "2026-09-29")

    @pytest.mark.parametrize("by", ["minutes", "profit"])
    def test_movers_are_those_that_changed_most(self, open_page: Open, client: httpx.Client, by: str) -> None:
        with open_page() as page:
            page.goto(f"{DAY}&by={by}")
            for place, field in enumerate(("customer", "customer_destination"), 1):
                card = page.locator(f".card:has(#moved-{place})")
                listed = card.locator("tbody a").all_inner_texts()
                answer = proof(client, card.locator("header a").get_attribute("href") or "")
                names = [column["name"] for column in answer["columns"]]
                assert answer["question"]["compare"] == "week"
                size = {row[0] or "(none)": abs(float(row[names.index(f"{by}.change")])) for row in answer["rows"]}
                most = sorted(size.values(), reverse=True)[:5]
                assert [size[name] for name in listed] == most, field
                link = card.locator("tbody a").first.get_attribute("href") or ""
                cells = card.locator("tbody tr").first.locator("td").all_inner_texts()
                if field == "customer":  # it has a page of its own, with the same window and figures
                    path, words = link.split("?")
                    assert path == f"/customers/{listed[0]}"
                    link = f"/reports/explore?{words}&rows=customer&customer={listed[0]}"
                alone = proof(client, link)
                assert [row[0] for row in alone["rows"]] == [listed[0]]
                kind = alone["columns"][names.index(by)]["type"]
                assert shown(alone["rows"][0][names.index(by)], kind) in cells

    def test_routes_of_lowest_asr_have_enough_calls(self, open_page: Open, client: httpx.Client) -> None:
        fewest = client.get("/api/v1/catalog").json()["min_calls"]
        with open_page() as page:
            page.goto(DAY)
            card = page.locator(".card:has(#worst-1)")
            answer = proof(client, card.locator("header a").get_attribute("href") or "")
            listed = card.locator("tbody a").all_inner_texts()
            assert listed == [f"{row[0]} · {row[1]}" for row in answer["rows"][: len(listed)]]
            attempts = [column["name"] for column in answer["columns"]].index("attempts")
            assert all(row[attempts] >= fewest for row in answer["rows"])
            losing = page.locator(".card:has(#worst-2)")
            answer = proof(client, losing.locator("header a").get_attribute("href") or "")
            assert losing.locator("tbody tr").count() == min(5, len(answer["rows"]))
            assert all(row[-1].startswith("-") for row in answer["rows"])


class TestDays:
    def test_are_walked_and_chosen(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(f"{DAY}&tz=Europe/Paris")
            expect(page.locator("h1")).to_have_text("Monday, 5 October 2026")
            page.get_by_role("link", name="The day before").click()
            expect(page.locator("h1")).to_have_text("Sunday, 4 October 2026")
            page.get_by_label("Day", exact=True).fill("2026-10-03")
            page.get_by_role("button", name="Show").click()
            expect(page.locator("h1")).to_have_text("Saturday, 3 October 2026")
            assert dict(parse_qsl(urlsplit(page.url).query))["tz"] == "Europe/Paris"
            assert "Europe/Paris" in page.locator(".about").inner_text()
            page.get_by_role("link", name="Profit", exact=True).click()
            expect(page.locator(".moved [aria-current]")).to_have_text("Profit")
            expect(page.locator("h1")).to_have_text("Saturday, 3 October 2026")

    def test_one_without_calls_offers_the_newest(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto("/?day=2025-01-01")
            assert page.get_by_role("heading", name="No calls on Wednesday, 1 January 2025").is_visible()
            page.get_by_role("link", name="the newest day with calls").click()
            expect(page.locator("h1")).to_have_text("Monday, 5 October 2026")
            assert page.locator(".figure").count() == 6

    def test_a_mistake_says_how_it_is_written(self, open_page: Open) -> None:
        for words, said in (
            ("day=yesterdax", "2026-10-01"),
            ("tz=Mars/Base", "no time zone"),
            ("by=luck", "inutes or profit"),
        ):
            with open_page(quiet=False) as page:  # Chromium notes every status above 399 in the console
                page.goto(f"{DAY}&{words}" if "day" not in words else f"/?{words}")
                assert said in page.locator("main").inner_text()

    def test_nothing_loaded_says_how_to_load(self, browser: Browser) -> None:
        with Server("chdb://memory") as running, opened(browser, running.url) as page:
            page.goto("/")
            assert page.get_by_role("heading", name="Nothing is loaded yet").is_visible()
            assert "tollhouse ingest FILE" in page.locator(".empty").inner_text()
            page.get_by_role("link", name="How to load calls").click()
            expect(page.get_by_role("heading", name="Loading calls")).to_be_in_viewport()

    def test_today_is_compared_to_the_same_time_of_day(self) -> None:
        assert chosen_day("", "2026-10-05T14:37", "UTC") == Day("2026-10-05", "2026-10-05T14:30", "UTC")
        assert chosen_day("", "2026-10-05T14:37", "UTC").before(7).until == "2026-09-28T14:30"
        assert chosen_day("", "2026-10-05T00:07", "UTC") == Day("2026-10-04", "2026-10-05", "UTC")
        assert chosen_day("2026-10-05", "2026-10-05T00:07", "UTC").until == "2026-10-05T00:15"
        assert chosen_day("2026-10-04", "2026-10-05T14:37", "UTC").whole


def day_of(asr: float, before: float, profit: str = "5.00") -> Home:
    """A day of which only ASR and profit are known."""
    figures = []
    for name, now, then, kind in (("asr", asr, before, "percent"), ("profit", profit, "4.00", "money")):
        beside = Beside("Mon 28 Sep", shown(then, kind), "", change(now, then, kind))
        figures.append(
            Figure(
                name,
                name.upper(),
                shown(now, kind),
                "",
                "",
                False,
                shown(now, kind)[0] == "-",
                kind == "money",
                [beside],
            )
        )
    return Home(Day("2026-10-05", "2026-10-05T14:30", "UTC"), figures, trend([], [], "", "", ""), [], [])


class TestWhatStandsOut:
    def test_a_fall_is_told_and_a_small_change_is_not(self) -> None:
        now = "2026-10-05T14:37"
        assert [note.text for note in notes(day_of(31.2, 45.4), now, now)] == [
            "ASR 31.20: 14.2 points below Mon 28 Sep"
        ]
        assert notes(day_of(44.0, 45.4), now, now) == []
        assert [note.bad for note in notes(day_of(45.0, 45.0, "-1.00"), now, now)] == [True]

    def test_silence_is_told(self) -> None:
        told = notes(day_of(45.0, 45.0), "2026-10-05T12:05", "2026-10-05T14:37")
        assert [note.text for note in told] == ["The newest call began Mon 5 Oct at 12:05, 2 h 32 min ago"]

    def test_it_stands_at_the_top(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(DAY)
            assert page.locator(".notable a, .notable p").count()
            box = page.locator(".notable").bounding_box()
            assert box
            assert box["y"] < 120


def test_a_list_with_commas_stays_a_list() -> None:
    assert line(['UK, "Mobile"', "", "India"]) == '"UK, ""Mobile""",,India'


CALLS = """\
call_id,start_time,duration,customer,customer_destination,provider,provider_card,customer_charge,provider_charge,sip_code
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",carrier-a,gold,1.2,1,200
b,2026-10-05T12:00:00Z,6,acme,<b>Peru</b>,carrier-a,gold,,,200
c,2026-10-06T00:00:00Z,30.5,zenith,India,carrier-b,grey,0.5,0.75,200
d,soon,30.5,acme,India,carrier-b,grey,0.5,0.75,200
"""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A few calls and a record that is none."""
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    path.write_text(CALLS, "utf-8")

    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('database')}")) as site:
        assert load(site, path, "sw").rejected == 1
        yield site


@pytest.fixture(scope="module")
def door(few: Site) -> Iterator[TestClient[Any]]:
    """A customer's way in."""

    def who(_: Request[Any, Any, Any]) -> Principal:
        return Principal("acme's", accounts=("acme",), audience="customer")

    with TestClient(create(few, who), base_url="http://127.0.0.1") as client:
        yield client


def test_records_that_could_not_be_taken_are_told_to_operators_only(few: Site, door: TestClient[Any]) -> None:
    told = '<li class="bad"><a href="/rejects">Records could not be taken, the last ones from calls.csv (batch 1)</a>'
    with TestClient(create(few, lambda _: ADMIN), base_url="http://127.0.0.1") as client:
        assert told in client.get(DAY).text
    assert "could not be taken" not in door.get(DAY).text


class TestCustomers:
    def test_see_their_own_and_nothing_of_providers(self, door: TestClient[Any]) -> None:
        text = door.get(DAY).text
        assert "UK, Mobile" in text
        assert "1.20" in text
        for hidden in ("carrier", "rofit", "rovider", "zenith", "India", "gold"):
            assert hidden not in text, hidden
        assert "&lt;b&gt;Peru" in text
        assert "<b>Peru" not in text

    def test_are_led_to_their_own_newest_day(self, door: TestClient[Any]) -> None:
        text = door.get("/?day=2026-12-01").text
        assert re.search(r'href="/\?day=2026-10-05"', text)
        assert "2026-10-06" not in text
        assert door.get(f"{DAY}&by=profit").status_code == 400


class TestScreens:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing(self, open_page: Open, violations: Callable[[Page], list[str]], scheme: str) -> None:
        with open_page(color_scheme=scheme) as page:
            for path in (DAY, "/?day=2025-01-01"):
                page.goto(path)
                assert violations(page) == []

    @pytest.mark.parametrize(("width", "height"), [(1400, 800), (700, 400), (390, 800), (320, 640)])
    def test_only_lists_scroll_sideways(self, open_page: Open, width: int, height: int) -> None:
        with open_page(viewport={"width": width, "height": height}) as page:
            page.goto(DAY)
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    def test_the_keyboard_is_enough(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(DAY)
            seen = set()
            for _ in range(80):
                page.keyboard.press("Tab")
                outline, kind = page.evaluate(
                    "(e => [getComputedStyle(e, e.matches('.whole-row') ? '::after' : null).outlineStyle, e.className])"
                    "(document.activeElement)"
                )
                assert outline != "none", kind
                seen.add(kind)
                if kind == "whole-row":
                    break
            page.keyboard.press("Enter")
            page.wait_for_url("**/customers/*?**")
            assert {"skip", "now", "key day"} <= seen

    def test_it_prints(self, open_page: Open) -> None:
        with open_page() as page:
            page.goto(DAY)
            page.emulate_media(media="print")
            assert not page.locator(".top").is_visible()
            assert page.locator(".figure").count() == 6
