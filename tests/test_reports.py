"""Every report, by URL, as a question and at the command line, against the same figures worked out in plain Python."""

import csv
import io
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner

from engine.query.answer import money_text
from tests.server import Server
from web.cli import main

pytestmark = pytest.mark.engine

Record = dict[str, Any]

ZONE = "America/New_York"
WINDOW = {"from": "2026-10-05", "to": "2026-10-12"}
NPANXX = """npanxx,state,country,lata,rate_center,ocn
212230,NY,US,132,NWYRCYZN01,6565
315230,NY,US,136,SYRACUSE,9104
224230,IL,US,358,ELGIN,7229
416230,ON,CA,888,TORONTO,8051
"""
NPA = "npa,state,country\n212,NY,US\n315,NY,US\n224,IL,US\n"
DIDS = "number,account\n12122300100,acme\n12122300101,acme\n13152300100,globex\n13152300199,\n"
PLACES = {row["npanxx"]: row for row in csv.DictReader(io.StringIO(NPANXX))}
AREAS = {row["npa"]: row for row in csv.DictReader(io.StringIO(NPA))}
ACCOUNTS = {row["number"]: row["account"] for row in csv.DictReader(io.StringIO(DIDS))}

UK, CANADA, TOLL_FREE, PERSONAL = "442079460000", "14162300100", "18002300100", "15002300100"
ENDS = [
    "12122300100", "12122300177", "13152300100", "12242300100", "12129990100", UK, CANADA, TOLL_FREE, PERSONAL,
]  # fmt: skip
CALLERS = [*ENDS, "anonymous", ""]
CODES = [200, 200, 200, 302, 403, 404, 480, 486, 487, 503, 603]


def records() -> list[Record]:
    """A week of calls and its surroundings: rerouted, refused and odd ones, one route that never answers."""
    dice = random.Random(5)
    found = []
    for call in range(400):
        start = datetime(2026, 10, 4, tzinfo=UTC) + timedelta(seconds=dice.randrange(9 * 86400), milliseconds=7)
        plain = {
            "call_id": f"c{call}",
            "customer": dice.choice(["acme", "globex", "initech"]),
            "customer_destination": dice.choice(["USA", "UK, Mobile"]),
            "tech_prefix": dice.choice(["", "9", "77"]),
            "cli": dice.choice(CALLERS),
            "dest_cli": dice.choice([*ACCOUNTS, "12242300100", ""]),
            "number": dice.choice(ENDS),
        }
        last = dice.choice([1, 1, 1, 2, 3])
        for attempt in range(1, last + 1):
            provider = dice.choice(["alpha", "beta", "dead", ""])
            code = dice.choice(CODES) if attempt == last and provider != "dead" else dice.choice([404, 486, 503])
            talk = Decimal(dice.randrange(1, 300_000)) / 1000 if code == 200 and dice.random() < 0.9 else Decimal(0)
            if code == 487 and dice.random() < 0.3:
                talk = Decimal("3.5")  # talked all the same
            rated = talk > 0 and provider
            found.append(
                plain
                | {
                    "attempt": attempt,
                    "is_final": attempt == last,
                    "start_time": start + timedelta(seconds=4 * attempt),
                    "provider": provider,
                    "provider_card": f"{provider}-{dice.choice('12')}" if provider else "",
                    "release_side": dice.choice(["switch", "provider"]),
                    "sip_code": code,
                    "duration": talk,
                    "customer_duration": -(-talk // 6) * 6,
                    "customer_charge": (talk * Decimal("0.00012345")).quantize(Decimal("1e-8")) if rated else None,
                    "provider_charge": (talk * Decimal("0.0000999")).quantize(Decimal("1e-8")) if rated else None,
                    "dtmf": dice.choice([0, 0, 1, 4]) if talk else 0,
                    "sdp": dice.random() < 0.5,
                }
            )
    return found


def written(found: list[Record]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(found[0]))
    writer.writeheader()
    for record in found:
        writer.writerow(
            record
            | {
                "start_time": record["start_time"].isoformat(),
                "is_final": str(record["is_final"]).lower(),
                "sdp": str(record["sdp"]).lower(),
            }
        )
    return text.getvalue()


@pytest.fixture(scope="module")
def calls() -> list[Record]:
    """The calls of the window, as plain Python has them."""
    days = (WINDOW["from"], WINDOW["to"])
    return [record for record in records() if days[0] <= local(record).date().isoformat() < days[1]]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The program with small lists and those calls in it."""
    dsn = f"chdb://{tmp_path_factory.mktemp('reports')}"
    with Server(dsn, timezone=ZONE) as running, running.client() as client:
        for kind, text in (("npanxx", NPANXX), ("npa", NPA), ("dids", DIDS)):
            assert client.post(f"/api/v1/lists/{kind}", content=text).status_code == 200
        loaded = client.post("/api/v1/cdrs", content=written(records()), headers={"content-type": "text/csv"}).json()
        assert loaded["accepted"] == loaded["received"] > 500
        yield client


# --- the same in plain Python ---------------------------------------------------------------------------------


def local(record: Record) -> datetime:
    moment: datetime = record["start_time"]
    return moment.astimezone(ZoneInfo(ZONE))


def connected(record: Record) -> bool:
    return bool(record["duration"] > 0)


def country(number: str) -> str:
    if not number.isdigit():
        return ""
    return "GB" if number == UK else "CA" if number == CANADA else "US"


def state(number: str) -> str:
    known = PLACES.get(number[1:7]) or AREAS.get(number[1:4])
    return known["state"] if known and known["country"] == "US" and len(number) == 11 else ""


def lata(number: str) -> str:
    return PLACES.get(number[1:7], {}).get("lata", "") if state(number) else ""


def jurisdiction(record: Record, place: Callable[[str], str], same: str, other: str) -> str:
    number, caller = record["number"], record["cli"]
    if number in (UK, CANADA):
        return "international"
    if number == TOLL_FREE:
        return "toll_free"
    if not place(number) or not place(caller):
        return "indeterminate"
    return same if place(number) == place(caller) else other


def by_state(record: Record) -> str:
    return jurisdiction(record, state, "intrastate", "interstate")


def by_lata(record: Record) -> str:
    return jurisdiction(record, lata, "intralata", "interlata")


def network(record: Record) -> str:
    number = record["number"]
    if number in ACCOUNTS and (record["cli"] in ACCOUNTS or record["dest_cli"] in ACCOUNTS):
        return "on_net"
    return "international" if country(number) != (country(record["cli"]) or "US") else "off_net"


def over(above: Any, below: Any) -> float | None:
    return float(above) / float(below) if below else None


def money(group: Sequence[Record], side: str) -> Decimal:
    return sum((record[f"{side}_charge"] or Decimal(0) for record in group), Decimal(0))


def seconds(group: Sequence[Record], field: str = "duration") -> float:
    return float(sum((record[field] for record in group), Decimal(0)))


def figures(group: list[Record], view: str) -> dict[str, Any]:
    """The measures that groups of any report have."""
    counted = [record for record in group if view == "attempts" or record["is_final"]]
    talked = [record for record in counted if connected(record)]
    customer, provider = money(group, "customer"), money(group, "provider")
    digital = sum(record["dtmf"] > 0 for record in talked)
    digits = sum(record["dtmf"] for record in group)
    return {
        "attempts": len(counted),
        "calls": sum(record["is_final"] for record in group),
        "connected": len(talked),
        "asr": over(100 * len(talked), len(counted)),
        "acd": over(seconds(talked), len(talked)),
        "duration": seconds(group),
        "customer_duration": seconds(group, "customer_duration"),
        "customer_charge": money_text(customer),
        "provider_charge": money_text(provider),
        "profit": money_text(customer - provider),
        "profit_percent": over(100 * (customer - provider), customer),
        "dtmf_calls": digital,
        "dtmf_digits": digits,
        "dtmf_percent": over(100 * digital, len(talked)),
        "cost_per_dtmf_call": over(provider, digital),
        "cost_per_digit": over(provider, digits),
        "sdp": sum(record["sdp"] for record in counted),
    }


Expected = dict[tuple[Any, ...], dict[str, Any]]


def grouped(calls: list[Record], keys: list[Callable[[Record], Any]], view: str) -> Expected:
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in calls:
        groups[tuple(key(record) for key in keys)].append(record)
    return {key: figures(group, view) for key, group in groups.items()}


def field(name: str) -> Callable[[Record], Any]:
    return lambda record: record[name]


# --- the faces ------------------------------------------------------------------------------------------------


def said(http: httpx.Client, report: str, *words: str) -> dict[str, Any]:
    """The answer at the command line."""
    window = ["--from", WINDOW["from"], "--to", WINDOW["to"]]
    url = str(http.base_url).rstrip("/")
    done = CliRunner().invoke(main, ["report", report, *window, *words, "--format", "json", "--url", url])
    assert done.exit_code == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def answered(http: httpx.Client, report: str, **chosen: str) -> dict[str, Any]:
    """The answer of a report, after all faces were found to agree."""
    by_url = http.get(f"/api/v1/reports/{report}", params=WINDOW | chosen)
    assert by_url.status_code == 200, by_url.text
    answer: dict[str, Any] = by_url.json()
    as_question = http.post("/api/v1/query", json=WINDOW | {"report": report} | chosen).json()
    at_the_command_line = said(http, report, *(word for name, text in chosen.items() for word in (f"--{name}", text)))
    for other in (as_question, at_the_command_line):
        for part in ("columns", "rows", "question"):
            assert other[part] == answer[part], part
        assert other.get("subtotals") == answer.get("subtotals")
    return answer


def check(answer: dict[str, Any], expected: Expected, rows: list[str], measures: list[str]) -> None:
    """Compare groups and figures; what Python has in floats may differ in the last digits."""
    assert [column["name"] for column in answer["columns"]] == rows + measures
    assert len(answer["rows"]) == len(expected) == answer["total_rows"]
    for row in answer["rows"]:
        wanted = [expected[tuple(row[: len(rows)])][name] for name in measures]
        exact = [pytest.approx(value, rel=1e-12) if isinstance(value, float) else value for value in wanted]
        assert row[len(rows) :] == exact, row


BREAKOUT = [
    "attempts", "connected", "customer_duration", "duration", "customer_charge", "provider_charge", "profit",
    "profit_percent", "asr", "acd", "dtmf_calls", "dtmf_percent", "sdp",
]  # fmt: skip
DTMF = [
    "attempts", "connected", "dtmf_calls", "dtmf_digits", "dtmf_percent", "provider_charge", "cost_per_dtmf_call",
    "cost_per_digit",
]  # fmt: skip
EXPLORE = ["attempts", "connected", "asr", "acd", "customer_charge", "provider_charge", "profit"]


@pytest.mark.parametrize(
    ("report", "rows", "measures"),
    [
        ("breakout", ["customer", "customer_destination"], BREAKOUT),
        ("dtmf", ["provider", "provider_card"], DTMF),
        ("tech-prefix", ["tech_prefix"], ["asr", "acd", "connected", "attempts"]),
        ("explore", [], EXPLORE),
    ],
)
def test_reports_of_attempts(
    http: httpx.Client, calls: list[Record], report: str, rows: list[str], measures: list[str]
) -> None:
    answer = answered(http, report)
    check(answer, grouped(calls, [field(name) for name in rows], "attempts"), rows, measures)
    assert answer["question"]["calls"] == "attempts"


@pytest.mark.parametrize("side", ["called", "calling"])
def test_usa_rate_center(http: httpx.Client, calls: list[Record], side: str) -> None:
    end = "number" if side == "called" else "cli"
    inside = [record for record in calls if country(record[end]) == "US"]
    keys = [lambda one: one[end][1:7], lambda one: PLACES.get(one[end][1:7], {}).get("rate_center", "")]
    rows = ["npanxx", "rate_center"] if side == "called" else ["orig_npanxx", "orig_rate_center"]
    answer = answered(http, "usa-rate-center", side=side)
    check(answer, grouped(inside, keys, "final"), rows, ["customer_charge", "provider_charge", "calls"])
    labels = ["Prefix", "Rate Center", "Total Customer Charge", "Total Provider Charge", "Total Calls"]
    assert [column["label"] for column in answer["columns"]] == labels
    if side == "called":
        plain = http.get("/api/v1/reports/usa-rate-center", params=WINDOW).json()
        assert (plain["rows"], plain["question"]["side"]) == (answer["rows"], "called")


def usa_calls(calls: list[Record], kind: str) -> dict[str, Any]:
    classify = by_state if kind == "state" else by_lata
    classes = ["intrastate", "interstate"] if kind == "state" else ["intralata", "interlata"]
    classes += ["indeterminate"]
    names = [*classes, "international", "toll_free"]
    groups = {name: [record for record in calls if classify(record) == name] for name in names}
    final = {name: [record for record in group if record["is_final"]] for name, group in groups.items()}
    minutes = {
        name: seconds([record for record in calls if network(record) == name]) / 60
        for name in ("on_net", "off_net", "international")
    }
    return (
        {name: len(final[name]) for name in classes}
        | {f"{name}_connected": sum(map(connected, final[name])) for name in classes}
        | {f"{name}_duration": seconds(groups[name]) for name in classes}
        | {"total_duration": seconds(calls)}
        | {name: len(final[name]) for name in ("international", "toll_free")}
        | {f"{name}_minutes": length for name, length in minutes.items()}
    )


class TestUsaCalls:
    @pytest.mark.parametrize("kind", ["state", "lata"])
    def test_by_state_and_by_lata(self, http: httpx.Client, calls: list[Record], kind: str) -> None:
        expected = usa_calls(calls, kind)
        assert min(expected.values()) > 0, "figures of nothing prove nothing"
        check(answered(http, "usa-calls", type=kind), {(): expected}, [], list(expected))

    def test_indeterminate_is_another_by_lata(self, calls: list[Record]) -> None:
        assert usa_calls(calls, "state")["indeterminate"] < usa_calls(calls, "lata")["indeterminate"]

    def test_the_classes_are_all_calls(self, http: httpx.Client, calls: list[Record]) -> None:
        names = ["intrastate", "interstate", "indeterminate", "international", "toll_free"]
        durations = [f"{name}_duration" for name in names]
        body = WINDOW | {"rows": [], "measures": ["calls", "total_duration", *names, *durations], "calls": "final"}
        [[total, length, *each]] = http.post("/api/v1/query", json=body).json()["rows"]
        assert (total, length) == (sum(each[:5]), pytest.approx(sum(each[5:]), abs=1e-9))
        assert total == sum(record["is_final"] for record in calls)

    def test_for_a_customer_and_a_provider(self, http: httpx.Client, calls: list[Record]) -> None:
        answer = http.get("/api/v1/reports/usa-calls", params=WINDOW | {"customer": "acme", "provider": "alpha,beta"})
        theirs = [one for one in calls if one["customer"] == "acme" and one["provider"] in ("alpha", "beta")]
        expected = usa_calls(theirs, "state")
        check(answer.json(), {(): expected}, [], list(expected))

    def test_always_one_row_zeros_included(self, http: httpx.Client) -> None:
        empty = {"from": "2025-01-01", "to": "2025-01-02"}
        for kind in ("state", "lata"):
            answer = http.get("/api/v1/reports/usa-calls", params=empty | {"type": kind}).json()
            assert answer["rows"] == [[0] * 15]

    def test_the_matrix(self, http: httpx.Client) -> None:
        """Called \\ calling, each cell alone: the one class that counts it is the one the definitions name."""
        new_york, syracuse, chicago = "12122300100", "13152300100", "12242300100"
        calling = [UK, new_york, syracuse, chicago, "12300000000", "anonymous"]
        none, intra, inter = "indeterminate", "intrastate", "interstate"
        matrix = {
            UK: ["international"] * 6,
            new_york: [none, intra, intra, inter, none, none],
            syracuse: [none, intra, intra, inter, none, none],
            chicago: [none, inter, inter, intra, none, none],
        }
        cells = [(called, cli) for called in matrix for cli in calling]
        lines = [f"m{n},2026-11-10T12:00:00Z,10,cell-{n},{cli},{called}" for n, (called, cli) in enumerate(cells)]
        body = "\n".join(["call_id,start_time,duration,customer,cli,number", *lines])
        loaded = http.post("/api/v1/cdrs", content=body, headers={"content-type": "text/csv"})
        assert loaded.json().get("accepted") == 24, loaded.text
        question = {"report": "usa-calls", "from": "2026-11-10", "to": "2026-11-11", "rows": ["customer"]}
        answer = http.post("/api/v1/query", json=question).json()
        names = [column["name"] for column in answer["columns"]][1:]
        found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in answer["rows"]}
        classes = ("intrastate", "interstate", "indeterminate", "international", "toll_free")
        counted = [[name for name in classes if found[f"cell-{n}"][name]] for n in range(24)]
        assert counted == [[name] for line in matrix.values() for name in line]
        assert {one["total_duration"] for one in found.values()} == {10}


def test_did_as_cli(http: httpx.Client, calls: list[Record]) -> None:
    shown = [record for record in calls if record["dest_cli"] in ACCOUNTS]
    answer = answered(http, "did-as-cli")
    keys = [lambda one: ACCOUNTS[one["dest_cli"]], field("dest_cli")]
    check(answer, grouped(shown, keys, "final"), ["account", "did"], ["calls"])
    of_account = grouped(shown, keys[:1], "final")
    assert {sub["row"][0]: sub["row"][1:] for sub in answer["subtotals"]} == {
        account: [None, figures_["calls"]] for (account,), figures_ in of_account.items()
    }
    assert {sub["level"] for sub in answer["subtotals"]} == {1}
    plain = http.get("/api/v1/reports/did-as-cli", params=WINDOW | {"subtotals": "false"}).json()
    assert "subtotals" not in plain
    theirs = http.get("/api/v1/reports/did-as-cli", params=WINDOW | {"customer": "acme"}).json()
    assert "" not in {row[1] for row in theirs["rows"]}, "a caller's filter leaves the report's own in place"


def _bucket(record: Record, bucket: str) -> str:
    moment = local(record).replace(minute=0, second=0, microsecond=0)
    if bucket == "minute15":
        moment = moment.replace(minute=local(record).minute // 15 * 15)
    if bucket in ("minute15", "hour"):
        return moment.isoformat()
    day = moment.date()
    back = {"day": 0, "week": day.weekday(), "month": day.day - 1}[bucket]
    return (day - timedelta(days=back)).isoformat()


@pytest.mark.parametrize("bucket", ["minute15", "hour", "day", "week", "month"])
def test_asr_per_route(http: httpx.Client, calls: list[Record], bucket: str) -> None:
    answer = answered(http, "asr-per-route", bucket=bucket)
    expected = grouped(calls, [lambda one: _bucket(one, bucket), field("provider_card")], "attempts")
    check(answer, expected, [bucket, "provider_card"], ["asr", "acd", "attempts", "connected"])
    assert [key for key, _ in groupby(row[0] for row in answer["rows"])] == sorted({row[0] for row in answer["rows"]})
    dead = [row for row in answer["rows"] if row[1].startswith("dead")]
    assert dead, "a route that never answers is listed"
    assert all(row[2:4] == [0.0, None] for row in dead)
    if bucket == "hour":
        plain = http.get("/api/v1/reports/asr-per-route", params=WINDOW).json()
        assert (plain["rows"], plain["question"]["bucket"]) == (answer["rows"], "hour")


# --- what a report says of itself -----------------------------------------------------------------------------


class TestParameters:
    @pytest.mark.parametrize(
        ("report", "chosen", "says", "hint"),
        [
            ("usa-calls", {"type": "county"}, "type of 'usa-calls' is state or lata, not 'county'", None),
            ("usa-calls", {"type": "stat"}, "not 'stat'", "did you mean 'state'?"),
            ("breakout", {"type": "lata"}, "the report 'breakout' has no type", "type is for usa-calls"),
            ("usa-calls", {"bucket": "hour"}, "'usa-calls' has no bucket", "bucket is for asr-per-route"),
            ("asr-per-route", {"bucket": "year"}, "minute15 or hour or day or week or month", None),
        ],
    )
    def test_one_that_does_not_fit_is_refused_with_what_does(
        self, http: httpx.Client, report: str, chosen: dict[str, str], says: str, hint: str | None
    ) -> None:
        response = http.get(f"/api/v1/reports/{report}", params=WINDOW | chosen)
        assert response.status_code == 422
        error = response.json()["error"]
        assert (error["code"], error["pointer"]) == ("bad_value", f"$.{next(iter(chosen))}")
        assert says in error["message"]
        assert error["hint"] == hint
        preset = http.get(f"/api/v1/reports/{report}", params=chosen)
        assert preset.json() == response.json(), "without a window the same is said"

    def test_the_command_line_says_the_same_in_one_line(self, http: httpx.Client) -> None:
        words = ["report", "usa-calls", "--from", "2026-10-05", "--to", "2026-10-06", "--type", "stat"]
        done = CliRunner().invoke(main, [*words, "--url", str(http.base_url).rstrip("/")])
        said = "type of 'usa-calls' is state or lata, not 'stat' at $.type (did you mean 'state'?)"
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"tollhouse: {said}\n")

    def test_a_question_without_a_report_has_none(self, http: httpx.Client) -> None:
        error = http.post("/api/v1/query", json=WINDOW | {"side": "calling"}).json()["error"]
        assert (error["message"], error["hint"]) == (
            "a question without a report has no side",
            "side is for usa-rate-center, per-number",
        )

    def test_the_catalog_tells_them(self, http: httpx.Client) -> None:
        listed = {report["name"]: report for report in http.get("/api/v1/catalog").json()["reports"]}
        assert {name for name, report in listed.items() if "parameters" in report} == {
            "usa-rate-center",
            "usa-calls",
            "asr-per-route",
            "per-number",
        }
        [parameter] = listed["usa-calls"]["parameters"]
        assert (parameter["name"], parameter["default"]) == ("type", "state")
        assert [choice["value"] for choice in parameter["values"]] == ["state", "lata"]
        assert http.get("/api/v1/reports").json()["items"] == list(listed.values())


class TestWithoutAWindow:
    @pytest.mark.parametrize(
        ("report", "chosen"),
        [
            ("usa-calls", {"type": "lata"}),
            ("usa-rate-center", {"side": "calling"}),
            ("asr-per-route", {"bucket": "week"}),
            ("did-as-cli", {}),
            ("dtmf", {}),
            ("tech-prefix", {}),
        ],
    )
    def test_it_is_a_question_that_gives_the_same_answer(
        self, http: httpx.Client, report: str, chosen: dict[str, str]
    ) -> None:
        preset = http.get(f"/api/v1/reports/{report}", params=chosen).json()
        answer = http.get(f"/api/v1/reports/{report}", params=WINDOW | chosen).json()
        again = http.post("/api/v1/query", json=WINDOW | preset).json()
        assert (again["columns"], again["rows"]) == (answer["columns"], answer["rows"])
        assert again["question"] == answer["question"]
        resolved = http.post("/api/v1/query", json=answer["question"]).json()
        assert resolved["question"] == answer["question"], "a resolved question is resolved"

    def test_filters_given_come_behind_its_own(self, http: httpx.Client) -> None:
        preset = http.get("/api/v1/reports/did-as-cli", params={"customer": "acme"}).json()
        assert [clause["field"] for clause in preset["where"]] == ["did", "customer"]


def test_labels_are_the_words_people_know(http: httpx.Client) -> None:
    def labels(report: str) -> list[str]:
        answer = http.get(f"/api/v1/reports/{report}", params=WINDOW).json()
        return [column["label"] for column in answer["columns"]]

    assert labels("tech-prefix") == ["Tech Prefix", "ASR", "ACD", "Answered", "Total"]
    assert labels("did-as-cli") == ["Account", "DID", "Total Calls"]
    assert labels("usa-calls")[:4] == ["Intrastate", "Interstate", "Indeterminate", "Intrastate Connected"]
    assert labels("breakout")[:3] == ["Customer", "Customer Destination", "Attempts"]
