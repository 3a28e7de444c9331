"""Parquet and Arrow become columns of text: every instant is written as Python writes it."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.ingest import tables

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_10000 = 253_402_300_800_000


def some(first: int, last: int) -> list[int | None]:
    """Milliseconds since 1970, both bounds and nothing among them."""
    chosen = random.Random(first)
    return [first, last - 1, None, *(chosen.randrange(first, last) for _ in range(1000)), None]


@pytest.mark.parametrize("zone", ["UTC", None])
@pytest.mark.parametrize(
    ("first", "last"),
    [(0, _YEAR_10000), (1_790_000_000_000, 1_790_000_090_000), (-2_000_000_000_000, 2_000_000_000_000)],
    ids=["from 1970 to 9999", "a minute and a half", "before 1970, too"],
)
def test_instants_are_written_to_the_millisecond(tmp_path: Path, zone: str | None, first: int, last: int) -> None:
    instants = some(first, last)
    column = pa.array(instants, pa.timestamp("ms", zone))
    pq.write_table(pa.table({"start_time": column}), tmp_path / "calls.parquet")
    tables.write_as_text(tmp_path / "calls.parquet", "calls.parquet", "parquet", tmp_path / "text")
    with pa.ipc.open_stream(tmp_path / "text") as stream:
        written = stream.read_all().column("c1").to_pylist()
    assert written == [None if instant is None else iso(instant, "Z" if zone else "") for instant in instants]


@pytest.mark.parametrize("rows", [[], [None, None]], ids=["no row", "no time"])
def test_a_column_without_an_instant_stays_empty(tmp_path: Path, rows: list[None]) -> None:
    pq.write_table(pa.table({"c": pa.array(rows, pa.timestamp("us", "UTC"))}), tmp_path / "calls.parquet")
    tables.write_as_text(tmp_path / "calls.parquet", "calls.parquet", "parquet", tmp_path / "text")
    with pa.ipc.open_stream(tmp_path / "text") as stream:
        assert stream.read_all().column("c1").to_pylist() == rows


def iso(instant: int, zone: str) -> str:
    moment = _EPOCH + timedelta(milliseconds=instant)
    return moment.replace(tzinfo=None).isoformat("T", "milliseconds") + zone
