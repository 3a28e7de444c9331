"""Old calls go, their day sums stay; what would need the calls themselves is refused, never answered with less."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.access.principal import ADMIN
from engine.errors import Conflict, Unprocessable
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.verify.window import Window
from tests.loading import counts, rejected, rows
from web.cli import main

pytestmark = pytest.mark.engine

WHOLE = {"report": "breakout", "from": "2026-05-01", "to": "2026-10-01", "rows": ["customer"]}


def calls(folder: Path, name: str, *months: int) -> Path:
    path = folder / f"{name}.csv"
    lines = [
        f"{name}-{month}-{n},2026-{month:02}-{1 + n % 28:02}T{n % 24:02}:15:00Z,customer-{n % 3},0.01{n % 7}"
        for month in months
        for n in range(60)
    ]
    path.write_text("\n".join(["call_id,start_time,customer,customer_charge", *lines]) + "\n")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=f"chdb://{tmp_path / 'database'}", rollup_zones=("America/New_York",))


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Iterator[Site]:
    """Five months of calls, of which those before August go."""
    with Site(settings) as opened:
        opened.ingest(calls(tmp_path, "old", 5, 6, 7), "old.csv", Asked())
        opened.ingest(calls(tmp_path, "new", 8, 9), "new.csv", Asked())
        yield opened


def test_day_sums_answer_as_before_and_what_needs_the_calls_is_refused(site: Site) -> None:
    before = site.ask(question.of(WHOLE), ADMIN).rows
    of_new_york = question.of({**WHOLE, "from": "2026-05-03", "timezone": "America/New_York"})
    before_there = site.ask(of_new_york, ADMIN).rows
    kept = site.retain("2026-08", really=True)
    assert (kept.months, kept.postings) == (("2026-05", "2026-06"), 120), "July stays on disk: days begin in it"
    assert site.ask(question.of(WHOLE), ADMIN).rows == before
    assert site.ask(of_new_york, ADMIN).rows == before_there
    needing = (
        {"from": "2026-05-01T07:30"},
        {"rows": ["hour"]},
        {"where": [{"field": "number", "values": ["1"]}]},
        {"as_of": "batch:1"},
        {"since": "batch:1"},
        {"from": "2026-07-10T12:00", "to": "2026-09-01"},
    )
    for change in needing:
        with pytest.raises(Unprocessable) as refused:
            site.ask(question.of({**WHOLE, **change}), ADMIN)
        assert refused.value.code == "before_horizon", change
        assert "2026-08-01" in refused.value.message
    ragged = question.of({**WHOLE, "from": "2026-08-01T00:00", "to": "2026-09-10T07:30", "rows": []})
    assert site.ask(ragged, ADMIN).rows == site.desk.ask(ragged, ADMIN, ledger_only=True).rows


def test_older_calls_are_rejected_and_younger_ones_taken(site: Site, tmp_path: Path) -> None:
    site.retain("2026-08", really=True)
    receipt = site.ingest(calls(tmp_path, "late", 7, 8), "late.csv", Asked())
    assert counts(receipt) == {"accepted": 60, "rejected": 60}
    assert {field for _, field, _ in rejected(site, receipt.batch)} == {"start_time"}
    assert all(reason.startswith("before_horizon") for _, _, reason in rejected(site, receipt.batch))


def test_a_batch_that_reaches_beyond_cannot_be_taken_back(site: Site) -> None:
    site.retain("2026-08", really=True)
    with pytest.raises(Conflict, match="from before 2026-08-01"):
        site.rollback(1)
    assert site.rollback(2).went == 120


def test_proof_and_rebuild_leave_the_old_sums_alone(site: Site) -> None:
    before = site.ask(question.of(WHOLE), ADMIN).rows
    site.retain("2026-08", really=True)
    assert site.verify(Window.of(None, None), repair=True).exact
    site.rebuild(Window.of("2026-05-01", "2026-10-01"))
    assert site.ask(question.of(WHOLE), ADMIN).rows == before


def test_a_zone_that_is_added_afterwards_begins_at_the_horizon(site: Site, settings: Settings) -> None:
    site.retain("2026-08", really=True)
    site.close()
    from msgspec.structs import replace

    there = {**WHOLE, "timezone": "Asia/Tokyo"}
    with Site(replace(settings, rollup_zones=("Asia/Tokyo",))) as later:
        younger = question.of({**there, "from": "2026-08-02"})
        answer = later.ask(younger, ADMIN)
        assert answer.source == ("breakout_day_v1_asia_tokyo",)
        assert answer.rows == later.desk.ask(younger, ADMIN, ledger_only=True).rows
        with pytest.raises(Unprocessable):
            later.ask(question.of(there), ADMIN)


def test_it_only_goes_forward_and_not_into_the_future(site: Site) -> None:
    site.retain("2026-08", really=True)
    for month in ("2026-07", "2126-01"):
        with pytest.raises(Conflict):
            site.retain(month, really=True)


def test_the_command_says_what_would_go_before_it_does(site: Site, settings: Settings) -> None:
    site.close()
    command = ["--database", settings.database, "retain", "2026-08"]
    said = CliRunner().invoke(main, command)
    assert "would keep calls from 2026-08-01 on and drop 120 ledger rows of 2026-05, 2026-06" in said.output
    with Site(settings) as again:
        assert rows(again, "SELECT count() FROM cdr") == [(300,)]
    assert "120 ledger rows of 2026-05, 2026-06 dropped" in CliRunner().invoke(main, [*command, "--yes"]).output
    with Site(settings) as again:
        assert rows(again, "SELECT count() FROM cdr") == [(180,)]
