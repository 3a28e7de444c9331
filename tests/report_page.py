"""A report page goes in, what stands in its table comes out, and what the API says of the same."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, Page, expect

from engine.exports.formats import shown

WINDOW = "from=2026-10-01&to=2026-10-06"
TREE = f"/reports/explore?{WINDOW}&rows=customer,customer_destination,provider&measures=attempts,asr,profit&pivot=on"
PIVOT = f"/reports/explore?{WINDOW}&rows=customer&columns=day,outcome&measures=attempts,acd&pivot=on"
WIDE = {"width": 3600, "height": 900}
"""So wide that every column of most tables is in sight."""

Open = Callable[..., AbstractContextManager[Page]]


def answered(page: Page) -> None:
    """Wait until the page has its answer."""
    page.locator("#sheet tbody tr:visible, #matrix tbody tr:visible, #instead h2:visible").first.wait_for()
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def visit(page: Page, path: str) -> None:
    """Go to a page and wait for its answer."""
    page.goto(path)
    answered(page)
    if "panel=" in path:  # it is brought after the table
        page.locator(".work > .panel > *").first.wait_for(state="attached")


def moved(page: Page) -> float:
    """Return by how much of the screen things have moved since the page was opened."""
    script = """async () => {
      let sum = 0;
      const add = list => { for (const entry of list.getEntries()) sum += entry.value; };
      new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
      await new Promise(done => setTimeout(done, 200));
      return sum;
    }"""
    return float(page.evaluate(script))


def apply(page: Page) -> None:
    """Ask what is pending, and wait for the answer."""
    page.keyboard.press("Control+Enter")
    expect(page.locator("#refresh")).to_have_text("Refresh")
    answered(page)


def cells(page: Page, selector: str = "#sheet tbody tr") -> list[list[str]]:
    """Return the texts of some rows."""
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    found: list[list[str]] = page.locator(selector).evaluate_all(script)
    return found


def names(page: Page) -> list[str]:
    """Return what the rows are called."""
    return page.locator("#sheet tbody th .name").all_inner_texts()


def ask(client: httpx.Client, **question: Any) -> dict[str, Any]:
    """Return the API's answer over the window of these tests."""
    window = {"from": "2026-10-01", "to": "2026-10-06", "report": "explore"}
    response = client.post("/api/v1/query", json={**window, **question})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def drawn(answer: dict[str, Any], row: list[Any]) -> list[str]:
    """A row of an answer as the page draws it."""
    texts = []
    for value, column in zip(row, answer["columns"], strict=True):
        text = "(none)" if value == "" else shown(value, column["type"])
        if column["type"] == "instant":
            text = text.replace("T", " ").replace(":00+", " +")
        if column.get("aspect", "").startswith("change") and text and float(value) > 0 and text.strip("0.:,"):
            text = f"+{text}"
        texts.append(text)
    return texts


def focused(page: Page) -> str:
    """Return the text of what has the focus."""
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def words(page: Page) -> dict[str, list[str]]:
    """Return the words of the page's address."""
    return parse_qs(urlsplit(page.url).query, keep_blank_values=True)


def heading(page: Page, label: str) -> Locator:
    """Return the heading of a column."""
    return page.locator("#sheet thead th[aria-sort]").filter(has_text=label).first
