"""A large file with a broken record is read once: the broken record is set aside before, the others lose no time."""

from pathlib import Path

import pytest

from engine.ingest import lines, mending
from engine.ingest.pipeline import Asked, Receipt
from engine.site import Site
from engine.statement import Statement

pytestmark = pytest.mark.engine

CALLS = 300


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the whole file was taken apart record by record")

    monkeypatch.setattr(lines, "LEAST", 100)
    monkeypatch.setattr(mending, "lines_of_json", refuse)
    monkeypatch.setattr(mending, "records_of_csv", refuse)


def rejects(site: Site, receipt: Receipt) -> list[tuple[int, str]]:
    sql = "SELECT line, raw FROM rejects WHERE batch = {batch:UInt32} ORDER BY line"
    return [(int(line), str(raw)) for line, raw in site.warehouse.query(Statement(sql, {"batch": receipt.batch})).rows]


def a_call(name: str, number: int) -> str:
    return f'{{"call_id": "{name}-{number}", "start_time": "2026-10-05T10:00:00Z", "customer": "a, b"}}'


BROKEN_LINES = {
    "cut off": '{"call_id": "x", "start_time": "2026-',
    "no object": '["call_id", "x"]',
    "two objects": '{"call_id": "x"} {"call_id": "y"}',
    "no text": '{"call_id": "\udcff", "start_time": "2026-10-05T10:00:00Z"}',
}


@pytest.mark.parametrize("place", [0, CALLS // 2, CALLS - 1])
@pytest.mark.parametrize("what", BROKEN_LINES)
def test_a_broken_line_of_json_costs_itself(site: Site, tmp_path: Path, what: str, place: int) -> None:
    name = f"{what}-{place}"
    every = [a_call(name, number) for number in range(CALLS)]
    every[place] = BROKEN_LINES[what]
    every.insert(1, "")  # an empty line is no record, but a line
    path = tmp_path / "calls.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(every).encode("utf-8", "surrogateescape") + b"\n")
    receipt = site.ingest(path, path.name, Asked("canonical", name))
    assert (receipt.accepted, receipt.rejected) == (CALLS - 1, 1)
    [(line, raw)] = rejects(site, receipt)
    assert line == place + 1 + (place > 0)
    text = BROKEN_LINES[what].encode("utf-8", "surrogateescape")
    assert raw.removeprefix("\ufeff").removeprefix("efbbbf") in (text.decode("utf-8", "replace"), text.hex())


def test_lines_that_are_all_whole_are_read_as_they_are(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "calls.ndjson"
    path.write_text("\n".join(a_call("whole", number) for number in range(CALLS)))
    receipt = site.ingest(path, path.name, Asked(source="whole"))
    assert (receipt.accepted, receipt.rejected) == (CALLS, 0)


def test_a_key_that_turns_up_late_is_found_without_reading_every_record_in_python(site: Site, tmp_path: Path) -> None:
    every = [a_call("late", number) for number in range(1500)]
    every[1200] = every[1200].replace('"customer"', '"switch_port"')
    every[7] = every[7][:30]
    path = tmp_path / "calls.ndjson"
    path.write_text("\n".join(every))
    receipt = site.ingest(path, path.name, Asked("canonical", "late"))
    assert (receipt.accepted, receipt.rejected) == (1499, 1)
    sql = "SELECT call_id, meta FROM cdr WHERE source = 'late' AND notEmpty(meta)"
    assert site.warehouse.query(Statement(sql)).rows == [("late-1200", {"switch_port": "a, b"})]
    assert rejects(site, receipt) == [(8, every[7])]


HEADER = "call_id,start_time,customer,note"
BROKEN_RECORDS = {"quotes inside quotes": '"x"y",2026-10-05T10:00:00Z,"a"b,', "over two lines": '"x\ny"z,2026-10-05,,'}


@pytest.mark.parametrize("place", [1, CALLS // 2, CALLS - 1])
@pytest.mark.parametrize("what", BROKEN_RECORDS)
def test_a_broken_record_beside_values_with_line_ends_costs_itself(
    site: Site, tmp_path: Path, what: str, place: int
) -> None:
    name = f"{what}-{place}"
    every = [f'{name}-{number},2026-10-05T10:00:00Z,"a, b","two\nlines"' for number in range(CALLS)]
    every[place] = BROKEN_RECORDS[what]
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([HEADER, *every]) + "\n")
    receipt = site.ingest(path, path.name, Asked("canonical", name))
    assert (receipt.accepted, receipt.rejected) == (CALLS - 1, 1)
    [(line, raw)] = rejects(site, receipt)
    assert line == 2 + 2 * place
    assert raw == BROKEN_RECORDS[what]


def test_two_broken_records_and_an_empty_line(site: Site, tmp_path: Path) -> None:
    rows = [f'two-{number},2026-10-05T10:00:00Z,acme,"two\nlines"' for number in range(4)]
    broken = '"x"y,,,'
    path = tmp_path / "calls.csv"
    path.write_text("\n".join([HEADER, rows[0], broken, "", rows[1], broken, rows[2], rows[3]]) + "\n")
    receipt = site.ingest(path, path.name, Asked(source="two"))
    assert (receipt.accepted, receipt.rejected) == (4, 2)
    assert rejects(site, receipt) == [(4, broken), (8, broken)]
