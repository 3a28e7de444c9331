"""Small files that wait to be read are read by one statement, and what becomes of each is what would by itself."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadRequest, TollhouseError, Unavailable
from engine.ingest.pipeline import Asked, Receipt
from engine.site import Site
from engine.statement import Statement
from tests.loading import assert_books_agree, counts, rows, standing
from tests.together import together

pytestmark = pytest.mark.engine

HEADER = b"source,call_id,start_time,customer,customer_destination,customer_charge\n"


def lines_of(name: str, *lines: str) -> bytes:
    """A body of which `~` stands for the source, `#` for the call and `@` for the day."""
    text = [line.replace("#", f"{name}{number}").replace("@", "2026-10-05T") for number, line in enumerate(lines)]
    return HEADER + "\n".join(text).encode() + b"\n"


BODIES = {
    "plain": lines_of("a", *["~,#,@10:00:00Z,x,Peru,0.01"] * 300),
    "no line end": lines_of("b", *["~,#,@11:00:00Z,y,Chile,0.02"] * 2)[:-1],
    "empty lines": lines_of("c", "", "~,#,@12:00:00Z,y,Chile,0.02", "", "", "~,#,@12:01:00Z,y,Chile,0.2", ""),
    "some rejected": lines_of("d", "~,#,never,y,Chile,0.02", "~,#,@13:00:00Z,y,Chile,1", "~,#,@13:00:00Z"),
    "a contradiction": lines_of(
        "e", "~,e,@14:00:00Z,y,Chile,1", "~,e,@14:00:00Z,y,Chile,2", "~,#,@14:00:00Z,y,Chile,1"
    ),
    "quotes late": lines_of("f", *["~,#,@15:00:00Z,y,Peru,1"] * 9000, '~,#,@15:00:00Z,y,"Chile, mobile",1'),
    "a record of two lines late": lines_of("h", *["~,#,@17:00:00Z,y,Peru,1"] * 9000, '~,#,@17:00:00Z,y,"a\nb",1'),
    "a correction": lines_of("i", "~,a7,@10:00:00Z,x,Peru,0.5", "~,a8,@10:00:00Z,x,Peru,0.01"),
    "nothing readable": lines_of("j", "~,#,never,y,Chile,0.02"),
    "no record": HEADER,
    "the last": lines_of("k", "~,#,@18:00:00Z,z,Peru,3"),
    "quotes early": lines_of("g", '~,#,@16:00:00Z,y,"Chile,\nmobile",1', "~,#,@16:00:00Z,y,Peru,1"),
}


def written(folder: Path, source: str, names: list[str]) -> list[Path]:
    paths = []
    for name in names:
        path = folder / f"{source}-{name}.csv"
        path.write_bytes(BODIES[name].replace(b"~", source.encode()))
        paths.append(path)
    return paths


@pytest.fixture
def staging(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that read files, as they run."""
    statements: list[str] = []
    insert = site.warehouse.insert_file

    def noted(statement: Statement, *others: Any) -> None:
        if statement.sql.startswith("-- Read a file whole"):
            statements.append(statement.sql)
        insert(statement, *others)

    monkeypatch.setattr(site.warehouse, "insert_file", noted)
    return statements


def told(outcome: Receipt | TollhouseError | None, source: str) -> Any:
    """What became of a load, apart from its number and the name of its source."""
    if isinstance(outcome, TollhouseError):
        return outcome.code, str(outcome).replace(source, "")
    assert outcome is not None
    return counts(outcome), outcome.received, outcome.origin.replace(source, "")


def kept(site: Site, receipt: Receipt, source: str) -> list[tuple[Any, ...]]:
    """What is kept of the records of a batch that were not taken."""
    raw = "replaceAll(raw, {source:String}, '')"
    sql = f"SELECT row, line, field, reason, {raw} FROM rejects WHERE batch = {{batch:UInt32}} ORDER BY row"
    return rows(site, sql, batch=receipt.batch, source=source)


def test_each_file_becomes_what_it_would_by_itself(site: Site, staging: list[str], tmp_path: Path) -> None:
    names = list(BODIES)
    alone: list[Receipt | TollhouseError | None] = []
    for path in written(tmp_path, "alone", names):
        try:
            alone.append(site.ingest(path, path.name, Asked()))
        except TollhouseError as failure:
            alone.append(failure)
    by_themselves = len(staging)
    staging.clear()
    shared = together(site, written(tmp_path, "shared", names), alone=1)
    assert [told(one, "shared") for one in shared] == [told(one, "alone") for one in alone]
    # All but the one with early quotes by one statement, in place of ten.
    assert len([sql for sql in staging if "{begins:" in sql]) == 1
    assert len(staging) == by_themselves - len(names) + 2
    order = [one.batch for one in shared if isinstance(one, Receipt) and "early" not in one.origin]
    assert order == sorted(order)  # who came first has the lower number
    for one, other in zip(alone, shared, strict=True):
        if isinstance(one, Receipt) and isinstance(other, Receipt):
            assert kept(site, other, "shared") == kept(site, one, "alone")
    without = ("source", "call_id")

    def records(source: str) -> list[dict[str, Any]]:
        return [
            {**{name: value for name, value in one.items() if name not in without}, "call": one["call_id"]}
            for one in standing(site, source)
        ]

    assert records("shared") == records("alone")
    assert_books_agree(site)


def test_each_can_be_taken_back_by_itself(site: Site, staging: list[str], tmp_path: Path) -> None:
    paths = written(tmp_path, "back", ["plain", "a correction", "the last"])
    first, second, third = together(site, paths)
    assert len(staging) == 1
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert isinstance(third, Receipt)
    site.loader.rollback(second.batch)
    charges = {one["call_id"]: str(one["customer_charge"]) for one in standing(site, "back")}
    assert len(charges) == 301
    assert charges["a7"] == "0.01000000"
    site.loader.rollback(first.batch)
    assert [one["call_id"] for one in standing(site, "back")] == ["k0"]
    assert_books_agree(site)


def test_only_files_that_are_read_alike_are_read_as_one(site: Site, staging: list[str], tmp_path: Path) -> None:
    paths = written(tmp_path, "unlike", ["plain", "the last", "no line end", "a correction"])
    paths[3].write_bytes(paths[3].read_bytes().replace(b"customer_charge", b"provider_charge"))
    asked = [Asked(), Asked(source="named"), Asked(), Asked()]
    found = together(site, paths, asked)
    assert [counts(one) for one in found if isinstance(one, Receipt)] == [
        {"accepted": 300}, {"accepted": 1}, {"accepted": 2}, {"corrections": 2},
    ]  # fmt: skip
    assert len(staging) == 3  # the first and the third as one
    assert_books_agree(site)


def test_files_that_cannot_be_read_as_one_are_read_one_by_one(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = site.warehouse.insert_file

    def stumbles(statement: Statement, *others: Any) -> None:
        insert(statement, *others)
        if "begins" in statement.parameters:
            raise BadRequest("unreadable_file", "the engine gave it up half-way")

    monkeypatch.setattr(site.warehouse, "insert_file", stumbles)
    found = together(site, written(tmp_path, "single", ["plain", "nothing readable", "the last"]))
    assert [told(one, "single")[0] for one in found] == [{"accepted": 300}, "nothing_readable", {"accepted": 1}]
    assert_books_agree(site)


def test_when_the_database_is_lost_meanwhile_nothing_of_them_stays(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = site.warehouse.insert_file

    def breaks(statement: Statement, *others: Any) -> None:
        insert(statement, *others)
        raise Unavailable("outcome_unknown", "it broke off")

    paths = written(tmp_path, "lost", ["plain", "the last"])
    with monkeypatch.context() as broken:
        broken.setattr(site.warehouse, "insert_file", breaks)
        found = together(site, paths)
    assert [told(one, "lost")[0] for one in found] == ["outcome_unknown"] * 2
    assert standing(site, "lost") == []
    assert_books_agree(site)
    assert [counts(site.ingest(path, path.name, Asked())) for path in paths] == [{"accepted": 300}, {"accepted": 1}]
