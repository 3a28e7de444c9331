"""Random histories of loads and rollbacks leave exactly what the rule book of tests/histories.py says must stand.

Every failure prints its seed and the smallest history found that fails too.
"""

import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.access.principal import ADMIN
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.warehouse import layout
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.histories import (
    COUNTS, DAY, MIDNIGHT, MOVES, Identity, Load, Powers, Reopen, Rollback, RuleBook, Said, Step, answer, history,
    smaller, sound, spelled, told, written,
)  # fmt: skip

pytestmark = pytest.mark.engine

Databases = Callable[[], str]
ZONES = ("America/New_York",)
MEASURES = (
    "attempts", "connected", "customer_charge", "provider_charge", "duration", "customer_duration",
    "provider_duration",
)  # fmt: skip
ELSEWHERE = ("sign", "batch", "commit", "content", "connected", "outcome", "country", "orig_country")
"""Columns of the ledger that no record says."""


class Player:
    """Plays a history on a site and compares it with the rule book after every step."""

    def __init__(self, dsn: str, folder: Path, *, chunk_records: int = 1000) -> None:
        self._folder = folder
        self._settings = Settings(database=dsn, rollup_zones=ZONES, chunk_records=chunk_records)
        self.site = Site(self._settings)
        self.book = RuleBook()
        self._batches: dict[int, int] = {}
        self._seen: list[tuple[int, dict[Identity, dict[str, Any]]]] = []
        self._dice = random.Random(0)

    def play(self, steps: list[Step], *, careful: bool = True) -> None:
        for step in steps:
            self.do(step)
            if careful:
                self.compare()
        if not careful:
            self.compare()
        self.compare_as_of()

    def do(self, step: Step) -> None:
        if isinstance(step, Load):
            self._load(step)
        elif isinstance(step, Rollback):
            undone = self.site.rollback(self._batches[step.label], undo=step.undo)
            found = {name: getattr(undone, name) for name in MOVES}
            assert found == self.book.roll_back(step.label, undo=step.undo), told([step])
            assert undone.batch == self._batches[step.label]
        else:
            self.site.close()
            self._settings = Settings(
                database=self._settings.database, rollup_zones=ZONES, chunk_records=step.chunk_records
            )
            self.site = Site(self._settings)
            assert self.site.recovered == []

    def _load(self, step: Load) -> None:
        path = self._folder / f"{step.label}.{step.file.container}"
        path.write_text(written(step.file), newline="")
        receipt = self.site.ingest(path, path.name, asked(step))
        self._batches[step.label] = receipt.batch
        assert {name: getattr(receipt, name) for name in COUNTS} == self.book.load(step.label, step.file), told([step])
        assert receipt.received == len(step.file.rows)

    def standing(self, commit: int | None = None) -> dict[Identity, dict[str, Any]]:
        """What stands by the ledger, as of a commit: the sum of its signs by identity and content."""
        own = f"* EXCEPT ({', '.join(ELSEWHERE)})"
        sql = (
            f"SELECT {own}, toUnixTimestamp64Milli(start_time) AS start, sum(sign) AS stands FROM cdr "
            "WHERE commit <= {commit:UInt32} GROUP BY ALL HAVING stands != 0"
        )
        found = self.site.warehouse.query(Statement(sql, {"commit": commit or 2**32 - 1}))
        records: dict[Identity, dict[str, Any]] = {}
        for row in found.rows:
            record = dict(zip(found.columns, row, strict=True))
            identity = (record["source"], record["call_id"], record["leg"], record["start"])
            assert record.pop("stands") == 1, f"{identity} stands more than once, or less than not at all"
            assert identity not in records, f"two contents of {identity} stand"
            del record["start"], record["start_time"], record["source"], record["call_id"], record["leg"]
            records[identity] = record
        return records

    def compare(self) -> None:
        standing = self.book.standing()
        expected = {identity: _said(said.fields) for identity, said in standing.items()}
        found = {identity: _said(record) for identity, record in self.standing().items()}
        assert _differences(found, expected) == {}, "found, expected"
        self._seen.append((self.site.watermark(), found))
        self._compare_books()
        self._compare_answers(list(standing.values()))

    def compare_as_of(self) -> None:
        """Rows are only ever added: what stood after any step still can be read."""
        for commit, expected in self._seen:
            assert {identity: _said(record) for identity, record in self.standing(commit).items()} == expected

    def _compare_books(self) -> None:
        tables = layout.tables_of(self.site.catalog, self._settings.zones)
        assert {zone for _, zone, _ in tables} == {"UTC", *ZONES}
        for rollup, zone, table in tables:
            keys = ", ".join(rollup.keys)
            parts = layout.parts_of(self.site.catalog, rollup)
            some = " OR ".join(f"s_{part.name} != 0" for part in parts)
            ledger = ", ".join(f"{part.sum} AS s_{part.name}" for part in parts)
            summed = ", ".join(f"sum({part.name}) AS s_{part.name}" for part in parts)
            tile = f"toDateTime(toStartOfDay(start_time, '{zone}'), 'UTC') AS tile"
            from_ledger = self._rows(f"SELECT {tile}, {keys}, {ledger} FROM cdr GROUP BY ALL HAVING {some}")
            from_rollup = self._rows(f"SELECT tile, {keys}, {summed} FROM {table} GROUP BY ALL HAVING {some}")
            assert from_ledger == from_rollup, table
        for table in scratch(self.site):
            assert self._rows(f"SELECT count() FROM {table}") == [(0,)], f"{table} was not swept"

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in self.site.warehouse.query(Statement(sql)).rows)

    def _compare_answers(self, standing: list[Said]) -> None:
        dice = self._dice
        start, end = MIDNIGHT - 3 * DAY, MIDNIGHT + 4 * DAY
        if dice.random() < 0.5:
            start, end = (dice.randrange(start, MIDNIGHT), dice.randrange(MIDNIGHT, end))
        zone, view = dice.choice(("UTC", *ZONES)), dice.choice(("attempts", "final"))
        asked = question.of(
            {
                "from": spelled(start), "to": spelled(end), "timezone": zone, "calls": view,
                "rows": ["customer", "day"], "measures": list(MEASURES),
            }
        )  # fmt: skip
        expected = answer(standing, start, end, zone, final=view == "final")
        for ledger_only in (False, True):
            found = self.site.desk.ask(asked, ADMIN, ledger_only=ledger_only)
            assert found.as_of.commit == self.site.watermark()
            got = {
                (str(customer), str(day)): (attempts, connected, Decimal(charge), Decimal(cost), *map(_ms, durations))
                for customer, day, attempts, connected, charge, cost, *durations in found.rows
            }
            assert got == expected, f"ledger only: {ledger_only}, {asked}"

    def close(self) -> None:
        self.site.close()


def asked(step: Load) -> Asked:
    return Asked(None, step.file.source, None, *([True] if step.file.force else []))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _said(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the fields that say nothing, times as text."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in record.items()
        if value is not None and value not in ("", {})
    }


def _differences(
    found: dict[Identity, dict[str, Any]], expected: dict[Identity, dict[str, Any]]
) -> dict[Identity, dict[str, tuple[Any, Any]]]:
    """What is found and what was expected, of the fields that are not the same."""
    return {
        identity: {name: (here.get(name), there.get(name)) for name in {*here, *there} if here.get(name) != there.get(name)}
        for identity in found.keys() | expected.keys()
        for here, there in [(found.get(identity, {}), expected.get(identity, {}))]
        if here != there
    }


def scratch(site: Site) -> list[str]:
    """The tables that a load works in, those of them that there are."""
    names = ["staging", "spool", "contest", "repeats"]
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN {names:Array(String)}"
    return [str(name) for (name,) in site.warehouse.query(Statement(sql, {"names": names})).rows]


@pytest.fixture(params=["embedded", "http"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """Gives a fresh database whenever it is called."""
    names = count(1)
    if request.param == "embedded":
        return lambda: f"chdb://{tmp_path / f'database-{next(names)}'}"
    process: ClickHouseProcess = request.getfixturevalue("clickhouse")
    return lambda: fresh_database(process)


def failure_of(steps: list[Step], databases: Databases, folder: Path) -> BaseException | None:
    player = Player(databases(), folder)
    try:
        player.play(steps)
    except Exception as failure:
        return failure
    finally:
        player.close()
    return None


def shrunk(steps: list[Step], databases: Databases, folder: Path, seconds: float) -> list[Step]:
    """Leave out what the failure does not need, for as long as there is time."""
    end = time.monotonic() + seconds
    better = True
    while better:
        better = False
        for candidate in smaller(steps):
            if time.monotonic() > end:
                return steps
            if sound(candidate) and failure_of(candidate, databases, folder):
                steps, better = candidate, True
                break
    return steps


def prove(seeds: range, length: int, databases: Databases, folder: Path, seconds: float) -> int:
    """Play histories until the time is over; return how many."""
    end = time.monotonic() + seconds
    for played, seed in enumerate(seeds):
        if time.monotonic() > end:
            return played
        steps = history(seed, length, POWERS)
        assert sound(steps)
        failure = failure_of(steps, databases, folder)
        if failure:
            small = shrunk(steps, databases, folder, 60)
            raise AssertionError(f"seed {seed}; a smaller history that fails:\n{told(small)}") from failure
    return len(seeds)


POWERS = Powers(rollback=False, force=False, moves=False)


def test_random_histories_leave_what_the_rules_say(databases: Databases, tmp_path: Path) -> None:
    embedded = databases().startswith("chdb")
    assert prove(range(1000), 14, databases, tmp_path, 45 if embedded else 18) >= 1


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_random_histories_for_an_hour(databases: Databases, tmp_path: Path) -> None:
    prove(range(10_000, 100_000), 25, databases, tmp_path, 2400 if databases().startswith("chdb") else 1200)
