"""On a server one process may write. One that lost that right cannot, wherever in a load it is."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Conflict, TollhouseError
from engine.ingest.ledger import Ledger
from engine.ingest.pipeline import Asked
from engine.ingest.writer import Writer
from engine.settings import Settings
from engine.site import Site
from engine.warehouse.lease import Lease
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.loading import assert_books_agree, counts, standing

pytestmark = pytest.mark.engine

STEPS = (
    "the file is read", "ingest/note_batch.sql.j2", "ingest/decide.sql.j2", "ingest/log_decided.sql.j2",
    "ingest/postings.sql.j2", "ingest/log_complete.sql.j2", "ingest/rejects.sql.j2", "ingest/close_batches.sql.j2",
)  # fmt: skip
"""Everything a load writes, in order."""


@pytest.fixture
def dsn(clickhouse: ClickHouseProcess) -> str:
    return fresh_database(clickhouse)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    path = tmp_path / "calls.csv"
    lines = [f"c{n},2026-10-0{1 + n % 7}T10:00:00Z,acme,0.01" for n in range(30)]
    path.write_text("\n".join(["call_id,start_time,customer,customer_charge", *lines, lines[0]]) + "\n")
    return path


def deaf(site: Site) -> None:
    """Let the process believe that it still writes: it asks nobody, only the statements themselves can tell."""
    site._lease.check = lambda: None  # type: ignore[method-assign, union-attr]


def test_a_second_writer_is_told_who_writes_and_how_to_reach_it(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Site(Settings(database=dsn)) as first:
        first.announce("http://127.0.0.1:8321")
        monkeypatch.setattr("engine.warehouse.lease._dead_here", lambda _: False)
        with pytest.raises(Conflict) as refused:
            Site(Settings(database=dsn))
        assert refused.value.code == "database_held"
        assert "http://127.0.0.1:8321" in str(refused.value.hint)


def test_one_that_let_go_is_followed_at_once(dsn: str, calls: Path) -> None:
    with Site(Settings(database=dsn)) as first:
        first.ingest(calls, "calls.csv", Asked(source="s"))
    with Site(Settings(database=dsn)) as second:
        assert counts(second.ingest(calls, "calls.csv", Asked(source="s"))) == {"duplicates": 31}


@pytest.mark.parametrize("step", STEPS)
def test_a_loader_that_lost_its_lease_cannot_write(
    dsn: str, calls: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Another process takes over just before one of its statements. From then on the other one's word holds."""
    writes, reads = Writer.run, Writer.insert_file
    took_over: list[Site] = []

    def take_over(self: Writer) -> None:
        if not took_over and self is first.loader._ledger._writer:
            took_over.append(Site(Settings(database=dsn)))

    def run(self: Writer, template: str, parameters: Any, **structure: Any) -> None:
        if template == step:
            take_over(self)
        writes(self, template, parameters, **structure)

    def insert_file(self: Writer, *told: Any) -> None:
        if step == STEPS[0]:
            take_over(self)
        reads(self, *told)

    with Site(Settings(database=dsn)) as first:
        deaf(first)
        monkeypatch.setattr(Writer, "run", run)
        monkeypatch.setattr(Writer, "insert_file", insert_file)
        with pytest.raises(Conflict) as refused:
            first.ingest(calls, "calls.csv", Asked(source="s"))
        assert refused.value.code == "lease_lost"
        [second] = took_over
        with second:
            # Nothing of it, or, where it had been read to its end, all of it: the new writer finished that.
            assert len(standing(second, "s")) in (0, 30)
            assert_books_agree(second)
            with pytest.raises(Conflict):
                first.ingest(calls, "calls.csv", Asked(source="s"))
            with pytest.raises(TollhouseError):
                first.rollback(1)
            second.ingest(calls, "calls.csv", Asked(source="s"))
            assert len(standing(second, "s")) == 30
            assert_books_agree(second)


def test_two_that_ask_at_the_same_time_do_not_both_write(dsn: str, calls: Path) -> None:
    with Site(Settings(database=dsn)) as first, Site(Settings(database=dsn)) as second:
        # Both run in this process, so the second took over from the first as from a dead one.
        with pytest.raises(Conflict):
            first.ingest(calls, "calls.csv", Asked())
        assert counts(second.ingest(calls, "calls.csv", Asked())) == {"accepted": 30, "duplicates": 1}
        assert isinstance(second._lease, Lease)
        assert isinstance(second.loader._ledger, Ledger)
