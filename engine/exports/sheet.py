"""Blocks of text go in, an XLSX workbook comes out: numbers as numbers, days as days, the header frozen."""

import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from engine.errors import TooLarge
from engine.exports.blocks import Flow
from engine.exports.lines import RISKY
from engine.query.answer import Column

MOST_ROWS = 1_048_575
"""Rows of a sheet below its header."""

LONGEST = 32_767
"""Characters of a cell."""

DIGITS = 15
"""Digits a spreadsheet keeps of a number; an amount with more is written as text, so that none is lost."""

_PIECE = 1 << 20
_RISKY = re.compile(RISKY)
_FORMATS = {
    "date": "yyyy-mm-dd",
    "instant": "yyyy-mm-dd hh:mm:ss",
    "money": "#,##0.00######",
    "integer": "#,##0",
    "percent": "0.00",
}
_WIDTHS = {"string": 24, "date": 12, "instant": 20, "money": 16}

Write = Callable[[int, int, str], int]


def workbook(flow: Flow, *, labels: bool, raw: bool) -> Iterator[bytes]:
    """Yield the workbook once its last row is in it; rows wait on the disk, not in memory.

    Raises `TooLarge` for more rows, or longer text, than a spreadsheet takes.
    """
    with tempfile.TemporaryDirectory(prefix="tollhouse-xlsx-") as scratch:
        path = Path(scratch) / "answer.xlsx"
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": scratch})
        sheet = book.add_worksheet("Answer")
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        for place, column in enumerate(flow.columns):
            sheet.set_column(place, place, _WIDTHS.get(column.type, 12))
            sheet.write_string(0, place, column.label if labels else column.name, bold)
        writers = [_writer(book, sheet, column, raw) for column in flow.columns]
        try:
            rows = _fill(flow, writers)
        except BaseException:
            sheet.row_data_fh.close()  # its file of rows, which nobody else would
            raise
        sheet.autofilter(0, 0, rows, max(0, len(flow.columns) - 1))
        book.close()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _fill(flow: Flow, writers: list[Write]) -> int:
    rows = 0
    for block in flow.blocks:
        if rows + block.num_rows > MOST_ROWS:
            raise TooLarge(
                "too_many_rows",
                f"the answer has more than the {MOST_ROWS} rows a spreadsheet holds",
                hint="narrow the question, give a limit, or ask for CSV or Parquet",
            )
        columns = [array.to_pylist() for array in block.columns]
        for values in zip(*columns, strict=True):
            rows += 1
            for place, value in enumerate(values):
                if value is not None and writers[place](rows, place, value):
                    raise TooLarge(
                        "too_many_characters",
                        f"a text of {len(value)} characters does not fit into a spreadsheet's cell",
                        hint="ask for CSV or Parquet",
                    )
    return rows


def _writer(book: Any, sheet: Any, column: Column, raw: bool) -> Write:
    """How a value of this column is written; what it returns is 0 when that could be done."""
    form = book.add_format({"num_format": _FORMATS.get(column.type, "General")})
    if column.type == "string":
        # What a person would have to type an apostrophe for; the cell's value stays what it is.
        marked = book.add_format({"quote_prefix": True})

        def write_text(row: int, place: int, value: str) -> int:
            risky = not raw and _RISKY.match(value)
            return int(sheet.write_string(row, place, value, marked if risky else None))

        return write_text
    if column.type == "boolean":
        return lambda row, place, value: int(sheet.write_boolean(row, place, value == "true"))
    if column.type == "date":
        return lambda row, place, value: int(sheet.write_datetime(row, place, date.fromisoformat(value), form))
    if column.type == "instant":
        # A spreadsheet knows no zones: the time on the clock there.
        return lambda row, place, value: int(
            sheet.write_datetime(row, place, datetime.fromisoformat(value).replace(tzinfo=None), form)
        )

    def write_number(row: int, place: int, value: str) -> int:
        if sum(map(str.isdigit, value.strip("-0."))) > DIGITS and column.type in ("money", "integer"):
            return int(sheet.write_string(row, place, value))
        return int(sheet.write_number(row, place, float(value), form))

    return write_number
