"""A loader that dies, whenever it dies, leaves a database that the next start makes whole and exact."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.traffic import Traffic, write
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database

pytestmark = pytest.mark.engine

LOADER = """
import sys
from pathlib import Path
from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
with Site(Settings(database=sys.argv[1], chunk_records=600)) as site:
    print("open", flush=True)
    site.ingest(Path(sys.argv[2]), "calls.csv", Asked())
"""
ROOT = Path(__file__).resolve().parent.parent

LEDGER = (
    "SELECT sum(sign), sum(sign * toInt64(duration_ms)), sum(sign * ifNull(customer_charge, 0)), "
    "sum(sign * toInt64(is_final)) FROM cdr"
)
ROLLUP = "SELECT sum(standing), sum(duration_ms), sum(customer_charge), sum(calls) FROM breakout_day_v1_utc"
TWICE = (
    "SELECT count() FROM (SELECT sum(sign) AS stands FROM cdr GROUP BY source, call_id, leg, start_time "
    "HAVING stands NOT IN (0, 1))"
)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from engine.warehouse.gateway import Warehouse

    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    with Warehouse("chdb://memory") as warehouse:
        write(Traffic(5_000, 10, 5), warehouse, path, None)
    return path


def _killed_after(seconds: float, dsn: str, calls: Path) -> bool:
    """Start a loader in a process of its own and kill it; whether it was still at work."""
    with subprocess.Popen(
        [sys.executable, "-c", LOADER, dsn, str(calls)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as loader:
        assert loader.stdout
        loader.stdout.readline()
        try:
            loader.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(loader.pid, signal.SIGKILL)
            return True
        return False


def _exact(site: Site) -> tuple[object, ...]:
    ledger = tuple(site.warehouse.query(Statement(LEDGER)).rows[0])
    assert tuple(site.warehouse.query(Statement(ROLLUP)).rows[0]) == ledger
    assert site.warehouse.value(Statement(TWICE)) == 0, "a call stands twice, or less than not at all"
    for scratch in ("staging", "told", "decisions", "contradictions"):
        assert site.warehouse.value(Statement(f"SELECT count() FROM {scratch}")) == 0, f"{scratch} was not swept"
    return ledger


@pytest.fixture(params=["embedded", "http"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "embedded":
        return f"chdb://{tmp_path / 'database'}"
    process: ClickHouseProcess = request.getfixturevalue("clickhouse")
    return fresh_database(process)


@pytest.mark.server_nightly
def test_killed_again_and_again_the_load_ends_as_if_nothing_had_happened(dsn: str, calls: Path, tmp_path: Path) -> None:
    dice = random.Random(3)
    killed = 0
    for _ in range(4):
        killed += _killed_after(dice.uniform(0.3, 2.0), dsn, calls)
        with Site(Settings(database=dsn, chunk_records=600)) as site:
            _exact(site)
    assert killed >= 2, "the loader was never killed at work"
    with Site(Settings(database=dsn, chunk_records=600)) as site:
        site.ingest(calls, "calls.csv", Asked())
        whole = _exact(site)
    with Site(Settings(database=f"chdb://{tmp_path / 'other'}")) as site:
        site.ingest(calls, "calls.csv", Asked())
        assert _exact(site) == whole


@pytest.mark.server_nightly
def test_a_batch_that_was_staged_is_finished_at_the_next_start(
    dsn: str, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.ingest.ledger import Chunk, Ledger

    class Died(BaseException):
        """Stands for the end of the process; no handler of ours catches it."""

    commits = Ledger.commit_chunk

    def die_at_the_third(self: Ledger, chunk: Chunk) -> None:
        if chunk.after >= 1200:
            raise Died
        commits(self, chunk)

    with Site(Settings(database=dsn, chunk_records=600)) as site:
        monkeypatch.setattr(Ledger, "commit_chunk", die_at_the_third)
        with pytest.raises(Died):
            site.ingest(calls, "calls.csv", Asked())
        monkeypatch.undo()
    with Site(Settings(database=dsn, chunk_records=600)) as site:
        [receipt] = site.recovered
        assert receipt.received == receipt.accepted + receipt.duplicates + receipt.corrections
        assert receipt.received > 5_000
        _exact(site)


@pytest.mark.server_nightly
def test_a_new_rollup_zone_is_filled_before_it_answers(dsn: str, calls: Path) -> None:
    with Site(Settings(database=dsn)) as site:
        site.ingest(calls, "calls.csv", Asked())
        expected = tuple(site.warehouse.query(Statement(LEDGER)).rows[0])
    with Site(Settings(database=dsn, rollup_zones=("Asia/Kolkata",))) as site:
        filled = ROLLUP.replace("_utc", "_asia_kolkata")
        assert tuple(site.warehouse.query(Statement(filled)).rows[0]) == expected
