"""Calls whose INVITE and BYE lie in different files: what stands follows from the loads that count, in any order."""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from engine.settings import Settings
from engine.site import Site
from tests.loading import assert_books_agree, counts, load, standing

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("few_rollups")]

_names = count(1)

BEGAN = 1790856000
INVITE = "INVITE|aa{call}|bb{call}|call-{call}@192.0.2.1|200|OK|{time}|*rated|12125550100|12125550199||9:{call}\n"
BYE = "BYE|bb{call}|aa{call}|call-{call}@192.0.2.1|200|OK|{time}|||||9:{call}\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('database')}")) as opened:
        yield opened


@pytest.fixture
def source() -> str:
    return f"proxy-{next(_names)}"


def write(folder: Path, *lines: str) -> Path:
    path = folder / f"acc-{next(_names)}.csv"
    path.write_text("".join(lines))
    return path


def invite(call: int) -> str:
    return INVITE.format(call=call, time=BEGAN + call)


def bye(call: int, talk: int = 61) -> str:
    return BYE.format(call=call, time=BEGAN + call + talk)


def talks(site: Site, source: str) -> list[int]:
    """Seconds of talk of every call that stands."""
    return [row["duration_ms"] // 1000 for row in standing(site, source)]


def test_in_whichever_order_they_come_and_are_taken_back(site: Site, source: str, tmp_path: Path) -> None:
    begins, ends = write(tmp_path, invite(1), invite(2)), write(tmp_path, bye(1))
    first = load(site, begins, source)
    assert counts(first) == {"accepted": 2}
    second = load(site, ends, source)
    assert counts(second) == {"corrections": 1}, "the call is told anew, with its end"
    [call, open_call] = standing(site, source)
    assert (call["duration_ms"], call["customer_duration_ms"], str(call["end_time"])) == (
        61000,
        61000,
        "2026-10-01 12:01:02",
    )
    assert (open_call["duration_ms"], open_call["end_time"], open_call["connected"]) == (0, None, True)

    site.rollback(second.batch)
    assert talks(site, source) == [0, 0]
    site.rollback(second.batch, undo=True)
    assert talks(site, source) == [61, 0]
    site.rollback(first.batch)
    assert talks(site, source) == []
    assert counts(load(site, ends, source)) == {}, "it waits, as its call does not stand"
    site.rollback(first.batch, undo=True)
    assert talks(site, source) == [61, 0]
    assert_books_agree(site)


def test_both_in_one_file_are_the_same_record(site: Site, source: str, tmp_path: Path) -> None:
    load(site, write(tmp_path, bye(1)), source)
    load(site, write(tmp_path, invite(1)), source)
    whole = write(tmp_path, invite(1), bye(1))
    assert counts(load(site, whole, source)) == {"duplicates": 1}
    assert counts(load(site, write(tmp_path, bye(1)), source)) == {"duplicates": 1}
    assert counts(load(site, write(tmp_path, invite(1)), source)) == {"duplicates": 1}
    assert talks(site, source) == [61]


def test_an_invite_cut_off_from_its_bye_changes_nothing(site: Site, source: str, tmp_path: Path) -> None:
    whole = load(site, write(tmp_path, invite(1), bye(1)), source)
    assert counts(load(site, write(tmp_path, invite(1)), source)) == {"stale": 1}
    assert talks(site, source) == [61]
    site.rollback(whole.batch)
    assert talks(site, source) == [0], "the BYE was in that file only"


def test_a_failed_attempt_of_a_call_gets_no_talk(site: Site, source: str, tmp_path: Path) -> None:
    failed = invite(1).replace("|bb1|", "||").replace("200|OK", "407|Proxy Authentication Required")
    load(site, write(tmp_path, failed, invite(1), bye(1)), source)
    load(site, write(tmp_path, failed.replace("call-1", "call-2"), bye(2), invite(3)), source)
    load(site, write(tmp_path, invite(2), bye(3), bye(4, -5), invite(4)), source)
    found = [(row["sip_code"], row["duration_ms"], row["is_final"]) for row in standing(site, source)]
    assert sorted(found) == sorted(
        [(407, 0, False), (200, 61000, True), (407, 0, True), (200, 61000, True), (200, 61000, True)]
    )


class Book:
    """The same in plain Python: what stands of each call, by the loads that count."""

    def __init__(self) -> None:
        self.loads: dict[int, dict[int, tuple[bool, int]]] = {}
        self.gone: set[int] = set()

    def standing(self) -> dict[int, int]:
        said: dict[int, dict[int, tuple[int, int]]] = {}
        counting = {batch: calls for batch, calls in self.loads.items() if batch not in self.gone}
        for batch, calls in counting.items():
            for call, (begins, talk) in calls.items():
                if not begins:
                    continue
                contents = said.setdefault(call, {})
                if talk:
                    contents[talk] = min(contents.get(talk, (batch, 0)), (batch, 0))
                    continue
                for other, told in counting.items():
                    begins_too, ended = told.get(call, (True, 0))
                    if ended and not begins_too:
                        place = (max(batch, other), min(batch, other))
                        contents[ended] = min(contents.get(ended, place), place)
        return {
            call: max(contents, key=lambda talk: contents[talk]) if contents else 0 for call, contents in said.items()
        }


@pytest.mark.parametrize("seed", range(3))
def test_random_histories(site: Site, source: str, tmp_path: Path, seed: int) -> None:
    dice, book = random.Random(seed), Book()
    for _ in range(14):
        if book.loads and dice.random() < 0.4:
            batch = dice.choice(list(book.loads))
            site.rollback(batch, undo=batch in book.gone)
            book.gone ^= {batch}
        else:
            calls = {}
            for call in dice.sample(range(1, 5), dice.randint(1, 3)):
                begins = dice.random() < 0.5
                calls[call] = (begins, dice.choice([0, 30, 31]) if begins else dice.choice([30, 31]))
            lines = [invite(call) for call, (begins, _) in calls.items() if begins]
            lines += [bye(call, talk) for call, (_, talk) in calls.items() if talk]
            dice.shuffle(lines)
            book.loads[load(site, write(tmp_path, *lines), source).batch] = calls
        found = {
            int(row["call_id"][5:].partition("@")[0]): row["duration_ms"] // 1000 for row in standing(site, source)
        }
        assert found == book.standing(), (book.loads, book.gone)
    assert_books_agree(site)
