"""A site's own outcome map: the first line that fits wins, what it does not speak of is as the program has it."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from engine.errors import BadRequest
from engine.ingest.lists import ListReceipt
from engine.settings import Settings
from engine.site import Site
from tests.loading import load, rows
from tests.test_reference import give

pytestmark = pytest.mark.engine

HOW_TO = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "load-reference-data.md"
HEAD = "sip_code,q850,rang,release_side,outcome\n"
SIDES = ("caller", "callee", "provider", "switch", "unknown")
_names = count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('database')}")) as opened:
        yield opened


def learn(site: Site, folder: Path, *lines: str, valid_from: str | None = None) -> ListReceipt:
    return give(site, folder, "outcomes", HEAD + "".join(f"{line}\n" for line in lines), valid_from)


def outcomes(site: Site, folder: Path, *endings: str, day: str = "2026-10-01") -> list[str]:
    """How unanswered attempts ended, given as `sip_code,q850,pdd,release_side`: with a PDD it rang."""
    source = f"switch-{next(_names)}"
    path = folder / f"{source}.csv"
    told = "".join(f"{n},{day}T12:00:00Z,carrier,false,{ending}\n" for n, ending in enumerate(endings))
    path.write_text(f"call_id,start_time,provider,answered,sip_code,q850,pdd,release_side\n{told}")
    load(site, path, source)
    return [
        str(one)
        for (one,) in rows(
            site, "SELECT outcome FROM cdr WHERE source = {s:String} ORDER BY toUInt32(call_id)", s=source
        )
    ]


def examples() -> list[list[str]]:
    """The maps of the how-to, line by line."""
    blocks = re.findall(r"```csv\n(sip_code,.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    return [block.splitlines()[1:] for block in blocks]


def test_the_map_of_the_how_to_says_what_the_program_says_of_every_ending(site: Site, tmp_path: Path) -> None:
    said = [f"{code},,{rang},{side}" for code in range(100, 700) for rang in ("", "1") for side in SIDES]
    said += [f",{cause},{rang},{side}" for cause in (*range(128), "") for rang in ("", "1") for side in SIDES]
    before = outcomes(site, tmp_path, *said)
    _, own = examples()
    learn(site, tmp_path, *own)
    assert site.reenrich("2026-10-01", "2026-10-02").changed == 0
    assert outcomes(site, tmp_path, *said) == before
    # and it is the list that says so: what it speaks of is looked up there
    learn(site, tmp_path, *(line.replace("bad_number", "unknown") for line in own))
    after = outcomes(site, tmp_path, *said)
    assert {(was, now) for was, now in zip(before, after, strict=True) if was != now} == {("bad_number", "unknown")}


def test_the_first_line_that_fits_wins(site: Site, tmp_path: Path) -> None:
    first, _ = examples()
    learn(site, tmp_path, *first)
    told = {
        "503,,,": "refused",  # and not what 5xx says further down
        "502,,,": "failed",
        "487,,,caller": "abandoned",
        "487,,1,caller": "no_answer",  # it rang: no line fits, and the program says so
        "486,34,,": "busy",  # a cause is not asked where there is a code
        ",34,,": "failed",
        ",17,,": "busy",
    }
    assert dict(zip(told, outcomes(site, tmp_path, *told), strict=True)) == told


@pytest.mark.parametrize(
    ("line", "fits", "fits_not"),
    [
        ("486,17,,,failed", ["486,,,", "486,99,,", ",17,,"], ["480,17,,", ",18,,", ",,,"]),
        ("4xx,,,,rejected", ["400,,,", "499,,,"], ["399,,,", "500,,,", ",,,"]),
        (",,,,rejected", ["404,,,", ",,,", ",1,,", "302,,,", "100,,,"], []),
        (",,,callee,rejected", ["404,,,callee", ",,,callee"], ["404,,,caller", "404,,,"]),
        (",,true,,rejected", ["404,,1,", ",1,1,"], ["404,,,", ",,,"]),
        ("404,,0,unknown,rejected", ["404,,,", "404,,,unknown"], ["404,,1,", "404,,,switch"]),
        (",0,,,rejected", [",0,,"], [",,,", ",1,,"]),
    ],
)
def test_what_a_line_fits(site: Site, tmp_path: Path, line: str, fits: list[str], fits_not: list[str]) -> None:
    learn(site, tmp_path, line)
    meant = line.rpartition(",")[2]
    found = outcomes(site, tmp_path, *fits, *fits_not)
    assert found[: len(fits)] == [meant] * len(fits)
    assert meant not in found[len(fits) :]


def test_a_map_decides_nothing_about_what_the_program_decides_first(site: Site, tmp_path: Path) -> None:
    learn(site, tmp_path, ",,,,failed")
    path = tmp_path / "answered.csv"
    path.write_text(
        "call_id,start_time,sip_code,duration,provider,release_side\na,2026-10-01T12:00:00Z,200,5,x,\n"
        "b,2026-10-01T12:00:00Z,200,0,x,\nc,2026-10-01T12:00:00Z,403,0,,switch\nd,2026-10-01T12:00:00Z,403,0,x,\n"
    )
    load(site, path, "first")
    assert [one for (one,) in rows(site, "SELECT outcome FROM cdr WHERE source = 'first' ORDER BY call_id")] == [
        "answered", "answered_zero", "refused", "failed",
    ]  # fmt: skip


def test_a_map_holds_from_a_day_on(site: Site, tmp_path: Path) -> None:
    learn(site, tmp_path, "486,,,,rejected", "480,,,,rejected")
    learn(site, tmp_path, "480,,,,failed", "486,,,,rejected", valid_from="2026-10-02")
    found = {day: outcomes(site, tmp_path, "486,,,", "480,,,", "404,,,", day=f"2026-10-0{day}") for day in (1, 2, 3)}
    assert found == {
        1: ["rejected", "rejected", "bad_number"],
        2: ["rejected", "failed", "bad_number"],
        3: ["rejected", "failed", "bad_number"],
    }


def test_a_batch_keeps_the_version_of_the_map_it_was_judged_by(site: Site, tmp_path: Path) -> None:
    version = learn(site, tmp_path, "486,,,,rejected").version
    assert outcomes(site, tmp_path, "486,,,") == ["rejected"]
    assert rows(site, "SELECT max(outcome_map) FROM batch_log WHERE state = 'loaded'") == [(version,)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["486,,,,gone"], "line 2: outcome: not an outcome"),
        (["486,,,,answered"], "line 2: outcome: not an outcome that is not an answer"),
        (["700,,,,busy"], "line 2: sip_code: not a SIP code, or a class of them like 5xx"),
        (["xx4,,,,busy"], "line 2: sip_code"),
        ([",128,,,busy"], "line 2: q850: not 0 to 127"),
        (["486,,maybe,,busy"], "line 2: rang"),
        (["486,,,nobody,busy"], "line 2: release_side"),
        (["486,,,,busy", "480,,,,busy", "486,,,,rejected"], "line 4: says otherwise than line 2"),
        (["4xx,,,,busy", "480,,true,,no_answer"], "line 3: never reached: line 2 takes all that it speaks of"),
        (["480,,,,busy", "480,,true,caller,no_answer"], "line 3: never reached: line 2"),
        (["480,,true,,busy", "480,,1,,no_answer"], "line 3: never reached: line 2"),
        ([",,,,busy", ",1,,,no_answer"], "line 3: never reached: line 2"),
        (["480,1,,,busy", ",1,,,no_answer"], "line 3: never reached: line 2"),
    ],
)
def test_nonsense_is_refused_with_its_line(site: Site, tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        learn(site, tmp_path, *lines)
    assert said in str(caught.value)


def test_lines_that_overlap_only_in_part_are_taken(site: Site, tmp_path: Path) -> None:
    lines = ("480,,true,,busy", "480,,,,no_answer", "4xx,,,,failed", ",1,,caller,busy", ",1,,,failed", ",2,,,busy")
    learn(site, tmp_path, *lines, ",2,,,busy", ",,,,rejected")
    endings = ("480,,1,", "480,,,", "404,,,", ",1,,caller", ",1,,", ",2,,", "302,,,")
    assert outcomes(site, tmp_path, *endings) == [
        "busy", "no_answer", "failed", "busy", "failed", "busy", "rejected",
    ]  # fmt: skip
