"""What reference data does: lists are taken whole or not at all, and calls gain the facts that held on their day."""

import csv
import gzip
import io
import json
import re
import subprocess
import time
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.access.principal import ADMIN
from engine.errors import BadRequest, NotFound
from engine.ingest.lists import ListReceipt
from engine.query import question
from engine.reference import lookups
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.loading import counts, load, rows, standing
from tests.server import PROGRAM

pytestmark = pytest.mark.engine

_names = count(1)

UK, MANHATTAN, SYRACUSE, CHICAGO = "442079460000", "12122300100", "13152300100", "12242300100"

NPANXX = """npanxx,state,country,lata,rate_center,ocn
212230,NY,US,132,NWYRCYZN01,6565
315230,NY,US,136,SYRACUSE,9104
224230,IL,US,358,ELGIN,7229
305230,FL,US,46017,MIAMI,9417
416230,ON,CA,888,TORONTO,8051
787230,PR,PR,820,SAN JUAN,9201
"""
NPA = "npa,state,country\n212,NY,US\n315,NY,US\n224,IL,US\n787,PR,PR\n500,XX,US\n"
OUTCOMES = "sip_code,outcome\n503,rejected\n"
DIDS = "number,account\n+1 (212) 230-0100,acme\n13152300100,globex\n13152300101,\n"
CUSTOMERS = "id,name,retail,timezone,currency\nacme,Acme Inc.,true,America/New_York,USD\nglobex,Globex,,,\n"

CALLERS = {
    "UK": UK,
    "212": MANHATTAN,
    "315": SYRACUSE,
    "224": CHICAGO,
    "unknown": "12300000000",
    "withheld": "anonymous",
}
MATRIX = {
    UK: ["international"] * 6,
    MANHATTAN: ["indeterminate", "intrastate", "intrastate", "interstate", "indeterminate", "indeterminate"],
    SYRACUSE: ["indeterminate", "intrastate", "intrastate", "interstate", "indeterminate", "indeterminate"],
    CHICAGO: ["indeterminate", "interstate", "interstate", "intrastate", "indeterminate", "indeterminate"],
}


def give(site: Site, folder: Path, kind: str, text: str | bytes, valid_from: str | None = None) -> ListReceipt:
    """Load a list from its text."""
    path = folder / f"{kind}-{next(_names)}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return site.load_list(kind, path, f"{kind}.csv", valid_from)


def changes(receipt: ListReceipt) -> tuple[int, int, int, int]:
    return receipt.added, receipt.changed, receipt.removed, receipt.kept


def facts(site: Site, folder: Path, *calls: dict[str, str]) -> list[dict[str, Any]]:
    """What the ledger knows of calls, in their order."""
    source = f"switch-{next(_names)}"
    text = io.StringIO(newline="")
    told = [{"call_id": f"{n:06}", "start_time": "2026-10-01T12:00:00Z", **call} for n, call in enumerate(calls)]
    writer = csv.DictWriter(text, list(dict.fromkeys(name for call in told for name in call)))
    writer.writeheader()
    writer.writerows(told)
    path = folder / f"{source}.csv"
    path.write_text(text.getvalue())
    assert load(site, path, source).accepted == len(calls)
    computed = rows(
        site, "SELECT npanxx, lrn_npanxx, account_matches FROM cdr WHERE source = {s:String} ORDER BY call_id", s=source
    )
    names = ("npanxx", "lrn_npanxx", "account_matches")
    return [
        {**row, **dict(zip(names, more, strict=True))}
        for row, more in zip(standing(site, source), computed, strict=True)
    ]


def jurisdictions(site: Site, folder: Path, *calls: dict[str, str]) -> list[str]:
    return [found["jurisdiction"] for found in facts(site, folder, *calls)]


@pytest.fixture(scope="module")
def listed(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with small lists of places, DIDs and customers."""
    folder = tmp_path_factory.mktemp("lists")
    for kind, text in (("npanxx", NPANXX), ("npa", NPA), ("dids", DIDS), ("customers", CUSTOMERS)):
        give(site, folder, kind, text)
    return site


@pytest.fixture
def lists_again(listed: Site, tmp_path: Path) -> Iterator[Site]:
    """A site whose lists a test may change; they are put back."""
    yield listed
    for kind, text in (("npanxx", NPANXX), ("npa", NPA), ("dids", DIDS), ("customers", CUSTOMERS)):
        give(listed, tmp_path, kind, text)


@pytest.fixture
def settings(listed: Site, monkeypatch: pytest.MonkeyPatch) -> Any:
    def change(**values: Any) -> None:
        changed = msgspec.structs.replace(listed.settings, **values)
        monkeypatch.setattr(listed.loader._reading, "_settings", changed)

    return change


# What SQL says is the same on a server; that lookups work there too is shown by the matrix.
embedded = pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")


# --- facts about calls ---------------------------------------------------------------------------------------


def test_without_lists_only_what_needs_none_is_known(site: Site, tmp_path: Path) -> None:
    if site.loader._reading.lookups.version:
        pytest.fail("this test comes first")
    calls = [{"cli": MANHATTAN, "number": number} for number in (UK, SYRACUSE, "18002300100", "411")]
    found = facts(site, tmp_path, *calls)
    assert [one["jurisdiction"] for one in found] == ["international", "indeterminate", "toll_free", "indeterminate"]
    assert [one["network"] for one in found] == ["international", "off_net", "off_net", "unknown"]
    assert found[1]["npanxx"] == "315230"
    assert found[1]["orig_npanxx"] == "212230"


def test_the_matrix(listed: Site, tmp_path: Path) -> None:
    calls = [{"cli": cli, "number": called} for called in MATRIX for cli in CALLERS.values()]
    assert jurisdictions(listed, tmp_path, *calls) == [word for line in MATRIX.values() for word in line]


def test_both_sides_get_their_place(listed: Site, tmp_path: Path) -> None:
    [found] = facts(listed, tmp_path, {"cli": "+1 305 230 0100", "number": MANHATTAN})
    called = {name: found[name] for name in ("country", "state", "lata", "rate_center", "npanxx")}
    assert called == {"country": "US", "state": "NY", "lata": "132", "rate_center": "NWYRCYZN01", "npanxx": "212230"}
    calling = {name: found[f"orig_{name}"] for name in called}
    # of a LATA the first three digits are kept: Florida's carry sub-zones
    assert calling == {"country": "US", "state": "FL", "lata": "460", "rate_center": "MIAMI", "npanxx": "305230"}
    assert found["jurisdiction_lata"] == "interlata"


@embedded
def test_an_area_code_gives_the_state_and_nothing_else(listed: Site, tmp_path: Path) -> None:
    [found] = facts(listed, tmp_path, {"cli": MANHATTAN, "number": "12129990100"})
    assert (found["state"], found["lata"], found["rate_center"]) == ("NY", "", "")
    assert (found["jurisdiction"], found["jurisdiction_lata"]) == ("intrastate", "indeterminate")


@embedded
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("18002300100", "toll_free"),
        ("18332300100", "toll_free"),
        ("15002300100", "indeterminate"),  # personal numbers, wherever a list may put them
        ("17002300100", "indeterminate"),
        ("19002300100", "indeterminate"),
        ("12125550100", "indeterminate"),
        ("12124110100", "indeterminate"),
        ("411", "indeterminate"),
        ("19992300100", "indeterminate"),  # no such area code
        ("", "indeterminate"),
        ("14162300100", "international"),  # Canada
        ("18762300100", "international"),  # Jamaica
        ("17872300100", "interstate"),  # Puerto Rico is a state of its own
        ("16712300100", "interstate"),  # Guam, which the lists do not know
        ("88212345678", "international"),
    ],
)  # fmt: skip
def test_what_is_called(listed: Site, tmp_path: Path, number: str, expected: str) -> None:
    [found] = facts(listed, tmp_path, {"cli": MANHATTAN, "number": number})
    assert found["jurisdiction"] == expected


@embedded
def test_who_calls(listed: Site, tmp_path: Path) -> None:
    nobody = ["", "anonymous", "Restricted", "+anonymous", "sip:anonymous@anonymous.invalid", "alice", "0", "2125",
              "18002300100", UK, "14162300100", "17872300100", "121223001000", "12125550100",
              "15002300100"]  # fmt: skip
    calls = [{"cli": cli, "number": MANHATTAN} for cli in nobody]
    assert jurisdictions(listed, tmp_path, *calls) == ["indeterminate"] * len(nobody)
    somebody = [MANHATTAN, "+12122300100", "0012122300100", "+1 (212) 230-0100", "tel:+1-212-230-0100",
                "sip:12122300100@switch.example;user=phone"]  # fmt: skip
    calls = [{"cli": cli, "number": MANHATTAN} for cli in somebody]
    assert jurisdictions(listed, tmp_path, *calls) == ["intrastate"] * len(somebody)


@embedded
def test_the_lrn_decides_the_jurisdiction_and_nothing_else(listed: Site, tmp_path: Path, settings: Any) -> None:
    calls = [{"cli": MANHATTAN, "number": SYRACUSE, "lrn": lrn} for lrn in (CHICAGO, CHICAGO[1:], "", "none")]
    found = facts(listed, tmp_path, *calls)
    assert [one["jurisdiction"] for one in found] == ["interstate", "interstate", "intrastate", "intrastate"]
    assert [one["lrn_npanxx"] for one in found] == ["224230", "224230", "", ""]
    assert {(one["state"], one["rate_center"], one["npanxx"]) for one in found} == {("NY", "SYRACUSE", "315230")}
    settings(jurisdiction_lrn=False)
    assert jurisdictions(listed, tmp_path, *calls) == ["intrastate"] * 4


@embedded
def test_what_a_site_may_decide(listed: Site, tmp_path: Path, settings: Any) -> None:
    calls = [
        {"cli": "anonymous", "number": MANHATTAN},
        {"cli": UK, "number": MANHATTAN},
        {"cli": MANHATTAN, "number": "19002300100"},
        {"cli": MANHATTAN, "number": "17872300100"},
    ]
    settings(indeterminate_as="intrastate")
    assert jurisdictions(listed, tmp_path, *calls) == ["intrastate", "intrastate", "indeterminate", "interstate"]
    settings(indeterminate_as="interstate", territories="foreign")
    assert jurisdictions(listed, tmp_path, *calls) == ["interstate", "interstate", "indeterminate", "international"]


@embedded
def test_declared_tech_prefixes_are_taken_away(listed: Site, tmp_path: Path, settings: Any) -> None:
    written = [
        f"99#{MANHATTAN}",
        f"7777{MANHATTAN}",
        f"+{MANHATTAN}",
        "7777+1 (212) 230-0100",
        "77771",
        f"88#{MANHATTAN}",
    ]
    calls = [{"cli": SYRACUSE, "dialed": text, "number": text} for text in written]
    settings(tech_prefixes=("99#", "7777"))
    found = facts(listed, tmp_path, *calls)
    assert [one["number"] for one in found] == [*[MANHATTAN] * 4, "1", f"88#{MANHATTAN}"]
    assert [one["dialed"] for one in found] == [one["number"] for one in found]
    assert [one["state"] for one in found] == [*["NY"] * 4, "", ""]


def test_dids_tell_the_account_and_the_network(listed: Site, tmp_path: Path) -> None:
    calls = [
        {"cli": "", "dest_cli": "+12122300100", "number": SYRACUSE, "customer": "acme"},
        {"cli": "", "dest_cli": "1-315-230-0100", "number": CHICAGO, "customer": "acme"},
        {"cli": "", "dest_cli": "13152300101", "number": UK, "customer": ""},
        {"cli": "", "dest_cli": CHICAGO, "number": SYRACUSE, "customer": "globex"},
        {"cli": "", "dest_cli": CHICAGO, "number": SYRACUSE, "customer": "acme"},
        {"cli": MANHATTAN, "dest_cli": "", "number": SYRACUSE, "customer": ""},
        {"cli": UK, "dest_cli": "", "number": CHICAGO, "customer": "acme"},
        {"cli": MANHATTAN, "dest_cli": "", "number": "411", "customer": "acme"},
    ]
    found = [
        [one[name] for name in ("did", "account", "account_matches", "network")]
        for one in facts(listed, tmp_path, *calls)
    ]
    assert found == [
        [MANHATTAN, "acme", True, "on_net"],
        [SYRACUSE, "globex", False, "off_net"],
        ["13152300101", "", True, "international"],
        ["", "", False, "off_net"],
        ["", "", False, "on_net"],  # the customer is marked retail
        ["", "", False, "on_net"],
        ["", "", False, "international"],
        ["", "", False, "unknown"],
    ]


def test_facts_are_asked_like_anything_else(listed: Site, tmp_path: Path) -> None:
    facts(listed, tmp_path, {"cli": CHICAGO, "number": MANHATTAN, "start_time": "2026-09-01T12:00:00Z"})
    asked = {
        "from": "2026-09-01", "to": "2026-09-02", "measures": ["calls"],
        "rows": ["state", "lata", "rate_center", "npanxx", "orig_state", "orig_lata", "orig_npanxx", "lrn_npanxx",
                 "jurisdiction", "jurisdiction_lata", "network", "did", "account", "account_matches"],
        "where": [{"field": "npanxx", "op": "eq", "values": ["212230"]},
                  {"field": "account_matches", "op": "eq", "values": [False]}],
    }  # fmt: skip
    answer = listed.ask(question.of(asked), ADMIN)
    assert [list(row) for row in answer.rows] == [
        [
            "NY",
            "132",
            "NWYRCYZN01",
            "212230",
            "IL",
            "358",
            "224230",
            "",
            "interstate",
            "interlata",
            "off_net",
            "",
            "",
            False,
            1,
        ]
    ]


@embedded
def test_facts_are_no_content(listed: Site, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(f"call_id,start_time,cli,number\nsame,2026-10-01T12:00:00Z,{MANHATTAN},12143300100\n")
    source = f"switch-{next(_names)}"
    assert counts(load(listed, path, source)) == {"accepted": 1}
    give(listed, tmp_path, "npa", NPA + "214,TX,US\n")
    assert counts(load(listed, path, source)) == {"duplicates": 1}
    versions = rows(
        listed,
        "SELECT reference FROM batch_log WHERE state = 'loaded' AND source = {s:String} ORDER BY batch",
        s=source,
    )
    assert versions[0][0] < versions[1][0] == listed.loader._reading.lookups.version


# --- days ----------------------------------------------------------------------------------------------------


@embedded
def test_a_list_holds_from_a_day_on(lists_again: Site, tmp_path: Path) -> None:
    moved = NPANXX.replace("315230,NY,US,136,SYRACUSE", "315230,PA,US,228,ERIE").replace(
        "224230,IL,US,358,ELGIN,7229\n", ""
    )
    receipt = give(lists_again, tmp_path, "npanxx", moved + "206230,WA,US,674,SEATTLE,\n", "2026-10-02")
    assert changes(receipt) == (1, 1, 1, 4)
    assert receipt.rows == 8  # the six of before, what one became, and the new one
    again = give(lists_again, tmp_path, "npanxx", moved + "206230,WA,US,674,SEATTLE,\n", "2026-10-03")
    assert changes(again) == (0, 0, 0, 6)
    assert again.rows == 8
    days = [f"2026-10-0{day}T12:00:00Z" for day in (1, 2, 4)]
    calls = [
        {"start_time": day, "cli": MANHATTAN, "number": number}
        for number in (SYRACUSE, CHICAGO, "12062300100")
        for day in days
    ]
    found = [(one["state"], one["rate_center"], one["jurisdiction"]) for one in facts(lists_again, tmp_path, *calls)]
    assert found == [
        ("NY", "SYRACUSE", "intrastate"), ("PA", "ERIE", "interstate"), ("PA", "ERIE", "interstate"),
        ("IL", "ELGIN", "interstate"), ("IL", "", "interstate"), ("IL", "", "interstate"),
        ("", "", "indeterminate"), ("WA", "SEATTLE", "interstate"), ("WA", "SEATTLE", "interstate"),
    ]  # fmt: skip


@embedded
def test_a_day_is_one_of_the_sites_zone(lists_again: Site, tmp_path: Path, settings: Any) -> None:
    give(
        lists_again,
        tmp_path,
        "dids",
        "number,account,valid_from,valid_to\n13152300100,new,2026-10-02,\n13152300100,old,,2026-10-02\n",
    )
    midnight = {"cli": "", "dest_cli": SYRACUSE, "number": UK}
    calls = [
        {**midnight, "start_time": time}
        for time in ("2026-10-01T23:59:59Z", "2026-10-02T03:59:59Z", "2026-10-02T04:00:00Z")
    ]
    assert [one["account"] for one in facts(lists_again, tmp_path, *calls)] == ["old", "new", "new"]
    settings(timezone="America/New_York")
    assert [one["account"] for one in facts(lists_again, tmp_path, *calls)] == ["old", "old", "new"]


@embedded
def test_a_did_is_ours_on_its_days_only(lists_again: Site, tmp_path: Path) -> None:
    give(lists_again, tmp_path, "dids", f"number,account,valid_from,valid_to\n{SYRACUSE},acme,2026-10-02,2026-10-04\n")
    days = [f"2026-10-0{day}T12:00:00Z" for day in (1, 2, 3, 4)]
    found = facts(
        lists_again, tmp_path, *({"start_time": day, "dest_cli": SYRACUSE, "number": SYRACUSE} for day in days)
    )
    assert [(one["did"], one["network"]) for one in found] == [
        ("", "off_net"), (SYRACUSE, "on_net"), (SYRACUSE, "on_net"), ("", "off_net"),
    ]  # fmt: skip


# --- layouts -------------------------------------------------------------------------------------------------


@embedded
def test_nanpas_full_file_with_rate_centers(lists_again: Site, tmp_path: Path, shared_data: Path) -> None:
    nanp = shared_data / "nanp"
    centers = lists_again.load_list("rate_centers", nanp / "rate_centers.csv.gz", "rate centers")
    assert centers.rows > 63_000
    began = time.monotonic()
    receipt = lists_again.load_list("npanxx", nanp / "cocodes.zip", "cocodes.zip")
    assert time.monotonic() - began < 30
    assert receipt.layout == "nanpa"
    assert receipt.rows - 1 == 204_327  # and Toronto, of which it does not speak
    told = lookups.source("places", lookups.versions(lists_again.warehouse))
    sql = f"SELECT countIf(rate_center != ''), countIf(rate_center != '' AND lata != '') FROM ({told}) WHERE code > 999"
    usable, with_lata = rows(lists_again, sql + " AND state != 'ON'")[0]
    assert usable == 198_208
    assert with_lata / usable >= 0.995
    canada = lists_again.load_list("npanxx", nanp / "canada_cocodes.csv.gz", "canada")
    assert (canada.layout, canada.kept, canada.added > 27_000) == ("cnac", 204_327, True)
    report = lists_again.load_list("npa", nanp / "npa_report_raw.csv", "report")
    assert report.layout == "npa_report"
    numbers = ["12122300100", "19072000100", "16706230100", "14162300100", "12128550100", "12042000100"]
    found = facts(lists_again, tmp_path, *({"cli": MANHATTAN, "number": number} for number in numbers))
    assert [(one["state"], one["lata"]) for one in found] == [
        ("NY", "132"), ("AK", "832"), ("MP", ""), ("ON", "888"), ("NY", "132"), ("MB", "888"),
    ]  # fmt: skip


def lerg6(**said: str) -> str:
    """A made line of LERG6's fixed width."""
    places = {"lata_of_switch": 1, "npa": 33, "nxx": 36, "block": 39, "ocn": 62, "state": 78, "center": 80, "lata": 128}
    line = [" "] * 170
    for name, text in said.items():
        line[places[name] - 1 : places[name] - 1 + len(text)] = text
    return "".join(line)


@embedded
def test_lerg6(lists_again: Site, tmp_path: Path) -> None:
    lines = [
        lerg6(npa="212", nxx="230", block="A", ocn="6565", state="NY", center="NWYRCYZN01", lata="132"),
        lerg6(npa="514", nxx="230", block="A", ocn="8051", state="PQ", center="MONTREAL", lata="888"),
        lerg6(npa="305", nxx="230", block="A", state="FL", center="MIAMI", lata_of_switch="46017"),
        lerg6(npa="305", nxx="230", block="7", state="GA", center="ATLANTA", lata="438"),
    ]
    receipt = give(lists_again, tmp_path, "npanxx", "\r\n".join(lines))
    assert (receipt.layout, receipt.rows) == ("lerg6", 4)
    numbers = ["12122300100", "15142300100", "13052300100", "13052307100"]
    found = facts(lists_again, tmp_path, *({"cli": MANHATTAN, "number": number} for number in numbers))
    assert [(one["state"], one["lata"], one["rate_center"]) for one in found] == [
        ("NY", "132", "NWYRCYZN01"), ("QC", "888", "MONTREAL"), ("FL", "460", "MIAMI"), ("GA", "438", "ATLANTA"),
    ]  # fmt: skip


@embedded
def test_thousands_blocks_come_on_top_of_codes(lists_again: Site, tmp_path: Path) -> None:
    head = "Region,State,NPA,NXX,X,STATUS,Code Holder,Contaminated (Y or N),Rate Center,Block Effective Date,OCN\n"
    blocks = (
        head
        + 'WEST,NY,212,230,4,AS,"Example, Inc.",N,NWYRCYZN03,01/01/2020,7229\nWEST,NY,212,230,5,AV,,N,NWYRCYZN01,,\n'
    )
    receipt = give(lists_again, tmp_path, "npanxx", blocks)
    assert (receipt.layout, receipt.added, receipt.kept) == ("thousands_blocks", 2, 6)
    numbers = ["12122304100", "12122305100", "12122306100", SYRACUSE]
    found = facts(lists_again, tmp_path, *({"cli": MANHATTAN, "number": number} for number in numbers))
    assert [one["rate_center"] for one in found] == ["NWYRCYZN03", "NWYRCYZN01", "NWYRCYZN01", "SYRACUSE"]


@embedded
def test_every_plain_list(lists_again: Site, tmp_path: Path) -> None:
    texts = {
        "providers": "id,name\ncarrier-a,Carrier A\n",
        "cards": "id,name,owner,currency,decimals,rounding,convention\ngold,Gold,carrier-a,USD,4,half_up,total\n",
        "fx": "date,from,to,rate\n2026-10-01,EUR,USD,1.0845\n2026-10-02,EUR,USD,1.0851\n",
        "outcomes": "sip_code,q850,rang,release_side,outcome\n480,,,,no_answer\n487,,true,,no_answer\n",
        "rate_centers": "region;name;lata\nNY;SYRACUSE;136\n",
    }
    for kind, text in texts.items():
        assert give(lists_again, tmp_path, kind, text).rows == text.count("\n") - 1
        assert changes(give(lists_again, tmp_path, kind, "\ufeff" + text.replace("\n", "\r\n"))) == (
            0,
            0,
            0,
            text.count("\n") - 1,
        )


# --- nonsense ------------------------------------------------------------------------------------------------

NONSENSE: dict[str, tuple[str, str | bytes, str, str]] = {
    "not six digits": (
        "npanxx", "npanxx,state,country\n212230,NY,US\n21223,NY,US\n", "bad_list", "line 3: npanxx: not six digits"),
    "says two things": (
        "npa", "npa,state,country\n212,NY,US\n315,NY,US\n212,NJ,US\n",
        "bad_list", "line 4: says otherwise than line 2"),
    "overlapping days": (
        "dids", "number,account,valid_from,valid_to\n13152300100,a,,2026-10-02\n13152300100,b,2026-10-01,\n",
        "bad_list", "line 3: says otherwise than line 2"),
    "no day": (
        "dids", "number,account,valid_from\n13152300100,a,01/10/2026\n", "bad_list", "line 2: valid_from: not a day"),
    "ends before it begins": (
        "dids", "number,account,valid_from,valid_to\n13152300100,a,2026-10-02,2026-10-01\n",
        "bad_list", "line 2: valid_to: not after"),
    "a name for a number": (
        "dids", "number,account\nalice,acme\n", "bad_list", "line 2: number: not an international number"),
    "a rate of nothing": (
        "fx", "date,from,to,rate\n2026-10-01,EUR,USD,0\n", "bad_list", "line 2: rate: not a decimal above 0"),
    "February 30": ("fx", "date,from,to,rate\n2026-02-30,EUR,USD,1.1\n", "bad_list", "line 2: date: not a day"),
    "no such zone": (
        "customers", "id,timezone\nacme,Mars/Olympus\n", "bad_list", "line 2: timezone: not an IANA time zone"),
    "no such outcome": (
        "outcomes", "sip_code,outcome\n480,gone\n", "bad_list", "line 2: outcome: not an outcome"),
    "unknown column": ("dids", "number,acount\n13152300100,a\n", "bad_header", "did you mean 'account'"),
    "column twice": ("dids", "number,number\n13152300100,a\n", "bad_header", "names a column twice"),
    "no number": ("dids", "account\nacme\n", "missing_column", "needs a column number"),
    "empty": ("dids", "", "empty_file", "holds no list"),
    "header only": ("dids", "number,account\n", "empty_file", "holds no row"),
    "not text": ("dids", b"number,account\n\xff\xfe,a\n", "unreadable_file", "not text in UTF-8"),
    "half a gz": (
        "dids", gzip.compress(b"number,account\n1,a\n" * 99, mtime=0)[:40], "unreadable_file", "cannot be unpacked"),
    "a zip of two": ("dids", b"zip", "unreadable_file", "holds 2 files"),
}  # fmt: skip


@embedded
@pytest.mark.parametrize("oddity", NONSENSE)
def test_nonsense_is_refused_with_its_line_and_nothing_changes(listed: Site, tmp_path: Path, oddity: str) -> None:
    kind, text, code, said = NONSENSE[oddity]
    if text == b"zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("one.csv", DIDS)
            archive.writestr("two.csv", DIDS)
        text = packed.getvalue()
    before = rows(listed, "SELECT version, count() FROM lists GROUP BY version ORDER BY version")
    with pytest.raises(BadRequest) as caught:
        give(listed, tmp_path, kind, text)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert rows(listed, "SELECT version, count() FROM lists GROUP BY version ORDER BY version") == before
    assert rows(listed, "SELECT count() FROM list_lines") == [(0,)]


@embedded
def test_more_wrong_lines_are_counted(listed: Site, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"line 2: .*; line 3: .*; line 4: .*; 996 more.*999 lines to mend"):
        give(listed, tmp_path, "npa", "npa,state,country\n" + "12,NY,US\n" * 999)


@embedded
def test_what_is_asked_for_must_exist(listed: Site, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="did you mean 'dids'"):
        give(listed, tmp_path, "did", DIDS)
    with pytest.raises(BadRequest, match="is not a day"):
        give(listed, tmp_path, "dids", DIDS, "tomorrow")
    with pytest.raises(NotFound):
        listed.load_list("dids", tmp_path / "nowhere.csv", "nowhere.csv")


# --- versions ------------------------------------------------------------------------------------------------


@embedded
def test_a_list_replaces_the_one_before_it_and_says_what_changed(lists_again: Site, tmp_path: Path) -> None:
    assert changes(give(lists_again, tmp_path, "dids", DIDS)) == (0, 0, 0, 3)
    receipt = give(
        lists_again, tmp_path, "dids", "number,account\n12122300100,acme\n13152300100,acme\n13152300199,acme\n"
    )
    assert changes(receipt) == (1, 1, 1, 1)
    assert rows(lists_again, "SELECT count() FROM lists WHERE version = {v:UInt32}", v=receipt.version) == [(3,)]
    # and the history is kept
    kept = rows(lists_again, "SELECT uniqExact(version) >= 3 FROM lists WHERE kind = 'dids'")
    assert kept == [(1,)]


@embedded
def test_what_a_load_that_broke_off_left_counts_for_nothing(lists_again: Site, tmp_path: Path) -> None:
    last = lookups.versions(lists_again.warehouse)
    version = max(last.values()) + 1
    for row in ("1", "2"):
        lists_again.warehouse.command(
            Statement(
                "INSERT INTO lists SELECT {v:UInt32}, 'dids', 1, {row:String}, {row:String}, toDate(0), toDate(65535)",
                {"v": version, "row": row},
            )
        )
    assert lookups.versions(lists_again.warehouse) == last
    receipt = give(lists_again, tmp_path, "dids", DIDS)
    assert (receipt.version, receipt.rows) == (version, 3)


@embedded
def test_lookups_of_older_versions_go(listed: Site, tmp_path: Path) -> None:
    for _ in range(4):
        give(listed, tmp_path, "dids", DIDS)
    held = rows(listed, "SELECT count() FROM system.dictionaries WHERE name LIKE 'dids%'")
    assert held == [(2,)]  # the one that stands, and the one before it, which somebody may be asking


def test_a_database_that_is_opened_again_uses_the_lookups_it_has(tmp_path: Path) -> None:
    def held(site: Site) -> list[tuple[Any, ...]]:
        # a dictionary that is made anew is another one
        return rows(site, "SELECT name, toString(uuid) FROM system.dictionaries ORDER BY name")

    settings = Settings(database=f"chdb://{tmp_path / 'data'}")
    dated = "number,account,valid_from\n13152300100,acme,2026-10-02\n"
    with Site(settings) as site:
        for kind, text in (("npanxx", NPANXX), ("npa", NPA), ("dids", dated), ("outcomes", OUTCOMES)):
            give(site, tmp_path, kind, text)
    with Site(settings) as site:
        before = held(site)
        assert [name for name, _ in before] == ["dids_3", "dids_days_3", "outcomes_4", "places_2"]
    with Site(settings) as site:
        assert held(site) == before
        [found] = facts(site, tmp_path, {"number": MANHATTAN, "dest_cli": SYRACUSE, "sip_code": "503"})
        assert (found["state"], found["did"], found["outcome"]) == ("NY", "", "rejected")
        give(site, tmp_path, "dids", DIDS)
        after = dict(held(site))
        assert after["places_2"] == dict(before)["places_2"], "its lists have not changed"
        assert "dids_5" in after
        # one that says something else than this program would is made anew
        other = (
            "CREATE OR REPLACE DICTIONARY places_2 (code UInt64, state String) PRIMARY KEY code SOURCE(NULL()) "
            "LAYOUT(FLAT()) LIFETIME(0) COMMENT 'of another program'"
        )
        site.warehouse.command(Statement(other))
        after = dict(held(site))
    with Site(settings) as site:
        assert dict(held(site))["places_2"] != after["places_2"]
        assert dict(held(site))["dids_5"] == after["dids_5"]


def test_on_a_server_a_lookup_reads_as_the_dsns_own_user(clickhouse: ClickHouseProcess, tmp_path: Path) -> None:
    # This server has one user, who has no password; that a password goes the same way is said below.
    settings = Settings(database=fresh_database(clickhouse).replace("://", "://default:@"))
    with Site(settings) as site:
        give(site, tmp_path, "dids", DIDS)
        sql = "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'dids_1'"
        [(made,)] = rows(site, sql)
        assert re.search(r"SOURCE\(CLICKHOUSE\(USER \\?'default\\?' PASSWORD \\?'[^']*'", made)
        [found] = facts(site, tmp_path, {"number": UK, "dest_cli": SYRACUSE})
        assert found["account"] == "globex"
    with Site(settings) as site:  # the password may have changed: it is made anew
        [found] = facts(site, tmp_path, {"number": UK, "dest_cli": SYRACUSE})
        assert found["account"] == "globex"


def test_a_password_cannot_break_out_of_the_dictionary_it_is_written_into() -> None:
    login = lookups.login("o'brien", "it's a \\ 'secret'")
    assert login == "USER 'o\\'brien' PASSWORD 'it\\'s a \\\\ \\'secret\\'' "
    assert lookups.login("", "") == ""


# --- the command ---------------------------------------------------------------------------------------------


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=90, check=False)


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "dids.csv"
    path.write_text(DIDS)
    database = ("--database", f"chdb://{tmp_path / 'data'}")
    done = run("load", "dids", str(path), "--format", "json", *database)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {
        "version": 1, "kind": "dids", "origin": str(path), "layout": "list", "valid_from": None,
        "rows": 3, "added": 3, "changed": 0, "removed": 0, "kept": 0,
    }  # fmt: skip
    # Another process finds what the first one loaded.
    calls = tmp_path / "calls.csv"
    calls.write_text(f"call_id,start_time,dest_cli,number\n1,2026-10-01T12:00:00Z,{MANHATTAN},{UK}\n")
    assert run("ingest", str(calls), *database).returncode == 0
    path.write_text("number,account\nalice,acme\n")
    refused = run("load", "dids", str(path), *database)
    assert refused.returncode == 2
    assert "line 2: number" in refused.stderr
    asked = tmp_path / "question.json"
    asked.write_text('{"from": "2026-10-01", "to": "2026-10-02", "rows": ["did", "account"], "measures": ["calls"]}')
    answered = run("query", str(asked), "--format", "csv", *database)
    assert answered.stdout.splitlines()[1:] == [f"{MANHATTAN},acme,1"]
    assert run("load", "dids", str(path), "--url", "http://127.0.0.1:1").returncode == 2


def test_settings_of_jurisdiction_are_checked() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"indeterminate_as": "local"}, Settings)
