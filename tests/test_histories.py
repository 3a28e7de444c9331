"""Random histories of loads and rollbacks leave exactly what the rule book of tests/histories.py says must stand.

Every failure prints its seed and the smallest history found that fails too.
"""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from engine.access.principal import ADMIN
from engine.ingest.facts import DERIVED
from engine.ingest.pipeline import Asked, Receipt
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.warehouse import layout
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.histories import (
    COUNTS,
    DAY,
    MIDNIGHT,
    MOVES,
    File,
    Identity,
    Load,
    Powers,
    Relearn,
    Reopen,
    Rollback,
    RuleBook,
    Said,
    Step,
    Together,
    answer,
    history,
    smaller,
    sound,
    spelled,
    told,
    written,
)  # fmt: skipfrom tests.loading import SCRATCH
from tests.loading import SCRATCH, both_books

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("few_rollups")]

Databases = Callable[[], str]
ZONES = ("America/New_York",)
SPAN = ("2026-09-01", "2026-11-01")
"""All histories lie in it."""
MEASURES = (
    "attempts", "connected", "customer_charge", "provider_charge", "duration", "customer_duration",
    "provider_duration",
)  # fmt: skip
ELSEWHERE = ("sign", "batch", "commit", "content", "joined", "waits", *(name for name in DERIVED if name != "outcome"))
"""Columns of the ledger that no record says, but the one fact that the rule book knows of."""


class Player:
    """Plays a history on a site and compares it with the rule book after every step."""

    def __init__(self, dsn: str, folder: Path, *, chunk_records: int = 1000) -> None:
        self._folder = folder
        self._settings = Settings(database=dsn, rollup_zones=ZONES, chunk_records=chunk_records)
        self.site = Site(self._settings)
        self.book = RuleBook()
        self.batches: dict[int, int] = {}
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

    def do(self, step: Step) -> dict[str, int]:
        """Do one step on both sides; return the counts it was answered with."""
        if isinstance(step, Load):
            return self._load(step)
        if isinstance(step, Rollback):
            undone = self.site.rollback(self.batches[step.label], undo=step.undo)
            found = {name: getattr(undone, name) for name in MOVES}
            assert found == self.book.roll_back(step.label, undo=step.undo), told([step])
            assert undone.batch == self.batches[step.label]
            return found
        if isinstance(step, Together):
            return self._load_together(step)
        if isinstance(step, Relearn):
            self.relearn(step.busy)
            assert self.site.reenrich(*SPAN).changed == 0, "what is right already is posted again"
            return {}
        self.site.close()
        self._settings = structs.replace(self._settings, chunk_records=step.chunk_records)
        self.site = Site(self._settings)
        assert self.site.recovered == []
        return {}

    def relearn(self, busy: str) -> None:
        """Load another outcome map and apply it to every call."""
        before = {identity: said.outcome(self.book.busy) for identity, said in self.book.standing().items()}
        self.teach(busy)
        after = {identity: said.outcome(busy) for identity, said in self.book.standing().items()}
        changed = sum(before[identity] != after[identity] for identity in before)
        made = self.site.reenrich(*SPAN)
        assert (made.changed, made.fields) == (changed, {"outcome": changed} if changed else {})

    def teach(self, busy: str) -> None:
        """Load another outcome map."""
        path = self._folder / "outcomes.csv"
        path.write_text(f"sip_code,outcome\n486,{busy}\n")
        self.site.load_list("outcomes", path, path.name)
        self.book.busy = busy

    def _ingest(self, step: Load) -> Receipt:
        path = self._folder / f"{step.label}.{step.file.container}"
        path.write_text(written(step.file), newline="")
        receipt = self.site.ingest(path, path.name, asked(step))
        self.batches[step.label] = receipt.batch
        return receipt

    def _load_together(self, step: Together) -> dict[str, int]:
        with ThreadPoolExecutor(len(step.loads)) as pool:
            received = pool.map(self._ingest, step.loads)
            receipts = {load.label: receipt for load, receipt in zip(step.loads, received, strict=True)}
        order = sorted(step.loads, key=lambda load: self.batches[load.label])
        rejected = self.book.load_together([(load.label, load.file) for load in order])
        assert {label: receipt.rejected for label, receipt in receipts.items()} == rejected
        for load in step.loads:
            assert receipts[load.label].received == len(load.file.rows)
        return {}

    def _load(self, step: Load) -> dict[str, int]:
        receipt = self._ingest(step)
        found = {name: getattr(receipt, name) for name in COUNTS}
        assert found == self.book.load(step.label, step.file), told([step])
        assert receipt.received == len(step.file.rows)
        return found

    def standing(self, commit: int | None = None) -> dict[Identity, dict[str, Any]]:
        """What stands by the ledger, as of a commit: the sum of its signs by identity and content."""
        own = f"* EXCEPT ({', '.join(ELSEWHERE)})"
        sql = (
            f"SELECT {own}, toUnixTimestamp64Milli(start_time) AS start, sum(sign) AS stands FROM cdr "
            "WHERE commit <= {commit:UInt32} GROUP BY ALL HAVING stands != 0"
        )
        found = self.site.warehouse.query(Statement(sql, {"commit": 2**32 - 1 if commit is None else commit}))
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
        expected = {
            identity: _said(said.fields | {"outcome": said.outcome(self.book.busy)})
            for identity, said in standing.items()
        }
        found = {identity: _said(record) for identity, record in self.standing().items()}
        assert _differences(found, expected) == {}, "found, expected"
        self._seen.append((self.site.watermark(), found))
        self.compare_books()
        self._compare_answers(list(standing.values()))

    def compare_as_of(self) -> None:
        """Rows are only ever added: what stood after any step still can be read."""
        for commit, expected in self._seen:
            found = {identity: _said(record) for identity, record in self.standing(commit).items()}
            assert _differences(found, expected) == {}, f"as of commit {commit}"

    def compare_books(self) -> None:
        tables = layout.tables_of(self.site.catalog, self._settings.zones)
        assert {zone for _, zone, _ in tables} == {"UTC", *ZONES}
        for rollup, zone, table in tables:
            from_ledger, from_rollup = both_books(rollup, zone, table, layout.parts_of(self.site.catalog, rollup))
            assert self._rows(from_ledger) == self._rows(from_rollup), table
        for table in SCRATCH:
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
    return Asked(source=step.file.source, force=step.file.force)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _said(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the fields that say nothing; every time is UTC."""
    return {
        name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in record.items()
        if value is not None and value not in ("", {})
    }


def _differences(
    found: dict[Identity, dict[str, Any]], expected: dict[Identity, dict[str, Any]]
) -> dict[Identity, dict[str, tuple[Any, Any]]]:
    """What is found and what was expected, of the fields that are not the same."""
    return {
        identity: {
            name: (here.get(name), there.get(name)) for name in {*here, *there} if here.get(name) != there.get(name)
        }
        for identity in found.keys() | expected.keys()
        for here, there in [(found.get(identity, {}), expected.get(identity, {}))]
        if here != there
    }


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


def prove(
    seeds: range, length: int, databases: Databases, folder: Path, seconds: float = 3600, *, casts: int = 1
) -> None:
    """Play histories, until the time is over."""
    end = time.monotonic() + seconds
    for seed in seeds:
        if time.monotonic() > end:
            return
        steps = history(seed, length, casts=casts)
        assert sound(steps)
        failure = failure_of(steps, databases, folder)
        if failure:
            small = shrunk(steps, databases, folder, 60)
            raise AssertionError(f"seed {seed}; a smaller history that fails:\n{told(small)}") from failure


def test_random_histories_leave_what_the_rules_say(databases: Databases, tmp_path: Path) -> None:
    # Thirty-two casts in all: a statement costs nearly the same for eight as for one.
    prove(range(3) if databases().startswith("chdb") else range(3, 4), 8, databases, tmp_path, casts=8)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_random_histories_for_an_hour(databases: Databases, tmp_path: Path) -> None:
    prove(range(10_000, 100_000), 25, databases, tmp_path, 2400 if databases().startswith("chdb") else 1200)


# --- histories beside each other ----------------------------------------------------------------------------

Variant = Callable[[list[Step], random.Random], list[Step]]


def in_other_words(steps: list[Step], dice: random.Random) -> list[Step]:
    """The same files with their rows in another order, spelled otherwise, committed in other chunks."""
    varied: list[Step] = []
    for step in steps:
        match step:
            case Load(label, file):
                rows = tuple(dice.sample(file.rows, len(file.rows)))
                file = replace(
                    file, rows=rows, spelling=dice.randrange(10**6), container=dice.choice(("csv", "ndjson"))
                )
                varied += [Load(label, file), Reopen(dice.choice((2, 5, 1000)))]
            case Rollback():
                varied.append(step)
    return varied


def never_loaded(steps: list[Step], _: random.Random) -> list[Step]:
    """The history without the loads that are rolled back in the end."""
    left = _live(steps)
    return [step for step in steps if isinstance(step, Load) and step.label in left]


def rolled_back_last(steps: list[Step], dice: random.Random) -> list[Step]:
    """All loads first, then the rollbacks that last, in any order, some of them undone and done again."""
    left = _live(steps)
    gone = [step.label for step in steps if isinstance(step, Load) and step.label not in left]
    varied: list[Step] = [step for step in steps if isinstance(step, Load)]
    for label in dice.sample(gone, len(gone)):
        varied.append(Rollback(label))
        if dice.random() < 0.3:
            varied += [Rollback(label, undo=True), Rollback(label)]
    return varied


def there_and_back(steps: list[Step], dice: random.Random) -> list[Step]:
    """Then every load that is left is rolled back, and all of them brought back in another order."""
    left = sorted(_live(steps))
    away: list[Step] = [Rollback(label) for label in dice.sample(left, len(left))]
    back: list[Step] = [Rollback(label, undo=True) for label in dice.sample(left, len(left))]
    return [*steps, *away, *back]


def _live(steps: list[Step]) -> set[int]:
    live: dict[int, bool] = {}
    for step in steps:
        match step:
            case Load(label, _):
                live[label] = True
            case Rollback(label, undo):
                live[label] = undo
    return {label for label, stands in live.items() if stands}


VARIANTS = (in_other_words, never_loaded, rolled_back_last, there_and_back)


def end_of(steps: list[Step], databases: Databases, folder: Path) -> dict[Identity, dict[str, Any]]:
    """What stands after the steps."""
    player = Player(databases(), folder)
    try:
        player.play(steps, careful=False)
        return player.standing()
    finally:
        player.close()


def compare_ways(variant: Variant, seed: int, length: int, databases: Databases, folder: Path) -> None:
    steps = history(seed, length, Powers(together=False))  # numbers left to chance have no two equal ways
    varied = variant(steps, random.Random(seed))
    one, other = end_of(steps, databases, folder), end_of(varied, databases, folder)
    assert _differences(one, other) == {}, f"seed {seed}: {told(steps)}\n--- is not ---\n{told(varied)}"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("databases", ["embedded"], indirect=True)
def test_two_ways_to_the_same_end(variant: Variant, databases: Databases, tmp_path: Path) -> None:
    compare_ways(variant, 15, 6, databases, tmp_path)  # four loads, two of them taken back


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("variant", VARIANTS)
def test_two_ways_to_the_same_end_often(variant: Variant, databases: Databases, tmp_path: Path) -> None:
    for seed in range(100, 130):
        compare_ways(variant, seed, 18, databases, tmp_path)


# --- each rule by a small example ---------------------------------------------------------------------------

NOON = MIDNIGHT + DAY // 2
LATER = NOON + DAY
LAST = MIDNIGHT - DAY  # another month


def say(customer: str, revision: int = 0, *, start: int = NOON, **about: Any) -> Said:
    """What a load says of the one call of an example; `customer` tells contents apart."""
    return Said(source="", call_id="call", start=start, customer=customer, revision=revision, **about)


def loaded(label: int, *rows: Said, force: bool = False) -> Load:
    return Load(label, File(rows=rows, force=force))


GONE = {"withdrawn": True}
EXAMPLES: dict[str, tuple[list[Step], dict[int, str], dict[str, int]]] = {
    "the same content again is a duplicate": (
        [loaded(1, say("a")), loaded(2, say("a"))], {NOON: "a"}, {"duplicates": 1}),
    "other content at the same revision corrects": (
        [loaded(1, say("a")), loaded(2, say("b"))], {NOON: "b"}, {"corrections": 1}),
    "what once stood is stale": (
        [loaded(1, say("a")), loaded(2, say("b")), loaded(3, say("a"))], {NOON: "b"}, {"stale": 1}),
    "a lower revision is stale, though it never stood": (
        [loaded(1, say("a", 2)), loaded(2, say("b", 1))], {NOON: "a"}, {"stale": 1}),
    "a withdrawal before its call keeps it from standing": (
        [loaded(1, say("a", 1, **GONE)), loaded(2, say("a"))], {}, {"stale": 1}),
    "a call said after its withdrawal, at the same revision, is newer": (
        [loaded(1, say("a", **GONE)), loaded(2, say("a"))], {NOON: "a"}, {"corrections": 1}),
    "a withdrawal again is a duplicate": (
        [loaded(1, say("a")), loaded(2, say("a", **GONE)), loaded(3, say("a", **GONE))], {}, {"duplicates": 1}),
    "revisions in one file correct each other, in any order": (
        [loaded(1, say("b", 1), say("c", 2), say("a", 0))], {NOON: "c"},
        {"accepted": 1, "corrections": 1, "stale": 1}),
    "two contents at one revision in one file are both rejected, with their repeats": (
        [loaded(1, say("a")), loaded(2, say("b", 1), say("c", 1), say("b", 1), say("d", 0))], {NOON: "d"},
        {"rejected": 3, "corrections": 1}),
    "rolling back the first who said it does not lose the second's": (
        [loaded(1, say("a")), loaded(2, say("a")), Rollback(1)], {NOON: "a"}, {"stayed": 1}),
    "rolling back a correction brings the old content back": (
        [loaded(1, say("a")), loaded(2, say("b")), Rollback(2)], {NOON: "a"}, {"fell_back": 1}),
    "rolling back a withdrawal brings the call back": (
        [loaded(1, say("a")), loaded(2, say("a", **GONE)), Rollback(2)], {NOON: "a"}, {"came": 1}),
    "rolling back what was corrected since changes nothing": (
        [loaded(1, say("a")), loaded(2, say("b")), Rollback(1)], {NOON: "b"}, {"stayed": 1}),
    "once its first deliverer is gone, content takes the place of the second": (
        [loaded(1, say("a")), loaded(2, say("b")), loaded(3, say("a")), Rollback(1)], {NOON: "a"}, {"fell_back": 1}),
    "and gives it up again when the first comes back": (
        [loaded(1, say("a")), loaded(2, say("b")), loaded(3, say("a")), Rollback(1), Rollback(1, undo=True)],
        {NOON: "b"}, {"fell_back": 1}),
    "a file that was rolled back and is loaded again is new": (
        [loaded(1, say("a")), Rollback(1), loaded(2, say("a"))], {NOON: "a"}, {"accepted": 1}),
    "and a duplicate for the one that comes back": (
        [loaded(1, say("a")), Rollback(1), loaded(2, say("a")), Rollback(1, undo=True), Rollback(2)],
        {NOON: "a"}, {"stayed": 1}),
    "--force goes back to older content": (
        [loaded(1, say("a")), loaded(2, say("b")), loaded(3, say("a"), force=True)], {NOON: "a"}, {"corrections": 1}),
    "--force applies a lower revision": (
        [loaded(1, say("a", 5)), loaded(2, say("b", 1), force=True)], {NOON: "b"}, {"corrections": 1}),
    "after --force a plain repeat of what stood before is stale": (
        [loaded(1, say("a", 5)), loaded(2, say("b", 1), force=True), loaded(3, say("a", 5))],
        {NOON: "b"}, {"stale": 1}),
    "after --force a revision between the two is stale": (
        [loaded(1, say("a", 5)), loaded(2, say("b", 1), force=True), loaded(3, say("c", 3))],
        {NOON: "b"}, {"stale": 1}),
    "after --force new content at the highest revision stands": (
        [loaded(1, say("a", 5)), loaded(2, say("b", 1), force=True), loaded(3, say("c", 5))],
        {NOON: "c"}, {"corrections": 1}),
    "a forced withdrawal withdraws": (
        [loaded(1, say("a", 5)), loaded(2, say("b", 1, **GONE), force=True)], {}, {"withdrawn": 1}),
    "rolling back a forced load undoes it": (
        [loaded(1, say("a")), loaded(2, say("b")), loaded(3, say("a"), force=True), Rollback(3)],
        {NOON: "b"}, {"fell_back": 1}),
    "a forced load counts as high as what is left before it": (
        [loaded(1, say("a")), loaded(2, say("b", 5)), loaded(3, say("c"), force=True), loaded(4, say("d", 3)),
         Rollback(2)], {NOON: "d"}, {"fell_back": 1}),
    "forced again, standing content is a duplicate that lasts when the first force goes": (
        [loaded(1, say("a")), loaded(2, say("b")), loaded(3, say("a"), force=True), loaded(4, say("a"), force=True),
         Rollback(3)], {NOON: "a"}, {"stayed": 1}),
    "revisions in one forced file keep their order": (
        [loaded(1, say("z", 9)), loaded(2, say("b", 2), say("a", 1), force=True)], {NOON: "b"},
        {"corrections": 1, "stale": 1}),
    "a move withdraws one start and posts the other": (
        [loaded(1, say("a")), loaded(2, say("b", 1, start=LATER, replaces=NOON))], {LATER: "b"}, {"accepted": 1}),
    "a move across months": (
        [loaded(1, say("a")), loaded(2, say("b", 1, start=LAST, replaces=NOON))], {LAST: "b"}, {"accepted": 1}),
    "a move at the same revision, from a later load, withdraws too": (
        [loaded(1, say("a")), loaded(2, say("b", 0, start=LATER, replaces=NOON))], {LATER: "b"}, {"accepted": 1}),
    "a move at a lower revision withdraws nothing": (
        [loaded(1, say("a", 2)), loaded(2, say("b", 1, start=LATER, replaces=NOON))],
        {NOON: "a", LATER: "b"}, {"accepted": 1}),
    "a move is known before its call": (
        [loaded(1, say("b", 1, start=LATER, replaces=NOON)), loaded(2, say("a"))], {LATER: "b"}, {"stale": 1}),
    "a call said after the move away from it, at the same revision, is newer": (
        [loaded(1, say("b", 0, start=LATER, replaces=NOON)), loaded(2, say("a"))],
        {NOON: "a", LATER: "b"}, {"corrections": 1}),
    "a move onto a known start corrects it": (
        [loaded(1, say("a"), say("c", start=LATER)), loaded(2, say("b", 1, start=LATER, replaces=NOON))],
        {LATER: "b"}, {"corrections": 1}),
    "a chain of moves in one file": (
        [loaded(1, say("c", 2, start=LAST, replaces=LATER), say("a"), say("b", 1, start=LATER, replaces=NOON))],
        {LAST: "c"}, {"accepted": 2, "stale": 1}),
    "a chain of moves over loads, its middle taken back": (
        [loaded(1, say("a")), loaded(2, say("b", 1, start=LATER, replaces=NOON)),
         loaded(3, say("c", 2, start=LAST, replaces=LATER)), Rollback(2)],
        {NOON: "a", LAST: "c"}, {"came": 1, "stayed": 1}),
    "rolling back a move brings the call back": (
        [loaded(1, say("a")), loaded(2, say("b", 1, start=LATER, replaces=NOON)), Rollback(2)],
        {NOON: "a"}, {"went": 1, "came": 1}),
    "a move that contradicts its own file is rejected with what it contradicts": (
        [loaded(1, say("a", 1), say("b", 1, start=LATER, replaces=NOON), say("c", 2, start=LAST))],
        {LAST: "c"}, {"rejected": 2, "accepted": 1}),
    "a rejected move withdraws nothing": (
        [loaded(1, say("a")),
         loaded(2, say("b", 1, start=LATER, replaces=NOON), say("c", 1, start=LATER), say("d", start=LAST))],
        {NOON: "a", LAST: "d"}, {"rejected": 2, "accepted": 1}),
    "a call may move away and back": (
        [loaded(1, say("a")), loaded(2, say("b", 1, start=LATER, replaces=NOON)),
         loaded(3, say("a", 2, start=NOON, replaces=LATER))], {NOON: "a"}, {"corrections": 1}),
    "a withdrawn move withdraws both": (
        [loaded(1, say("a"), say("b", start=LATER)), loaded(2, say("b", 1, start=LATER, replaces=NOON, **GONE))],
        {}, {"withdrawn": 1}),
    "a forced move withdraws whatever stands": (
        [loaded(1, say("a", 7)), loaded(2, say("b", 1, start=LATER, replaces=NOON), force=True)],
        {LATER: "b"}, {"accepted": 1}),
}  # fmt: skip


@pytest.fixture(scope="module")  # the last of the module: a process opens one embedded database at a time
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    player = Player(f"chdb://{tmp_path_factory.mktemp('examples')}", tmp_path_factory.mktemp("files"))
    yield player
    player.close()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_rule(name: str, examples: Player) -> None:
    steps, stands, last = EXAMPLES[name]
    labels = count(max(examples.book.batches, default=0) + 1)
    numbers: dict[int, int] = {}
    for step in steps:
        match step:
            case Load(label, file):  # a call of its own for each example, and labels that rise
                numbers[label] = next(labels)
                rows = tuple(replace(said, source=name) for said in file.rows)
                counts = examples.do(Load(numbers[label], replace(file, rows=rows)))
            case Rollback(label, undo):
                counts = examples.do(Rollback(numbers[label], undo))
    assert {name: number for name, number in counts.items() if number} == last
    for found in (examples.standing(), {identity: said.fields for identity, said in examples.book.standing().items()}):
        assert {start: told["customer"] for (own, *_, start), told in found.items() if own == name} == stands


def test_after_all_the_examples_the_books_agree(examples: Player) -> None:
    examples.compare()
