"""A process that dies while it reads several files as one leaves each of them whole, or nothing of it."""

from pathlib import Path

import pytest

from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
from tests.loading import assert_books_agree, counts, rows
from tests.test_intake import written
from tests.victims import Victims

pytestmark = pytest.mark.engine


def test_a_process_that_dies_meanwhile_leaves_each_file_whole_or_none_of_it(tmp_path: Path) -> None:
    paths = written(tmp_path, "killed", ["plain", "no line end", "the last"])
    job = {
        "what": "together", "paths": [str(path) for path in paths], "rollup_zones": [], "chunk_records": 500_000,
        "after_seconds": 0.3,
    }  # fmt: skip
    victims = Victims()
    try:
        statements = victims.run(**job, database=f"chdb://{tmp_path / 'whole'}", number=0, moment="before")
        assert sum("INTO staging" in statement for statement in statements) == 1
        [staged] = [number for number, statement in enumerate(statements, 1) if "INTO staging" in statement]
        [posted] = [number for number, statement in enumerate(statements, 1) if "INTO cdr" in statement]
        noted = [number for number, statement in enumerate(statements, 1) if "INTO batch_log" in statement]
        deaths = [
            (staged, "middle", 0), (staged, "after", 0), (noted[0], "after", 1), (noted[1], "after", 2),
            (posted, "middle", 3), (len(statements), "after", 3),
        ]  # fmt: skip
        for number, moment, loaded in deaths:
            folder = tmp_path / f"{number}-{moment}"
            victims.run(**job, database=f"chdb://{folder}", number=number, moment=moment)
            with Site(Settings(database=f"chdb://{folder}")) as site:
                assert_books_agree(site)
                was = [rows(site, "SELECT count() FROM batch_log WHERE state = 'loaded'")[0][0]]
                assert was == [loaded], f"killed {moment} {statements[number - 1]}"
                found = [counts(site.ingest(path, path.name, Asked())) for path in paths]
                assert found == [
                    {"duplicates" if place < loaded else "accepted": count} for place, count in enumerate((300, 2, 1))
                ]
                assert_books_agree(site)
    finally:
        victims.end()
