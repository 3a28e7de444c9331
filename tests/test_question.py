"""What a question promises whoever asks it: values stay values, scope is everywhere, windows tile, null means null."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.errors import TollhouseError
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.query.answer import Answer
from engine.settings import Settings
from engine.site import Site

pytestmark = pytest.mark.engine

CALLS = """\
call_id,start_time,duration,customer,customer_destination,provider,customer_charge,customer_currency,provider_charge,\
provider_currency,sip_code,attempt,is_final,release_side
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",carrier-a,1.20,USD,1.00,USD,200,1,true,
b,2026-10-05T12:00:00Z,0,acme,"UK, Mobile",carrier-a,,USD,,USD,486,1,true,
c,2026-10-06T00:00:00Z,30,acme,India,carrier-b,0.50,USD,0.75,USD,200,1,true,
d,2026-10-06T00:00:00.001Z,10,zenith,India,carrier-b,0.30,EUR,0.10,USD,200,1,true,
e,2026-10-07T08:00:00Z,0,zenith,Peru,carrier-c,,USD,,USD,503,1,false,
e,2026-10-07T08:00:02Z,0,zenith,Peru,carrier-a,,USD,,USD,404,2,true,
f,2026-10-08T08:00:00Z,12,acme,Peru,carrier-a,,USD,,USD,200,1,true,
g,2026-10-09T08:00:00Z,0,acme,Peru,,,USD,,USD,403,1,true,switch
h,2026-10-10T08:00:00Z,0,acme,Chile,carrier-a,0,USD,0,USD,200,1,true,
"""
PORTAL = Principal("acme", accounts=("acme",), audience="customer")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    path.write_text(CALLS, "utf-8")
    with Site(Settings(database="chdb://memory", rollup_zones=("America/New_York",))) as opened:
        opened.ingest(path, path.name, Asked())
        yield opened


def asked(**fields: Any) -> question.Question:
    return question.of({"from": "2026-10-01", "to": "2026-11-01", **fields})


def ask(site: Site, principal: Any = ADMIN, **fields: Any) -> Answer:
    return site.ask(asked(**fields), principal)


def refused(site: Site, principal: Any = ADMIN, **fields: Any) -> TollhouseError:
    with pytest.raises(TollhouseError) as failure:
        site.ask(asked(**fields), principal)
    return failure.value


class TestValues:
    @given(value=st.text(max_size=40), other=st.text(max_size=10), account=st.text(max_size=10))
    @profile(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_value_ever_changes_the_statement(self, site: Site, value: str, other: str, account: str) -> None:
        def sql(text: str, second: str, whose: str) -> str:
            where = [
                {"field": "customer", "op": "in", "values": [text, second]},
                {"field": "provider", "op": "contains", "values": [text]},
            ]
            principal = Principal("someone", accounts=(whose,))
            return site.desk.statement(asked(rows=["customer"], where=where), principal).sql

        assert sql(value, other, account) == sql("x", "y", "z")

    @pytest.mark.parametrize(
        "value", ["it's", 'a"b', "a\\b", "tab\there", "line\nend", "{x:String}", "%s", "'); --", "ü€"]
    )
    def test_odd_values_are_found_as_they_are(self, site: Site, tmp_path: Path, value: str) -> None:
        line = {"call_id": value, "start_time": "2026-09-01T00:00:00Z", "customer": value, "duration": 1}
        path = tmp_path / "odd.ndjson"
        path.write_bytes(msgspec.json.encode(line) + b"\n")
        site.ingest(path, path.name, Asked())
        answer = ask(
            site,
            **{"from": "2026-09-01", "to": "2026-09-02"},
            rows=["customer"],
            where=[{"field": "customer", "op": "eq", "values": [value]}],
        )
        assert answer.rows == [(value, 1)]

    def test_words_of_the_schema_are_not_values(self, site: Site) -> None:
        for field in ("customer; DROP TABLE cdr", "t.customer", "cdr", "sign", "standing"):
            assert refused(site, rows=[field]).code == "unknown_field"


class TestScope:
    def test_a_customer_sees_only_its_own_calls(self, site: Site) -> None:
        assert {row[0] for row in ask(site, rows=["customer"]).rows} == {"acme", "zenith"}
        assert [row[0] for row in ask(site, PORTAL, rows=["customer"]).rows] == ["acme"]

    def test_also_when_it_filters_for_another(self, site: Site) -> None:
        where = [{"field": "customer", "op": "in", "values": ["zenith"]}]
        assert ask(site, PORTAL, rows=["customer"], where=where).rows == []

    def test_the_scope_stands_in_every_branch(self, site: Site) -> None:
        statement = site.desk.statement(asked(**{"from": "2026-10-01T05:00"}, rows=["customer"]), PORTAL)
        branches = statement.sql.split("UNION ALL")
        assert len(branches) >= 1
        assert all("t.customer IN {scope:Array(String)}" in branch for branch in branches)
        assert statement.parameters["scope"] == ["acme"]

    def test_nobodys_accounts_are_no_calls(self, site: Site) -> None:
        assert ask(site, Principal("new", accounts=()), rows=["customer"]).rows == []
        assert ask(site, Principal("new", accounts=()), rows=[]).rows == [(0,)]

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"rows": ["provider"]}, "$.rows[0]"),
            ({"measures": ["attempts", "provider_charge"]}, "$.measures[1]"),
            ({"measures": ["profit_percent"]}, "$.measures[0]"),
            ({"where": [{"field": "profit", "op": "gt", "values": [0]}]}, "$.where[0].field"),
            ({"where": [{"field": "provider_card", "op": "not_null"}]}, "$.where[0].field"),
        ],
    )
    def test_what_is_not_a_customers_is_refused_wherever_it_asks(
        self, site: Site, fields: dict[str, Any], pointer: str
    ) -> None:
        failure = refused(site, PORTAL, **fields)
        assert (failure.code, failure.status, failure.pointer) == ("forbidden_field", 403, pointer)
        assert "provider" not in (failure.hint or ""), "the hint names what the caller may not use"

    def test_a_customers_breakout_has_no_cost_and_counts_calls(self, site: Site) -> None:
        answer = ask(site, PORTAL, report="breakout")
        names = [column.name for column in answer.columns]
        assert names[0] == "customer_destination"
        assert not {"provider_charge", "profit", "profit_percent"} & set(names)
        assert answer.question.calls == "final"
        assert not [warning for warning in answer.warnings if "provider" in warning.message]


class TestWindows:
    def test_adjacent_windows_tile(self, site: Site) -> None:
        edges = ["2026-10-01", "2026-10-06", "2026-10-06T00:00:00.001", "2026-10-08T08:00", "2026-11-01"]
        counts = [
            ask(site, **{"from": begin, "to": end}, rows=[]).rows[0][0] for begin, end in itertools.pairwise(edges)
        ]
        assert counts == [2, 1, 3, 3]
        assert sum(counts) == ask(site, rows=[]).rows[0][0]

    def test_a_day_is_a_day_of_the_asked_zone(self, site: Site) -> None:
        days = {row[0]: row[1] for row in ask(site, rows=["day"], timezone="America/New_York").rows}
        assert days["2026-10-04"] == 1  # 00:30 UTC on the 5th
        assert days["2026-10-05"] == 3

    def test_the_answer_names_the_zone_and_everything_else_it_used(self, site: Site) -> None:
        resolved = ask(site, rows=["customer"]).question
        assert (resolved.timezone, resolved.currency, resolved.calls) == ("UTC", "USD", "attempts")

    @pytest.mark.parametrize(
        ("window", "pointer"),
        [
            ({"from": "2026-13-01"}, "$.from"),
            ({"from": "yesterday"}, "$.from"),
            ({"to": "2026-09-01"}, "$.to"),
            ({"timezone": "Mars/Olympus"}, "$.timezone"),
        ],
    )
    def test_a_window_that_is_none_is_refused_with_its_place(
        self, site: Site, window: dict[str, str], pointer: str
    ) -> None:
        assert refused(site, **window).pointer == pointer


class TestMeasures:
    def test_ratios_are_of_sums_at_every_level(self, site: Site) -> None:
        answer = ask(
            site, rows=["customer", "customer_destination"], measures=["attempts", "asr"], totals=True, subtotals=True
        )
        assert {row[:2]: row[2:] for row in answer.rows}["acme", "UK, Mobile"] == (2, 50.0)
        assert isinstance(answer.subtotals, list)
        assert {s.row[0]: s.row[2:] for s in answer.subtotals} == {"acme": (6, 50.0), "zenith": (3, 100 / 3)}
        assert answer.totals == (None, None, 9, pytest.approx(400 / 9))

    def test_totals_come_from_the_groups_that_pass(self, site: Site) -> None:
        where = [{"field": "asr", "op": "ge", "values": [50]}]
        answer = ask(
            site, rows=["customer_destination"], measures=["attempts", "connected"], where=where, totals=True, limit=1
        )
        assert (answer.row_count, answer.total_rows, answer.truncated) == (1, 2, True)
        assert answer.totals == (None, 4, 3)

    def test_a_group_without_attempts_has_no_ratio_and_one_without_answers_has_zero(self, site: Site) -> None:
        none = ask(site, **{"from": "2025-01-01", "to": "2025-01-02"}, rows=[], measures=["attempts", "asr", "acd"])
        assert none.rows == [(0, None, None)]
        zero = ask(site, rows=["provider"], measures=["attempts", "asr", "acd"])
        assert {row[0]: row[1:] for row in zero.rows}["carrier-c"] == (1, 0.0, None)

    def test_a_group_is_listed_while_a_record_stands_in_it(self, site: Site) -> None:
        # carrier-c only had an attempt that was not the last: in the call view it counts nothing and is listed.
        answer = ask(site, rows=["provider"], measures=["attempts", "calls"], calls="final")
        assert {row[0]: row[1:] for row in answer.rows}["carrier-c"] == (0, 0)

    def test_the_view_never_changes_money_or_time(self, site: Site) -> None:
        measures = ["customer_duration", "duration", "provider_charge"]
        views = [ask(site, rows=[], measures=measures, calls=view).rows for view in ("attempts", "final")]
        assert views[0] == views[1]

    def test_refused_attempts_are_left_out_of_ratios_on_request(self, site: Site) -> None:
        where = [{"field": "customer_destination", "op": "eq", "values": ["Peru"]}]
        of_attempts = ask(site, rows=[], measures=["attempts", "asr", "abr"], where=where)
        of_seizures = ask(site, rows=[], measures=["attempts", "asr", "abr"], where=where, base="seizures")
        assert of_attempts.rows == [(4, 25.0, 25.0)]
        assert of_seizures.rows == [(4, pytest.approx(100 / 3), 25.0)]

    def test_an_answer_without_talk_is_not_connected_unless_the_site_says_so(self, site: Site) -> None:
        where = [{"field": "customer_destination", "op": "eq", "values": ["Chile"]}]
        answer = ask(site, rows=[], measures=["attempts", "connected", "ner"], where=where)
        assert answer.rows == [(1, 0, 100.0)]

    def test_numerator_and_denominator_stand_beside_a_ratio(self, site: Site) -> None:
        answer = ask(site, rows=[], measures=["asr", "acd"], parts=True)
        assert [column.name for column in answer.columns] == [
            "asr", "asr.numerator", "asr.denominator", "acd", "acd.numerator", "acd.denominator",
        ]  # fmt: skip
        assert answer.rows == [(pytest.approx(400 / 9), 4, 9, 28.0, 112.0, 4)]


class TestMoney:
    def test_is_exact_text(self, site: Site) -> None:
        where = [{"field": "customer", "op": "eq", "values": ["acme"]}]
        measures = ["customer_charge", "provider_charge", "profit", "profit_percent"]
        answer = ask(site, rows=[], measures=measures, where=where)
        assert answer.rows == [("1.70", "1.75", "-0.05", pytest.approx(-100 * 0.05 / 1.7))]

    def test_of_two_currencies_is_never_added(self, site: Site) -> None:
        answer = ask(site, rows=["customer"], measures=["customer_charge", "provider_charge", "profit"], totals=True)
        charges = {row[0]: row[1:] for row in answer.rows}
        assert charges["zenith"] == (None, "0.10", None)
        assert answer.totals == (None, None, "1.85", None)
        assert [warning.code for warning in answer.warnings].count("fx_missing") == 1
        assert "EUR" in next(w.message for w in answer.warnings if w.code == "fx_missing")

    def test_as_it_was_charged_names_its_currency(self, site: Site) -> None:
        rows = ["customer_currency"]
        answer = ask(site, rows=rows, measures=["customer_charge"], currency="native")
        assert dict(zip([row[1] for row in answer.rows], answer.currencies or (), strict=True)) == {
            "1.70": "USD",
            "0.30": "EUR",
        }

    def test_as_it_was_charged_is_refused_where_currencies_mix(self, site: Site) -> None:
        assert refused(site, rows=[], measures=["customer_charge"], currency="native").code == "mixed_currency"
        assert refused(site, rows=["customer"], measures=["profit"], currency="native").code == "mixed_currency"

    def test_unrated_calls_are_told(self, site: Site) -> None:
        answer = ask(site, rows=[], measures=["customer_charge", "unrated_customer_calls"])
        assert answer.rows[0][1] == 1
        assert "unrated" in {warning.code for warning in answer.warnings}


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "code", "status", "pointer"),
        [
            ({"report": "brekout"}, "unknown_report", 404, "$.report"),
            ({"rows": ["custmer"]}, "unknown_field", 422, "$.rows[0]"),
            ({"measures": ["attempt_s"]}, "unknown_field", 422, "$.measures[0]"),
            ({"sort": [{"field": "acd"}]}, "unknown_field", 422, "$.sort[0].field"),
            ({"rows": ["day", "day"]}, "bad_value", 422, "$.rows[1]"),
            ({"limit": 2_000_000}, "too_many_rows", 413, "$.limit"),
            ({"where": [{"field": "asr", "op": "lt", "values": ["x"]}]}, "bad_value", 422, "$.where[0].values[0]"),
            ({"where": [{"field": "asr", "op": "between", "values": [1]}]}, "bad_value", 422, "$.where[0].values"),
            ({"where": [{"field": "day", "op": "eq", "values": ["x"]}]}, "bad_value", 422, "$.where[0].values[0]"),
            ({"where": [{"field": "asr", "op": "contains", "values": ["1"]}]}, "bad_value", 422, "$.where[0].values"),
        ],
    )
    def test_say_what_where_and_what_to_do(
        self, site: Site, fields: dict[str, Any], code: str, status: int, pointer: str
    ) -> None:
        failure = refused(site, **fields)
        assert (failure.code, failure.status, failure.pointer) == (code, status, pointer)

    @pytest.mark.parametrize("fields", [{"rowz": []}, {"where": [{"field": "asr", "op": "near"}]}, {"limit": -1}])
    def test_a_malformed_question_is_refused_before_anything(self, fields: dict[str, Any]) -> None:
        with pytest.raises(TollhouseError) as failure:
            asked(**fields)
        assert failure.value.status == 400

    def test_an_unknown_name_gets_the_nearest_known_one(self, site: Site) -> None:
        assert "'customer'" in (refused(site, rows=["custmer"]).hint or "")

    def test_an_answer_over_the_cap_is_an_error_and_not_a_shorter_answer(self, site: Site) -> None:
        site.desk._settings = msgspec.structs.replace(site.settings, max_rows=1)
        try:
            assert refused(site, rows=["customer"]).code == "too_many_rows"
            assert len(ask(site, rows=["customer"], limit=1).rows) == 1
        finally:
            site.desk._settings = site.settings


def test_rows_are_in_a_total_order(site: Site) -> None:
    answer = ask(site, rows=["customer_destination"], measures=["acd"], sort=[{"field": "acd", "descending": True}])
    assert [row[1] for row in answer.rows][-1] is None, "nulls come last both ways"
    ties = ask(site, rows=["customer_destination"], measures=["attempts"])
    assert ties.rows == sorted(ties.rows, key=lambda row: (-row[1], row[0]))


def test_every_measure_and_dimension_of_the_catalog_answers(site: Site) -> None:
    for dimension in catalog().dimensions:
        answer = ask(site, rows=[dimension], measures=list(catalog().measures), totals=True, currency="USD")
        assert answer.total_rows >= 1, dimension


def test_the_answer_tells_how_many_rows_the_engine_read(site: Site) -> None:
    # Six records of the ledger lie in these days; a rollup has fewer, and the result is a single row.
    window = {"from": "2026-10-05", "to": "2026-10-08"}
    answer = site.desk.ask(asked(**window, rows=[]), ADMIN, ledger_only=True)
    assert answer.row_count == 1
    assert answer.rows_read >= 6
