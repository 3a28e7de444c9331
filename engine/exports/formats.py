"""An answer and the name of a format go in, its bytes come out; rows and headers are the same in all of them."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

import msgspec

from engine.exports import columnar, lines, sheet
from engine.exports.blocks import Flow, of_answer, of_stream
from engine.query.answer import Answer, Column, Stream
from engine.words import many

Format = Literal["table", "csv", "ndjson", "json", "arrow", "parquet", "xlsx"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""Every format, in the order in which they are listed."""
MEDIA: dict[str, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "table": "text/plain; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
NAMED = ("csv", "xlsx")
"""Formats that people open, where money always has its currency beside it."""


WHOLE = ("json", "table")
"""Formats that hold more than rows: they are made of an answer that is there as a whole."""


def write(answer: Answer | Stream, form: Format, *, labels: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield the answer in pieces. JSON and tables need the whole of it.

    `labels` heads CSV and XLSX with labels; `raw` leaves text in them that a spreadsheet would run.
    """
    if isinstance(answer, Stream):
        yield from rows(of_stream(answer, told=form in NAMED), form, labels=labels, raw=raw)
    elif form == "json":
        yield msgspec.json.encode(answer)
    elif form == "table":
        yield table(answer).encode()
    else:
        yield from rows(of_answer(answer, told=form in NAMED), form, labels=labels, raw=raw)


def rows(flow: Flow, form: Format, *, labels: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield rows in one of the formats that hold nothing else; a block is read when it is needed."""
    if form == "csv":
        return lines.separated(flow, labels=labels, raw=raw)
    if form == "ndjson":
        return lines.objects(flow)
    if form == "arrow":
        return columnar.stream(flow)
    if form == "parquet":
        return columnar.parquet(flow)
    return sheet.workbook(flow, labels=labels, raw=raw)


def table(answer: Answer) -> str:
    """Return the answer as aligned columns for a terminal, totals last, warnings below."""
    lines = [[column.label for column in answer.columns]]
    lines += [_line(row, answer.columns) for row in answer.rows]
    if answer.totals is not msgspec.UNSET:
        total = _line(answer.totals, answer.columns)
        lines.append(["Total" if place == 0 and not text else text for place, text in enumerate(total)])
    widths = [max(len(line[place]) for line in lines) for place in range(len(answer.columns))]
    left = [column.type in ("string", "date", "instant") for column in answer.columns]
    text = [
        "  ".join(
            cell.ljust(width) if aligned else cell.rjust(width)
            for cell, width, aligned in zip(line, widths, left, strict=True)
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "  ".join("─" * width for width in widths))
    asked = answer.question
    shown_rows = f"{answer.row_count:,} of " if answer.truncated else ""
    shown_rows += many(answer.total_rows if answer.truncated else answer.row_count, "row")
    text.append("")
    text.append(
        f"{shown_rows}, {asked.start} to {asked.end} (exclusive), {asked.timezone}, "
        f"{asked.calls} view, {asked.currency}; from {' + '.join(answer.source)} at commit {answer.as_of.commit}, "
        f"{answer.elapsed_ms:.0f} ms"
    )
    text += [f"warning: {warning.message}" for warning in answer.warnings]
    return "\n".join(text) + "\n"


def _line(row: tuple[Any, ...], columns: tuple[Column, ...]) -> list[str]:
    return [shown(value, column.type) for value, column in zip(row, columns, strict=True)]


def shown(value: Any, kind: str) -> str:
    """Return a value as a person reads it: h:mm:ss for durations, grouped thousands, two places for percent."""
    if value is None:
        return ""
    if kind == "duration":
        seconds = abs(round(value))
        sign = "-" if round(value) < 0 else ""  # a difference may be less than nothing
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if kind == "mean_duration":
        return f"{value:.1f}"
    if kind == "percent":
        return f"{value:.2f}"
    if kind == "ratio":
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if kind == "real":
        return f"{value:,.2f}"
    if kind == "integer" and isinstance(value, int):
        return f"{value:,}"
    if kind == "money":
        whole, _, fraction = str(value).partition(".")
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        return f"{sign}{int(digits):,}.{fraction}"
    return str(value)
