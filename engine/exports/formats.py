"""An answer goes in, its text as a table, CSV or JSON comes out; rows and headers are the same in all of them."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from engine.query.answer import Answer, Column
from engine.words import many

Format = Literal["table", "csv", "json"]
MEDIA: dict[str, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "table": "text/plain; charset=utf-8",
}
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_PIECE = 1000


def write(answer: Answer, form: Format, *, labels: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield the answer in pieces. `labels` heads CSV with labels; `raw` leaves text a spreadsheet would run."""
    if form == "json":
        yield msgspec.json.encode(answer)
    elif form == "csv":
        yield from _csv(answer, labels=labels, raw=raw)
    else:
        yield table(answer).encode()


def _csv(answer: Answer, *, labels: bool, raw: bool) -> Iterator[bytes]:
    money = any(column.type == "money" for column in answer.columns)
    texts = [column.type == "string" and not raw for column in answer.columns]
    header = [column.label if labels else column.name for column in answer.columns]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([*header, "currency"] if money else header)
    for place, row in enumerate(answer.rows):
        cells = [_cell(value, text) for value, text in zip(row, texts, strict=True)]
        writer.writerow([*cells, _currency(answer, place)] if money else cells)
        if place % _PIECE == _PIECE - 1:
            yield _drained(buffer)
    yield _drained(buffer)


def _drained(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return piece


def _currency(answer: Answer, place: int) -> str:
    if answer.currencies is not msgspec.UNSET:
        return answer.currencies[place]
    return answer.question.currency or ""


def _cell(value: Any, guarded: bool) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if guarded and isinstance(value, str) and value.startswith(_RISKY):
        return f"'{value}"
    return value


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
