"""The name of a part goes in, what measures it and what tells its figures to people come out."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from benchmarks import (
    asking,
    browser,
    concurrency,
    copying,
    disk,
    enrichment,
    freshness,
    generator,
    growth,
    loading,
    memory,
    numbers,
    questions,
    reports,
    rollups,
    start,
)
from benchmarks.data import Run


class Part(Struct, frozen=True):
    """One question of the benchmarks."""

    about: str
    measure: Callable[[Run], dict[str, Any]]
    """Its figures come with those that have a target, under `targets`."""
    lines: Callable[[dict[str, Any]], list[str]]


PARTS: dict[str, Part] = {
    "generator": Part("how fast sample calls are made", generator.measure, generator.lines),
    "loading": Part("how fast a file is loaded, beside ClickHouse's own bulk insert", loading.measure, loading.lines),
    "copying": Part("the same, beside PostgreSQL's COPY", copying.measure, copying.lines),
    "enrichment": Part("what lists of reference data cost a load", enrichment.measure, enrichment.lines),
    "rollups": Part("what each rollup holds, costs a load and answers", rollups.measure, rollups.lines),
    "disk": Part("what the tables take on disk, beside Parquet", disk.measure, disk.lines),
    "start": Part("how long `serve` takes to its first answer", start.measure, start.lines),
    "questions": Part("how much faster rollups answer than the ledger", questions.measure, questions.lines),
    "asking": Part("what the way through HTTP adds to hand-written SQL", asking.measure, asking.lines),
    "reports": Part("every preset, beside DuckDB and PostgreSQL", reports.measure, reports.lines),
    "memory": Part("what serving and long exports take", memory.measure, memory.lines),
    "concurrency": Part("many readers at once while calls are loaded", concurrency.measure, concurrency.lines),
    "freshness": Part("how soon posted calls count in every report", freshness.measure, freshness.lines),
    "growth": Part("what questions cost as calls grow", growth.measure, growth.lines),
    "browser": Part("how soon a report page can be used, and how it scrolls", browser.measure, browser.lines),
    "numbers": Part("how long one number's calls take to find", numbers.measure, numbers.lines),
}
"""In the order in which they are run: what shares a database comes together."""
