"""Every dialect's sample and the records it must become, field by field, written out by hand."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.ingest import dialects, lines
from engine.record import FIELDS, Kind
from engine.settings import Settings
from engine.site import Site
from tests.loading import assert_books_agree, counts, load, rejected, standing

FOLDER = Path(__file__).parent / "dialects"
SAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/expected*.toml"))
CASES = sorted(FOLDER.glob("*/expected*.toml"))
ASIDE = {"source", "content"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('database')}")) as opened:
        yield opened


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A record as `expected.toml` writes it: without what is at its default."""
    said: dict[str, Any] = {"connected": row["connected"], "outcome": row["outcome"]}
    for name, field in FIELDS.items():
        value = row[field.column]
        if name in ASIDE or value in (None, "", {}) or value == field.default:
            continue
        if field.kind is Kind.SECONDS:
            value = Decimal(value) / 1000
        elif field.kind is Kind.INSTANT:
            value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if name in ("call_id", "leg") and re.fullmatch("[0-9a-f]{32}", value):
            value = "(hash)"
        said[name] = value
    for name in ("customer_duration", "provider_duration"):
        if row[f"{name}_ms"] == row["duration_ms"]:
            said.pop(name, None)
    for name in ("customer_currency", "provider_currency"):
        if said.get(name) == "USD":
            del said[name]
    if said.get("leg") == str(row["attempt"]):
        del said["leg"]
    return said


def written(record: dict[str, Any]) -> dict[str, Any]:
    """The same of what `expected.toml` says: numbers exact."""
    return {
        name: Decimal(str(value))
        if name in FIELDS and FIELDS[name].kind in (Kind.SECONDS, Kind.MONEY, Kind.REAL)
        else value.astimezone(UTC)
        if isinstance(value, datetime)
        else value
        for name, value in record.items()
    }


@pytest.mark.engine
@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}-{path.stem.removeprefix('expected')}")
def test_a_sample_becomes_the_records_written_beside_it(site: Site, case: Path) -> None:
    expected = tomllib.loads(case.read_text("utf-8"))
    path = case.parent / expected["sample"]
    dialect, source = expected.get("dialect", case.parent.name), f"{case.parent.name}{case.stem}"
    # Where nothing else is said the dialect is found out, as for whoever does not name it.
    receipt = load(site, path, source, dialect=dialect if expected.get("asked") else None, zone=expected.get("zone"))
    assert receipt.dialect == dialect
    assert (counts(receipt), receipt.skipped) == (expected["receipt"], expected.get("skipped", 0))
    rows = sorted(standing(site, source), key=lambda row: (row["start_time"], row["call_id"], row["leg"]))
    found = [plain(row) for row in rows]
    assert found == [written(record) for record in expected["record"]]
    assert rejected(site, receipt.batch) == [tuple(reject) for reject in expected.get("reject", [])]


@pytest.mark.engine
def test_the_books_agree_after_all_of_them(site: Site) -> None:
    assert_books_agree(site)


def test_every_dialect_has_a_sample() -> None:
    elsewhere = {"canonical", "asterisk", "freeswitch"}  # test_formats.py, test_dialects.py
    assert set(dialects.shipped()) <= {*SAMPLES, *elsewhere}


SHARED = {
    # file: dialect, receipt, talk in seconds, connected
    "cucm/cdr_StandAloneCluster_02_201510091036_254831": ("cucm", {"accepted": 3}, 4020, 3),
    "opensips/fullSuccessfull.csv": ("opensips", {"accepted": 4}, 12, 4),
    "opensips/fullMissed.csv": ("opensips", {"accepted": 3}, 0, 0),
    "opensips/ackSuccessfull.csv": ("opensips", {"accepted": 4}, 12, 4),
    "freeswitch/json_cdr-1.json": ("freeswitch-json", {"accepted": 1}, Decimal("67.54"), 1),
}


@pytest.mark.engine
@pytest.mark.parametrize("name", SHARED)
def test_what_systems_wrote_themselves_is_recognised_and_read(site: Site, shared_data: Path, name: str) -> None:
    dialect, expected, talk, connected = SHARED[name]
    receipt = load(site, shared_data / "cdr" / name, name)
    assert (receipt.dialect, counts(receipt)) == (dialect, expected)
    found = standing(site, name)
    assert Decimal(sum(row["duration_ms"] for row in found)) / 1000 == talk
    assert sum(row["connected"] for row in found) == connected


@pytest.mark.engine
def test_a_bye_in_an_earlier_file_is_joined(site: Site, shared_data: Path) -> None:
    folder = shared_data / "cdr" / "opensips"
    first = load(site, folder / "part1.csv", "parts")
    assert (counts(first), first.skipped) == ({}, 0), "it waits for its call"
    assert counts(load(site, folder / "part2.csv", "parts")) == {"accepted": 2}
    assert [(row["connected"], row["duration_ms"]) for row in standing(site, "parts")] == [(True, 4000), (True, 0)]


@pytest.mark.engine
def test_a_file_whose_records_depend_on_each_other_is_read_in_one_piece(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LEAST", 1000)  # so that a small file is cut as a large one is
    row = "{method}|a|b|call-{n}@192.0.2.1|200|OK|{time}\n"
    path = tmp_path / "acc.csv"
    begun = [row.format(method="INVITE", n=n, time=1790856000 + n) for n in range(100)]
    ended = [row.format(method="BYE", n=n, time=1790856010 + n) for n in range(100)]
    path.write_text("".join([*begun, *ended]))
    assert counts(load(site, path, "pieces", dialect="opensips")) == {"accepted": 100}
    assert {row["duration_ms"] for row in standing(site, "pieces")} == {10_000}
