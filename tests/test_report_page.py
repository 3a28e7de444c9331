"""What the report page promises: the API's numbers in every report, groups that open, a view that is its URL."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

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
WINDOW = "from=2026-10-01&to=2026-11-01"
REPORTS = ("breakout", "dtmf", "explore", "usa-rate-center", "usa-calls", "did-as-cli", "tech-prefix", "asr-per-route")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"chdb://{tmp_path_factory.mktemp('database')}") as running:
        with running.client() as client:
            headers = {"content-type": "text/csv"}
            response = client.post("/api/v1/cdrs", content=f"{HEADER}\n{OCTOBER.lstrip()}".encode(), headers=headers)
            assert response.status_code == 200, response.text
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with opened(browser, server.url) as found:
        yield found


def answered(page: Page) -> None:
    """Wait until the page has its answer."""
    expect(page.locator("#sheet")).not_to_have_attribute("aria-busy", "true")
    page.locator("#sheet tbody tr, #instead h2").first.wait_for()


def cells(page: Page, selector: str) -> list[list[str]]:
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    found: list[list[str]] = page.locator(selector).evaluate_all(script)
    return found


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_its_page_with_the_numbers_of_the_api(page: Page, server: Server, name: str) -> None:
    with server.client() as client:
        answer = client.get(f"/api/v1/reports/{name}?{WINDOW}").json()
    page.goto(f"/reports/{name}?{WINDOW}&pivot=off")
    answered(page)
    if not answer["rows"]:
        expect(page.locator("#instead h2")).to_have_text("No calls in this window")
        return
    expected = []
    for row in answer["rows"]:
        texts = [
            "(none)" if value == "" else shown(value, column["type"])
            for value, column in zip(row, answer["columns"], strict=True)
        ]
        expected.append(texts if answer["question"]["rows"] else ["All calls", *texts])
    page.set_viewport_size({"width": 3000, "height": 900})  # so wide that every column is in sight
    expect(page.locator("#sheet tbody tr:first-child td")).to_have_count(len(expected[0]) - 1)
    found = cells(page, "#sheet tbody tr")
    times = {place for place, column in enumerate(answer["columns"]) if column["type"] == "instant"}
    assert [[text for place, text in enumerate(row) if place not in times] for row in found] == [
        [text for place, text in enumerate(row) if place not in times] for row in expected
    ]


def test_groups_open_to_what_they_hold_and_the_url_remembers(page: Page) -> None:
    page.goto(f"/reports/breakout?{WINDOW}&pivot=on")
    answered(page)
    names = page.locator("#sheet tbody th .name")
    assert names.all_inner_texts() == ["acme", "(none)", "Smith & Sons, Inc", "zenith"]
    names.first.click()
    expect(names).to_have_text(["acme", "UK, Mobile", "India", "(none)", "Smith & Sons, Inc", "zenith"])
    page.reload()
    expect(names).to_have_text(["acme", "UK, Mobile", "India", "(none)", "Smith & Sons, Inc", "zenith"])


def test_a_report_that_is_not_there_is_a_page_too(browser: Browser, server: Server) -> None:
    with opened(browser, server.url, quiet=False) as page:  # Chromium notes the status in its console
        response = page.goto("/reports/nonsense")
        assert response
        assert response.status == 404
        assert page.get_by_role("heading").inner_text() == "There is no report 'nonsense'"
