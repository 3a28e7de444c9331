"""A loaded database goes in, how soon a report page can be used and how smoothly it scrolls comes out."""

import shutil
import statistics
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page

from benchmarks.data import Run
from benchmarks.targets import judged
from tests.browser import chromium
from tests.server import Server

SLOWER = 4
NETWORK = {"offline": False, "latency": 20, "downloadThroughput": 2_500_000, "uploadThroughput": 2_500_000}
"""20 Mbit/s, and 20 ms until a first byte."""
WIDE = "attempts,connected,asr,acd,minutes,customer_charge,provider_charge,profit,profit_percent,pdd_avg"
"""Ten measures for each hour of the day and over all of them: 250 columns."""
STEPS = {"down": (0, 120), "right": (90, 0), "both": (-60, 90)}
FRAMES = 200
ALONE = 2000
"""Milliseconds that a page is let alone once it has its answer."""

_DRAWN = "performance.getEntriesByName('drawn')[0].startTime"
_SCROLL = """
async ([across, down, frames]) => {
  const sheet = document.getElementById("sheet");
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  let before = await frame();
  for (let step = 0; step < frames; step++) {
    sheet.scrollBy(across, down);
    const now = await frame();
    times.push(now - before);
    before = now;
  }
  return times;
}
"""


def measure(run: Run) -> dict[str, Any]:
    """Open the breakout anew several times on a slow machine, then scroll a wide table on this one."""
    if shutil.which("chromium") is None:
        return {"skipped": "no chromium here; apt-get install chromium", "targets": []}
    with Server(f"chdb://{run.data.database()}") as server, chromium() as browser:
        times = [_usable(browser, server.url, run.data.window) for _ in range(max(3, run.runs))][1:]
        frames = _scrolled(browser, server.url, run.data.window)
    usable = statistics.median(times)
    ends = {name: _quantile(each, 0.95) for name, each in frames.items()}
    beside = f"{min(times):.0f} to {max(times):.0f} ms"
    told = ", ".join(f"{name} {time:.0f} ms" for name, time in ends.items())
    return {
        "usable_ms": times,
        "frames_p95_ms": ends,
        "targets": [judged("browser_usable", usable, beside), judged("browser_scroll", max(ends.values()), told)],
    }


def _usable(browser: Browser, url: str, window: dict[str, str]) -> float:
    """Milliseconds from the click to a table with its answer: nothing is cached, the machine is slow."""
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", NETWORK)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        return _drawn(page, f"/reports/breakout?{urlencode(window)}")
    finally:
        context.close()


def _drawn(page: Page, path: str) -> float:
    """Milliseconds until the table is on the screen, as the page itself notes.

    What waits for a table would run in the page, slowed down like it. So the page is let alone until it has its
    answer, and time enough to draw it.
    """
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/query"), timeout=120_000):
        page.goto(path)
    page.wait_for_timeout(ALONE)
    page.locator("#sheet tbody tr").first.wait_for(timeout=120_000)
    return float(page.evaluate(_DRAWN))


def _scrolled(browser: Browser, url: str, window: dict[str, str]) -> dict[str, list[float]]:
    """The time of each frame, in milliseconds, scrolling in some directions."""
    asked = {**window, "rows": "number", "columns": "hour_of_day", "measures": WIDE, "pivot": "on"}
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        _drawn(page, f"/reports/explore?{urlencode(asked)}")
        page.locator("main [aria-busy=true]").wait_for(state="detached", timeout=120_000)  # all ten thousand rows
        return {name: page.evaluate(_SCROLL, [*step, FRAMES]) for name, step in STEPS.items()}
    finally:
        context.close()


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    if "skipped" in found:
        return [str(found["skipped"])]
    frames = ", ".join(f"{name} {time:.0f} ms" for name, time in found["frames_p95_ms"].items())
    usable = statistics.median(found["usable_ms"])
    return [f"a report page is drawn after {usable:.0f} ms on a slow machine; frames, p95: {frames}"]
