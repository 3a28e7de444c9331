"""Files dropped into a folder are loaded when they are whole, once, and put where they belong, whatever happens."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from engine.errors import BadRequest, Unavailable
from engine.ingest.batches import Receipt
from engine.ingest.history import every_batch
from engine.ingest.reading import Asked, Request
from engine.ingest.spool import Spool
from engine.settings import Settings, SpoolFolder
from engine.site import Site
from tests.server import Server

ROOT = Path(__file__).resolve().parent.parent
HEADER = "call_id,start_time,number\n"
NUMBER = "442079460000"

_calls = count(1)


def some(calls: int = 1, wrong: int = 0) -> str:
    """A file of calls that no other test has."""
    good = [f"c{next(_calls)},2026-10-01T12:00:00Z,{NUMBER}\n" for _ in range(calls)]
    return HEADER + "".join(good) + f"x,never,{NUMBER}\n" * wrong


class Nobody:
    """A loader that only writes down what it is given."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.failure: Exception | None = None

    def __call__(self, _path: Path, origin: str, _asked: Asked, request: Request) -> Receipt:
        self.asked.append((origin, request.key))
        if self.failure:
            raise self.failure
        return Receipt(1, origin, "canonical", 1, 1, 0, 0, 0, 0, 0)


@pytest.fixture
def drops(tmp_path: Path) -> Path:
    folder = tmp_path / "drops"
    folder.mkdir()
    return folder


def watched(drops: Path, load: Callable[..., Receipt], **how: str) -> Spool:
    """A spool that takes what it has seen once before."""
    return Spool(SpoolFolder(str(drops), **how), Settings(spool_settle_seconds=0), load)


def lying(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


# --- when a file is taken -------------------------------------------------------------------------------


def test_a_file_is_taken_when_it_has_not_changed_for_a_while(drops: Path) -> None:
    loader = Nobody()
    spool = Spool(SpoolFolder(str(drops)), Settings(spool_settle_seconds=0.2), loader)
    (drops / "calls.csv").write_text(HEADER)
    spool.look()
    time.sleep(0.25)
    with (drops / "calls.csv").open("a") as file:
        file.write("a,2026-10-01T12:00:00Z,\n")
    spool.look()
    assert (loader.asked, spool.waiting) == ([], 1)
    time.sleep(0.25)
    spool.look()
    assert [origin for origin, _ in loader.asked] == ["calls.csv"]
    assert (lying(drops), spool.waiting) == (["done/calls.csv"], 0)


def test_what_is_hidden_unfinished_or_no_file_stays(drops: Path) -> None:
    loader = Nobody()
    for name in (".calls.csv", "calls.csv.tmp", "calls.csv.part", "calls.csv.filepart"):
        (drops / name).write_text(some())
    (drops / "folder.csv").mkdir()
    (drops / "link.csv").symlink_to("/etc/hosts")
    os.mkfifo(drops / "pipe.csv")
    watched(drops, loader).look()
    assert loader.asked == []
    (drops / "calls.csv.part").rename(drops / "calls.csv")
    watched(drops, loader).look()
    assert [origin for origin, _ in loader.asked] == ["calls.csv"]


def test_the_oldest_comes_first(drops: Path) -> None:
    loader = Nobody()
    for name, age in (("a.csv", 10), ("b.csv", 30), ("c.csv", 20)):
        (drops / name).write_text(some())
        os.utime(drops / name, (time.time() - age, time.time() - age))
    watched(drops, loader).look()
    assert [origin for origin, _ in loader.asked] == ["b.csv", "c.csv", "a.csv"]


def test_a_name_may_be_used_again_and_nothing_is_overwritten(drops: Path) -> None:
    loader = Nobody()
    spool = watched(drops, loader)
    texts = [some(), some(), some()]
    for text in texts:
        (drops / "calls.csv.gz").write_text(text)
        spool.look()
    assert lying(drops) == ["done/calls-2.csv.gz", "done/calls-3.csv.gz", "done/calls.csv.gz"]
    assert {(drops / "done" / name).read_text() for name in lying(drops / "done")} == set(texts)
    assert len({key for _, key in loader.asked}) == 3


def test_a_file_that_changes_while_it_is_loaded_is_loaded_again(drops: Path) -> None:
    loader = Nobody()

    def slow(path: Path, origin: str, asked: Asked, request: Request) -> Receipt:
        if not loader.asked:
            with path.open("a") as file:
                file.write("late,2026-10-01T12:00:00Z,\n")
        return loader(path, origin, asked, request)

    spool = watched(drops, slow)
    (drops / "calls.csv").write_text(some())
    spool.look()
    assert lying(drops) == ["calls.csv"]
    spool.look()
    assert lying(drops) == ["done/calls.csv"]
    assert len({key for _, key in loader.asked}) == 2


def test_while_the_database_is_away_files_wait_and_are_not_asked_about_every_second(
    drops: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loader = Nobody()
    loader.failure = Unavailable("database_unreachable", "no ClickHouse answers")
    spool = watched(drops, loader)
    (drops / "calls.csv").write_text(some())
    for _ in range(5):
        spool.look()
    assert (len(loader.asked), lying(drops), spool.waiting) == (1, ["calls.csv"], 1)
    assert "calls.csv stays, and is tried again in 2 s: no ClickHouse answers" in caplog.text
    loader.failure = None
    time.sleep(2.1)
    spool.look()
    assert lying(drops) == ["done/calls.csv"]
    assert len({key for _, key in loader.asked}) == 1, "it is the same request"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"path": "nowhere"}, "spool: cannot use .*nowhere: No such file"),
        ({"dialect": "asterix"}, "there is no dialect 'asterix'"),
        ({"dialect": "asterisk"}, "asterisk writes local times"),
    ],
)
def test_a_folder_that_cannot_work_is_told_at_once(drops: Path, how: dict[str, str], told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        Spool(SpoolFolder(**{"path": str(drops), **how}), Settings(), Nobody())


# --- into a database ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('spool')}")) as site:
        yield site


def into(site: Site) -> Callable[..., Receipt]:
    return lambda path, origin, asked, request: site.ingest(path, origin, asked, request=request)


@pytest.mark.engine
def test_files_are_loaded_and_put_where_they_belong(
    embedded: Site, drops: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tollhouse")
    (drops / "some-wrong.csv").write_text(some(2, wrong=1))
    (drops / "all-wrong.csv").write_text(some(0, wrong=2))
    (drops / "empty.csv").write_text("")
    with zipfile.ZipFile(drops / "both.zip", "w") as archive:
        archive.writestr("good.csv", some(3))
        archive.writestr("bad.csv", HEADER)
    spool = watched(drops, into(embedded), source="pbx-1")
    spool.look()

    assert lying(drops) == [
        "done/some-wrong.csv",
        "failed/all-wrong.csv",
        "failed/all-wrong.csv.why",
        "failed/both.zip",
        "failed/both.zip.why",
        "failed/empty.csv",
        "failed/empty.csv.why",
    ]
    why = (drops / "failed" / "both.zip.why").read_text().splitlines()
    assert why[0] == "both.zip/bad.csv holds no record (check the export)"
    assert why[1].endswith("both.zip/good.csv as canonical: 3 received, 3 accepted, 0 rejected")
    assert (spool.taken.done, spool.taken.failed, spool.taken.rejected) == (1, 3, 1)
    assert "some-wrong.csv as canonical: 3 received, 2 accepted, 1 rejected" in caplog.text
    assert NUMBER not in caplog.text + "".join(file.read_text() for file in (drops / "failed").glob("*.why"))
    loaded = {
        batch.origin: (batch.source, batch.accepted) for batch in every_batch(embedded.warehouse) if batch.accepted
    }
    assert loaded == {"some-wrong.csv": ("pbx-1", 2), "both.zip/good.csv": ("pbx-1", 3)}


@pytest.mark.engine
def test_what_failed_is_loaded_once_it_is_mended_and_put_back(embedded: Site, drops: Path) -> None:
    spool = watched(drops, into(embedded))
    with zipfile.ZipFile(drops / "both.zip", "w") as archive:
        archive.writestr("good.csv", some(1))
        archive.writestr("mended.csv", "a,b\n1,2\n")
    spool.look()
    (drops / "failed" / "both.zip.why").unlink()
    (drops / "failed" / "both.zip").unlink()
    with zipfile.ZipFile(drops / "both.zip", "w") as archive:
        archive.writestr("good.csv", some(1))
        archive.writestr("mended.csv", some(1))
    spool.look()
    assert lying(drops) == ["done/both.zip"]


@pytest.mark.engine
def test_a_file_that_is_dropped_again_after_its_load_was_taken_back_is_loaded(embedded: Site, drops: Path) -> None:
    (drops / "calls.csv").write_text(some(2))
    spool = watched(drops, into(embedded), source="again")
    spool.look()
    first = max(batch.id for batch in every_batch(embedded.warehouse))
    embedded.rollback(first)
    (drops / "done" / "calls.csv").rename(drops / "calls.csv")
    spool.look()
    newest = next(every_batch(embedded.warehouse))
    assert (newest.state, newest.accepted, newest.id > first) == ("loaded", 2, True)


# --- a process that dies --------------------------------------------------------------------------------

DIES = """
import json, os, signal, sys
from pathlib import Path
from engine.ingest import batches, ledger, spool
from engine.ingest.history import every_batch
from engine.settings import Settings, SpoolFolder
from engine.site import Site
from engine.statement import Statement

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

database, drops, moment = sys.argv[1:]
settings = Settings(database=database, spool=(SpoolFolder(drops, source="pbx-1"),), spool_settle_seconds=0)
with Site(settings) as site:
    moments = {
        "read": (ledger.Ledger, "commit_chunk"),
        "committed": (batches.Batches, "close"),
        "loaded": (spool.Spool, "_put_away"),
        "about to be moved": (Path, "rename"),
    }
    if moment in moments:
        setattr(*moments[moment], die)
    site.spools[0].look()
    loaded = [batch for batch in every_batch(site.warehouse) if batch.state != "failed"]
    said = [[batch.origin, batch.accepted, batch.duplicates, batch.rejected] for batch in loaded]
    counts = "SELECT (SELECT count() FROM cdr), (SELECT sum(sign) FROM cdr), (SELECT count() FROM rejects)"
    print(json.dumps([sorted(said), site.warehouse.query(Statement(counts)).rows]))
"""


@pytest.mark.engine
@pytest.mark.parametrize("moment", ["read", "committed", "loaded", "about to be moved"])
def test_a_killed_process_neither_loses_a_file_nor_loads_it_twice(drops: Path, tmp_path: Path, moment: str) -> None:
    database = f"chdb://{tmp_path / 'database'}"
    (drops / "calls.csv").write_text(some(5, wrong=1))
    with zipfile.ZipFile(drops / "both.zip", "w") as archive:
        archive.writestr("a.csv", some(2))
        archive.writestr("b.csv", some(2))
    os.utime(drops / "both.zip", (1, 1))  # the older one
    for again in (moment, moment, "never"):  # killed again while it goes on
        ran = subprocess.run(
            [sys.executable, "-c", DIES, database, str(drops), again], cwd=ROOT, capture_output=True, timeout=120
        )
        if again == moment:
            assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()
            assert lying(drops) == ["both.zip", "calls.csv"]
    assert lying(drops) == ["done/both.zip", "done/calls.csv"]
    batches, counts = json.loads(ran.stdout)
    assert batches == [["both.zip/a.csv", 2, 0, 0], ["both.zip/b.csv", 2, 0, 0], ["calls.csv", 5, 0, 1]]
    assert counts == [[9, 9, 1]]


# --- the program ----------------------------------------------------------------------------------------


@pytest.mark.engine
def test_a_server_takes_what_is_dropped_and_the_command_goes_on_where_it_stopped(drops: Path, tmp_path: Path) -> None:
    folders = json.dumps([{"path": str(drops), "source": "pbx-1"}])
    database = f"chdb://{tmp_path / 'database'}"
    with Server(database, spool=folders, spool_settle_seconds="0.1") as server, server.client() as client:
        assert f"Files dropped into {drops} are loaded" in server.said
        (drops / ".calls.csv").write_text(some(4, wrong=1))
        (drops / ".calls.csv").rename(drops / "calls.csv")
        deadline = time.monotonic() + 30
        while not (drops / "done" / "calls.csv").exists():
            assert time.monotonic() < deadline, server.said
            time.sleep(0.05)
        assert client.get("/readyz").text == "ready at commit 1\nspool drops: 0 waiting, 1 done, 0 failed\n"
        (batch,) = client.get("/api/v1/batches").json()["items"]
        assert (batch["origin"], batch["source"], batch["accepted"]) == ("calls.csv", "pbx-1", 4)
        assert NUMBER not in server.said
        far = tmp_path / "far"
        far.mkdir()
        (far / "sent.csv").write_text(some(2))
        sent = run(tmp_path, "--url", server.url, folder=far)
        assert (sent.stdout, sent.returncode) == (b"1 file done, 0 failed, 0 waiting\n", 0)
        assert client.get("/api/v1/batches").json()["items"][0]["origin"] == "sent.csv"
    (drops / "more.csv").write_text(some(1, wrong=1))
    once = run(tmp_path, folder=drops)
    assert (once.stdout, once.returncode) == (b"1 file done, 0 failed, 0 waiting\n", 1)
    assert b"more.csv as canonical: 2 received, 1 accepted, 1 rejected" in once.stderr


def run(at: Path, *words: str, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    (at / "tollhouse.toml").write_text(f'spool_settle_seconds = 0.1\n[[spool]]\npath = "{folder}"\n')
    plain = {name: text for name, text in os.environ.items() if not name.startswith("TOLLHOUSE_")}
    return subprocess.run(
        [sys.executable, "-c", "from web.cli import main; main()", "spool", "--once", *words],
        cwd=at,
        env={**plain, "PYTHONPATH": str(ROOT), "TOLLHOUSE_DATABASE": f"chdb://{at / 'database'}"},
        capture_output=True,
        timeout=120,
    )
