"""A rate goes in, how long records take from `POST /cdrs` until they count in every report comes out.

Bodies are sent when they are due, whatever became of those before, and a record's time begins when its body was due.
It ends when the answer has come and a report asked after it counts the records: the reports take turns, so that every
rollup is looked at.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Lock, local
from typing import Any

from benchmarks.data import Run
from benchmarks.posting import bodies, post
from benchmarks.serving import Client
from benchmarks.targets import judged
from benchmarks.timing import percentile
from engine.settings import Settings
from engine.site import Site
from tests.server import Server
from web import sample as lists

RATE = 20_000
"""Calls a second."""
_EVERY = 0.5
"""Seconds between two bodies."""
_SENDERS = 16
_COUNTED = ("customer_destination", "tech_prefix", "provider_card", "npanxx")
"""A dimension of each rollup."""


def measure(run: Run) -> dict[str, Any]:
    """Send calls at the rate, for so many seconds or until the sample is used up, to a program of its own."""
    database = run.scratch / "freshness"
    with Site(Settings(database=f"chdb://{database}")) as site:
        lists.load(site, run.scratch)
    data = run.data.part(int(RATE * run.seconds))
    with Server(f"chdb://{database}") as server:
        sent = _send(server.url, data.csv(), data.window, data.calls)
    late = [one["seconds"] for one in sent["posts"]]
    p95 = percentile(late, 95)
    beside = f"p50 {percentile(late, 50):.2f} s, p99 {percentile(late, 99):.2f} s, {sent['calls_per_second']:,} calls/s"
    return {**sent, "rate": RATE, "p95_seconds": round(p95, 3), "targets": [judged("freshness", p95, beside)]}


def _send(url: str, sample: Path, window: dict[str, str], calls: int) -> dict[str, Any]:
    with sample.open("rb") as file:
        records = sum(1 for _ in file) - 1
    lot = max(1, round(RATE * _EVERY * records / calls))
    waiting = list(bodies(sample, lot))
    standing, turn, mine = 0, Lock(), local()
    with closing(Client(url)) as client:
        if len(waiting) > 1:  # a server that has just started is not what is measured
            standing = post(client, waiting.pop(0))["accepted"]
    posts: list[dict[str, Any]] = []
    began = time.perf_counter() + 0.1

    def send(number: int) -> None:
        nonlocal standing
        due = began + number * _EVERY
        time.sleep(max(0.0, due - time.perf_counter()))
        mine.client = getattr(mine, "client", None) or Client(url)
        told = post(mine.client, waiting[number])
        answered = time.perf_counter() - due
        with turn:
            standing += told["accepted"]
            wanted = standing
        _check(mine.client, _COUNTED[number % len(_COUNTED)], window, wanted)
        posts.append({"answered": round(answered, 3), "seconds": round(time.perf_counter() - due, 3), **told})

    with ThreadPoolExecutor(_SENDERS) as senders:
        for done in [senders.submit(send, number) for number in range(len(waiting))]:
            done.result()
    took = time.perf_counter() - began
    counted = sum(one["received"] for one in posts)
    rate = calls * counted / records / took
    return {"posts": posts, "records": counted, "seconds": round(took, 2), "calls_per_second": round(rate)}


def _check(client: Client, dimension: str, window: dict[str, str], wanted: int) -> None:
    """Raise unless the report by a dimension counts at least so many records."""
    asked = {"report": "explore", **window, "rows": [dimension], "measures": ["attempts"], "limit": 0, "totals": True}
    counted = client.ask(asked)["totals"][-1]
    if counted < wanted:
        raise AssertionError(f"by {dimension} {counted} records count when {wanted} have been acknowledged")


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    late = [one["seconds"] for one in found["posts"]]
    rate = f"{found['rate']:,} calls/s asked, {found['calls_per_second']:,} done"
    return [
        f"{found['records']:,} records in {len(late)} bodies, {rate}",
        f"p50 {percentile(late, 50):.2f} s, p95 {found['p95_seconds']:.2f} s, at most {max(late):.2f} s",
    ]
