"""What a report page asks first, before its modules are there, and the one file they come in."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from tests.report_page import WINDOW, Open, answered, cells, visit
from web import assets

pytestmark = pytest.mark.browser

PLAIN = [
    *(f"/reports/{name}?{WINDOW}" for name in ("breakout", "explore", "asr-per-route", "usa-calls", "dtmf")),
    f"/reports/usa-calls?{WINDOW}&type=lata&tz=America/New_York",
    f"/reports/breakout?{WINDOW}&panel=columns&tz=Asia/Kolkata",
    f"/customers?{WINDOW}",
    f"/providers?{WINDOW}",
]
READ_BY_MODULES = [
    f"/reports/explore?{WINDOW}&rows=customer&measures=attempts",
    f"/reports/breakout?{WINDOW}&customer=acme",
]


def asked(page: Page, path: str) -> list[dict[str, Any]]:
    """Visit a page; return the questions it asked for its table, but for those for more rows."""
    questions: list[Request] = []
    page.on("request", lambda request: questions.append(request) if request.url.endswith("/query") else None)
    visit(page, path)
    bodies = [json.loads(request.post_data or "") for request in questions]
    return [body for body in bodies if body.get("limit") in (1000, 10_000) and "offset" not in body]


@pytest.mark.parametrize("path", PLAIN)
def test_a_page_that_says_only_when_is_asked_ahead_and_what_its_modules_ask(open_page: Open, path: str) -> None:
    with open_page() as page:
        assert asked(page, path) == [json.loads(page.locator("#first").text_content() or "")]


def test_so_is_every_report_of_every_account(open_page: Open, client: httpx.Client) -> None:
    name = client.get("/api/v1/values/customer").json()["items"][0]
    with open_page() as page:
        visit(page, f"/customers/{name}?{WINDOW}")
        reports = page.get_by_label("Report", exact=True).locator("option").evaluate_all("all => all.map(o => o.value)")
        assert len(reports) > 4
        for report in reports:
            questions = asked(page, f"/customers/{name}?{WINDOW}&report={report}")
            ahead = json.loads(page.locator("#first").text_content() or "")
            assert ahead["where"] == [{"field": "customer", "op": "eq", "values": [name]}]
            assert questions == [ahead]


@pytest.mark.parametrize("path", READ_BY_MODULES)
def test_an_address_that_says_more_is_read_by_the_modules(open_page: Open, path: str) -> None:
    with open_page() as page:
        assert len(asked(page, path)) == 1
        expect(page.locator("#first")).to_have_count(0)


def test_what_was_asked_ahead_is_cancelled_like_any_question(open_page: Open) -> None:
    with open_page() as page:
        page.route("**/api/v1/query", lambda _: None)  # it never answers
        with page.expect_event("requestfailed"):
            page.goto(f"/reports/breakout?{WINDOW}")
            page.locator("#running").get_by_role("button", name="Cancel").click()
        expect(page.locator("#instead h2")).to_have_text("Cancelled")
        page.unroute("**/api/v1/query")
        page.locator("#refresh").click()
        answered(page)
        assert cells(page)


def test_what_was_asked_ahead_and_fails_is_told(open_page: Open) -> None:
    with open_page(quiet=False) as page:
        page.route("**/api/v1/query", lambda route: route.abort())
        page.goto(f"/reports/breakout?{WINDOW}")
        expect(page.locator("#instead h2")).to_have_text("The server cannot be reached.")
        page.unroute("**/api/v1/query")
        page.locator("#refresh").click()
        answered(page)


def test_a_page_loads_one_file_of_modules_and_none_beside(open_page: Open) -> None:
    with open_page() as page:
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url) if request.url.endswith(".js") else None)
        visit(page, f"/reports/breakout?{WINDOW}&panel=filters&chart=trend")
        page.locator("#chart svg").first.wait_for()
        names = sorted(re.sub(r".*/", "", url) for url in loaded)
        assert names == ["ahead+theme.js", "shell+report.js"]


def test_packed_modules_take_from_each_other_and_import_nothing() -> None:
    names = [path.stem for path in assets.FOLDER.glob("*.js") if path.stem not in ("theme", "ahead")]
    text = assets.packed(*names)
    assert not re.search(r"^\s*(import|export)\b|\bimport\(", text, re.MULTILINE)
    assert all(re.search(rf"^{name}(\(\) {{|: \(\(\) => {{)$", text, re.MULTILINE) for name in names)


def test_packs_are_kept_for_a_year_and_exist_only_of_modules_there_are(client: httpx.Client) -> None:
    found = client.get(assets.pack("shell", "report"))
    assert found.headers["cache-control"] == "max-age=31536000, public, immutable"
    assert found.headers["content-type"].startswith("text/javascript")
    for path in (assets.pack("shell", "nothing"), assets.pack("../web"), "/packs/old/shell.js"):
        assert client.get(path).status_code == 404
