"""Single calls: found by number or by filter, newest first, net of corrections, page by page while loading goes on."""

import csv
import io
import threading
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from litestar import Request
from litestar.testing import TestClient

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.errors import BadRequest, Forbidden, TollhouseError
from engine.query import search
from engine.query.search import Page
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.loading import assert_books_agree, load
from tests.server import Server
from web.app import create
from web.cli import main

pytestmark = pytest.mark.engine

OCTOBER = {"from": "2026-10-01", "to": "2026-11-01"}
PORTAL = Principal("acme's", accounts=("acme",), audience="customer")
HEADER = (
    "call_id,start_time,attempt,is_final,revision,withdrawn,duration,customer,customer_destination,provider,"
    "customer_charge,customer_currency,provider_charge,provider_currency,sip_code,cli,dest_cli,dialed,number"
)
CALLS = f"""{HEADER}
a,2026-10-05T00:30:00Z,1,true,0,,60,acme,"UK, Mobile",carrier-a,1.2,USD,1,USD,200,+12125550101,12125550101,+447700900001,447700900001
b,2026-10-05T12:00:00Z,1,false,0,,0,acme,"UK, Mobile",carrier-b,,USD,,USD,503,(212) 555-0102,12125550102,00447700900001,447700900001
b,2026-10-05T12:00:04Z,2,true,0,,0,acme,"UK, Mobile",carrier-a,,USD,,USD,486,(212) 555-0102,12125550102,00447700900001,447700900001
c,2026-10-06T00:00:00.125Z,1,true,0,,30.5,acme,India,carrier-b,0.5,USD,0.75,EUR,200,12125550103,sip:+12125550109@gw,912212345678,912212345678
d,2026-10-07T08:00:00Z,1,true,0,,10,zenith,India,carrier-b,0.30000001,USD,0.1,USD,200,12125550104,,912212345679,912212345679
e,2026-10-07T08:00:00Z,1,true,0,,0,zenith,Peru,carrier-a,,USD,,USD,503,anonymous,,5112345678,5112345678
f,2026-10-08T08:00:00Z,1,true,0,,5,zenith,Morocco,carrier-a,0.1,USD,0.05,USD,200,2125550101,,5112345678,5112345678
"""  # noqa: E501
LATER = f"""{HEADER}
a,2026-10-05T00:30:00Z,1,true,1,,60,acme,"UK, Mobile",carrier-a,9.99,USD,1,USD,200,+12125550101,12125550101,+447700900001,447700900001
d,2026-10-07T08:00:00Z,1,true,1,true,10,zenith,India,carrier-b,0.3,USD,0.1,USD,200,12125550104,,912212345679,912212345679
g,2026-10-09T08:00:00Z,1,true,0,,1,acme,India,carrier-b,0.5,USD,0.1,USD,200,12125550101,,912212345678,912212345678
"""  # noqa: E501
"""To CALLS: a correction, a withdrawal, a new call."""


@pytest.fixture(scope="module")
def loaded(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    load(site, written(tmp_path_factory.mktemp("calls"), CALLS), "sw")
    return site


def written(folder: Path, text: str) -> Path:
    path = folder / "calls.csv"
    path.write_text(text, "utf-8")
    return path


def page(site: Site, principal: Principal = ADMIN, **asked: Any) -> Page:
    return site.calls.page(search.of({**OCTOBER, **asked}), principal)


def column(found: Page, name: str) -> list[Any]:
    place = [column.name for column in found.columns].index(name)
    return [row[place] for row in found.rows]


def ids(site: Site, principal: Principal = ADMIN, **asked: Any) -> str:
    """The ids of the calls found, in their order."""
    return "".join(column(page(site, principal, **asked), "call_id"))


def refused(site: Site, principal: Principal = ADMIN, **asked: Any) -> TollhouseError:
    with pytest.raises(TollhouseError) as failure:
        page(site, principal, **asked)
    return failure.value


class TestNumbers:
    @pytest.mark.parametrize("number", ["447700900001", "+44 7700 900001", "0044-7700-900001", "tel:+447700900001"])
    def test_are_normalised_like_records(self, loaded: Site, number: str) -> None:
        assert ids(loaded, number=number) == "bba"

    def test_are_found_on_every_side_or_on_one(self, loaded: Site) -> None:
        assert ids(loaded, number="12125550101") == "fa"
        assert ids(loaded, number="+12125550101", side="cli") == "fa"
        assert ids(loaded, number="+12125550101", side="dest_cli") == "a"
        assert ids(loaded, number="+12125550101", side="called") == ""
        assert ids(loaded, number="+12125550109", side="dest_cli") == "c"
        assert ids(loaded, number="anonymous", side="cli") == "e"

    def test_of_callers_may_be_written_as_at_home_on_either_side(self, loaded: Site) -> None:
        assert ids(loaded, number="12125550102") == ids(loaded, number="(212) 555-0102") == "bb"
        # What begins with + is as it says: this is Morocco.
        assert ids(loaded, number="+2125550101") == "f"

    def test_several_are_asked_for_at_once(self, loaded: Site) -> None:
        assert ids(loaded, number=["5112345678", "912212345678"]) == "fec"

    def test_may_be_told_by_how_they_begin(self, loaded: Site) -> None:
        assert ids(loaded, number="91221234", match="prefix") == "dc"
        assert ids(loaded, number=["+91221234", "511"], match="prefix", side="called") in ("fdec", "fedc")
        assert ids(loaded, number="+1212555010", match="prefix", side="cli") == "fdcbba"

    def test_are_looked_for_in_at_most_six_calendar_months(self, loaded: Site) -> None:
        half: dict[str, Any] = {"from": "2026-08-31", "number": "447700900001", "timezone": "America/New_York"}
        assert ids(loaded, **half, to="2027-02-28") == "bba"
        assert refused(loaded, **half, to="2027-03-01").code == "range_too_long"
        wide: dict[str, Any] = {"from": "2020-01-01", "to": "2030-01-01"}
        assert ids(loaded, **wide, where=[{"field": "customer_destination", "values": ["Peru"]}]) == "e"

    def test_or_a_filter_is_required(self, loaded: Site) -> None:
        assert refused(loaded).code == "too_broad"
        assert refused(loaded, number=["1", " "]).pointer == "$.number[1]"


def test_a_number_is_found_after_a_crash_between_the_ledger_and_its_lookup(
    clickhouse: ClickHouseProcess, tmp_path: Path
) -> None:
    dsn = fresh_database(clickhouse)
    with Site(Settings(database=dsn)) as site:
        load(site, written(tmp_path, CALLS), "sw")
        for sql in (
            "TRUNCATE TABLE number_hours",
            "ALTER TABLE commit_log DELETE WHERE state = 'complete' SETTINGS mutations_sync = 2",
        ):
            site.warehouse.command(Statement(sql))
    with Site(Settings(database=dsn)) as site:
        assert ids(site, number="447700900001") == "bba"
        assert_books_agree(site)
        site.retain("2026-11", really=True)
        kept = "SELECT count() FROM number_hours WHERE hour < intDiv(toUnixTimestamp('2026-10-01 00:00:00'), 3600)"
        assert site.warehouse.value(Statement(kept)) == 0


def test_a_number_is_looked_for_in_its_hours_only(loaded: Site) -> None:
    found = page(loaded, number="447700900001")
    assert found.source == ("number_hours", "cdr")
    assert page(loaded, number="447700900001", side="cli").source == ("number_hours", "cdr")
    assert page(loaded, number="447700900001", match="prefix").source == ("cdr",)
    assert ids(loaded, number="00000000") == ""


class TestRows:
    def test_hold_what_the_contract_says_in_its_order(self, loaded: Site) -> None:
        found = page(loaded, where=[{"field": "customer_destination", "values": ["India"]}], timezone="Asia/Kolkata")
        said = [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]
        assert " ".join(said[0]) == (
            "start_time source call_id attempt is_final customer customer_destination provider provider_card "
            "provider_destination tech_prefix cli dest_cli dialed number duration customer_duration provider_duration "
            "pdd sip_code sip_reason outcome release_side customer_charge customer_currency provider_charge "
            "provider_currency profit dtmf sdp jurisdiction batch"
        )
        assert [row["start_time"] for row in said] == ["2026-10-07T13:30:00+05:30", "2026-10-06T05:30:00.125+05:30"]
        assert [row["profit"] for row in said] == ["0.20000001", None]  # different currencies are never subtracted
        assert (said[1]["duration"], said[1]["customer_charge"], said[1]["provider_currency"]) == (30.5, "0.50", "EUR")
        assert (said[1]["is_final"], said[1]["sip_code"], said[1]["pdd"], said[1]["sdp"]) == (True, 200, None, False)

    def test_can_be_those_behind_any_cell(self, loaded: Site) -> None:
        zone: dict[str, Any] = {"timezone": "America/New_York"}
        for field, value, found in (
            ("day", "2026-10-04", "a"),
            ("hour", "2026-10-05T08:00:00-04:00", "bb"),
            ("day_of_week", 3, "e"),
            ("sip_code", 486, "b"),
        ):
            where = [
                {"field": field, "values": [value]},
                {"field": "customer_destination", "op": "ne", "values": ["India"]},
            ]
            assert ids(loaded, **zone, where=where) == found, field
        assert ids(loaded, number="447700900001", calls="final") == "ba"

    def test_money_in_another_currency_than_the_one_asked_for_is_left_out(self, loaded: Site) -> None:
        found = page(loaded, number="912212345678", currency="USD")
        assert (column(found, "customer_charge"), column(found, "provider_charge")) == (["0.50"], [None])
        assert [warned.code for warned in found.warnings or ()] == ["fx_missing"]

    def test_a_filter_on_a_measure_is_refused(self, loaded: Site) -> None:
        failure = refused(loaded, where=[{"field": "asr", "op": "lt", "values": [1]}])
        assert (failure.code, failure.pointer) == ("bad_value", "$.where[0].field")


class TestPages:
    def everything(self, site: Site, limit: int, principal: Principal = ADMIN, **asked: Any) -> str:
        found, after = "", None
        while True:
            some = page(site, principal, **asked, limit=limit, cursor=after)
            found += "".join(column(some, "call_id"))
            if (after := some.next_cursor) is None:
                return found
            assert len(some.rows) == limit

    def test_join_up_whatever_their_length(self, loaded: Site) -> None:
        asked: dict[str, Any] = {"where": [{"field": "sip_code", "op": "not_null"}]}
        whole = ids(loaded, **asked)
        assert sorted(whole) == list("abbcdef")
        assert [self.everything(loaded, limit, **asked) for limit in (1, 2, 3, 7)] == [whole] * 4
        assert self.everything(loaded, 1, PORTAL, **asked) == "cba"

    def test_do_not_move_while_loading_goes_on(self, loaded: Site, tmp_path: Path) -> None:
        asked: dict[str, Any] = {"where": [{"field": "customer", "values": ["acme", "zenith"]}]}
        whole = ids(loaded, **asked)
        first = page(loaded, **asked, limit=2)
        batch = load(loaded, written(tmp_path, LATER), "sw").batch
        try:
            rest = page(loaded, **asked, limit=9, cursor=first.next_cursor)
            assert "".join(column(first, "call_id") + column(rest, "call_id")) == whole
            assert rest.as_of == first.as_of
            assert column(rest, "customer_charge")[-1] == "1.20"
            # A new question sees the correction, not what it replaced, and neither the withdrawn call.
            now = page(loaded, **asked)
            assert "".join(column(now, "call_id")) == "g" + whole.replace("d", "")
            assert column(now, "customer_charge")[-1] == "9.99"
            assert ids(loaded, **asked, as_of=f"batch:{batch - 1}") == whole
            assert column(page(loaded, number="447700900001"), "batch")[-1] == batch
        finally:
            loaded.rollback(batch)
        back = page(loaded, **asked)
        assert "".join(column(back, "call_id")) == whole
        assert column(back, "customer_charge")[-1] == "1.20"

    @pytest.mark.server_nightly
    def test_nor_while_files_are_being_loaded(self, loaded: Site, tmp_path: Path) -> None:
        batches: list[int] = []
        failures: list[BaseException] = []

        def fill() -> None:
            try:
                for number in range(3):
                    (folder := tmp_path / str(number)).mkdir()
                    line = CALLS.splitlines()[3].replace(",2,true,0,,0,", f",2,true,{number + 1},,{number},")
                    more = line.replace("b,2026", f"m{number},2026")
                    batches.append(load(loaded, written(folder, f"{HEADER}\n{line}\n{more}\n"), "sw").batch)
            except BaseException as failure:  # the main thread raises it
                failures.append(failure)

        asked: dict[str, Any] = {"where": [{"field": "customer_destination", "op": "ne", "values": ["x"]}]}
        told: dict[str, list[Any]] = {}
        loader = threading.Thread(target=fill)
        loader.start()
        while loader.is_alive():
            some = page(loaded, **asked, limit=2)
            rows, moment = list(some.rows), some.as_of
            while some.next_cursor:
                some = page(loaded, **asked, limit=2, cursor=some.next_cursor)
                rows += some.rows
                assert some.as_of == moment
            told[str(moment.time)] = rows
        loader.join()
        try:
            assert not failures
            assert len(told) > 1, "nothing was loaded meanwhile"
            for time, rows in told.items():
                assert rows == page(loaded, **asked, as_of=time).rows
        finally:
            for batch in batches:
                loaded.rollback(batch)

    def test_a_cursor_belongs_to_its_question_and_its_caller(self, loaded: Site) -> None:
        asked: dict[str, Any] = {"where": [{"field": "customer", "values": ["acme"]}]}
        after = page(loaded, **asked, limit=1).next_cursor
        assert after is not None
        for other in ({"number": "1"}, {"timezone": "Asia/Kolkata"}, {"calls": "final"}, {"to": "2026-10-30"}):
            assert "another question" in refused(loaded, **{**asked, **other}, cursor=after).message
        assert "another question" in refused(loaded, PORTAL, **asked, cursor=after).message
        for text in ("", "x", "é", after[:-4], after[:-3] + "AAA", "A" + after, after[1:], "W10"):
            failure = refused(loaded, **asked, cursor=text)
            assert isinstance(failure, BadRequest)
            assert failure.pointer == "cursor"

    def test_a_cursor_tells_a_customer_nothing_that_the_page_did_not(self, loaded: Site) -> None:
        after = page(loaded, PORTAL, where=[{"field": "customer", "values": ["acme"]}], limit=1).next_cursor
        assert after is not None
        assert b"sw" not in urlsafe_b64decode(after + "==")


class TestScope:
    def test_a_customer_sees_its_own_calls_and_no_cost(self, loaded: Site) -> None:
        found = page(loaded, PORTAL, number=["447700900001", "912212345679", "912212345678"])
        assert column(found, "call_id") == ["c", "b", "a"]  # the last attempt of each call
        hidden = {name for name, told in catalog().calls.items() if told.audience == "operator"}
        assert {"source", "provider", "provider_charge", "profit", "batch"} <= hidden
        assert not hidden & {column.name for column in found.columns}

    def test_and_may_not_filter_by_what_it_may_not_see(self, loaded: Site) -> None:
        for field in ("provider", "source", "provider_charge", "profit"):
            failure = refused(loaded, PORTAL, where=[{"field": field, "values": ["1"]}])
            assert isinstance(failure, Forbidden)
            assert failure.code == "forbidden_field"


@pytest.fixture(scope="module")
def door(loaded: Site) -> Iterator[TestClient[Any]]:
    """The API in this process; whoever sends x-portal is a customer."""

    def who(request: Request[Any, Any, Any]) -> Principal:
        return PORTAL if "x-portal" in request.headers else ADMIN

    with TestClient(create(loaded, who), base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")
class TestDoors:
    def test_get_and_post_and_the_report_say_the_same(self, door: TestClient[Any]) -> None:
        pairs: list[tuple[str, Any]] = [
            *OCTOBER.items(),
            ("number", "+44 7700 900001"),
            ("number", "5112345678"),
            ("provider", "carrier-a"),
        ]
        body = {
            **OCTOBER,
            "number": ["+44 7700 900001", "5112345678"],
            "where": [{"field": "provider", "values": ["carrier-a"]}],
        }
        got = door.get("/api/v1/calls", params=pairs).json()
        assert got["rows"] == door.post("/api/v1/calls", json=body).json()["rows"]
        assert got["rows"] == door.get("/api/v1/reports/per-number", params=pairs).json()["rows"]
        assert [row[2] for row in got["rows"]] == ["f", "e", "b", "a"]
        assert got["next_cursor"] is None
        asked = msgspec.convert(got["question"], search.Search)
        assert door.post("/api/v1/calls", content=msgspec.json.encode(asked)).json()["rows"] == got["rows"]

    def test_other_formats_hold_all_pages(self, door: TestClient[Any]) -> None:
        pairs = {**OCTOBER, "customer": "acme,zenith"}
        said = door.get("/api/v1/calls", params={**pairs, "format": "csv"})
        assert said.headers["content-type"].startswith("text/csv")
        header, *rows = csv.reader(io.StringIO(said.text))
        assert len(rows) == 7
        assert header[:3] == ["start_time", "source", "call_id"]
        assert rows[3][header.index("provider_charge")] == "0.75"
        # But a limit that is said is one, and a stream begins where a page ended.
        some = {**pairs, "limit": "2"}
        after = door.get("/api/v1/calls", params=some).json()["next_cursor"]
        for begun, place in ({}, 0), ({"cursor": after}, 2):
            told = door.get("/api/v1/calls", params={**some, **begun, "format": "csv"}).text
            assert list(csv.reader(io.StringIO(told)))[1:] == rows[place : place + 2]
        told = door.get("/api/v1/calls", params={**pairs, "cursor": after, "format": "csv"}).text
        assert list(csv.reader(io.StringIO(told)))[1:] == rows[2:]
        portal = door.get("/api/v1/calls", params={**pairs, "format": "csv"}, headers={"x-portal": "1"}).text
        assert "carrier" not in portal
        assert "provider" not in portal
        assert len(portal.splitlines()) == 4

    def test_what_is_wrong_is_told(self, door: TestClient[Any]) -> None:
        for params, status, code, pointer in (
            ({"number": "1"}, 400, "malformed", None),
            ({**OCTOBER}, 422, "too_broad", "$.number"),
            ({**OCTOBER, "number": "1", "limit": "1001"}, 400, "malformed", "$.limit"),
            ({**OCTOBER, "number": "1", "side": "callee"}, 400, "malformed", "$.side"),
            ({**OCTOBER, "number": "1", "cursor": "x"}, 400, "malformed", "cursor"),
            ({**OCTOBER, "numbre": "1"}, 400, "unknown_parameter", "numbre"),
            ({**OCTOBER, "number": "1", "to": "2028-01-01"}, 422, "range_too_long", "$.to"),
        ):
            said = door.get("/api/v1/calls", params=params)
            error = said.json()["error"]
            assert (said.status_code, error["code"]) == (status, code), params
            assert pointer in (None, error["pointer"])
        preset = door.get("/api/v1/reports/per-number").json()
        assert preset["report"] == "per-number"


@pytest.mark.parametrize(("most", "pieces"), [(10**6, {1}), (2, range(3, 30))])
def test_a_stream_reads_what_a_page_finds_and_no_more_pieces_than_there_are_calls(
    loaded: Site, monkeypatch: pytest.MonkeyPatch, most: int, pieces: Collection[int]
) -> None:
    """However long the window, and however the calls lie in it: nothing is asked of months that hold none."""
    monkeypatch.setattr("engine.query.calls._FIRST_SLICE", most)
    asked: list[Statement] = []

    def stream(statement: Statement, *words: Any) -> Iterator[bytes]:
        asked.append(statement)
        return found(statement, *words)

    found = loaded.warehouse.stream
    monkeypatch.setattr(loaded.warehouse, "stream", stream)
    window: dict[str, Any] = {
        "from": "2001-01-01",
        "to": "2099-12-31",
        "where": [{"field": "customer", "values": ["acme", "zenith"]}],
    }
    some = page(loaded, **window, limit=3)
    for cursor in (None, some.next_cursor):
        asked.clear()
        listing = loaded.calls.every(search.of({**window, "cursor": cursor}), ADMIN)
        place = [column.name for column in listing.plan.columns].index("call_id")
        every = "".join(row[place] for row in listing.rows)
        assert every == ids(loaded, **window)[3 if cursor else 0 :]
        assert len(asked) in pieces if not cursor else len(asked) <= max(pieces)


def test_the_command_line_shows_a_page_or_all_of_them(clickhouse: ClickHouseProcess, tmp_path: Path) -> None:
    dsn = fresh_database(clickhouse)
    with Server(dsn) as server:
        with server.client() as client:
            client.post("/api/v1/cdrs", content=CALLS, headers={"content-type": "text/csv"}).raise_for_status()

        def run(*words: str, url: bool = False) -> str:
            where = ["--url", server.url] if url else ["--database", dsn]
            done = CliRunner().invoke(main, [*where, *words, "--from", "2026-10-01", "--to", "2026-11-01"])
            assert done.exit_code == 0, done.output
            return done.output

        shown = run("calls", "--number", "+44 7700 900001", "--limit", "2")
        assert "2 calls, 2026-10-01 to 2026-11-01" in shown
        after = shown.strip().rpartition("--cursor ")[2]
        assert "1 call," in run("calls", "--number", "+44 7700 900001", "--limit", "2", "--cursor", after, url=True)
        everything = ("calls", "--where", "customer in acme,zenith", "--format", "csv")
        assert len(run(*everything).splitlines()) == 8
        for url in (False, True):
            assert len(run(*everything, "--limit", "2", url=url).splitlines()) == 3
        assert run(*everything, url=True) == run(*everything)
        report = run("report", "per-number", "--number", "5112345678", "--side", "called", "--format", "json")
        assert [row[2] for row in msgspec.json.decode(report)["rows"]] == ["f", "e"]
