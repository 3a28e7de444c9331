"""Saved questions: kept in the database and in files, asked beside the reports that come with the program."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import click
import msgspec
import pytest
from click.testing import CliRunner
from litestar import Request
from litestar.testing import TestClient

from engine.access.principal import ADMIN, Principal
from engine.catalog.preset import Preset
from engine.errors import TollhouseError
from engine.query import parameters, question
from engine.settings import Settings
from engine.site import Site
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.loading import load
from web import cli
from web.app import create
from web.cli import main

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

OCTOBER = {"from": "2026-10-01", "to": "2026-11-01"}
PORTAL = Principal("acme's", accounts=("acme",), audience="customer")
CALLS = """call_id,start_time,duration,customer,customer_destination,provider,customer_charge,provider_charge,sip_code
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",carrier-a,1.2,1,200
b,2026-10-05T12:00:00Z,0,acme,"UK, Mobile",carrier-a,,,486
c,2026-10-06T00:00:00Z,30.5,acme,India,carrier-b,0.5,0.75,200
d,2026-10-07T08:00:00Z,10,zenith,India,carrier-b,0.3,0.1,200
"""
ROUTES: dict[str, Any] = {
    "rows": ["provider"],
    "measures": ["attempts", "profit"],
    "where": [{"field": "sip_code", "values": [200]}],
}
ASR = {
    "rows": ["customer_destination"],
    "measures": ["attempts", "asr"],
    "sort": [{"field": "asr", "descending": True}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def shop(dsn: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with a folder of reports and four calls."""
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    path.write_text(CALLS, "utf-8")
    with Site(Settings(database=dsn, reports_folder=str(folder))) as opened:
        load(opened, path, "sw")
        yield opened


@pytest.fixture(scope="module")
def door(shop: Site) -> Iterator[TestClient[Any]]:
    def who(request: Request[Any, Any, Any]) -> Principal:
        return PORTAL if "x-portal" in request.headers else ADMIN

    with TestClient(create(shop, who), base_url="http://127.0.0.1") as client:
        yield client


CUSTOMER = {"x-portal": "1"}


def saved(door: TestClient[Any], name: str, asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = door.post("/api/v1/views", json={"name": name, "question": asked, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def error(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


class TestAsking:
    def test_a_saved_question_appears_beside_the_reports_and_answers(self, door: TestClient[Any]) -> None:
        said = saved(door, "by-route", {**ROUTES, **OCTOBER}, label="By Route", help="What routes earn.")
        assert said["question"] == ROUTES  # its window is given when it is asked
        for listed in (door.get("/api/v1/reports").json()["items"], door.get("/api/v1/catalog").json()["reports"]):
            (entry,) = [report for report in listed if report["name"] == "by-route"]
            assert (entry["label"], entry["help"], entry["saved"]) == ("By Route", "What routes earn.", True)
        expected = door.post("/api/v1/query", json={**ROUTES, **OCTOBER}).json()["rows"]
        assert expected == [["carrier-b", 2, "-0.05"], ["carrier-a", 1, "0.20"]]
        assert door.get("/api/v1/reports/by-route", params=OCTOBER).json()["rows"] == expected
        assert door.post("/api/v1/query", json={"report": "by-route", **OCTOBER}).json()["rows"] == expected
        assert door.post("/api/v1/query/explain", json={"report": "by-route", **OCTOBER}).status_code == 200
        described = door.get("/api/v1/reports/by-route").json()
        assert (described["report"], described["rows"], described["measures"]) == (
            "by-route", ["provider"], ["attempts", "profit"],
        )  # fmt: skip

    def test_what_is_asked_replaces_what_was_saved_and_filters_are_added(self, door: TestClient[Any]) -> None:
        saved(door, "answered", ROUTES)
        params = {**OCTOBER, "measures": "attempts", "customer": "acme"}
        assert door.get("/api/v1/reports/answered", params=params).json()["rows"] == [
            ["carrier-a", 1],
            ["carrier-b", 1],
        ]
        whole = {"report": "answered", **OCTOBER, "rows": [], "measures": ["attempts"]}
        assert door.post("/api/v1/query", json=whole).json()["rows"] == [[3]]

    def test_it_may_stand_on_a_report(self, door: TestClient[Any]) -> None:
        saved(door, "india", {"report": "breakout", "where": [{"field": "customer_destination", "values": ["India"]}]})
        rows = door.get("/api/v1/reports/india", params=OCTOBER).json()["rows"]
        assert [row[:2] for row in rows] == [["acme", "India"], ["zenith", "India"]]


EVERYTHING: dict[str, Any] = {
    "timezone": "Asia/Kolkata", "rows": ["customer"], "columns": ["day"], "measures": ["attempts", "asr"],
    "calls": "final", "base": "seizures", "currency": "native", "sort": [{"field": "asr.change", "descending": True}],
    "limit": 1, "offset": 1, "totals": True, "subtotals": True, "parts": True, "fill": True, "compare": "week",
    "top": [{"field": "customer", "count": 1, "by": "attempts"}], "as_of": "2026-10-31", "since": "2026-10-01",
}  # fmt: skip
OTHERWISE: list[tuple[str, Any, str, tuple[str, ...]]] = [
    ("timezone", "UTC", "tz=UTC", ("--tz", "UTC")),
    ("rows", [], "rows=", ("--rows", "")),
    ("columns", [], "columns=", ("--columns", "")),
    ("measures", ["acd"], "measures=acd", ("--measures", "acd")),
    ("calls", "attempts", "calls=attempts", ("--calls", "attempts")),
    ("base", "attempts", "base=attempts", ("--base", "attempts")),
    ("currency", "USD", "currency=USD", ("--currency", "USD")),
    ("sort", [], "sort=", ("--sort", "")),
    ("limit", None, "limit=", ("--limit", "")),
    ("offset", 0, "offset=0", ("--offset", "0")),
    ("totals", False, "totals=false", ("--no-totals",)),
    ("subtotals", False, "subtotals=false", ("--no-subtotals",)),
    ("parts", False, "parts=false", ("--no-parts",)),
    ("fill", False, "fill=false", ("--no-fill",)),
    ("compare", None, "compare=", ("--compare", "")),
    ("top", [], "top=", ("--top", "")),
    ("as_of", None, "as_of=", ("--as-of", "")),
    ("since", None, "since=", ("--since", "")),
]
"""Each word of a question as it can be said against what was saved: in JSON, in a URL and at the command line."""


@pytest.fixture(scope="module")
def everything(door: TestClient[Any]) -> None:
    """A saved question that says all there is to say."""
    saved(door, "everything", EVERYTHING)


@pytest.mark.usefixtures("everything")
class TestAskingOtherwise:
    def resolved(self, shop: Site, asked: question.Question) -> dict[str, Any]:
        told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shop.desk.resolve(asked, ADMIN).question))
        return told

    def test_what_was_saved_is_what_is_asked(self, shop: Site) -> None:
        told = self.resolved(shop, question.of({"report": "everything", **OCTOBER}))
        assert {word: told[word] for word in EVERYTHING if word != "sort"} == {
            word: said for word, said in EVERYTHING.items() if word != "sort"
        }
        assert told["sort"][0] == EVERYTHING["sort"][0]
        assert {word for word, *_ in OTHERWISE} == set(EVERYTHING) == set(Preset.__struct_fields__) - {"where"}

    @pytest.mark.parametrize(("word", "said", "url", "options"), OTHERWISE, ids=[word for word, *_ in OTHERWISE])
    def test_each_word_of_it_can_be_said_otherwise_at_every_door(
        self, shop: Site, word: str, said: Any, url: str, options: tuple[str, ...]
    ) -> None:
        asked = question.of({"report": "everything", **OCTOBER, word: said})
        by_url = parameters.question("everything", [*OCTOBER.items(), *parse_qsl(url, keep_blank_values=True)])
        assert by_url == asked == at_the_command_line("everything", *options)
        told, usual = (self.resolved(shop, one) for one in (asked, question.of({"report": "everything", **OCTOBER})))
        if word != "sort":  # without keys the usual order is told
            assert told[word] == said
        follows = {"rows": {"top", "sort"}, "measures": {"sort"}, "compare": {"sort"}, "sort": set()}.get(word, set())
        assert {name for name in told if told[name] != usual[name]} == {word, *follows}

    def test_all_of_it_undone_is_the_plain_question(self, door: TestClient[Any]) -> None:
        undone = {word: said for word, said, *_ in OTHERWISE} | {"rows": ["customer"], "measures": ["attempts", "asr"]}
        plain = {**OCTOBER, "rows": ["customer"], "measures": ["attempts", "asr"], "calls": "attempts"}
        answer = door.post("/api/v1/query", json={"report": "everything", **OCTOBER, **undone}).json()
        expected = door.post("/api/v1/query", json=plain).json()
        assert (answer["columns"], answer["rows"]) == (expected["columns"], expected["rows"])
        assert answer["question"] == expected["question"] | {"report": "everything"}

    def test_what_it_does_to_dimensions_that_are_not_shown_any_more_is_left_out(self, shop: Site) -> None:
        told = self.resolved(shop, question.of({"report": "everything", **OCTOBER, "rows": ["provider", "day"]}))
        assert (told["rows"], told["columns"], told["top"]) == (["provider", "day"], [], [])
        told = self.resolved(shop, question.of({"report": "everything", **OCTOBER, "columns": ["customer"]}))
        assert (told["rows"], told["columns"]) == ([], ["customer"])
        told = self.resolved(shop, question.of({"report": "breakout", **OCTOBER, "columns": ["customer"]}))
        assert (told["rows"], told["columns"]) == (["customer_destination"], ["customer"])

    def test_without_a_window_it_is_described_and_asked_again_the_same(self, door: TestClient[Any]) -> None:
        described = door.get("/api/v1/reports/everything", params={"fill": "false", "compare": ""}).json()
        assert (described["fill"], described["compare"], described["top"]) == (False, None, EVERYTHING["top"])
        again = door.post("/api/v1/query", json={**described, **OCTOBER}).json()
        params = {**OCTOBER, "fill": "false", "compare": ""}
        answer = door.get("/api/v1/reports/everything", params=params).json()
        assert (again["question"], again["rows"]) == (answer["question"], answer["rows"])
        assert door.post("/api/v1/query", json=answer["question"]).json()["question"] == answer["question"]


def at_the_command_line(report: str, *options: str) -> question.Question:
    """The question that words at the command line ask."""
    command = main.get_command(click.Context(main), "report")
    assert command is not None
    words = [report, "--from", OCTOBER["from"], "--to", OCTOBER["to"], *options]
    given = dict(command.make_context("report", words, obj=SimpleNamespace()).params)
    asked: question.Question = cli._question(given.pop("name"), given)
    return asked


class TestKeeping:
    def test_it_is_read_changed_and_deleted(self, door: TestClient[Any]) -> None:
        saved(door, "mine", ASR)
        assert error(door.post("/api/v1/views", json={"name": "mine", "question": ASR}), 409)["code"] == "report_exists"
        changed = door.patch("/api/v1/views/mine", json={"label": "Mine"}).json()
        assert (changed["label"], changed["question"]) == ("Mine", ASR)
        replaced = door.put("/api/v1/views/mine", json={"name": "mine", "question": ROUTES}).json()
        assert (replaced["question"], replaced["origin"]) == (ROUTES, "database")
        assert door.get("/api/v1/views/mine").json() == replaced
        assert "mine" in [view["name"] for view in door.get("/api/v1/views").json()["items"]]
        assert door.delete("/api/v1/views/mine").json()["name"] == "mine"
        assert error(door.get("/api/v1/views/mine"), 404)["code"] == "unknown_report"
        assert error(door.delete("/api/v1/views/mine"), 404)["code"] == "unknown_report"
        assert error(door.get("/api/v1/reports/mine", params=OCTOBER), 404)["code"] == "unknown_report"
        saved(door, "mine", ASR)  # the name is free again

    @pytest.mark.parametrize(
        ("name", "asked", "pointer", "hint"),
        [
            ("Late Calls", ASR, "$.name", "late-calls"),
            ("late", {"rows": ["costumer"]}, "$.question.rows[0]", "customer"),
            ("late", {"measures": ["asrr"]}, "$.question.measures[0]", "asr"),
            ("late", {"mesures": ["asr"]}, "$.question", "measures"),
            ("late", {"where": [{"field": "asr", "op": "lt", "values": ["x"]}]}, "$.question.where[0].values[0]", ""),
            ("late", {"sort": [{"field": "acd"}]}, "$.question.sort[0].field", ""),
            ("late", {"report": "brakeout"}, "$.question.report", "breakout"),
            ("late", {"report": "per-number", "rows": ["customer"]}, "$.question", ""),
        ],
    )
    def test_a_mistake_is_told_when_it_is_saved(
        self, door: TestClient[Any], name: str, asked: dict[str, Any], pointer: str, hint: str
    ) -> None:
        answer = door.post("/api/v1/views", json={"name": name, "question": asked})
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["pointer"] == pointer
        assert hint in (answer.json()["error"]["hint"] or "")

    def test_a_name_of_the_program_is_not_to_be_had(self, door: TestClient[Any]) -> None:
        answer = door.post("/api/v1/views", json={"name": "breakout", "question": ASR})
        assert error(answer, 409)["code"] == "report_exists"

    def test_it_is_still_there_when_the_database_is_opened_again(self, clickhouse: ClickHouseProcess) -> None:
        dsn = fresh_database(clickhouse)
        with Site(Settings(database=dsn)) as site:
            site.loader.save(site.shelf.draft(_draft("kept", ASR), anew=True) | {"who": "somebody"})
        with Site(Settings(database=dsn), writes=False) as site:
            assert [(view.name, view.who) for view in site.shelf.every(ADMIN)] == [("kept", "somebody")]
            with pytest.raises(TollhouseError, match="opened for reading"):
                site.save(_draft("more", ASR), "somebody")


def _draft(name: str, asked: dict[str, Any]) -> Any:
    from engine.query.saved import Draft

    return Draft(name, asked)


class TestFiles:
    def test_a_file_is_a_report_of_its_name(self, shop: Site, folder: Path) -> None:
        path = folder / "poor-routes.toml"
        path.write_text('label = "Poor Routes"\nrows = ["provider"]\nmeasures = ["asr"]\n', "utf-8")
        try:
            asked = question.of({"report": "poor-routes", **OCTOBER})
            assert [row[0] for row in shop.ask(asked, ADMIN).rows] == ["carrier-a", "carrier-b"]
            path.write_text('rows = []\nmeasures = ["attempts"]\nlabel = "All of it"\n', "utf-8")
            assert shop.ask(asked, ADMIN).rows == [(4,)]
            for change in (shop.unsave, lambda name, who: shop.save(_draft(name, ASR), who)):
                with pytest.raises(TollhouseError, match="poor-routes"):
                    change("poor-routes", "somebody")
        finally:
            path.unlink()
        with pytest.raises(TollhouseError, match="no saved question"):
            shop.ask(asked, ADMIN)

    def test_a_broken_file_names_its_line_and_stops_nothing_else(self, shop: Site, folder: Path) -> None:
        files = {
            "breakout.toml": ('rows = ["customer"]\n', "breakout.toml:1: 'breakout' comes with the program"),
            "typo.toml": (
                'label = "Typo"\nrows = ["provider"]\nmeasures = ["asrr"]\n',
                "typo.toml:3: there is no measure",
            ),
            "half.toml": ('rows = ["provider"\n', "half.toml: "),
            "good.toml": ('rows = ["provider"]\n', ""),
        }
        for name, (text, _) in files.items():
            (folder / name).write_text(text, "utf-8")
        try:
            problems = {view.name: view.problem for view in shop.shelf.every(ADMIN) if view.origin != "database"}
            for name, (_, problem) in files.items():
                assert problems[name.removesuffix(".toml")].startswith(problem), name
            assert not problems["good"]
            with pytest.raises(TollhouseError, match=r"typo\.toml:3") as failure:
                shop.ask(question.of({"report": "typo", **OCTOBER}), ADMIN)
            assert failure.value.code == "bad_report"
            assert shop.ask(question.of({"report": "breakout", **OCTOBER}), ADMIN).rows
        finally:
            for name in files:
                (folder / name).unlink()


class TestAudience:
    def test_one_for_the_operator_does_not_exist_for_a_customer(self, door: TestClient[Any]) -> None:
        saved(door, "secret", ROUTES)
        for answer in (
            door.get("/api/v1/reports/secret", params=OCTOBER, headers=CUSTOMER),
            door.get("/api/v1/reports/secret", headers=CUSTOMER),
            door.post("/api/v1/query", json={"report": "secret", **OCTOBER}, headers=CUSTOMER),
            door.get("/api/v1/views/secret", headers=CUSTOMER),
        ):
            assert error(answer, 404)["code"] == "unknown_report"
            assert "secret" not in str(error(answer, 404)["hint"])
        for path in ("reports", "views", "catalog"):
            assert "secret" not in door.get(f"/api/v1/{path}", headers=CUSTOMER).text

    def test_one_for_all_shows_a_customer_its_own_calls(self, door: TestClient[Any]) -> None:
        saved(door, "shared", ASR, audience="all")
        rows = door.get("/api/v1/reports/shared", params=OCTOBER, headers=CUSTOMER).json()["rows"]
        assert rows == [["India", 1, 100], ["UK, Mobile", 2, 50]]
        assert "shared" in door.get("/api/v1/catalog", headers=CUSTOMER).text
        refused = door.get("/api/v1/reports/shared", params={**OCTOBER, "measures": "profit"}, headers=CUSTOMER)
        assert error(refused, 403)["code"] == "forbidden_field"

    def test_what_customers_may_not_see_is_not_shared_with_them(self, door: TestClient[Any]) -> None:
        for asked in (ROUTES, {"report": "dtmf"}, {"measures": ["attempts"], "where": ROUTES["where"] + [
            {"field": "provider", "values": ["carrier-a"]}]}):  # fmt: skip
            answer = door.post("/api/v1/views", json={"name": "leak", "question": asked, "audience": "all"})
            assert error(answer, 422)["pointer"] == "$.audience"

    def test_only_the_operator_saves_changes_and_deletes(self, door: TestClient[Any]) -> None:
        body = {"name": "mallory", "question": ASR}
        for answer in (
            door.post("/api/v1/views", json=body, headers=CUSTOMER),
            door.put("/api/v1/views/mallory", json=body, headers=CUSTOMER),
            door.patch("/api/v1/views/mallory", json={}, headers=CUSTOMER),
            door.delete("/api/v1/views/mallory", headers=CUSTOMER),
        ):
            assert error(answer, 403)["code"] == "forbidden"


class TestValues:
    def test_are_those_with_the_most_calls_first(self, door: TestClient[Any]) -> None:
        assert door.get("/api/v1/values/customer").json() == {"items": ["acme", "zenith"], "next_cursor": None}
        found = door.get("/api/v1/values/customer_destination", params={"search": "MOB"}).json()["items"]
        assert found == ["UK, Mobile"]
        assert door.get("/api/v1/values/sip_code").json()["items"] == [200, 486]
        assert door.get("/api/v1/values/sip_code", params={"search": "48"}).json()["items"] == [486]
        assert door.get("/api/v1/values/provider", params={"limit": 1}).json()["items"] == ["carrier-a"]
        late = {"from": "2026-10-07", "to": "2026-10-08"}
        assert door.get("/api/v1/values/customer", params=late).json()["items"] == ["zenith"]

    def test_of_a_customer_are_those_of_its_own_calls(self, door: TestClient[Any]) -> None:
        assert door.get("/api/v1/values/customer", headers=CUSTOMER).json()["items"] == ["acme"]
        assert error(door.get("/api/v1/values/provider", headers=CUSTOMER), 403)["code"] == "forbidden_field"

    def test_there_are_none_of_what_is_no_dimension(self, door: TestClient[Any]) -> None:
        unknown = error(door.get("/api/v1/values/costumer"), 422)
        assert (unknown["code"], unknown["pointer"]) == ("unknown_field", "dimension")
        assert "customer" in unknown["hint"]
        assert error(door.get("/api/v1/values/day"), 422)["code"] == "bad_value"
        assert error(door.get("/api/v1/values/customer", params={"limit": "1001"}), 400)["code"] == "malformed"


def test_the_command_line_saves_lists_asks_and_deletes(clickhouse: ClickHouseProcess, tmp_path: Path) -> None:
    dsn = fresh_database(clickhouse)
    (tmp_path / "calls.csv").write_text(CALLS, "utf-8")
    (tmp_path / "asked.json").write_text('{"rows": ["customer"], "measures": ["attempts"]}', "utf-8")

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["--database", dsn, *words])
        assert done.exit_code == 0, done.output
        return done.output

    run("ingest", str(tmp_path / "calls.csv"))
    assert "report late-calls" in run("reports", "save", "late-calls", str(tmp_path / "asked.json"), "--label", "Late")
    assert "late-calls Late (database)" in " ".join(run("reports").split())
    window = ("--from", "2026-10-01", "--to", "2026-11-01", "--format", "csv")
    assert run("report", "late-calls", *window).splitlines()[1:] == ["acme,3", "zenith,1"]
    assert run("values", "customer", "--search", "z") == "zenith\n"
    (tmp_path / "search.json").write_bytes(msgspec.json.encode(NUMBERS))
    run("reports", "save", "acmes", str(tmp_path / "search.json"))
    listed = run("report", "acmes", *window).splitlines()
    assert listed[0].startswith("start_time,source,call_id,")
    assert [line.split(",")[2] for line in listed[1:]] == ["c", "b", "a"]
    assert len(run("report", "acmes", *window, "--where", "provider in carrier-b").splitlines()) == 2
    assert "deleted" in run("reports", "delete", "late-calls")
    assert "late-calls" not in run("reports")


NUMBERS: dict[str, Any] = {
    "report": "per-number",
    "where": [{"field": "customer", "values": ["acme"]}],
    "columns": ["start_time", "customer", "number"],
}


def ids(answer: dict[str, Any]) -> list[str]:
    at = [column["name"] for column in answer["columns"]].index("call_id")
    return sorted(row[at] for row in answer["rows"])


class TestOfSingleCalls:
    def test_a_search_is_a_report_that_lists_calls(self, door: TestClient[Any]) -> None:
        saved(door, "acmes", NUMBERS, label="Acme's calls")
        try:
            listed = {each["name"]: each for each in door.get("/api/v1/reports").json()["items"]}
            assert (listed["acmes"]["records"], listed["acmes"]["saved"]) == (True, True)
            assert ids(door.get("/api/v1/reports/acmes", params=OCTOBER).json()) == ["a", "b", "c"]
            # What is asked replaces what was saved; filters are added.
            later = {**OCTOBER, "from": "2026-10-05T06:00"}
            assert ids(door.get("/api/v1/reports/acmes", params=later).json()) == ["b", "c"]
            assert ids(door.get("/api/v1/reports/acmes", params={**OCTOBER, "provider": "carrier-a"}).json()) == [
                "a",
                "b",
            ]
            csv = door.get("/api/v1/reports/acmes", params={**OCTOBER, "format": "csv"})
            assert len(csv.text.splitlines()) == 4
            preset = door.get("/api/v1/reports/acmes").json()
            assert (preset["report"], preset["where"]) == (
                "per-number",
                [{"field": "customer", "values": ["acme"]}],
            )
            assert ids(door.post("/api/v1/calls", json={**preset, **OCTOBER}).json()) == ["a", "b", "c"]
            refused = door.post("/api/v1/query", json={"report": "acmes", **OCTOBER})
            assert refused.status_code == 422
            assert "lists single calls" in refused.json()["error"]["message"]
        finally:
            door.delete("/api/v1/views/acmes")

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"where": [{"field": "custmer", "values": ["acme"]}]}, "$.question.where[0].field"),
            ({"where": [{"field": "asr", "op": "lt", "values": [20]}]}, "$.question.where[0].field"),
            ({"columns": ["start_time", "custmer"]}, "$.question.columns[1]"),
            ({"match": "roughly"}, "$.question.match"),
            ({"rows": ["customer"]}, "$.question"),
        ],
    )
    def test_mistakes_are_told_when_it_is_saved(
        self, door: TestClient[Any], change: dict[str, Any], pointer: str
    ) -> None:
        answer = door.post("/api/v1/views", json={"name": "wrong", "question": {**NUMBERS, **change}})
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["error"]["pointer"].startswith(pointer)

    def test_customers_get_only_what_is_theirs(self, door: TestClient[Any]) -> None:
        of_provider = {**NUMBERS, "where": [{"field": "provider", "values": ["carrier-a"]}]}
        body = {"name": "theirs", "audience": "all", "question": of_provider}
        assert door.post("/api/v1/views", json=body).status_code == 422
        saved(door, "theirs", {**NUMBERS, "where": [{"field": "sip_code", "values": [200]}]}, audience="all")
        try:
            assert ids(door.get("/api/v1/reports/theirs", params=OCTOBER, headers=CUSTOMER).json()) == ["a", "c"]
        finally:
            door.delete("/api/v1/views/theirs")

    def test_from_a_file(self, door: TestClient[Any], folder: Path) -> None:
        path = folder / "zenith-calls.toml"
        path.write_text('report = "per-number"\nwhere = [{ field = "customer", values = ["zenith"] }]\n')
        try:
            assert ids(door.get("/api/v1/reports/zenith-calls", params=OCTOBER).json()) == ["d"]
        finally:
            path.unlink()
