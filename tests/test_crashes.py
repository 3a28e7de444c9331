"""Whatever dies, and at whatever statement, the next start leaves the batch whole or as if it had never been.

The matrix: a load, a rollback and its undoing; the loader killed with signal 9 on either kind of database, and
on a server the ClickHouse process itself; before, during and after every statement that writes. Statements are
counted as they come, so one that is added to the protocol is covered without a change here.
"""

import os
import random
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Conflict, TollhouseError
from engine.ingest.pipeline import Asked
from engine.statement import Statement
from engine.warehouse.gateway import Warehouse
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.histories import COUNTS, DAY, MIDNIGHT, File, Load, Rollback, Said, written
from tests.test_histories import SPAN, ZONES, Player
from tests.victim import METHODS, MOMENTS, Death
from tests.victims import Victims

pytestmark = pytest.mark.engine

CHUNK = 8


def _calls() -> Iterator[Said]:
    for number in range(12):
        start = MIDNIGHT - DAY + number * DAY // 5  # both months, all days
        charge = Decimal(number + 1) / 100 if number % 4 else None
        yield Said(
            source="switch", call_id=f"call-{number}", start=start, duration=1000 * number,
            customer=f"customer-{number % 2}", customer_charge=charge, provider_charge=charge,
            sip_code=486 if number in (0, 3, 5, 7) else None, answered=False if number in (3, 5, 7) else None,
        )  # fmt: skip


CALLS = list(_calls())
FIRST = File(rows=tuple(CALLS[:8]), source="switch")
SECOND = File(
    rows=(
        CALLS[0],  # a duplicate
        CALLS[8],
        replace(CALLS[1], customer_charge=Decimal("9.5")),  # a correction
        replace(CALLS[9], unreadable=True),
        replace(CALLS[2], revision=2, duration=5),
        replace(CALLS[2], revision=1, duration=6),  # stale by then
        replace(CALLS[3], withdrawn=True),
        replace(CALLS[10], withdrawn=True, revision=1),  # before its call
        CALLS[10],
        replace(CALLS[4], start=MIDNIGHT + 2 * DAY, replaces=CALLS[4].start, revision=1),  # a move to another month
        replace(CALLS[11], customer="here"),
        replace(CALLS[11], customer="there"),  # which contradicts the one above
        # the last chunk
        replace(CALLS[5], customer="somebody-else"),
        replace(CALLS[8], duration=77, revision=3),
    ),
    source="switch",
)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    started = Victims()
    yield started
    started.end()


@pytest.fixture(scope="module")
def server() -> Iterator[ClickHouseProcess]:
    """A server of our own to kill."""
    with ClickHouseProcess() as process:
        yield process


class Scene:
    """A database with one load, or two, on which something is about to die."""

    def __init__(self, dsn: str, folder: Path, what: str) -> None:
        self.dsn = dsn
        self.folder = folder
        self.what = what
        self.gone_on: int | None = None
        self.path = folder / "2.csv"
        self.path.write_text(written(SECOND), newline="")

    def prepare(self) -> None:
        player = Player(self.dsn, self.folder, chunk_records=CHUNK)
        try:
            for step in self.before():
                player.do(step)
            if self.what == "reenrich":
                player.teach("rejected")
        finally:
            player.close()

    def before(self) -> list[Load | Rollback]:
        steps: list[Load | Rollback] = [Load(1, FIRST)]
        if self.what in ("rollback", "undo", "reenrich"):
            steps.append(Load(2, SECOND))
        if self.what == "undo":
            steps.append(Rollback(2))
        return steps

    def job(self, number: int, moment: str) -> dict[str, Any]:
        return {
            "database": self.dsn, "chunk_records": CHUNK, "rollup_zones": ZONES, "what": self.what,
            "path": str(self.path), "source": SECOND.source, "batch": 2, "number": number, "moment": moment,
            "span": SPAN,
            "after_seconds": random.Random(number).choice((0.0005, 0.001, 0.002, 0.004, 0.008)),
        }  # fmt: skip

    @staticmethod
    def state(player: Player) -> str:
        sql = "SELECT argMax(state, time) FROM batch_log WHERE batch = 2"
        return str(player.site.warehouse.value(Statement(sql)))

    def go_on(self, player: Player) -> None:
        """Do it again in the process that saw it fail."""
        if self.what == "load":
            self.gone_on = player.site.ingest(self.path, self.path.name, Asked(source=SECOND.source)).batch
        elif self.what == "reenrich":
            player.site.reenrich(*SPAN)
        else:
            with suppress(Conflict):  # it may have been finished on the way
                self.gone_on = player.site.rollback(2, undo=self.what == "undo").batch

    def check(self) -> str:
        """Open what was left behind; return whether the batch is as it was before, or as it was to be.

        Nothing is lost, nothing is there twice, the books are equal; what broke off can be done again.
        """
        player = Player(self.dsn, self.folder, chunk_records=CHUNK)
        try:
            return self._check_facts(player) if self.what == "reenrich" else self._check(player)
        finally:
            player.close()

    def _check_facts(self, player: Player) -> str:
        """Each call has the facts of before or those of now, and each once; made again, all have those of now."""
        book = player.book
        for step in self.before():
            assert isinstance(step, Load)
            book.load(step.label, step.file)
            player.batches[step.label] = step.label
        found = {identity: record["outcome"] for identity, record in player.standing().items()}
        was, becomes = (
            {identity: said.outcome(busy) for identity, said in book.standing().items()}
            for busy in ("busy", "rejected")
        )
        assert found.keys() == was.keys()
        assert all(outcome in (was[identity], becomes[identity]) for identity, outcome in found.items())
        player.compare_books()
        book.busy = "rejected"
        player.site.reenrich(*SPAN)
        player.compare()
        player.do(Rollback(2))  # and so has what it replaced and took back
        player.compare()
        return "finished" if found == becomes else "never was" if found == was else "in part"

    def _check(self, player: Player) -> str:
        book = player.book
        for step in self.before():
            book.load(step.label, step.file) if isinstance(step, Load) else book.roll_back(step.label, undo=step.undo)
        player.batches |= {1: 1, 2: 2}
        state = self.state(player)
        finished = {"load": "loaded", "rollback": "rolled_back", "undo": "loaded"}[self.what] == state
        if self.what == "load":
            counts = book.load(2, SECOND)
            if finished:
                [receipt] = [receipt for receipt in receipts(player) if receipt["batch"] == 2]
                assert receipt == {"batch": 2, **counts}
            else:
                assert state in ("failed", "")
                book.batches[2].live = False
            if self.gone_on not in (None, 2):
                book.load(3, SECOND)
                player.batches[3] = self.gone_on
        elif finished:
            book.roll_back(2, undo=self.what == "undo")
        else:
            assert state == {"rollback": "loaded", "undo": "rolled_back"}[self.what]
            assert self.gone_on is None
        player.compare()
        # Again, whether it is needed or not: everything ends as if nothing had happened.
        if self.what == "load":
            player.do(Load(4, SECOND))
        else:
            if not finished:
                player.do(Rollback(2, undo=self.what == "undo"))
            player.do(Rollback(2, undo=self.what == "rollback"))
        player.compare()
        return "finished" if finished else "never was"


def receipts(player: Player) -> list[dict[str, int]]:
    """The counts of every loaded batch."""
    sql = f"SELECT batch, {', '.join(COUNTS)} FROM batch_log WHERE state = 'loaded'"
    rows = player.site.warehouse.query(Statement(sql)).rows
    return [dict(zip(("batch", *COUNTS), map(int, row), strict=True)) for row in rows]


# --- the loader dies ----------------------------------------------------------------------------------------

WHATS = ("load", "rollback", "undo", "reenrich")


def _big(statement: str) -> bool:
    """Whether it writes to several tables one after the other, so that its middle is a place of its own."""
    return "INTO cdr" in statement or "_v1_" in statement


def _deaths(statements: list[str]) -> Iterator[tuple[int, str]]:
    """One death between each two kinds of statement, one amid each kind of big insert, and one at the end.

    What comes again with every commit is tried in the last of them, when others are complete already. Between two
    droppings of scratch there is nothing to lose. The long profile dies at every statement.
    """
    places: dict[tuple[str, ...], tuple[int, str]] = {}
    before = ""
    for number, statement in enumerate(statements, 1):
        kind = re.sub(r"\d+", "", statement)
        if not (kind.startswith("ALTER") and before.startswith("ALTER")):
            places[before, kind] = number, "before"
        if _big(statement):
            places[(kind,)] = number, "middle"
        before = kind
    yield from sorted(places.values())
    yield len(statements), "after"


def _every_death(statements: list[str]) -> Iterator[tuple[int, str]]:
    return ((number, moment) for number in range(1, len(statements) + 1) for moment in MOMENTS)


class Embedded:
    """Embedded databases, copied from one that was prepared."""

    def __init__(self, what: str, folder: Path) -> None:
        self._what, self._folder = what, folder
        self._prepared = folder / "prepared"
        Scene(f"chdb://{self._prepared}", folder, what).prepare()
        self._copies = 0

    def scene(self) -> Scene:
        self._copies += 1
        copy = self._folder / f"copy-{self._copies}"
        shutil.copytree(self._prepared, copy, symlinks=True)
        return Scene(f"chdb://{copy}", self._folder, self._what)

    def forget(self) -> None:
        shutil.rmtree(self._folder / f"copy-{self._copies}")


class OnServer:
    """Databases of a server, each prepared anew."""

    def __init__(self, what: str, folder: Path, process: ClickHouseProcess) -> None:
        self._what, self._folder, self._process = what, folder, process

    def scene(self) -> Scene:
        scene = Scene(fresh_database(self._process), self._folder, self._what)
        scene.prepare()
        return scene

    def forget(self) -> None:
        pass


def kill_loaders(scenes: Embedded | OnServer, victims: Victims, deaths: Any) -> set[str]:
    statements = victims.run(**scenes.scene().job(0, "before"))
    scenes.forget()
    outcomes = set()
    for number, moment in deaths(statements):
        scene = scenes.scene()
        try:
            begun = victims.run(**scene.job(number, moment))
            assert begun == statements[:number]
            outcomes.add(scene.check())
        except AssertionError as failure:
            failure.add_note(f"{scene.what} killed {moment} statement {number} of {statements}")
            raise
        scenes.forget()
    return outcomes


@pytest.mark.timeout(900)
def test_a_loader_killed_at_statements_of_every_kind(victims: Victims, tmp_path: Path) -> None:
    def every_third(statements: list[str]) -> list[tuple[int, str]]:
        places = list(_deaths(statements))
        return sorted({*places[::3], *_some_deaths(statements), places[-1]})

    assert kill_loaders(Embedded("load", tmp_path), victims, every_third) == {"never was", "finished"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("what", "turn"), [("rollback", 0), ("undo", 1)])
def test_a_rollback_killed_at_statements_of_every_kind(what: str, turn: int, victims: Victims, tmp_path: Path) -> None:
    # Both are made by the same statements, so they share the places to die at.
    def every_fifth(statements: list[str]) -> list[tuple[int, str]]:
        return list(_deaths(statements))[turn::5]

    assert "finished" in kill_loaders(Embedded(what, tmp_path), victims, every_fifth)


@pytest.mark.timeout(900)
def test_a_reenrichment_killed(victims: Victims, tmp_path: Path) -> None:
    """Where it differs from a rollback; what they share is proven there, and all of it in the long profile."""

    def places(statements: list[str]) -> Iterator[tuple[int, str]]:
        def found(words: str) -> list[int]:
            return [number for number, statement in enumerate(statements, 1) if words in statement]

        yield found("INTO commit_log")[2], "after"  # the second commit is decided
        yield len(statements), "before"

    outcomes = kill_loaders(Embedded("reenrich", tmp_path), victims, places)
    assert outcomes == {"in part", "finished"}


@pytest.mark.timeout(900)
def test_a_loader_killed_on_a_server(victims: Victims, server: ClickHouseProcess, tmp_path: Path) -> None:
    assert kill_loaders(OnServer("load", tmp_path, server), victims, _some_deaths)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("where", ["embedded", "http"])
@pytest.mark.parametrize("what", WHATS)
def test_a_loader_killed_at_any_moment_of_any_statement(
    what: str, where: str, victims: Victims, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    scenes = (
        Embedded(what, tmp_path) if where == "embedded" else OnServer(what, tmp_path, request.getfixturevalue("server"))
    )
    assert kill_loaders(scenes, victims, _every_death) >= {"never was", "finished"}


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_killed_again_while_recovering(victims: Victims, tmp_path: Path) -> None:
    """The one who finishes what another left open may die of it too."""
    prepared = Embedded("load", tmp_path)
    statements = victims.run(**prepared.scene().job(0, "before"))
    prepared.forget()
    posted = [number for number, statement in enumerate(statements, 1) if _big(statement)]
    for number in (posted[0], posted[-1] + 1):
        for again in range(1, 100):
            scene = prepared.scene()
            victims.run(**scene.job(number, "middle"))
            if not victims.dies(**scene.job(again, "before") | {"what": "open"}):
                break
            scene.check()
            prepared.forget()


@pytest.mark.timeout(600)
def test_a_number_that_is_given_again_brings_nothing_of_its_first_file(victims: Victims, tmp_path: Path) -> None:
    """A loader dies before its batch is in the log, the next start dies while it clears up."""
    prepared = Embedded("load", tmp_path)
    statements = victims.run(**prepared.scene().job(0, "before"))
    prepared.forget()
    noted = next(number for number, statement in enumerate(statements, 1) if "INTO batch_log" in statement)
    scene = prepared.scene()
    victims.run(**scene.job(noted, "before"))
    clears_up = victims.run(**scene.job(0, "before") | {"what": "open"})
    prepared.forget()
    # The other file contradicts itself too, in other rows.
    other = File(rows=SECOND.rows[::-1], source="switch")
    for again in (number for number, statement in enumerate(clears_up, 1) if not statement.startswith("CREATE")):
        scene = prepared.scene()
        victims.run(**scene.job(noted, "before"))
        victims.run(**scene.job(again, "before") | {"what": "open"})
        player = Player(scene.dsn, tmp_path, chunk_records=CHUNK)
        try:
            player.book.load(1, FIRST)
            player.do(Load(2, other))
            player.compare()
        except AssertionError as failure:
            failure.add_note(f"killed before statement {noted} of a load, then before {clears_up[again - 1]}")
            raise
        finally:
            player.close()
        prepared.forget()


# --- the server dies ----------------------------------------------------------------------------------------


def _some_deaths(statements: list[str]) -> Iterator[tuple[int, str]]:
    """The places that differ most: amid reading, deciding, posting, and around what makes a commit final."""
    for words, moment in (
        ("INTO staging", "middle"),
        ("INTO decisions", "after"),
        ("INTO commit_log", "after"),
        ("INTO cdr", "middle"),
    ):
        found = [number for number, statement in enumerate(statements, 1) if words in statement]
        yield found[-1], moment


def kill_server(what: str, server: ClickHouseProcess, folder: Path, deaths: Any, patch: pytest.MonkeyPatch) -> None:
    """Kill the server at statements of the job, start it again, and look from the same process or from a new one."""
    statements: list[str] = _run_until(
        OnServer(what, folder, server).scene(), 0, "before", server, patch, goes_on=False
    )
    for turn, (number, moment) in enumerate(deaths(statements)):
        scene = OnServer(what, folder, server).scene()
        try:
            begun = _run_until(scene, number, moment, server, patch, goes_on=turn % 2 == 1)
            assert begun[:number] == statements[:number]
        except AssertionError as failure:
            failure.add_note(f"server killed {moment} statement {number} of {statements} during {what}")
            raise


def _run_until(
    scene: Scene, number: int, moment: str, server: ClickHouseProcess, patch: pytest.MonkeyPatch, *, goes_on: bool
) -> list[str]:
    """Run the scene's job and kill the server at its n-th statement; check what is left. Return the statements."""
    killed = threading.Event()

    def kill() -> None:
        if not killed.is_set():
            killed.set()
            os.kill(server.pid, signal.SIGKILL)

    job = scene.job(number, moment)
    death = Death(number, moment, kill, after_seconds=job["after_seconds"])
    player = Player(scene.dsn, scene.folder, chunk_records=CHUNK)
    try:
        with patch.context() as patched:
            for name in METHODS:
                patched.setattr(Warehouse, name, death.wrapped(getattr(Warehouse, name)))
            death.arm()
            with pytest.raises(TollhouseError) if number else nullcontext():
                if scene.what == "load":
                    player.site.ingest(scene.path, scene.path.name, Asked(source=SECOND.source))
                elif scene.what == "reenrich":
                    player.site.reenrich(*SPAN)
                else:
                    player.site.rollback(2, undo=scene.what == "undo")
        if number:
            assert killed.is_set()
            server.kill()  # and take note of it
            server.start()
            if goes_on:
                scene.go_on(player)
    finally:
        player.close()
    if number:
        scene.check()
    return death.statements


@pytest.mark.timeout(900)
def test_the_server_killed_during_a_load(
    server: ClickHouseProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_server("load", server, tmp_path, _some_deaths, monkeypatch)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("what", WHATS)
def test_the_server_killed_at_any_statement(
    what: str, server: ClickHouseProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_server(what, server, tmp_path, _every_death, monkeypatch)
