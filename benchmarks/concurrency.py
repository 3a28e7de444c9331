"""A number of readers goes in, how long their questions take while calls are loaded comes out, and what went wrong.

Each reader asks, waits for the answer and asks the next, without a pause: a report of those that people look at all
day, over a month, a week or a day, of all customers or of one. Readers draw from the same mix in an order of their own.
"""

import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import cycle
from threading import Event
from typing import Any

from benchmarks import presets
from benchmarks.data import Data, Run
from benchmarks.posting import bodies, post
from benchmarks.serving import Client
from benchmarks.targets import judged
from benchmarks.timing import percentile
from tests.server import Server

READERS = 32
_LOADED = 20_000
"""Calls that are loaded again and again, under a source of their own each time, 5,000 records to a body."""
_OF_ONE = ("breakout", "explore", "tech-prefix", "usa-calls")
"""Reports that are also asked of one customer."""


def measure(run: Run) -> dict[str, Any]:
    """Ask with one reader, then with many while calls are loaded, of a copy of the database."""
    database = run.scratch / "concurrency"
    shutil.copytree(run.data.database(), database, symlinks=True)
    lots = list(bodies(run.data.part(_LOADED).csv(), 5_000))
    try:
        with Server(f"chdb://{database}") as server:
            questions = _mix(server.url, run.data)
            alone = _ask(server.url, questions, seed=0, until=time.monotonic() + run.seconds / 2, over=Event())
            crowd, loaded = _crowd(server.url, questions, lots, run.seconds)
    finally:
        shutil.rmtree(database)
    one = percentile(alone["seconds"], 50)
    took = [seconds for reader in crowd for seconds in reader["seconds"]]
    errors = [error for reader in [*crowd, alone, loaded] for error in reader["errors"]]
    p95 = percentile(took, 95)
    beside = f"p95 {1000 * p95:.0f} ms of {READERS}, p50 {1000 * one:.1f} ms of one"
    return {
        "readers": READERS,
        "alone": _figures(alone["seconds"]),
        "crowd": _figures(took) | {"answers_per_second": round(len(took) / run.seconds, 1)},
        "loaded_records_per_second": round(loaded["records"] / run.seconds),
        "errors": errors[:10],
        "targets": [
            judged("concurrency_time", p95 / one, beside),
            judged("concurrency_errors", len(errors), f"{len(took):,} answers, {loaded['records']:,} records loaded"),
        ],
    }


def _mix(url: str, data: Data) -> list[dict[str, Any]]:
    with closing(Client(url)) as client:
        answer = client.ask({"report": "breakout", **data.window, "rows": ["customer"], "limit": 10})
    customers = [str(row[0]) for row in answer["rows"]]
    shorter = (data.first + timedelta(days=days) for days in (1, 7) if days < data.days)
    windows = [data.window, *({**data.window, "to": end.isoformat()} for end in shorter)]
    mix = [{"report": report, **window} for report in presets.REPORTS for window in windows]
    return mix + [
        {"report": report, **data.window, "where": [{"field": "customer", "values": [customer]}]}
        for report in _OF_ONE
        for customer in customers
    ]


def _ask(url: str, questions: list[dict[str, Any]], seed: int, until: float, over: Event) -> dict[str, Any]:
    chosen = random.Random(seed)  # noqa: S311 - readers differ, and do the same in every run
    took, errors = [], []
    with closing(Client(url)) as client:
        while time.monotonic() < until and not over.is_set():
            began = time.perf_counter()
            try:
                client.ask(chosen.choice(questions))
            except Exception as failure:
                errors.append(str(failure))
            took.append(time.perf_counter() - began)
    return {"seconds": took, "errors": errors}


def _load(url: str, lots: list[bytes], until: float) -> dict[str, Any]:
    records, errors = 0, []
    with closing(Client(url)) as client:
        for number, body in enumerate(cycle(lots)):
            if time.monotonic() >= until:
                break
            head, rows = body.split(b"\n", 1)
            try:
                # Of other switches, so that these are other calls.
                told = post(client, head + b"\n" + rows.replace(b'"sw-', f'"sw-{number}-'.encode()))
                records += told["accepted"]
            except Exception as failure:
                errors.append(str(failure))
    return {"records": records, "errors": errors}


def _crowd(
    url: str, questions: list[dict[str, Any]], lots: list[bytes], seconds: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    until, over = time.monotonic() + seconds, Event()
    with ThreadPoolExecutor(READERS + 1) as people:
        loading = people.submit(_load, url, lots, until)
        asking = [people.submit(_ask, url, questions, seed, until, over) for seed in range(1, READERS + 1)]
        return [one.result() for one in asking], loading.result()


def _figures(took: list[float]) -> dict[str, float]:
    told = {f"p{per_cent}_ms": round(1000 * percentile(took, per_cent), 1) for per_cent in (50, 95, 99)}
    return told | {"answers": len(took)}


def lines(found: dict[str, Any]) -> list[str]:
    """Return the figures for people."""
    told = [f"{'readers':>8} {'p50':>10} {'p95':>10} {'p99':>10} {'answers':>9}"]
    for readers, one in ((1, found["alone"]), (found["readers"], found["crowd"])):
        cells = " ".join(f"{one[f'p{per_cent}_ms']:>7.1f} ms" for per_cent in (50, 95, 99))
        told.append(f"{readers:>8} {cells} {one['answers']:>9,}")
    told.append(
        f"meanwhile {found['loaded_records_per_second']:,} records/s were loaded; {len(found['errors'])} errors"
    )
    return told
