"""Vendors' own files: which records they become, and what a dialect file may not say."""

import os
import re
import shutil
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadRequest
from engine.ingest import dialects, recognition
from engine.ingest.sources import Head
from engine.site import Site
from engine.template import ROOT
from tests.loading import assert_books_agree, assert_nothing_is_left, counts, load, rejected, rows, standing

SAMPLES = Path(__file__).parent / "samples"

_names = count(1)

# One test of each switch goes to a server too: what its columns mean is said in the same SQL there.
embedded = pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")


@pytest.fixture
def source() -> str:
    return f"pbx-{next(_names)}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def some(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


# --- Asterisk -------------------------------------------------------------------------------------------


@pytest.fixture
def asterisk(shared_data: Path) -> Path:
    return shared_data / "cdr" / "asterisk" / "Master-mock.csv"


@pytest.mark.engine
class TestAsterisk:
    def test_every_row_is_a_record_and_a_row_written_twice_is_one(
        self, site: Site, source: str, asterisk: Path
    ) -> None:
        assert counts(load(site, asterisk, source, dialect="asterisk", zone="America/New_York")) == {
            "accepted": 44,
            "duplicates": 1,
        }
        assert counts(load(site, asterisk, source, dialect="asterisk", zone="America/New_York")) == {"duplicates": 45}
        found = standing(site, source)
        assert sum(row["connected"] for row in found) == 27
        assert sum(row["is_final"] for row in found) == len({row["call_id"] for row in found}) == 37
        assert sum(row["duration_ms"] for row in found) == 7_408_000
        assert_books_agree(site)

    @embedded
    def test_records_by_hand(self, site: Site, source: str, asterisk: Path) -> None:
        load(site, asterisk, source, dialect="asterisk", zone="America/New_York")
        calls = {row["call_id"]: row for row in standing(site, source)}

        answered = calls["1498559343.3"]  # 10:29:03 in New York, in summer
        assert some(answered, "start_time", "answer_time", "end_time") == (
            at("2017-06-27 14:29:03"), at("2017-06-27 14:29:14"), at("2017-06-27 14:35:45"),
        )  # fmt: skip
        assert some(answered, "duration_ms", "customer_duration_ms", "provider_duration_ms") == (390_000,) * 3
        assert some(answered, "connected", "outcome", "answered", "q850", "sip_code") == (
            True, "answered", True, 16, None,
        )  # fmt: skip
        assert some(answered, "cli", "dest_cli", "dialed", "number") == (
            "917-375-0980", "917-375-0980", "13344428436", "13344428436",
        )  # fmt: skip
        assert some(answered, "country", "orig_country", "customer", "attempt", "is_final") == ("US", "US", "", 1, True)
        assert answered["meta"] == {
            "dcontext": "production",
            "clid": '"Leanna Cuphus" <609-326-2780>',
            "channel": "NOT_AVAILABLE",
            "dstchannel": "NOT_AVAILABLE",
            "lastapp": "Dial",
            "lastdata": "NOT_AVAILABLE",
            "duration": "402",
            "amaflags": "DOCUMENTATION",
        }

        unanswered = calls["1498555635.0"]
        assert some(unanswered, "start_time", "answer_time", "end_time") == (
            at("2017-06-27 13:27:15"), None, at("2017-06-27 13:27:15"),
        )  # fmt: skip
        assert some(unanswered, "connected", "outcome", "answered", "q850", "duration_ms") == (
            False, "no_answer", False, 19, 0,
        )  # fmt: skip

        busy = calls["1498581972.99"]
        assert some(busy, "start_time", "outcome", "q850") == (at("2017-06-27 20:46:12"), "busy", 17)

        # The switch says ANSWERED and its word decides, though nobody talked.
        announcement = calls["1498579358.76"]
        assert some(announcement, "connected", "outcome", "duration_ms") == (True, "answered", 0)

        abroad = calls["1498579428.81"]
        assert some(abroad, "number", "country") == ("14187007488", "CA")

    @embedded
    def test_of_the_forks_of_a_call_the_answered_one_that_ended_last_is_final(
        self, site: Site, source: str, asterisk: Path
    ) -> None:
        load(site, asterisk, source, dialect="asterisk", zone="America/New_York")
        forks = [
            some(row, "call_id", "start_time", "outcome", "is_final")
            for row in standing(site, source)
            if row["call_id"] in ("1498559927.9", "1498575576.50", "1498571580.45", "1498571581.45")
        ]
        assert sorted(forks) == [
            # the file has the answered one first …
            ("1498559927.9", at("2017-06-27 14:38:47"), "answered", True),
            ("1498559927.9", at("2017-06-27 14:38:47"), "no_answer", False),
            # … two forks that the switch gave ids of their own are two calls …
            ("1498571580.45", at("2017-06-27 17:53:00"), "answered", True),
            ("1498571581.45", at("2017-06-27 17:53:01"), "no_answer", True),
            # … and here it has the answered one last
            ("1498575576.50", at("2017-06-27 18:59:36"), "answered", True),
            ("1498575576.50", at("2017-06-27 18:59:36"), "no_answer", False),
        ]

    @embedded
    def test_the_leg_of_a_fork_never_changes(self, site: Site, source: str, asterisk: Path) -> None:
        # It is part of the identity: were its hash to change, a file loaded again would count twice.
        load(site, asterisk, source, dialect="asterisk", zone="America/New_York")
        [leg] = [row["leg"] for row in standing(site, source) if row["call_id"] == "1498555635.0"]
        assert leg == "cce44921bbc4c98329bf08c0d44ddffb"

    @embedded
    def test_without_a_unique_id_the_call_is_told_by_its_other_columns(
        self, site: Site, source: str, tmp_path: Path
    ) -> None:
        # cdr.conf without loguniqueid: 16 columns.
        line = (
            '"","2125550100","{dst}","c","""A"" <2125550100>","SIP/a-{n}","","Dial","",'
            '"2026-10-01 10:00:00","","2026-10-01 10:00:05",5,0,"{how}","DOCUMENTATION"'
        )
        path = tmp_path / "Master.csv"
        path.write_text(
            "\n".join(
                [
                    line.format(dst="2125550199", n=1, how="NO ANSWER"),
                    line.format(dst="2125550199", n=2, how="CONGESTION"),
                    line.format(dst="2125550199", n=1, how="NO ANSWER"),
                ]
            )
            + "\n"
        )
        assert counts(load(site, path, source, dialect="asterisk", zone="UTC")) == {"accepted": 2, "duplicates": 1}
        found = standing(site, source)
        assert len({row["call_id"] for row in found}) == 2
        assert all(len(row["call_id"]) == 32 for row in found)
        assert sorted(row["outcome"] for row in found) == ["failed", "no_answer"]

    @embedded
    def test_the_long_form_of_the_newer_versions(self, site: Site, source: str, tmp_path: Path) -> None:
        path = tmp_path / "Master.csv"
        path.write_text(
            '"acme","2125550100","011442079460000","c","""A, B"" <2125550100>","SIP/a-1","SIP/b-1","Dial","SIP/b,30",'
            '"2026-10-01 10:00:00","2026-10-01 10:00:05","2026-10-01 10:01:05","65","60","ANSWERED","BILLING",'
            '"1790000000.1","note","peer","1790000000.1","7"\n'
        )
        load(site, path, source, dialect="asterisk", zone="UTC")
        [row] = standing(site, source)
        assert some(row, "customer", "number", "country", "duration_ms") == ("acme", "442079460000", "GB", 60_000)
        assert {name: row["meta"][name] for name in ("userfield", "peeraccount", "linkedid", "sequence", "clid")} == {
            "userfield": "note", "peeraccount": "peer", "linkedid": "1790000000.1", "sequence": "7",
            "clid": '"A, B" <2125550100>',
        }  # fmt: skip

    @embedded
    def test_its_local_times_need_a_zone(self, site: Site, source: str, asterisk: Path) -> None:
        with pytest.raises(BadRequest, match="local times without a zone") as refusal:
            load(site, asterisk, source, dialect="asterisk")
        assert refusal.value.code == "zone_needed"
        assert "--tz" in (refusal.value.hint or "")

    @embedded
    def test_without_a_dialect_nobody_guesses(self, site: Site, source: str, asterisk: Path) -> None:
        with pytest.raises(BadRequest, match="cannot tell which system wrote") as refusal:
            load(site, asterisk, source)
        assert "asterisk" in (refusal.value.hint or "")

    @embedded
    def test_the_dialect_of_another_switch_reads_nothing(self, site: Site, source: str, asterisk: Path) -> None:
        with pytest.raises(BadRequest, match=r"no record of .*, 45 tried") as refusal:
            load(site, asterisk, source, dialect="freeswitch", zone="UTC")
        assert refusal.value.code == "nothing_readable"
        assert rows(site, "SELECT count() FROM cdr WHERE source = {s:String}", s=source) == [(0,)]

    @embedded
    def test_the_source_is_the_dialects_name_when_none_is_said(self, site: Site, asterisk: Path) -> None:
        from engine.ingest.pipeline import Asked

        site.ingest(asterisk, "Master.csv", Asked("asterisk", None, "America/New_York"))
        assert len(standing(site, "asterisk")) == 44


# --- FreeSWITCH -----------------------------------------------------------------------------------------


@pytest.mark.engine
class TestFreeSwitch:
    def test_records_by_hand(self, site: Site, source: str) -> None:
        path = SAMPLES / "freeswitch.csv"
        assert counts(load(site, path, source, dialect="freeswitch", zone="America/New_York")) == {"accepted": 6}
        first, abroad, withheld, no_talk, unlisted, wrong = standing(site, source)

        assert some(first, "start_time", "answer_time", "end_time") == (
            at("2026-11-01 03:59:50"), at("2026-11-01 03:59:58"), at("2026-11-01 04:01:03"),
        )  # fmt: skip
        assert some(first, "duration_ms", "connected", "outcome", "q850") == (65_000, True, "answered", 16)
        assert some(first, "customer", "cli", "number", "codec", "is_final", "leg") == (
            "acme", "2125550100", "12125550199", "PCMU", True, "1",
        )  # fmt: skip
        assert first["meta"] == {
            "caller_id_name": "Alice Example",
            "context": "default",
            "duration": "73",
            "bleg_uuid": "00000000-0000-4000-8000-0000000000b1",
            "write_codec": "opus",
        }
        # 01:30 comes twice in that night; it is the earlier
        assert some(abroad, "start_time", "outcome", "number", "country") == (
            at("2026-11-01 05:30:00"), "no_answer", "442079460000", "GB",
        )  # fmt: skip
        assert some(withheld, "start_time", "outcome", "cli", "orig_country", "country") == (
            at("2026-11-01 07:00:00"), "busy", "anonymous", "", "DE",
        )  # fmt: skip
        assert withheld["meta"]["caller_id_name"] == "Example, Bob"
        # between extensions, which lie in no country
        assert some(no_talk, "outcome", "duration_ms", "cli", "number", "country") == (
            "answered",
            0,
            "1001",
            "1002",
            "",
        )
        # a word that stands for no cause we know is kept where nothing is dropped
        assert some(unlisted, "outcome", "q850") == ("unknown", None)
        assert unlisted["meta"]["hangup_cause"] == "LOSE_RACE"
        assert some(wrong, "outcome", "q850") == ("bad_number", 1)
        assert "hangup_cause" not in wrong["meta"]
        assert_books_agree(site)

    @embedded
    def test_the_documented_example(self, site: Site, source: str, shared_data: Path) -> None:
        path = shared_data / "cdr" / "freeswitch" / "Master-example-template.csv"
        assert counts(load(site, path, source, dialect="freeswitch", zone="Europe/Madrid")) == {"accepted": 5}
        found = standing(site, source)
        assert found[0]["start_time"] == at("2014-05-29 14:59:50")
        assert [row["number"] for row in found] == ["34688886392"] * 4 + ["034688886392"]
        assert [row["country"] for row in found] == ["ES"] * 4 + [""]

    @embedded
    def test_a_row_of_the_old_template_is_refused_whole(self, site: Site, source: str, shared_data: Path) -> None:
        # The old wiki template has other columns, and quotes inside quotes that nobody escaped.
        path = shared_data / "cdr" / "freeswitch" / "Master-legacy-row.csv"
        with pytest.raises(BadRequest, match="1 tried; the first: not a record: quotes inside quotes") as refusal:
            load(site, path, source, dialect="freeswitch", zone="UTC")
        assert refusal.value.code == "nothing_readable"
        assert "2185738219" not in str(refusal.value), "a message never holds a phone number"
        assert_books_agree(site)

    @embedded
    def test_a_row_of_another_template_is_rejected_beside_good_ones(
        self, site: Site, source: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "Master.csv"
        shutil.copy(SAMPLES / "freeswitch.csv", path)
        with path.open("a") as file:
            file.write('"a","b","c"\n')
        receipt = load(site, path, source, dialect="freeswitch", zone="America/New_York")
        assert counts(receipt) == {"accepted": 6, "rejected": 1}
        assert rejected(site, receipt.batch) == [(7, "", "fewer fields than columns: the line is cut off")]


# --- the declarations -----------------------------------------------------------------------------------

GOOD = """
name = "mine"
label = "Mine"
help = "My own switch"
container = "csv"
header = false
columns = ["id", "begun", "status"]
[fields.call_id]
from = "id"
[fields.start_time]
from = "begun"
read = "instant"
[fields.q850]
from = "status"
read = "lookup"
table = { "BUSY" = "17" }
[final]
within = "call_id"
greatest = ["start_time"]
"""

MISTAKES = {
    "an unknown key": ('label = "Mine"', 'lable = "Mine"', "lable"),
    "an unknown container": ('container = "csv"', 'container = "xml"', "xml"),
    "an unknown key of a field": ('read = "instant"', 'reed = "instant"', "field 'start_time': .*reed"),
    "a reading nobody knows": ('read = "instant"', 'read = "date"', "field 'start_time': .*date"),
    "a field nobody knows": ("[fields.q850]", "[fields.q851]", "no such field 'q851'.*did you mean 'q850'"),
    "a column not declared": ('from = "begun"', 'from = "begin"', "field 'start_time'.*'begin'.*did you mean 'begun'"),
    "a hash of a column not declared": ('from = "id"', 'hash = ["id", "leg"]', "field 'call_id'.*'leg'"),
    "a field that says nothing": ('from = "status"', "", "field 'q850' says neither from nor hash"),
    "a final rule over nothing": ('greatest = ["start_time"]', 'greatest = ["end_time"]', "final speaks of 'end_time'"),
    "no start": ("[fields.start_time]", "[fields.end_time]", "'start_time'"),
    "a pattern without a day": (
        'read = "instant"',
        'read = "local"\npattern = "M/YYYY H:mm"',
        "'start_time'.*no day in it",
    ),
    "a pattern of no time": ('from = "id"', 'from = "id"\npattern = "D/M/YYYY H:mm"', "field 'call_id' has a pattern"),
    "a pick that is none": (
        'from = "id"',
        'from = "id"\npick = "(a"',
        "field 'call_id' has a pick that cannot be read",
    ),
    "rounding of no money": ('from = "id"', 'from = "id"\nround = 2', "field 'call_id' has negate or round"),
    "rows by a column not declared": ("header = false", 'header = false\nwhere = { kind = ["2"] }', "where.*'kind'"),
    "between what is no time": (
        'from = "status"',
        'between = ["call_id", "start_time"]',
        "field 'q850' lies between two times",
    ),
    "no TOML": ('name = "mine"', "name = mine", "line 2"),
}


def test_every_dialect_that_ships_can_be_read() -> None:
    files = sorted((ROOT / "schemas" / "dialects").glob("*.toml"))
    assert [dialects.read(path).name for path in files] == [path.stem for path in files]
    assert set(dialects.known()) == {"canonical", *(path.stem for path in files)}


def test_a_good_declaration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    mine = dialects.read(path)
    assert mine.fields["start_time"].read == "instant"
    assert mine.fields["call_id"].column == "id"
    assert mine.final is not None


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_declaration_names_file_and_field(tmp_path: Path, mistake: str) -> None:
    right, wrong, told = MISTAKES[mistake]
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(right, wrong))
    with pytest.raises(BadRequest) as refusal:
        dialects.read(path)
    assert refusal.value.code == "bad_dialect"
    assert str(refusal.value).startswith(f"{path}: ")
    assert re.search(told, str(refusal.value)), str(refusal.value)


def test_a_dialect_nobody_knows_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadRequest, match=r"no dialect 'asterix'.*did you mean 'asterisk'"):
        dialects.find("asterix")
    with pytest.raises(BadRequest, match="known: canonical, acme, asterisk, bandwidth"):
        dialects.find("zzz")


# --- a folder of the site's own -------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(GOOD)
    return tmp_path


def test_a_dialect_of_the_folder_is_known(folder: Path) -> None:
    assert dialects.find("mine", str(folder)).label == "Mine"
    assert [*dialects.known(str(folder))][-1] == "mine"
    with pytest.raises(BadRequest, match="did you mean 'mine'"):
        dialects.find("mien", str(folder))


def test_a_file_of_the_folder_is_read_again_when_it_changes(folder: Path) -> None:
    path = folder / "mine.toml"
    assert dialects.find("mine", str(folder)).label == "Mine"
    path.write_text(GOOD.replace('label = "Mine"', 'label = "Ours"'))
    os.utime(path, ns=(1, 1))
    assert dialects.find("mine", str(folder)).label == "Ours"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "mine",
            GOOD.replace('from = "begun"', 'from = "begin"'),
            "mine.toml: field 'start_time' reads the column 'begin'",
        ),
        ("other", GOOD, "other.toml: name is 'mine', and the file is called 'other'"),
        ("asterisk", GOOD.replace('"mine"', '"asterisk"'), "asterisk.toml: name: a dialect 'asterisk' comes with"),
    ],
)
def test_a_mistake_in_the_folder_names_the_file(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(BadRequest, match=re.escape(told)) as refusal:
        dialects.known(str(tmp_path))
    assert refusal.value.code == "bad_dialect"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="dialects_folder: there is no folder") as refusal:
        dialects.known(str(tmp_path / "none"))
    assert refusal.value.code == "bad_setting"


# --- recognition ----------------------------------------------------------------------------------------


def recognised(text: str, container: str = "csv") -> str:
    head = Head(container, text=text)  # type: ignore[arg-type]
    return recognition.recognised(head, "x", dialects.shipped()).name


def test_a_header_that_leaves_no_doubt_names_the_dialect() -> None:
    assert recognised("call_id,start_time,routing_attempt,is_last_cdr\n") == "canonical"
    assert recognised("id,routing_attempt,is_last_cdr\n1,1,t\n") == "yeti"
    assert recognised('\ufeff"xml_cdr_uuid","start_epoch"\r\n') == "fusionpbx"
    assert recognised("BYE|a|b|c@d|200|OK|1790856000\n") == "opensips"
    assert (
        recognised('{\n "calls": [\n  {"sid": "1", "price_unit": "USD", "parent_call_sid": null}', "ndjson") == "twilio"
    )


def test_of_two_dialects_of_one_system_the_one_that_asks_for_more_is_meant() -> None:
    transactions = "method,from_tag,to_tag,callid,sip_code,sip_reason,time"
    assert recognised(transactions) == "kamailio"
    assert recognised(f"{transactions},ms_duration,setuptime") == "opensips-cdr"


def test_a_header_that_fits_several_dialects_is_asked_about() -> None:
    with pytest.raises(BadRequest, match="may be any of several") as refusal:
        recognised("xml_cdr_uuid,start_epoch,routing_attempt,is_last_cdr")
    assert "one of: fusionpbx, yeti" in (refusal.value.hint or "")


# --- check ----------------------------------------------------------------------------------------------


@pytest.mark.engine
@embedded
def test_check_shows_how_a_sample_maps_and_loads_nothing(site: Site) -> None:
    from engine.ingest.pipeline import Asked

    before = rows(site, "SELECT (SELECT count() FROM cdr), (SELECT count() FROM batch_log)")
    path = Path(__file__).parent / "dialects" / "bandwidth" / "sample.csv"
    found = site.check(path, "sample.csv", Asked())
    assert (found.dialect, found.readable, found.rejected, found.missing) == ("bandwidth", 2, 1, [])
    assert [(r.record, r.field, r.reason) for r in found.rejects] == [
        (3, "start_time", "not a time like YYYY/MM/DD h:mm:ss AM")
    ]
    seen = {field.field: field for field in found.fields}
    assert (seen["start_time"].columns, seen["start_time"].read, seen["start_time"].values) == (
        ("CallStartDateTime",),
        "utc, written YYYY/MM/DD h:mm:ss AM",
        ["2026-10-05T00:00:05.000Z", "2026-10-05T21:12:46.000Z"],
    )
    assert seen["provider"].columns == ()
    assert seen["provider_charge"].values == ["0.0368", "0.002"]
    assert found.meta["SourceState"] == ["NY", "NY"]
    assert found.limits == tuple(limit.says for limit in dialects.find("bandwidth").limits)
    assert rows(site, "SELECT (SELECT count() FROM cdr), (SELECT count() FROM batch_log)") == before
    assert_nothing_is_left(site)


@pytest.mark.engine
@embedded
def test_check_names_fields_without_a_column_and_the_rows_it_takes(site: Site, tmp_path: Path) -> None:
    from engine.ingest.pipeline import Asked

    path = tmp_path / "cdrs.csv"
    path.write_text("cgrid,run_id,tor,origin_id,setup_time\ng1,*default,*voice,o1,2026-10-05T12:00:00Z\n")
    found = site.check(path, "cdrs.csv", Asked())
    assert (found.dialect, found.readable) == ("cgrates", 1)
    assert found.only == {"run_id": ("*default", "default"), "tor": ("*voice",)}
    assert set(found.missing) >= {"customer_charge", "duration", "answer_time"}
