"""A process that dies while it joins the halves of a call leaves it whole, and once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings import Settings
from engine.site import Site
from tests.loading import assert_nothing_is_left, counts, rows
from tests.test_halves import bye, invite, talks, write
from tests.test_retries import job
from tests.victim import MOMENTS
from tests.victims import Victims

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    started = Victims()
    yield started
    started.end()


@pytest.mark.parametrize(
    ("brings", "some"),
    [
        ("the end", True),
        pytest.param("the end", False, marks=pytest.mark.nightly),
        pytest.param("the call", False, marks=pytest.mark.nightly),
    ],
)
def test_killed_at_any_statement_the_call_is_whole_once(
    victims: Victims, tmp_path: Path, brings: str, some: bool
) -> None:
    begins, ends = write(tmp_path, invite(1), invite(2)), write(tmp_path, bye(1), bye(2))
    first, second = (begins, ends) if brings == "the end" else (ends, begins)
    prepared = tmp_path / "prepared"
    victims.run(**job(prepared, "load", path=str(first)))
    tried = shutil.copytree(prepared, tmp_path / "tried", symlinks=True)
    statements = victims.run(**job(tried, "load", path=str(second)))
    tail = next(place for place, text in enumerate(statements, 1) if "INTO halves" in text)
    for number in (tail, tail + 1, tail + 4) if some else range(tail, len(statements) + 1):
        database = shutil.copytree(prepared, tmp_path / f"killed-{number}", symlinks=True)
        victims.run(**job(database, "load", number, MOMENTS[number % 3], path=str(second)))
        with Site(Settings(database=f"chdb://{database}")) as site:
            assert talks(site, "switch") == [61, 61]
            assert rows(site, "SELECT sum(sign), sum(sign * toInt64(duration_ms)) FROM cdr") == [(2, 122000)]
            expected = {"corrections": 2} if brings == "the end" else {"accepted": 2}
            for receipt in site.recovered:
                assert counts(receipt) == expected
            assert_nothing_is_left(site)
        shutil.rmtree(database)
