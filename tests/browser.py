"""Nothing goes in, a real Chromium whose pages tell what went wrong in them comes out."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield Debian's Chromium; nothing is downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, *, quiet: bool = True, **options: Any) -> Iterator[Page]:
    """Yield a page on the server at `url`; it may ask no other host and, when `quiet`, say nothing in its console."""
    said: list[str] = []
    asked: set[str] = set()
    context = browser.new_context(**{"base_url": url, "viewport": {"width": 1400, "height": 800}, **options})
    try:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda failure: said.append(str(failure)))
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        yield page
        assert asked <= {urlsplit(url).netloc}, f"the page asked other hosts: {asked}"
        assert not (quiet and said), f"the console says: {said}"
    finally:
        context.close()
