"""The same generated calls go in every time, docs/pictures/ comes out: `python -m tests.pictures`."""

import datetime
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from engine.traffic import Traffic, write
from engine.warehouse.gateway import Warehouse
from tests.browser import chromium, opened
from tests.server import Server

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
TRAFFIC = Traffic(200_000, 30, seed=1, start=datetime.date(2026, 10, 1), euro=False)
ASKED = {
    "from": "2026-10-01",
    "to": "2026-10-31",
    "columns": "week",
    "measures": "attempts,asr,acd,customer_charge,profit",
    "pivot": "on",
    "panel": "columns",
    "open": '["acme-telecom"]',
}
"""A fixed window, or the pictures would differ every day."""
DAY = "2026-10-20"


def main() -> None:
    """Generate, load, serve and take the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tollhouse-pictures-") as scratch:
        calls = Path(scratch) / "calls.parquet"
        with Warehouse("chdb://memory") as warehouse:
            write(TRAFFIC, warehouse, calls)
        with Server(f"chdb://{scratch}/database") as server, server.client() as client, chromium() as browser:
            headers = {"content-type": "application/vnd.apache.parquet"}
            client.post("/api/v1/cdrs", content=calls.read_bytes(), headers=headers, timeout=900).raise_for_status()
            for scheme in ("light", "dark"):
                with opened(browser, server.url, color_scheme=scheme) as page:
                    page.goto(f"/reports/breakout?{urlencode(ASKED)}")
                    page.locator("#sheet tbody tr[aria-level='2']").first.wait_for(timeout=60_000)
                    # How long it took is the one thing that differs from run to run.
                    page.locator("#foot span").last.evaluate("took => took.remove()")
                    page.screenshot(path=FOLDER / f"breakout-{scheme}.png")
                    page.goto(f"/?day={DAY}")
                    page.screenshot(path=FOLDER / f"home-{scheme}.png")


if __name__ == "__main__":
    main()
