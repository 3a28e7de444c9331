"""What could not be read is kept whole and once, and read again when the dialect is mended: all of it or nothing."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.errors import BadRequest, Conflict, NotFound
from engine.ingest import dialects, history
from engine.ingest.dialects import Dialect
from engine.ingest.pipeline import Asked, Progress
from engine.settings import Settings
from engine.site import Site
from engine.statement import Statement
from engine.warehouse.gateway import Warehouse
from tests.loading import assert_books_agree, assert_nothing_is_left, counts, load, rejected, rows, standing
from tests.server import Server
from tests.victims import Victims
from web.cli import main

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly]

_names = count(1)

HOUSE = """
name = "house"
label = "Our own"
help = "A test's."
[fields.call_id]
from = "id"
[fields.leg]
hash = ["id", "branch"]
[fields.start_time]
from = "start"
read = "instant"
[fields.sdp]
from = "media"
{media}
[fields.customer]
from = "account"
"""
WRITTEN = HOUSE.replace("{media}", 'read = "boolean"')
MENDED = HOUSE.replace("{media}", 'read = "one_of"\nvalues = ["yes", "true"]')

ROWS = """\
id,start,media,account,branch,more
a,2026-10-01T12:00:00Z,true,acme,,x
b,2026-10-01T12:01:00Z,yes,acme,,y
c,never,yes,acme,,
d,2026-10-01T12:03:00Z,yes
e,2026-10-01T12:04:00Z,yes,"Caf\\"" says ""ol\u00e9"",\tbecause",1,"z
z"
"""


@pytest.fixture
def source() -> str:
    return f"house-{next(_names)}"


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaks(WRITTEN, tmp_path, monkeypatch)


def speaks(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the program knows this dialect."""
    (folder / "house.toml").write_text(text, "utf-8")
    known: dict[str, Dialect] = {"house": dialects.read(folder / "house.toml"), "canonical": dialects.canonical()}
    monkeypatch.setattr(dialects, "shipped", lambda: known)


def write(folder: Path, text: str, name: str = "calls.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def open_of(site: Site, batch: int) -> list[int]:
    """The places of a batch's rejects that are still listed."""
    return [reject.record for reject in history.rejects(site.warehouse, 100, of=batch).items]


def batches(site: Site) -> int:
    return int(rows(site, "SELECT count() FROM batch_log")[0][0])


# --- reading again --------------------------------------------------------------------------------------


def test_what_can_be_read_now_is_loaded_and_the_rest_stays(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, ROWS)
    old = load(site, path, source, dialect="house").batch
    assert open_of(site, old) == [2, 3, 4, 5]
    before = batches(site)
    [unmended] = site.retry(old)
    assert (unmended.loaded, unmended.stayed, unmended.receipt) == (0, 4, None)
    assert batches(site) == before, "a retry that reads nothing is not even a batch"

    speaks(MENDED, tmp_path, monkeypatch)
    told: list[Progress] = []
    [mended] = site.retry(old, report=told.append)
    assert (mended.loaded, mended.stayed) == (2, 2)
    assert told[0] == Progress("reading again", 0, 4)
    assert told[-1].step == "loading", "of one batch it is told how far it is within it"
    assert told[-1].done == told[-1].total > 0
    assert mended.receipt
    assert mended.receipt.origin == f"calls.csv (rejects of batch {old})"
    assert counts(mended.receipt) == {"accepted": 2}
    assert open_of(site, old) == [3, 4], "a time that is none, and a line that is cut off"
    assert open_of(site, mended.receipt.batch) == []
    found = standing(site, source)
    assert [(row["call_id"], row["customer"], row["meta"]) for row in found] == [
        ("a", "acme", {"more": "x"}),
        ("b", "acme", {"media": "yes", "more": "y"}),
        ("e", 'Caf\\" says "ol\u00e9",\tbecause', {"branch": "1", "media": "yes", "more": "z\nz"}),
    ]
    [again] = site.retry(old)
    assert (again.loaded, again.stayed) == (0, 2)
    # It is what the file itself would have been read as; only of the first record the mended dialect says more.
    assert counts(load(site, path, source, dialect="house")) == {"corrections": 1, "duplicates": 2, "rejected": 2}
    assert_nothing_is_left(site)


def test_a_retry_that_is_taken_back_leaves_its_rejects_open_again(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = load(site, write(tmp_path, ROWS), source, dialect="house").batch
    speaks(MENDED, tmp_path, monkeypatch)
    first = site.retry(old)[0].receipt
    assert first
    site.rollback(first.batch)
    assert open_of(site, old) == [2, 3, 4, 5]
    assert [row["call_id"] for row in standing(site, source)] == ["a"]
    second = site.retry(old)[0].receipt
    assert second
    assert counts(second) == {"accepted": 2}
    site.rollback(second.batch)
    site.rollback(first.batch, undo=True)
    assert open_of(site, old) == [3, 4]


def test_the_zone_of_the_batch_is_used_again_and_another_can_be_said(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "id,start,media\na,2026-10-01 12:00:00,true\nb,2026-10-01 12:00:00,yes\n"
    zoned = load(site, write(tmp_path, text), source, dialect="house", zone="America/New_York").batch
    speaks(MENDED, tmp_path, monkeypatch)
    site.retry(zoned)
    assert {str(row["start_time"]) for row in standing(site, source)} == {"2026-10-01 16:00:00"}

    text = "call_id,start_time\nc,2026-10-01T12:00:00Z\nd,2026-10-01 12:00:00\n"
    old = load(site, write(tmp_path, text), source).batch
    assert site.retry(old)[0].loaded == 0
    assert site.retry(old, zone="Asia/Tokyo")[0].loaded == 1
    assert [str(row["start_time"]) for row in standing(site, source)][-1] == "2026-10-01 03:00:00"


def test_rejects_that_contradict_one_another_stay(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "id,start,media,account\n" + "".join(
        f"{call},2026-10-01T12:00:00Z,{media},{account}\n"
        for call, media, account in [("a", "true", ""), ("b", "yes", "acme"), ("b", "yes", "birch"), ("c", "yes", "")]
    )
    old = load(site, write(tmp_path, text), source, dialect="house").batch
    speaks(MENDED, tmp_path, monkeypatch)
    [retried] = site.retry(old)
    assert (retried.loaded, retried.stayed) == (1, 2)
    assert open_of(site, old) == [2, 3]
    assert [row["call_id"] for row in standing(site, source)] == ["a", "c"]
    assert_nothing_is_left(site)


LESS = HOUSE.replace("{media}", 'read = "boolean"').replace("[fields.call_id]", "least_columns = 3\n[fields.call_id]")
APART = WRITTEN.replace('["id", "branch"]', '["id", "account"]')


def test_lines_that_are_cut_off_and_records_that_contradict_are_read_again_when_the_dialect_is_mended(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "id,start,media,account,branch,more\n"
        'a,2026-10-01T12:00:00Z,true,"ac\nme",1,\n\n'
        "b,2026-10-01T12:01:00Z,true\n"
        "c,2026-10-01T12:02:00Z,true,acme,1,\n"
        "c,2026-10-01T12:02:00Z,true,birch,1,\n"
    )
    old = load(site, write(tmp_path, text), source, dialect="house").batch
    found = history.rejects(site.warehouse, 10, of=old).items
    assert [(reject.line, reject.field) for reject in found] == [(5, ""), (6, "identity"), (7, "identity")]
    speaks(LESS, tmp_path, monkeypatch)
    assert site.retry(old)[0].loaded == 1
    assert [row["call_id"] for row in standing(site, source)] == ["a", "b"]
    speaks(APART, tmp_path, monkeypatch)
    assert site.retry(old)[0].loaded == 2
    assert [row["customer"] for row in standing(site, source)] == ["ac\nme", "", "acme", "birch"]
    assert open_of(site, old) == []


def test_a_record_whose_text_was_no_text_is_not_read_as_another(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(b"call_id,start_time,customer\na,1790856000,\nb,1790856000,caf\xe9\nc,1790856000,x\0y\n")
    old = load(site, path, source).batch
    assert (site.retry(old)[0].loaded, open_of(site, old)) == (0, [2, 3])
    assert [row["call_id"] for row in standing(site, source)] == ["a"]


def test_json_is_read_again_to_the_digit(site: Site, source: str, tmp_path: Path) -> None:
    text = (
        '{"call_id": "a", "start_time": "2026-10-01T12:00:00Z", "nested": {"x": [1, 2]}}\n'
        '{"call_id": "b", "start_time": "2026-10-01T12:00:00", "customer_charge": 0.00000010, "nested": {"x": [1]}}\n'
    )
    old = load(site, write(tmp_path, text, "calls.ndjson"), source).batch
    assert site.retry(old, zone="UTC")[0].loaded == 1
    found = standing(site, source)[1]
    assert (found["customer_charge"], json.loads(found["meta"]["nested"])) == (Decimal("0.0000001"), {"x": [1]})


def test_what_cannot_be_retried_is_said(site: Site, source: str, tmp_path: Path) -> None:
    old = load(site, write(tmp_path, ROWS), source, dialect="house").batch
    with pytest.raises(NotFound):
        site.retry(10**6)
    with pytest.raises(BadRequest, match="no dialect 'hous'"):
        site.retry(old, "hous")
    with pytest.raises(BadRequest, match="no time zone"):
        site.retry(old, zone="Mars/Olympus")
    assert "has no column for call_id" in next(r for r in site.retry(None, "canonical") if r.batch == old).problem
    site.rollback(old)
    with pytest.raises(Conflict, match="rolled back, not loaded"):
        site.retry(old)
    assert old not in {retried.batch for retried in site.retry(None)}
    assert_nothing_is_left(site)


def test_after_all_of_it_the_books_agree(site: Site) -> None:
    assert_books_agree(site)


# --- the same from outside ------------------------------------------------------------------------------


@pytest.fixture(params=["here", "through a server"])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    if request.param == "here":
        yield "--database", f"chdb://{tmp_path / 'database'}"
    else:
        with Server("chdb://memory") as running:
            yield "--url", running.url


def run(at: tuple[str, str], *words: str) -> Result:
    return CliRunner().invoke(main, [*words, *at], env={"TOLLHOUSE_URL": ""})


@pytest.mark.parametrize("at", ["through a server"], indirect=True)
def test_the_command_and_the_call(at: tuple[str, str], tmp_path: Path) -> None:
    assert run(at, "rejects", "--retry").output == "nothing was rejected\n"
    file = "call_id,start_time\na,2026-10-01T12:00:00Z\nb,2026-10-01T12:00\nc,never\n"
    path = write(tmp_path, file)
    assert run(at, "ingest", str(path)).exit_code == 1
    said = run(at, "rejects", "--retry", "--batch", "1")
    assert (said.exit_code, said.output) == (1, f"rejects of batch 1 ({path}): none can be read, 2 stayed\n")
    said = run(at, "rejects", "--retry", "--tz", "UTC", "--format", "json")
    told: dict[str, Any] = json.loads(said.output)
    assert (said.exit_code, told["batch"], told["loaded"], told["stayed"]) == (1, 1, 1, 1)
    assert (told["receipt"]["origin"], told["receipt"]["accepted"]) == (f"{path} (rejects of batch 1)", 1)
    listed = run(at, "rejects", "--format", "json").output.splitlines()
    assert [json.loads(line)["record"] for line in listed] == [3]


# --- a process that dies --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    started = Victims()
    yield started
    started.end()


def job(database: Path, what: str, number: int = 0, moment: str = "after", **more: str) -> dict[str, Any]:
    common = {"after_seconds": 0.002, "rollup_zones": [], "chunk_records": 1000, "source": "switch"}
    return {"what": what, "number": number, "moment": moment, "database": f"chdb://{database}", **common, **more}


def test_a_retry_killed_at_any_statement_loads_all_of_it_or_leaves_it_open(victims: Victims, tmp_path: Path) -> None:
    text = "call_id,start_time\na,2026-10-01T12:00:00Z\nb,2026-10-01 12:00:00\nc,2026-10-01 12:00:00\nd,never\n"
    path = write(tmp_path, text)
    prepared = tmp_path / "prepared"
    victims.run(**job(prepared, "load", path=str(path)))
    tried = shutil.copytree(prepared, tmp_path / "tried", symlinks=True)
    statements = victims.run(**job(tried, "retry", zone="UTC"))
    assert sum("INTO retries" in statement for statement in statements) == 2
    outcomes = []
    for number, statement in enumerate(statements, 1):
        if "INTO retries" in statement or "INTO batch_log" in statement:
            database = shutil.copytree(prepared, tmp_path / f"killed-{number}", symlinks=True)
            victims.run(**job(database, "retry", number, zone="UTC"))
            with Site(Settings(database=f"chdb://{database}")) as site:
                left = open_of(site, 1)
                assert left in ([2, 3, 4], [4])
                [again] = site.retry(None, zone="UTC")
                assert (again.loaded, again.stayed) == (len(left) - 1, 1)
                assert [row["call_id"] for row in standing(site, "switch")] == ["a", "b", "c"]
                assert rows(site, "SELECT sum(sign) FROM cdr WHERE sign != 0") == [(3,)]
                assert_nothing_is_left(site)
            outcomes.append(len(left))
    assert set(outcomes) == {1, 3}, "before it was in staging, and after"


def test_rejects_that_were_written_in_part_are_completed(victims: Victims, tmp_path: Path) -> None:
    text = "call_id,start_time\na,2026-10-01T12:00:00Z\n" + "x,never\n" * 50
    path, database = write(tmp_path, text), tmp_path / "database"
    whole = victims.run(**job(tmp_path / "whole", "load", path=str(path)))
    number = next(place for place, statement in enumerate(whole, 1) if "INTO rejects" in statement)
    victims.run(**job(database, "load", number, "before", path=str(path)))
    # A large insert writes part by part: when it dies, some are there.
    part = "INSERT INTO rejects SELECT batch, row, 0, reject_field, reject_reason, raw FROM staging WHERE row IN (5, 7)"
    with Warehouse(f"chdb://{database}") as warehouse:
        warehouse.command(Statement(part))
    with Site(Settings(database=f"chdb://{database}")) as site:
        assert [receipt.rejected for receipt in site.recovered] == [50]
        assert [row for row, _, _ in rejected(site, 1)] == list(range(2, 52))
        assert_nothing_is_left(site)


def test_a_reject_has_its_file_its_place_its_text_and_the_reason(tmp_path: Path) -> None:
    with Site(Settings(database=f"chdb://{tmp_path / 'database'}")) as site:
        path = write(tmp_path, ROWS)
        batch = site.ingest(path, "october/calls.csv", Asked("house")).batch
        found = history.rejects(site.warehouse, 10, of=batch).items
        assert {reject.origin for reject in found} == {"october/calls.csv"}
        assert [(reject.record, reject.field, reject.reason) for reject in found][:3] == [
            (2, "sdp", "not one of true, false, 1, 0"),
            (
                3,
                "start_time",
                "not a time: ISO 8601 with Z or an offset, or epoch seconds; without a zone only with --tz",
            ),
            (4, "", "fewer fields than columns: the line is cut off"),
        ]
        assert [(reject.line, reject.raw) for reject in found] == [
            (3, "b,2026-10-01T12:01:00Z,yes,acme,,y"),
            (4, "c,never,yes,acme,,"),
            (5, "d,2026-10-01T12:03:00Z,yes"),
            (6, 'e,2026-10-01T12:04:00Z,yes,"Caf\\"" says ""ol\u00e9"",\tbecause",1,"z\nz"'),
        ]
