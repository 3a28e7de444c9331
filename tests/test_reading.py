"""Whoever reads while files are loaded, merged and taken back sees the ledger as it was at one commit, exactly."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.access.principal import ADMIN
from engine.errors import TollhouseError
from engine.query import question, render
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import Traffic, write
from tests.loading import assert_books_agree, load, rows

pytestmark = pytest.mark.engine

START, DAYS = date(2026, 9, 20), 20
QUESTIONS: list[dict[str, Any]] = [
    {"rows": ["customer"], "from": "2026-09-20", "to": "2026-10-10"},
    {"rows": [], "from": "2026-09-20", "to": "2026-10-10", "calls": "final"},
    {"rows": ["provider", "month"], "from": "2026-09-21T07:30", "to": "2026-10-09T11:45"},
    {"rows": ["day"], "from": "2026-09-25", "to": "2026-10-03", "where": [{"field": "asr", "op": "gt", "values": [1]}]},
]
MEASURES = ["attempts", "connected", "duration", "customer_charge", "provider_charge", "dtmf_digits"]


def reader(site: Site, seed: int, seen: Counter[int], wrong: list[str], going_on: Callable[[], bool]) -> None:
    """Ask and ask again; each answer must be what the ledger alone says of its own commit."""
    dice = random.Random(seed)
    width = len(MEASURES)
    while going_on() and not wrong:
        asked = question.of({**dice.choice(QUESTIONS), "measures": MEASURES, "currency": "native"})
        try:
            routed = site.ask(asked, ADMIN)
            resolved = site.desk.resolve(asked, ADMIN)
            ledger = site.desk.route(resolved, routed.as_of, ledger_only=True)
            alone = site.warehouse.query(render.rows(resolved, ledger, site.catalog, routed.as_of.commit, 10_000))
        except TollhouseError as failure:
            if failure.code != "mixed_currency":
                wrong.append(f"{asked}: {failure}")
            continue
        wide = len(asked.rows or ()) + width
        if [row[:wide] for row in _plain(alone.rows)] != [row[:wide] for row in _plain(routed.rows)]:
            wrong.append(f"at commit {routed.as_of.commit} from {routed.source}: {asked}")
        seen[routed.as_of.commit] += 1


def _plain(found: Any) -> list[tuple[Any, ...]]:
    """Money and durations compare as the numbers they are."""
    return [tuple(_number(value) for value in row) for row in found]


def _number(value: Any) -> Any:
    with suppress(ValueError, TypeError):
        return float(value)
    return value


def merge(site: Site, going_on: Callable[[], bool]) -> None:
    """Force merges all the time: they are what mixes commits in a rollup's rows."""
    tables = [name for (name,) in rows(site, "SHOW TABLES LIKE 'breakout_day_%'") if not name.endswith("_feed")]
    while going_on():
        for table in [*tables, "cdr"]:
            with suppress(TollhouseError):  # a merge that another one is at already
                site.warehouse.command(Statement(f"OPTIMIZE TABLE {table}"))


def change(site: Site, files: list[Path], rounds: int) -> None:
    """Load files in small commits, load them again, take them back and give them again."""
    for _ in range(rounds):
        batches = [load(site, path, "reading").batch for path in files]
        site.rollback(batches[0])
        site.rollback(batches[-1])
        site.rollback(batches[0], undo=True)


def three_files(site: Site, folder: Path) -> list[Path]:
    paths = [folder / f"{seed}.csv" for seed in range(3)]
    for seed, path in enumerate(paths):
        write(Traffic(700, DAYS, seed, START, euro=False), site.warehouse, path, None)
    return paths


def _disagreements(site: Site, files: list[Path], rounds: int, readers: int) -> Counter[int]:
    site.loader._settings = replace(site.settings, chunk_records=250)
    seen: Counter[int] = Counter()
    wrong: list[str] = []
    failures: list[BaseException] = []
    changing = threading.Event()

    def changes() -> None:
        try:
            change(site, files, rounds)
        except BaseException as failure:  # the main thread raises it
            failures.append(failure)
        finally:
            changing.set()

    def going_on() -> bool:
        return not changing.is_set()

    threads = [threading.Thread(target=reader, args=(site, n, seen, wrong, going_on)) for n in range(readers)]
    threads += [threading.Thread(target=merge, args=(site, going_on)), threading.Thread(target=changes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    site.loader._settings = site.settings
    assert not failures, failures
    assert not wrong, wrong[0]
    assert len(seen) > 10, "the readers saw hardly any commit come"
    assert_books_agree(site)
    return seen


@pytest.mark.server_nightly
def test_reads_while_files_are_loaded_merged_and_taken_back(site: Site, tmp_path: Path) -> None:
    files = three_files(site, tmp_path)
    seen = _disagreements(site, files, rounds=1, readers=2)
    assert seen.total() > 30


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_thousands_of_reads_while_files_are_loaded_merged_and_taken_back(tmp_path: Path) -> None:
    with Site(Settings(database=f"chdb://{tmp_path / 'database'}")) as site:
        files = three_files(site, tmp_path)
        total = 0
        while total < 5_000:
            total += _disagreements(site, files, rounds=2, readers=4).total()


@pytest.mark.server_nightly  # what is pruned is the same there
def test_a_record_whose_clock_is_ninety_days_off_does_not_slow_its_chunk(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its identity is looked up in its own hour; the hours of ninety days between are not read."""
    many = tmp_path / "many.csv"
    write(Traffic(120_000, 100, 4, date(2026, 5, 1), euro=False), site.warehouse, many, None)
    load(site, many, "many")
    whole = int(rows(site, "SELECT count() FROM cdr")[0][0])
    read: list[int] = []
    commands = type(site.warehouse).command

    def counting(self: Any, statement: Statement) -> None:
        _, found, looked_up = statement.sql.partition("INSERT INTO told\n")
        if found:
            read.append(self.query(Statement(looked_up, statement.parameters)).rows_read)
        commands(self, statement)

    header = "call_id,start_time\n"
    usual = [f"u{n},2026-08-05T10:{n % 60:02}:00Z\n" for n in range(500)]
    monkeypatch.setattr(type(site.warehouse), "command", counting)
    for name, records in (("usual", usual), ("off", [*usual, "off,2026-05-07T10:00:00Z\n"])):
        path = tmp_path / f"{name}.csv"
        path.write_text(header + "".join(records))
        load(site, path, f"clock-{name}")
    right_clock, wrong_clock = read
    granule = 8192
    assert right_clock < whole / 3, "the look-up is not pruned at all, so this shows nothing"
    assert wrong_clock <= right_clock + 4 * granule
