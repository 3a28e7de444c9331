"""What the help promises: everything that exists for its reader is explained, found, and has an address of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import httpx
import pytest
from litestar import Request
from litestar.testing import TestClient
from playwright.sync_api import Browser, Page, expect

from engine.access.principal import Principal
from engine.catalog.load import catalog
from engine.query.question import OPERATORS
from engine.settings import Settings
from engine.site import Site
from tests.browser import opened
from tests.server import Server
from web.app import create

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def open_page(browser: Browser, traffic_server: Server) -> Open:
    return partial(opened, browser, traffic_server.url)


@pytest.fixture
def client(traffic_server: Server) -> Iterator[httpx.Client]:
    with traffic_server.client() as found:
        yield found


def test_everything_has_an_address(open_page: Open, client: httpx.Client) -> None:
    known = client.get("/api/v1/catalog").json()
    with open_page() as page:
        page.goto("/help")
        ids = set(page.locator(".entry[id]").evaluate_all("all => all.map(entry => entry.id)"))
        wanted = {field["name"] for kind in ("dimensions", "measures") for field in known[kind]}
        wanted |= {f"report-{report['name']}" for report in known["reports"]}
        wanted |= {f"op-{name}" for name in OPERATORS}
        assert wanted <= ids
        for field in [*known["measures"][:3], *known["dimensions"][:3]]:
            assert field["help"] in page.locator(f"#{field['name']}").inner_text()
        assert page.locator("main [id]").count() == len(
            set(page.locator("main [id]").evaluate_all("all => all.map(element => element.id)"))
        )


def test_an_address_shows_its_entry(open_page: Open) -> None:
    with open_page() as page:
        page.goto("/help#asr")
        entry = page.locator("#asr")
        expect(entry).to_be_in_viewport()
        assert entry.evaluate("entry => entry.matches(':target')")
        assert page.locator("#asr .made").inner_text().startswith("= 100 *")


def test_search_finds_by_every_word(open_page: Open) -> None:
    with open_page() as page:
        page.goto("/help")
        page.keyboard.press("/")
        page.keyboard.type("provider charge")
        expect(page.locator("#provider_charge")).to_be_visible()
        expect(page.locator("#asr")).to_be_hidden()
        assert "entries with" in page.locator("#found").inner_text()
        page.keyboard.press("Escape")
        expect(page.locator("#asr")).to_be_visible()
        page.keyboard.type("zzzz")
        expect(page.locator("#found")).to_have_text("Nothing here speaks of “zzzz”.")


def test_links_lead_to_reports(open_page: Open) -> None:
    with open_page() as page:
        page.goto("/help")
        page.locator("#report-dtmf a").click()
        expect(page.locator("h1")).to_have_text("DTMF")


def test_customers_read_of_nothing_that_is_not_theirs() -> None:
    def who(_: Request[Any, Any, Any]) -> Principal:
        return Principal("acme's", accounts=("acme",), audience="customer")

    known = catalog()
    hidden = {f.name for fields in (known.dimensions, known.measures) for f in fields.values() if f.audience != "all"}
    with (
        Site(Settings(database="chdb://memory")) as site,
        TestClient(create(site, who), base_url="http://127.0.0.1") as door,
    ):
        text = door.get("/help").text
    assert 'id="asr"' in text
    for name in hidden:
        assert f'id="{name}"' not in text
    for word in ("rofit", "Provider Charge", "ingest", 'class="made"'):
        assert word not in text, word


class TestScreens:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing(self, open_page: Open, violations: Callable[[Page], list[str]], scheme: str) -> None:
        with open_page(color_scheme=scheme) as page:
            page.goto("/help#asr")
            assert violations(page) == []

    @pytest.mark.parametrize("width", [1400, 700, 390, 320])
    def test_nothing_scrolls_sideways(self, open_page: Open, width: int) -> None:
        with open_page(viewport={"width": width, "height": 700}) as page:
            page.goto("/help")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
