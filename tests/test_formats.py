"""An answer as CSV, JSON and a table: the same rows and headers, safe in a spreadsheet, exact in money."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from engine.exports import formats
from engine.query.answer import Answer, Column, Moment, money_text
from engine.query.question import Question

COLUMNS = (
    Column("customer", "Customer", "string"),
    Column("attempts", "Attempts", "integer", "calls"),
    Column("duration", "Duration", "duration", "s"),
    Column("profit", "Profit", "money"),
    Column("asr", "ASR", "percent"),
)


def answer(*rows: tuple[Any, ...], **more: Any) -> Answer:
    return Answer(
        columns=COLUMNS,
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


def test_long_csv_comes_in_pieces() -> None:
    pieces = list(formats.write(answer(*[ROW] * 2500), "csv"))
    assert len(pieces) == 3
    assert b"".join(pieces).count(b"\r\n") == 2501


def test_json_is_the_answer_itself() -> None:
    found = json.loads(text(answer(ROW, totals=(None, 1200, 3661.5, "-12.50", 41.25)), "json"))
    assert found["columns"][1] == {"name": "attempts", "label": "Attempts", "type": "integer", "unit": "calls"}
    assert found["rows"] == [["acme", 1200, 3661.5, "-12.50", 41.25]]
    assert found["totals"] == [None, 1200, 3661.5, "-12.50", 41.25]
    assert "subtotals" not in found


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
