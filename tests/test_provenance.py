"""What an answer says of what it rests on: names from lists, limits of its sources, maps and settings of loading."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.ingest.pipeline import Asked, Receipt
from engine.query import question
from engine.query.answer import Answer
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from tests.exchange import write

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly]

ROLLUPS = [rollup.table("UTC") for rollup in catalog().rollups.values() if "customer_currency" in rollup.keys]
SAMPLES = Path(__file__).parent / "dialects"
_names = count(1)


@pytest.fixture(scope="module")
def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Calls of three customers: two have the same name, the third has none."""
    folder = tmp_path_factory.mktemp("provenance")
    with Site(Settings(database=dsn)) as opened:
        load(opened, folder, "acme", "2026-10-05", 3)
        load(opened, folder, "acme-2", "2026-10-06", 2)
        load(opened, folder, "zenith", "2026-10-07", 4)
        names(opened, folder, {"acme": "Acme Inc.", "acme-2": "Acme Inc.", "elsewhere": "Zenith"})
        yield opened


def load(site: Site, folder: Path, customer: str, day: str, calls: int) -> Receipt:
    rows = [
        {"call_id": f"{customer}-{n}", "start_time": f"{day}T10:00:0{n}Z", "customer": customer, "provider": "carrier"}
        for n in range(calls)
    ]
    return site.ingest(write(folder / f"{next(_names)}.csv", rows), f"{customer}.csv", Asked())


def names(site: Site, folder: Path, told: dict[str, str]) -> None:
    rows = [{"id": one, "name": name} for one, name in told.items()]
    site.load_list("customers", write(folder / f"{next(_names)}.csv", rows), "customers.csv")


def ask(site: Site, principal: Principal = ADMIN, **fields: Any) -> Answer:
    window = {"from": "2026-10-05", "to": "2026-10-08"}
    return site.ask(question.of({**window, "measures": ["attempts"], **fields}), principal)


class TestNames:
    def test_stand_for_ids_and_merge_those_that_share_one(self, site: Site) -> None:
        assert ask(site, rows=["customer_name"]).rows == [("Acme Inc.", 5), ("zenith", 4)]
        assert ask(site, rows=["provider_name"]).rows == [("carrier", 9)]

    def test_stand_beside_ids(self, site: Site) -> None:
        answer = ask(site, rows=["customer_name", "customer"], subtotals=True, totals=True)
        assert answer.rows == [("zenith", "zenith", 4), ("Acme Inc.", "acme", 3), ("Acme Inc.", "acme-2", 2)]
        assert [(subtotal.row) for subtotal in answer.subtotals] == [  # type: ignore[union-attr]
            ("Acme Inc.", None, 5),
            ("zenith", None, 4),
        ]

    def test_come_from_rollups_too(self, site: Site) -> None:
        asked: dict[str, Any] = {
            "rows": ["customer_name"],
            "where": [{"field": "customer_name", "values": ["Acme Inc."]}],
        }
        answer = ask(site, **asked)
        assert "cdr" not in answer.source
        assert site.desk.ask(answer.question, ADMIN, ledger_only=True).rows == answer.rows == [("Acme Inc.", 5)]

    @pytest.mark.parametrize(
        ("op", "values", "attempts"),
        [
            ("eq", ["Acme Inc."], 5),
            ("eq", ["acme"], 0),
            ("in", ["zenith", "Acme Inc."], 9),
            ("ne", ["Acme Inc."], 4),
            ("starts_with", ["aCM"], 5),
            ("contains", ["ENI"], 4),
            ("gt", ["Z"], 4),
            ("is_null", [], 0),
            ("not_null", [], 9),
        ],
    )
    def test_are_filtered_as_they_are_shown(self, site: Site, op: str, values: list[str], attempts: int) -> None:
        where = [{"field": "customer_name", "op": op, "values": values}]
        assert ask(site, where=where).rows == [(attempts,)]
        by_call = {"field": "hour", "op": "not_null"}
        assert ask(site, where=[*where, by_call]).rows == [(attempts,)], "from the ledger"

    def test_are_sorted_by(self, site: Site) -> None:
        sort = [{"field": "customer_name", "descending": True}]
        assert [row[0] for row in ask(site, rows=["customer_name"], sort=sort).rows] == ["zenith", "Acme Inc."]

    def test_stand_across(self, site: Site) -> None:
        answer = ask(site, rows=["day"], columns=["customer_name"])
        assert [column.name for column in answer.columns[1:]] == ["attempts|Acme Inc.", "attempts|zenith", "attempts"]

    def test_are_those_of_the_moment_asked_about(self, site: Site, tmp_path: Path) -> None:
        before = site.desk.watermark().time
        names(site, tmp_path, {"acme": "Acme Ltd.", "zenith": "Zenith AG"})
        rows = ask(site, rows=["customer_name"]).rows
        assert rows == [("Zenith AG", 4), ("Acme Ltd.", 3), ("acme-2", 2)]
        assert ask(site, rows=["customer_name"], as_of=before).rows == [("Acme Inc.", 5), ("zenith", 4)]
        assert ask(site, rows=["customer_name"], as_of="batch:3").rows == [("zenith", 4), ("acme", 3), ("acme-2", 2)]
        names(site, tmp_path, {"acme": "Acme Inc.", "acme-2": "Acme Inc.", "elsewhere": "Zenith"})

    def test_of_others_a_customer_does_not_see(self, site: Site) -> None:
        own = Principal("portal", accounts=("acme-2",))
        assert ask(site, own, rows=["customer_name"]).rows == [("Acme Inc.", 2)]


def limits(answer: Answer) -> list[str]:
    return [warned.message for warned in answer.warnings if warned.code == "source_limits"]


def test_limits_of_sources_are_told_with_what_they_touch_where_such_calls_lie(site: Site) -> None:
    """A system that writes down only what it bills: two calls on 5 October."""
    path = SAMPLES / "bandwidth" / "sample.csv"
    receipt = site.ingest(path, path.name, Asked())
    says = "only billed calls are in it, so ASR is 100 and failures are missing"
    assert says in receipt.limits
    assert limits(ask(site, measures=["asr"])) == [f"calls loaded as bandwidth: {says}"]
    assert len(limits(ask(site, measures=["ner", "duration"]))) == 2, "durations are rounded there, too"
    assert not limits(ask(site, measures=["connected", "customer_charge"]))
    november: dict[str, Any] = {"from": "2026-11-01", "to": "2026-12-01"}
    assert not limits(ask(site, measures=["asr"], **november))
    assert limits(ask(site, measures=["asr"], compare="previous", **november)), "October is compared with"
    portal = Principal("portal", accounts=("acme",), audience="customer")
    assert limits(ask(site, portal, measures=["asr"])) == [f"of some calls {says}"]
    before = site.desk.watermark().time
    site.rollback(receipt.batch)
    assert not limits(ask(site, measures=["asr"]))
    assert limits(ask(site, measures=["asr"], as_of=before))


class TestSettingsOfLoading:
    def test_every_answer_names_the_outcome_map_its_calls_were_judged_by(self, site: Site, tmp_path: Path) -> None:
        assert ask(site).outcome_map == (0,)
        path = tmp_path / "outcomes.csv"
        path.write_text("sip_code,q850,rang,release_side,outcome\n486,,,,rejected\n")
        version = site.load_list("outcomes", path, "outcomes.csv").version
        load(site, tmp_path, "later", "2026-10-07", 1)
        assert ask(site).outcome_map == (0, version)
        assert ask(site, to="2026-10-06").outcome_map == (0,)
        assert ask(site, as_of="batch:1").outcome_map == (0,)

    def test_answers_about_jurisdiction_name_what_indeterminate_calls_count_as(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert ask(site).indeterminate_as is msgspec.UNSET
        assert ask(site, rows=["jurisdiction"]).indeterminate_as == "indeterminate"
        assert ask(site, measures=["intrastate"]).indeterminate_as == "indeterminate"
        changed = msgspec.structs.replace(site.settings, indeterminate_as="intrastate")
        monkeypatch.setattr(site.loader._reading, "_settings", changed)
        load(site, tmp_path, "changed", "2026-10-05", 1)
        mixed = ask(site, rows=["jurisdiction"])
        assert mixed.indeterminate_as == "indeterminate, intrastate"
        assert [warned.code for warned in mixed.warnings] == ["indeterminate_mixed"]
        assert not ask(site).warnings


def test_a_currency_that_is_there_no_more_is_told_apart_as_of_then(site: Site, tmp_path: Path) -> None:
    """Tables that were made exact hold nothing of it, so all money there is is in the one asked for. It was not."""
    call = {"call_id": "euro", "start_time": "2026-03-05T10:00:00Z", "customer": "euro", "customer_charge": "10"}

    def told(**said: str) -> int:
        return site.ingest(write(tmp_path / f"{next(_names)}.csv", [call | said]), "euro.csv", Asked()).batch

    before = told(revision="1", customer_currency="EUR")
    told(revision="2", customer_currency="USD")
    for table in ROLLUPS:
        sql = f"ALTER TABLE {table} DELETE WHERE customer_currency = 'EUR' SETTINGS mutations_sync = 2"
        site.warehouse.command(Statement(sql))
    asked = {"from": "2026-03-01", "to": "2026-04-01", "rows": ["customer"], "measures": ["customer_charge"]}
    now = site.ask(question.of(asked), ADMIN)
    assert (now.rows, now.warnings) == ([("euro", "10.00")], ())
    then = site.ask(question.of(asked | {"as_of": f"batch:{before}"}), ADMIN)
    assert (then.rows, [warned.code for warned in then.warnings]) == ([("euro", None)], ["fx_missing"])
