"""A database outlives the program that laid it out: rollups get new versions, zones new rules, engines new releases."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.access.principal import ADMIN
from engine.catalog.load import catalog
from engine.errors import Conflict
from engine.ingest.ledger import Ledger
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from tests.loading import rows

pytestmark = pytest.mark.engine

ZONE = "America/New_York"
BREAKOUT = question.of(
    {
        "report": "breakout",
        "from": "2026-09-01",
        "to": "2026-11-01",
        "rows": ["customer", "customer_destination", "month"],
    }
)


@pytest.fixture(params=["embedded", "http"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "embedded":
        return f"chdb://{tmp_path / 'database'}"
    from tests.conftest import fresh_database

    return fresh_database(request.getfixturevalue("clickhouse"))


@pytest.fixture
def loaded(dsn: str, tmp_path: Path) -> Settings:
    """A database with calls in two months, of a site in New York."""
    settings = Settings(database=dsn, timezone=ZONE)
    path = tmp_path / "calls.csv"
    lines = [f"c{n},2026-{9 + n % 2:02}-0{1 + n % 9}T0{n % 10}:30:00Z,customer-{n % 4},0.0{n % 7}1" for n in range(200)]
    path.write_text("\n".join(["call_id,start_time,customer,customer_charge", *lines]) + "\n")
    with Site(settings) as site:
        site.ingest(path, "calls.csv", Asked())
    return settings


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The catalog of a later program: the breakout rollup no longer keeps the provider's destination."""
    now = catalog()
    old = now.rollups["breakout_day"]
    keys = tuple(key for key in old.keys if key != "provider_destination")
    later = replace(now, rollups={**now.rollups, "breakout_day": replace(old, version=old.version + 1, keys=keys)})
    monkeypatch.setattr("engine.site.catalog", lambda: later)
    return later


def tables(site: Site) -> set[str]:
    return {name for (name,) in rows(site, "SELECT name FROM system.tables WHERE name LIKE 'breakout_day_%'")} & {
        name for (name,) in rows(site, "SHOW TABLES")
    }


def test_a_new_version_of_a_rollup_takes_over_with_the_same_answers(loaded: Settings, next_version: Any) -> None:
    with Site(loaded) as site:
        assert {name for name in tables(site) if "feed" not in name} == {
            "breakout_day_v2_utc",
            "breakout_day_v2_america_new_york",
        }, "the old version went, with its views"
        answer = site.ask(BREAKOUT, ADMIN)
        assert answer.source == ("breakout_day_v2_america_new_york",)
        assert answer.rows == site.desk.ask(BREAKOUT, ADMIN, ledger_only=True).rows


def test_a_change_of_versions_that_dies_half_way_is_gone_on_with(
    loaded: Settings, next_version: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first month is made exact, then the process ends: nothing trusts the new tables before they cover all."""

    class Died(BaseException):
        """Stands for the end of the process."""

    makes = Ledger._make_exact
    made: list[Any] = []

    def dies(self: Ledger, *told: Any) -> None:
        if len(made) == 1:
            raise Died
        made.append(told)
        makes(self, *told)

    monkeypatch.setattr(Ledger, "_make_exact", dies)
    with pytest.raises(Died):
        Site(loaded)
    monkeypatch.setattr(Ledger, "_make_exact", makes)
    with Site(loaded, writes=False) as reader:
        answer = reader.ask(BREAKOUT, ADMIN)
        assert answer.source == ("cdr",)
        assert any(refused.reason == "not_covered" for refused in reader.explain(BREAKOUT, ADMIN).refusals)
    with Site(loaded) as site:
        routed = site.ask(BREAKOUT, ADMIN)
        assert routed.source == ("breakout_day_v2_america_new_york",)
        assert routed.rows == answer.rows


@pytest.mark.server_nightly
def test_an_older_program_is_refused(loaded: Settings, next_version: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Site(loaded).close()
    monkeypatch.undo()
    with pytest.raises(Conflict) as refused:
        Site(loaded)
    assert refused.value.code == "newer_database"


@pytest.mark.server_nightly
def test_an_older_engine_is_refused(loaded: Settings) -> None:
    with Warehouse(loaded.database) as warehouse:
        layout.write_fact(warehouse, "engine", "99.1.1.1")
    with pytest.raises(Conflict, match=r"written by engine 99\.1\.1\.1") as refused:
        Site(loaded)
    assert refused.value.code == "older_engine"


@pytest.mark.server_nightly
def test_tiles_cut_by_other_time_zone_rules_are_made_again(loaded: Settings) -> None:
    """Somebody's midnight moved: what was summed by the old rules is not trusted, and what differs is mended."""
    table = "breakout_day_v1_america_new_york"
    with Warehouse(loaded.database) as warehouse:
        layout.write_fact(warehouse, f"covered:{table}", "1999a")
        warehouse.command(
            Statement(
                f"INSERT INTO {table} (tile, customer, standing, attempts) SELECT '2026-09-05 04:00:00', 'x', 1, 1"
            )
        )
    with Site(loaded) as site:
        answer = site.ask(BREAKOUT, ADMIN)
        assert answer.source == (table,)
        assert answer.rows == site.desk.ask(BREAKOUT, ADMIN, ledger_only=True).rows


def test_a_zone_that_is_added_later_covers_what_was_loaded_before(loaded: Settings) -> None:
    asked = replace(BREAKOUT, timezone="Asia/Kolkata")
    with Site(replace(loaded, rollup_zones=("Asia/Kolkata",))) as site:
        answer = site.ask(asked, ADMIN)
        assert answer.source == ("breakout_day_v1_asia_kolkata",)
        assert answer.rows == site.desk.ask(asked, ADMIN, ledger_only=True).rows
