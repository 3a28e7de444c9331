"""An answer in every format: the same rows and headers, safe in a spreadsheet, exact in money."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import TooLarge
from engine.exports import formats, sheet
from engine.query.answer import Answer, Column, Moment, money_text
from engine.query.question import Question

COLUMNS = (
    Column("customer", "Customer", "string"),
    Column("attempts", "Attempts", "integer", "calls"),
    Column("duration", "Duration", "duration", "s"),
    Column("profit", "Profit", "money"),
    Column("asr", "ASR", "percent"),
)


TIMED = (
    Column("day", "Day", "date"),
    Column("hour", "Hour", "instant"),
    Column("is_final", "Final", "boolean"),
    Column("sip_code", "SIP code", "integer"),
)


def answer(*rows: tuple[Any, ...], columns: tuple[Column, ...] = COLUMNS, **more: Any) -> Answer:
    return Answer(
        columns=columns,
        rows=list(rows),
        row_count=len(rows),
        total_rows=len(rows),
        truncated=False,
        question=Question(start="2026-10-01", end="2026-11-01", timezone="UTC", calls="attempts", currency="USD"),
        as_of=Moment(7, None),
        query_id="q",
        elapsed_ms=1.0,
        rows_read=9,
        source=("cdr",),
        **more,
    )


def text(found: Answer, form: formats.Format, **options: bool) -> str:
    return b"".join(formats.write(found, form, **options)).decode()


def lines(found: Answer, **options: bool) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text(found, "csv", **options), newline="")))


ROW = ("acme", 1200, 3661.5, "-12.50", 41.25)


def test_csv_has_a_header_the_rows_and_the_currency_of_the_money() -> None:
    assert lines(answer(ROW)) == [
        ["customer", "attempts", "duration", "profit", "asr", "currency"],
        ["acme", "1200", "3661.5", "-12.50", "41.25", "USD"],
    ]


def test_csv_lines_end_as_rfc_4180_says() -> None:
    assert text(answer(ROW), "csv").count("\r\n") == 2


def test_csv_can_be_headed_by_labels() -> None:
    assert lines(answer(ROW), labels=True)[0] == ["Customer", "Attempts", "Duration", "Profit", "ASR", "currency"]


def test_csv_writes_null_as_nothing() -> None:
    assert lines(answer(("acme", 0, 0.0, None, None)))[1] == ["acme", "0", "0", "", "", "USD"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_is_defused(name: str) -> None:
    row = (name, *ROW[1:])
    assert lines(answer(row))[1][0] == f"'{name}"
    assert lines(answer(row), raw=True)[1][0] == name


def test_a_negative_amount_stays_a_number() -> None:
    assert lines(answer(ROW))[1][3] == "-12.50"


def test_csv_of_charges_as_they_were_names_each_rows_currency() -> None:
    found = lines(answer(ROW, ROW, currencies=("EUR", "USD")))
    assert [row[-1] for row in found[1:]] == ["EUR", "USD"]


def test_a_record_of_one_empty_field_is_no_empty_line() -> None:
    found = text(answer(("",), ("x",), columns=COLUMNS[:1]), "csv")
    assert found == 'customer\r\n""\r\nx\r\n'


@pytest.mark.parametrize("form", ["csv", "ndjson", "arrow", "parquet"])
def test_long_answers_come_in_pieces(form: formats.Format) -> None:
    pieces = [piece for piece in formats.write(answer(*[ROW] * 300_000), form) if piece]
    assert len(pieces) > 2
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2


def test_json_is_the_answer_itself() -> None:
    found = json.loads(text(answer(ROW, totals=(None, 1200, 3661.5, "-12.50", 41.25)), "json"))
    assert found["columns"][1] == {"name": "attempts", "label": "Attempts", "type": "integer", "unit": "calls"}
    assert found["rows"] == [["acme", 1200, 3661.5, "-12.50", 41.25]]
    assert found["totals"] == [None, 1200, 3661.5, "-12.50", 41.25]
    assert "subtotals" not in found


TEXTS = ("acme", "", 'say "no"', "back\\slash", "two\nlines", "comma, tab\t", "é漢🙂", "\x01\x1f", "'quoted'", " x ")
NUMBERS = (0, 1, -1, 2**53, -(2**63))
REALS = (0.0, 41.25, 100 / 3, -0.001, 1e-7, 1.5e-9, 1e21, 1e300, 0.1 + 0.2, 3661.5)
AMOUNTS = ("0.00", "-12.50", "0.00000001", "1000.00", "12345678901234567890.12345678", "-0.10")


def values() -> Answer:
    """Values that are easily written wrong, and a row of nothing."""
    most = max(map(len, (TEXTS, NUMBERS, REALS, AMOUNTS)))
    rows = [tuple(kind[place % len(kind)] for kind in (TEXTS, NUMBERS, REALS, AMOUNTS, REALS)) for place in range(most)]
    return answer(*rows, ("", 0, None, None, None))


def objects(found: Answer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text(found, "ndjson").splitlines()]


def typed(found: Answer, form: formats.Format) -> pa.Table:
    written = b"".join(formats.write(found, form))
    return pa.ipc.open_stream(written).read_all() if form == "arrow" else pq.read_table(io.BytesIO(written))


def test_csv_has_every_value_as_it_is() -> None:
    found = values()
    for line, row in zip(lines(found, raw=True)[1:], found.rows, strict=True):
        assert line[0] == row[0]
        assert line[3] == (row[3] or "")
        for place in (1, 2, 4):
            assert line[place] == "" if row[place] is None else float(line[place]) == row[place]


def test_ndjson_has_an_object_for_each_row_and_says_at_last_how_many() -> None:
    found = values()
    names = [column.name for column in COLUMNS]
    *rows, last = objects(found)
    assert [tuple(row.values()) for row in rows] == found.rows
    assert all(list(row) == names for row in rows)
    assert last == {"end": {"rows": found.row_count}}
    assert objects(answer()) == [{"end": {"rows": 0}}]


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_columns_have_types_and_money_its_last_digit(form: formats.Format) -> None:
    found = values()
    table = typed(found, form)
    assert table.schema.names == [column.name for column in COLUMNS]
    assert table.schema.types == [pa.string(), pa.int64(), pa.float64(), pa.decimal128(38, 8), pa.float64()]
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (*row[:3], row[3] and Decimal(row[3]), row[4]) for row in found.rows
    ]
    assert typed(answer(), form).schema.equals(table.schema)


HOURS = ("2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-03-29T03:15:00+05:45")


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_days_are_days_and_instants_are_instants_of_the_asked_zone(form: formats.Format) -> None:
    rows = [("2026-11-01", hour, True, None) for hour in HOURS]
    table = typed(answer(*rows, (None, None, False, 486), columns=TIMED), form)
    assert table.schema.types == [pa.date32(), pa.timestamp("ms", "UTC"), pa.bool_(), pa.int64()]
    assert table.column("day").to_pylist() == [date(2026, 11, 1)] * 3 + [None]
    instants = [datetime.fromisoformat(hour) for hour in HOURS]
    assert table.column("hour").to_pylist() == [*instants, None]
    assert instants[1] - instants[0] == timedelta(hours=1)
    assert table.column("is_final").to_pylist() == [True] * 3 + [False]


NAMESPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def part(found: bytes, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(found)) as book:
        return ElementTree.fromstring(book.read(f"xl/{name}.xml"))  # noqa: S314 - our own


def cells(found: bytes) -> list[dict[str, tuple[str, str]]]:
    """The cells of a sheet by column: how each is written, and what."""
    rows = []
    for row in part(found, "worksheets/sheet1").iterfind(".//m:row", NAMESPACE):
        told = {}
        for cell in row.iterfind("m:c", NAMESPACE):
            held = cell.find("m:is/m:t", NAMESPACE)
            plain = cell.find("m:v", NAMESPACE)
            shown = held if held is not None else plain
            assert shown is not None
            told[cell.attrib["r"].rstrip("0123456789")] = (cell.attrib.get("t", "n"), shown.text or "")
            assert cell.find("m:f", NAMESPACE) is None, "a formula"
        rows.append(told)
    return rows


def test_a_sheet_holds_numbers_as_numbers_and_text_as_text() -> None:
    exact = "12345678901234567890.12345678"
    found = b"".join(formats.write(answer(ROW, ("=1+1", 0, 0.0, exact, None)), "xlsx"))
    header, first, second = cells(found)
    assert [header[letter][1] for letter in "ABCDEF"] == [*(column.name for column in COLUMNS), "currency"]
    assert [kind for kind, _ in first.values()] == ["inlineStr", "n", "n", "n", "n", "inlineStr"]
    assert [float(first[letter][1]) for letter in "BCDE"] == [1200, 3661.5, -12.5, 41.25]
    assert second["A"] == ("inlineStr", "=1+1")
    assert second["D"] == ("inlineStr", exact), "a spreadsheet would round it"
    assert "E" not in second
    pane = part(found, "worksheets/sheet1").find(".//m:pane", NAMESPACE)
    assert pane is not None
    assert pane.attrib["state"] == "frozen"
    assert pane.attrib["ySplit"] == "1"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_sheet_marks_text_that_would_be_run_when_it_is_typed_again(name: str) -> None:
    marked = b"".join(formats.write(answer((name, *ROW[1:]), ROW), "xlsx"))
    assert [
        kind for kind in part(marked, "styles").iterfind(".//m:cellXfs/m:xf", NAMESPACE) if "quotePrefix" in kind.attrib
    ]
    styles = part(marked, "styles").findall(".//m:cellXfs/m:xf", NAMESPACE)
    prefixed = [
        "quotePrefix" in styles[int(cell.attrib.get("s", 0))].attrib
        for cell in part(marked, "worksheets/sheet1").iterfind(".//m:c", NAMESPACE)
        if cell.attrib["r"] in ("A2", "A3")
    ]
    assert prefixed == [True, False]


def test_a_sheet_has_days_as_days_and_the_clock_of_the_zone() -> None:
    rows = [("2026-11-01", hour, True, None) for hour in HOURS[:2]]
    found = cells(b"".join(formats.write(answer(*rows, columns=TIMED), "xlsx")))
    epoch = datetime(1899, 12, 30, tzinfo=UTC)
    for row in found[1:]:
        assert epoch + timedelta(days=float(row["A"][1])) == datetime(2026, 11, 1, tzinfo=UTC)
        clock = epoch + timedelta(days=float(row["B"][1])) - datetime(2026, 11, 1, 1, tzinfo=UTC)
        assert abs(clock) < timedelta(milliseconds=1)
        assert row["C"] == ("b", "1")


def test_a_sheet_that_cannot_hold_all_is_refused_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST_ROWS", 2)
    assert list(formats.write(answer(ROW, ROW), "xlsx"))
    with pytest.raises(TooLarge, match="more than the 2 rows"):
        list(formats.write(answer(ROW, ROW, ROW), "xlsx"))
    with pytest.raises(TooLarge, match="32768 characters"):
        list(formats.write(answer(("x" * 32768, *ROW[1:])), "xlsx"))


@pytest.mark.parametrize("form", ["ndjson", "arrow", "parquet"])
def test_money_as_it_was_charged_has_its_currency_beside_it_for_programs_too(form: formats.Format) -> None:
    found = answer(ROW, ROW, currencies=("EUR", "USD"))
    told = objects(found)[:2] if form == "ndjson" else typed(found, form).to_pylist()
    assert [row["currency"] for row in told] == ["EUR", "USD"]


def test_a_table_is_for_people() -> None:
    shown = text(answer(ROW, totals=(None, 1200, 3661.5, "-12.50", 41.25)), "table").splitlines()
    assert shown[0].split() == ["Customer", "Attempts", "Duration", "Profit", "ASR"]
    assert shown[2].split() == ["acme", "1,200", "1:01:02", "-12.50", "41.25"]
    assert shown[3].split()[0] == "Total"


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "0.00"),
        ("0E-8", "0.00"),
        ("1.10000000", "1.10"),
        ("1E+3", "1000.00"),
        ("0.00000001", "0.00000001"),
        ("-12.50000000", "-12.50"),
        ("12345678901234567890.12345678", "12345678901234567890.12345678"),
    ],
)
def test_money_is_written_without_exponent_down_to_two_places(amount: str, written: str) -> None:
    assert money_text(Decimal(amount)) == written


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "money", ""),
        (0, "duration", "0:00:00"),
        (59.6, "duration", "0:01:00"),
        (360000, "duration", "100:00:00"),
        ("-1234567.89", "money", "-1,234,567.89"),
        ("0.5", "money", "0.5"),
        (33.333333, "percent", "33.33"),
        (0.0125, "ratio", "0.0125"),
        (1234, "integer", "1,234"),
    ],
)
def test_values_as_people_read_them(value: Any, kind: str, text: str) -> None:
    assert formats.shown(value, kind) == text
