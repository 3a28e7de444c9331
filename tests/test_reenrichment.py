"""Newer reference data applied to calls of before: as if they were loaded today, and nothing else of them changes."""

import csv
import gzip
import io
import json
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from msgspec import structs

from engine.access.principal import ADMIN
from engine.errors import Conflict, Unprocessable
from engine.ingest.facts import DERIVED
from engine.ingest.pipeline import Progress, Reenriched
from engine.query import question
from engine.settings import Settings
from engine.site import Site
from engine.traffic import Traffic, write
from engine.verify.window import Window
from tests.loading import assert_books_agree, counts, load, rows
from tests.server import PROGRAM, Server
from tests.test_reference import DIDS, MANHATTAN, NPA, NPANXX, SYRACUSE, give
from tests.test_samples import CASES
from web.progress import PROGRESS

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly, pytest.mark.usefixtures("few_rollups")]

ALWAYS = ("2000-01-01", "2100-01-01")
OUTCOMES = "sip_code,q850,rang,release_side,outcome\n486,,,,rejected\n"
_names = count(1)


@pytest.fixture
def source() -> str:
    return f"switch-{next(_names)}"


@pytest.fixture(scope="module")
def site(dsn: str) -> Iterator[Site]:
    with Site(Settings(database=dsn)) as opened:
        yield opened


embedded = pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")


def calls(folder: Path, *said: dict[str, str]) -> Path:
    """A file of calls at noon of the first of October, unless they say otherwise."""
    told = [
        {"call_id": f"{n}", "start_time": "2026-10-01T12:00:00Z", "sip_code": "486", "duration": "0", **one}
        for n, one in enumerate(said)
    ]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for one in told for name in one)))
    writer.writeheader()
    writer.writerows(told)
    path = folder / f"calls-{next(_names)}.csv"
    path.write_text(text.getvalue())
    return path


def stands(site: Site, source: str, *names: str) -> list[tuple[Any, ...]]:
    """Some columns of what stands of a source, in the order of its calls."""
    columns = ", ".join(names)
    sql = f"SELECT {columns} FROM cdr WHERE source = {{s:String}} GROUP BY call_id, {columns} HAVING sum(sign) = 1"
    return rows(site, f"{sql} ORDER BY call_id", s=source)


def changed(made: Reenriched) -> dict[str, int]:
    return {"changed": made.changed, **made.fields}


# --- the calls are as if they were loaded today -----------------------------------------------------------------


SOME = [case for case in CASES if case.parent.name in ("fusionpbx", "voipmonitor", "twilio")]
"""Two that write numbers as their country does, and one that does not."""


def load_samples(site: Site, folder: Path, cases: list[Path]) -> None:
    """The samples of dialects, and calls as a carrier has them."""
    for case in cases:
        told = tomllib.loads(case.read_text("utf-8"))
        dialect = told.get("dialect", case.parent.name)
        load(site, case.parent / told["sample"], case.parent.name + case.stem, dialect=dialect, zone=told.get("zone"))
    write(Traffic(3_000, 3, 1), site.warehouse, path := folder / "traffic.csv")
    load(site, path, "traffic")


def load_lists(site: Site, folder: Path) -> None:
    """Lists that tell something else of those calls than no lists do."""
    write(Traffic(3_000, 3, 1), site.warehouse, path := folder / "for-dids.csv")
    with path.open(newline="") as file:
        ours = sorted({row["dest_cli"] for row in csv.DictReader(file)} - {""})[:200]
    give(site, folder, "dids", "number,account\n" + "".join(f"{n},account {n[-1]}\n" for n in ours if n.isdecimal()))
    give(site, folder, "npanxx", NPANXX)
    areas = "".join(f"{npa},{'NY' if npa % 2 else 'NJ'},US\n" for npa in range(201, 1000) if npa % 100 != 11)
    give(site, folder, "npa", f"npa,state,country\n{areas}")
    give(site, folder, "outcomes", "sip_code,q850,rang,release_side,outcome\n486,17,,,rejected\n,,,caller,abandoned\n")


def everything_known(site: Site) -> list[tuple[Any, ...]]:
    """What is known of every call that stands."""
    known = f"source, call_id, leg, start_time, content, {', '.join(DERIVED)}"
    return rows(site, f"SELECT {known} FROM cdr GROUP BY {known} HAVING sum(sign) = 1 ORDER BY {known}")


@pytest.mark.parametrize("cases", [SOME, pytest.param(CASES, marks=pytest.mark.nightly)], ids=["some", "all"])
def test_every_fact_is_what_it_would_be_if_the_call_were_loaded_today(cases: list[Path], tmp_path: Path) -> None:
    """Samples of dialects, and traffic: lists first and calls after them, and the other way round."""
    with Site(Settings(database=f"chdb://{tmp_path / 'lists-first'}")) as site:
        load_lists(site, tmp_path)
        load_samples(site, tmp_path, cases)
        assert site.reenrich(*ALWAYS).changed == 0, "it disagrees with what the loads have just found"
        expected = everything_known(site)
    with Site(Settings(database=f"chdb://{tmp_path / 'calls-first'}")) as site:
        load_samples(site, tmp_path, cases)
        load_lists(site, tmp_path)
        before = everything_known(site)
        tried = site.reenrich(*ALWAYS, dry_run=True)
        assert everything_known(site) == before
        made = site.reenrich(*ALWAYS)
        assert changed(made) == changed(tried)
        assert everything_known(site) == expected
        assert made.records == len(expected)
        assert made.changed == len(set(expected) - set(before))
        for place, name in enumerate(DERIVED, 5):
            pairs = zip(before, expected, strict=True)
            assert sum(one[place] != other[place] for one, other in pairs) == made.fields.get(name, 0)
        assert {"outcome", "state", "jurisdiction", "did", "account"} <= made.fields.keys()
        assert site.reenrich(*ALWAYS).changed == 0
        assert_books_agree(site)
        verified = site.verify(Window.of(None, None))
        assert verified.exact


def test_calls_from_before_the_horizon_keep_what_their_sums_say(tmp_path: Path) -> None:
    with Site(Settings(database=f"chdb://{tmp_path / 'data'}")) as site:
        times = [f"2026-{month:02}-15T12:00:00Z" for month in (3, 4, 5, 6)]
        load(site, calls(tmp_path, *({"start_time": time} for time in times)), "switch")
        site.retain("2026-05", really=True)
        give(site, tmp_path, "outcomes", OUTCOMES)
        with pytest.raises(Unprocessable, match="are gone"):
            site.reenrich("2026-03-01", "2026-05-01")
        made = site.reenrich(*ALWAYS)
        assert (made.start, made.changed) == ("2026-05-01T00:00:00Z", 2)

        def attempts(start: str, *dimensions: str) -> list[list[Any]]:
            asked = {"from": start, "to": "2026-07-01", "rows": list(dimensions), "measures": ["attempts"]}
            return [list(row) for row in site.ask(question.of(asked), ADMIN).rows]

        assert attempts("2026-05-01", "outcome") == [["rejected", 2]]
        assert attempts("2026-03-01", "customer") == [["", 4]]


# --- and nothing else of them changes ---------------------------------------------------------------------------


def test_what_a_record_says_stays_with_its_batch_and_revision(site: Site, source: str, tmp_path: Path) -> None:
    give(site, tmp_path, "npa", "npa,state,country\n212,NY,US\n")
    path = calls(tmp_path, {"number": MANHATTAN, "revision": "3"}, {"number": SYRACUSE})
    first = load(site, path, source)
    before = site.watermark()
    give(site, tmp_path, "npa", NPA)
    asked = {"from": "2026-10-01", "to": "2026-10-02", "rows": ["state"], "measures": ["attempts"],
             "where": [{"field": "source", "op": "eq", "values": [source]}]}  # fmt: skip

    def states(**more: Any) -> list[list[Any]]:
        return [list(row) for row in site.ask(question.of(asked | {"sort": [{"field": "state"}]} | more), ADMIN).rows]

    assert states() == [["", 1], ["NY", 1]]
    then = site.ask(question.of(asked), ADMIN).as_of.time
    made = site.reenrich("2026-10-01", "2026-10-02")
    assert (made.changed, made.fields["state"]) == (1, 1)
    assert states() == [["NY", 2]]
    assert states(as_of=then) == [["", 1], ["NY", 1]]
    assert states(as_of=f"batch:{first.batch}") == [["", 1], ["NY", 1]]
    assert states(since=then) == [["", -1], ["NY", 1]]
    assert site.watermark() == before + 3, "one commit for the list, one for what changed, one that says it is done"
    assert counts(load(site, path, source)) == {"duplicates": 2}
    correction = calls(tmp_path, {"number": SYRACUSE, "revision": "4"})
    assert counts(load(site, correction, source)) == {"corrections": 1}
    assert site.rollback(first.batch).went == 0, "the second load said the same"


def test_what_stands_again_after_a_rollback_has_the_facts_of_now(site: Site, source: str, tmp_path: Path) -> None:
    give(site, tmp_path, "outcomes", "sip_code,outcome\n486,no_answer\n")
    june, day = ("2026-06-01", "2026-06-02"), {"start_time": "2026-06-01T12:00:00Z"}
    load(site, calls(tmp_path, {**day, "customer": "a"}), source)
    correction = load(site, calls(tmp_path, {**day, "customer": "b"}), source)
    gone = load(site, calls(tmp_path, day, {**day, "customer": "c"}), source)
    site.rollback(gone.batch)
    give(site, tmp_path, "outcomes", OUTCOMES)
    assert site.reenrich(*june).fields["outcome"] == 1
    assert stands(site, source, "customer", "outcome") == [("b", "rejected")]
    site.rollback(correction.batch)
    assert stands(site, source, "customer", "outcome") == [("a", "rejected")]
    site.rollback(gone.batch, undo=True)
    assert stands(site, source, "customer", "outcome") == [("", "rejected"), ("c", "rejected")]
    assert site.reenrich(*june).changed == 0
    assert_books_agree(site)


@embedded
def test_only_the_calls_of_the_span_change(site: Site, source: str, tmp_path: Path) -> None:
    give(site, tmp_path, "outcomes", "sip_code,outcome\n486,no_answer\n")
    times = ("2026-05-01T03:59:59.999Z", "2026-05-01T04:00:00Z", "2026-05-01T04:30:00Z", "2026-05-02T04:00:00Z")
    load(site, calls(tmp_path, *({"start_time": time} for time in times)), source)
    give(site, tmp_path, "outcomes", OUTCOMES)
    made = site.reenrich("2026-05-01", "2026-05-02", "America/New_York")
    assert (made.start, made.end) == ("2026-05-01T04:00:00Z", "2026-05-02T04:00:00Z")
    assert (made.records, made.changed) == (2, 2)
    assert [outcome for (outcome,) in stands(site, source, "outcome")] == [
        "no_answer", "rejected", "rejected", "no_answer",
    ]  # fmt: skip
    assert site.reenrich("2026-05-01T00:00", "2026-05-02T04:00:00.001Z", "UTC").changed == 2


def test_closed_months_are_counted_and_their_adjustments_are_what_moved(
    site: Site, source: str, tmp_path: Path
) -> None:
    give(site, tmp_path, "npa", "npa,state,country\n212,NY,US\n")
    give(site, tmp_path, "outcomes", OUTCOMES)
    load(site, calls(tmp_path, *({"start_time": time, "cli": MANHATTAN, "number": SYRACUSE, "customer": "acme"}
                                 for time in ("2026-07-01T12:00:00Z", "2026-08-01T12:00:00Z"))), source)  # fmt: skip
    site.close_month("2026-07", "anna")
    give(site, tmp_path, "npa", NPA)
    made = site.reenrich("2026-07-01", "2026-08-02")
    assert (made.changed, made.after_close) == (2, 1)
    window = {"from": "2026-07-01", "to": "2026-08-01", "since": "close:2026-07"}

    def moved(*dimensions: str) -> list[list[Any]]:
        asked = window | {"report": "adjustments", "rows": list(dimensions), "measures": ["attempts"]}
        return sorted(list(row) for row in site.ask(question.of(asked), ADMIN).rows)

    assert moved("customer") == [], "no amount and no count of a customer has changed"
    assert moved("jurisdiction") == [["indeterminate", -1], ["intrastate", 1]]


@embedded
def test_an_answer_names_the_maps_its_calls_were_judged_by(site: Site, source: str, tmp_path: Path) -> None:
    old = give(site, tmp_path, "outcomes", "sip_code,outcome\n486,no_answer\n").version
    load(site, calls(tmp_path, *({"start_time": f"2026-02-0{day}T12:00:00Z"} for day in (1, 2, 3))), source)

    def named(start: str, end: str, **more: Any) -> tuple[int, ...]:
        asked = {"from": start, "to": end, "rows": ["outcome"], "measures": ["attempts"], **more}
        return site.ask(question.of(asked), ADMIN).outcome_map

    assert named("2026-02-01", "2026-02-04") == (old,)
    then = site.ask(question.of({"from": "2026-02-01", "to": "2026-02-02"}), ADMIN).as_of.time
    new = give(site, tmp_path, "outcomes", OUTCOMES).version
    assert named("2026-02-01", "2026-02-04") == (old,), "nothing was judged by it yet"
    site.reenrich("2026-02-01", "2026-02-02")
    assert named("2026-02-01", "2026-02-04") == (old, new)
    site.reenrich("2026-02-01", "2026-02-04")
    assert named("2026-02-01", "2026-02-04") == (new,)
    assert named("2026-02-01", "2026-02-04", as_of=then) == (old,)
    load(site, calls(tmp_path, {"start_time": "2026-02-02T12:00:00Z"}), f"{source} too")
    assert named("2026-02-01", "2026-02-04") == (new,)


# --- beside other work ------------------------------------------------------------------------------------------


@pytest.fixture
def in_small_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(site.loader, "_settings", structs.replace(site.settings, chunk_records=1))
    return site


@embedded
def test_loads_that_wait_pass_and_lists_wait(in_small_steps: Site, source: str, tmp_path: Path) -> None:
    site = in_small_steps
    give(site, tmp_path, "outcomes", "sip_code,outcome\n486,no_answer\n")
    hours = range(3)
    load(site, calls(tmp_path, *({"start_time": f"2026-04-01T{hour:02}:00:00Z"} for hour in hours)), source)
    give(site, tmp_path, "outcomes", OUTCOMES)
    steps: list[tuple[int, int]] = []
    beside = Thread(target=lambda: load(site, calls(tmp_path, {"call_id": "beside"}), source))

    def report(progress: Progress) -> None:
        steps.append((progress.done, progress.total))
        if len(steps) == 2:
            with pytest.raises(Conflict, match="being applied"):
                give(site, tmp_path, "outcomes", OUTCOMES)
            with pytest.raises(Conflict, match="being applied"):
                site.reenrich(*ALWAYS)
            beside.start()
            beside.join(30)

    made = site.reenrich("2026-04-01", "2026-04-02", report=report)
    assert steps == [(0, 3), (1, 3), (2, 3)]
    assert made.changed == 3
    kinds = [kind for (kind,) in rows(site, "SELECT any(kind) FROM commit_log GROUP BY commit ORDER BY commit")]
    assert kinds[-5:] == ["reenrich", "load", "reenrich", "reenrich", "exact"]
    give(site, tmp_path, "outcomes", OUTCOMES)  # and now they may be loaded


@embedded
def test_a_span_must_be_one(site: Site) -> None:
    for start, end, zone, code in (
        ("2026-10-02", "2026-10-01", "UTC", "bad_value"),
        ("soon", "2026-10-01", "UTC", "bad_value"),
        ("2026-10-01", "2026-10-02", "Mars/Olympus", "unknown_zone"),
    ):
        with pytest.raises(Unprocessable) as caught:
            site.reenrich(start, end, zone)
        assert caught.value.code == code


# --- from the command line and over HTTP ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(f"chdb://{tmp_path_factory.mktemp('served')}") as running:
        yield running


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=90, check=False)


def test_lists_and_reenrichments_go_through_a_running_server(served: Server, tmp_path: Path) -> None:
    def told(*words: str) -> Any:
        done = run(*words, "--format", "json", "--url", served.url)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    path = calls(tmp_path, {"customer": "a"}, {"customer": "b"})
    assert run("ingest", str(path), "--url", served.url).returncode == 0
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text(OUTCOMES)
    assert told("load", "outcomes", str(outcomes)) == {
        "version": 1, "kind": "outcomes", "origin": str(outcomes), "layout": "list", "valid_from": None,
        "rows": 1, "added": 1, "changed": 0, "removed": 0, "kept": 0,
    }  # fmt: skip
    packed = tmp_path / "outcomes.csv.gz"
    packed.write_bytes(gzip.compress(OUTCOMES.encode()))
    assert told("load", "outcomes", str(packed), "--valid-from", "2026-10-01")["valid_from"] == "2026-10-01"
    expected = {
        "from": "2026-10-01T00:00:00Z", "to": "2026-10-02T00:00:00Z", "dry_run": True, "reference": 2,
        "outcome_map": 2, "records": 2, "changed": 2, "after_close": 0, "fields": {"outcome": 2},
    }  # fmt: skip
    words = ("reenrich", "--from", "2026-10-01", "--to", "2026-10-02")
    assert told(*words, "--dry-run") == expected
    assert told(*words, "--tz", "UTC") == expected | {"dry_run": False}
    assert told(*words)["changed"] == 0
    with served.client() as client:
        body = {"from": "2026-10-01", "to": "2026-10-02"}
        answer = client.post("/api/v1/reenrich", json=body, headers={"accept": PROGRESS})
        steps = [json.loads(line) for line in answer.text.splitlines()]
        assert steps[0] == {"progress": {"step": "reenriching", "done": 0, "total": 6}}
        assert steps[-1]["result"]["changed"] == 0
        for body, status, code in (
            ({"from": "2026-10-01"}, 400, "malformed"),
            ({"from": "2026-10-01", "to": "2026-10-02", "since": "x"}, 400, "malformed"),
            ({"from": "2026-10-02", "to": "2026-10-01"}, 422, "bad_value"),
        ):
            refused = client.post("/api/v1/reenrich", json=body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
        assert client.post("/api/v1/lists/dids?origin=mine.csv", content=DIDS).json()["origin"] == "mine.csv"
        for call, status, code in (
            ("lists/did", 400, "unknown_list"),
            ("lists/dids?source=x", 400, "unknown_parameter"),
            ("lists/dids?valid_from=tomorrow", 400, "bad_value"),
            ("lists/outcomes", 400, "bad_header"),
        ):
            refused = client.post(f"/api/v1/{call}", content=DIDS)
            assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("sip_code,outcome\n486,gone\n")
    failed = run("load", "outcomes", str(wrong), "--url", served.url)
    assert failed.returncode == 2
    assert "line 2: outcome" in failed.stderr


def test_a_sample_is_tried_by_a_running_server(served: Server, tmp_path: Path) -> None:
    path = calls(tmp_path, {"customer": "a", "rack": "7"}, {"start_time": "never"})
    words = ("dialects", "check", str(path), "--format", "json")
    there = run(*words, "--url", served.url)
    assert there.returncode == 0, there.stderr
    here = run(*words)
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert (json.loads(there.stdout)["readable"], json.loads(there.stdout)["rejected"]) == (1, 1)
    listed = [run("dialects", *more, "--format", "json").stdout for more in ((), ("--url", served.url))]
    names = [[json.loads(line)["name"] for line in lines.splitlines()] for lines in listed]
    assert names[0] == names[1]
    assert "asterisk" in names[0]
    with served.client() as client:
        head = {"content-type": "text/csv"}
        assert client.post("/api/v1/dialects/check?dialect=aterisk", content="a", headers=head).status_code == 400
        assert client.post("/api/v1/dialects/check", content="a", headers={"content-type": "text/html"}).json()[
            "error"
        ]["code"] == "unknown_content"  # fmt: skip
        assert client.get("/api/v1/batches").json()["items"][0]["state"] == "loaded", "nothing of it is a batch"


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    database = ("--database", f"chdb://{tmp_path / 'data'}")
    path, outcomes = calls(tmp_path, {}, {"sip_code": "404"}), tmp_path / "outcomes.csv"
    outcomes.write_text(OUTCOMES)
    for words in (("ingest", str(path)), ("load", "outcomes", str(outcomes))):
        assert run(*words, *database).returncode == 0
    asked = ("reenrich", "--from", "2026-10-01", "--to", "2026-10-02", *database)
    span = "2026-10-01T00:00:00Z to 2026-10-02T00:00:00Z, lists of version 1:"
    assert run(*asked, "--dry-run").stdout == f"{span} 1 record of 2 would change (outcome 1)\n"
    assert run(*asked).stdout == f"{span} 1 record of 2 changed (outcome 1)\n"
    assert run(*asked).stdout == f"{span} 0 records of 2 changed\n"
