"""What each measure means, shown on groups small enough to count by hand, and what of it a customer is told."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.errors import NotFound, TollhouseError
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.query.answer import Answer
from engine.settings import Settings
from engine.site import Site
from web.catalog import catalog_view

pytestmark = pytest.mark.engine

PORTAL = Principal("ratios", accounts=("codes",), audience="customer")

# The group is the customer; a record is: customer, SIP code, talk, and whatever the group is about.
GROUPS: dict[str, list[dict[str, Any]]] = {
    # RFC 6076: five codes over all but redirects; 404, 503 and 487 are none of them
    "codes": [{"sip_code": code} for code in (200, 480, 486, 600, 603, 404, 503, 487, 301, 302)],
    "redirected": [{"sip_code": 302}],
    "no code": [{"duration": 5}, {}],
    # our own side refused one busy and one other call, and a provider one
    "refused": [
        {"sip_code": 486, "release_side": "switch"},
        {"sip_code": 403, "release_side": "switch"},
        {"sip_code": 486, "release_side": "provider", "provider": "p"},
    ],
    "only refused": [{"sip_code": 603, "release_side": "switch"}],
    # up to six seconds, to the millisecond; the last is answered without talk
    "short": [{"sip_code": 200, "duration": talk} for talk in ("0.001", 6, "6.001", 60)] + [{"sip_code": 200}],
    "digits": [
        {"sip_code": 200, "duration": 60, "dtmf": 3, "provider_charge": "0.30"},
        {"sip_code": 200, "duration": 60, "dtmf": 1, "provider_charge": "0.30"},
        {"sip_code": 200, "duration": 60, "provider_charge": "0.40"},
        {"sip_code": 486, "dtmf": 4},  # digits, but no call that connected
    ],
    "no digits": [{"sip_code": 200, "duration": 60, "provider_charge": "0.40"}],
    "heard": [{"mos": "4.1234"}, {"mos": "3"}, {}, {"mos": "99999.9999", "is_final": "false"}],
    "raters": [
        {"number": "442079460000", "source_jurisdiction": word}
        for word in ("international", "INTL", "inter", "Intrastate", "TOLL-FREE ORIGINATION", "interlata", "local", "")
    ],
    "timed": [{"pdd": "1.5", "sip_code": 486}, {"pdd": "0.5", "sip_code": 486}, {"sip_code": 486}],
    "never": [{"sip_code": 503}, {"sip_code": 404}],
}


def lines() -> Iterator[dict[str, Any]]:
    for customer, group in GROUPS.items():
        for number, record in enumerate(group):
            yield {
                "call_id": f"{customer}-{number}",
                "start_time": f"2026-10-05T10:00:{number:02}Z",
                "customer": customer,
            } | record


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("calls") / "calls.ndjson"
    path.write_bytes(b"\n".join(msgspec.json.encode({k: str(v) for k, v in line.items()}) for line in lines()))
    with Site(Settings(database="chdb://memory")) as opened:
        receipt = opened.ingest(path, path.name, Asked())
        assert receipt.accepted == sum(map(len, GROUPS.values()))
        yield opened


def ask(site: Site, principal: Principal = ADMIN, **fields: Any) -> Answer:
    return site.ask(question.of({"from": "2026-10-01", "to": "2026-11-01", **fields}), principal)


def of(site: Site, customer: str, *measures: str, **fields: Any) -> tuple[Any, ...]:
    where = [{"field": "customer", "op": "eq", "values": [customer]}]
    return ask(site, rows=[], measures=measures, where=where, **fields).rows[0]


@pytest.fixture
def counting_zero_answers(site: Site) -> Iterator[Site]:
    site.desk._settings = msgspec.structs.replace(site.settings, count_zero_answers=True)
    yield site
    site.desk._settings = site.settings


class TestSeer:
    def test_is_five_codes_over_all_but_redirects(self, site: Site) -> None:
        assert of(site, "codes", "seer", parts=True) == (62.5, 5, 8)

    def test_of_redirects_alone_there_is_none(self, site: Site) -> None:
        assert of(site, "redirected", "seer", "attempts") == (None, 1)

    def test_a_connected_call_without_a_code_counts_as_a_200(self, site: Site) -> None:
        assert of(site, "no code", "seer") == (50.0,)

    def test_over_seizures_leaves_out_what_we_refused_ourselves(self, site: Site) -> None:
        assert of(site, "refused", "seer", parts=True) == (pytest.approx(200 / 3), 2, 3)
        assert of(site, "refused", "seer", base="seizures", parts=True) == (100.0, 1, 1)
        assert of(site, "only refused", "seer", "asr", "abr", base="seizures") == (None, None, 0.0)

    def test_is_not_ner(self, site: Site) -> None:
        # 487 and 404 are no answer of the user's, 302 is not left out of the attempts
        assert of(site, "codes", "ner", parts=True) == (50.0, 5, 10)


class TestShortCalls:
    def test_talked_for_at_most_the_setting(self, site: Site) -> None:
        assert of(site, "short", "short_calls", "connected", "short_percent") == (2, 4, 50.0)

    def test_an_answer_without_talk_is_one_where_it_counts_as_connected(self, counting_zero_answers: Site) -> None:
        assert of(counting_zero_answers, "short", "short_calls", "connected", "short_percent") == (3, 5, 60.0)

    def test_without_answers_there_is_no_share(self, site: Site) -> None:
        assert of(site, "never", "short_calls", "short_percent") == (0, None)


class TestMoneyPerDigit:
    def test_is_the_whole_charge_over_calls_and_digits(self, site: Site) -> None:
        measures = ("dtmf_calls", "dtmf_digits", "cost_per_dtmf_call", "cost_per_digit")
        assert of(site, "digits", *measures) == (2, 8, 0.5, 0.125)

    def test_is_null_where_nobody_pressed_a_key(self, site: Site) -> None:
        assert of(site, "no digits", "cost_per_dtmf_call", "cost_per_digit", "provider_charge") == (None, None, "0.40")


class TestQuality:
    def test_mos_is_the_mean_of_those_that_have_one(self, site: Site) -> None:
        measures = ("mos_avg", "mos_known")
        assert of(site, "heard", *measures, calls="final") == (pytest.approx((4.1234 + 3) / 2, rel=1e-15), 2)
        assert of(site, "heard", "mos_known") == (3,), "every attempt has one of its own"
        assert of(site, "never", *measures) == (None, 0)

    def test_pdd_is_too(self, site: Site) -> None:
        assert of(site, "timed", "pdd_avg", "pdd_known", "attempts") == (1.0, 2, 3)
        assert of(site, "never", "pdd_avg", "pdd_known") == (None, 0)


def test_a_rater_disagrees_in_words_we_know(site: Site) -> None:
    # all eight are international: "inter" is interstate, "local" says nothing
    assert of(site, "raters", "jurisdiction_disagrees", "international") == (4, 8)


def test_every_ratio_of_nothing_is_null_and_every_sum_is_zero(site: Site) -> None:
    measures = [m for m in catalog().measures.values() if m.numerator is None and m.type != "mean_duration"]
    ratios = [m.name for m in catalog().measures.values() if m.numerator is not None]
    nothing: dict[str, Any] = {"from": "2025-01-01", "to": "2025-01-02", "rows": []}
    assert set(ask(site, **nothing, measures=ratios).rows[0]) == {None}
    assert set(ask(site, **nothing, measures=[m.name for m in measures]).rows[0]) == {0, "0.00"}


def test_a_group_without_an_answer_is_listed(site: Site) -> None:
    listed = {row[0]: row[1:] for row in ask(site, rows=["customer"], measures=["asr", "acd"]).rows}
    assert listed["never"] == (0.0, None)
    assert listed.keys() == GROUPS.keys()


class TestACustomer:
    """Reports, fields and labels of who may not see cost or provider."""

    def test_gets_every_report_that_exists_for_it(self, site: Site) -> None:
        window = {"from": "2026-10-01", "to": "2026-11-01"}
        for name, report in site.catalog.reports_for("customer").items():
            if report.records or report.since_close:
                continue
            answer = site.ask(question.of({"report": name, **window}), PORTAL)
            assert "provider" not in msgspec.json.encode((answer.columns, answer.question, answer.warnings)).decode()

    def test_finds_no_other(self, site: Site) -> None:
        hidden = set(site.catalog.reports) - set(site.catalog.reports_for("customer"))
        assert hidden == {"dtmf", "asr-per-route"}
        for name in hidden:
            with pytest.raises(NotFound) as failure:
                ask(site, PORTAL, report=name)
            assert failure.value.code == "unknown_report"
            assert not any(other in (failure.value.hint or "") for other in hidden)
            with pytest.raises(NotFound):
                site.preset(question.of({"from": "2026-10-01", "to": "2026-11-01", "report": name}), PORTAL)

    def test_is_told_of_nothing_else(self, site: Site) -> None:
        told = catalog_view(site.catalog, PORTAL, 30)
        assert {report.name for report in told.reports} == set(site.catalog.reports_for("customer"))
        shown = [f"{field.name} {field.label}" for field in (*told.dimensions, *told.measures)]
        assert not [words for words in shown if "provider" in words.lower() or "profit" in words.lower()]

    def test_is_not_told_of_parameters_of_others_reports(self, site: Site) -> None:
        with pytest.raises(TollhouseError) as failure:
            ask(site, PORTAL, report="usa-calls", bucket="hour")
        assert failure.value.hint is None

    def test_gets_its_own_variant(self, site: Site) -> None:
        calling = ask(site, PORTAL, report="usa-rate-center", side="calling").question
        assert (calling.rows, calling.measures) == (("orig_npanxx", "orig_rate_center"), ("customer_charge", "calls"))
        shown = ask(site, PORTAL, report="did-as-cli").question
        assert (shown.rows, shown.subtotals) == (("did",), False)
