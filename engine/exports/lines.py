"""Blocks of text go in, lines of CSV or of JSON come out."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import TollhouseError
from engine.exports.blocks import Flow
from engine.query.answer import Column

RISKY = r"^[=+\-@\t\r]"
"""How text begins that a spreadsheet would run."""

_NUMBERS = ("integer", "duration", "mean_duration", "percent", "ratio", "real", "boolean")
"""What JSON writes bare; all else is text."""


def separated(flow: Flow, *, labels: bool, raw: bool) -> Iterator[bytes]:
    """Yield CSV as RFC 4180 has it. `labels` heads it with labels; `raw` leaves text a spreadsheet would run."""
    header = io.StringIO(newline="")
    csv.writer(header, lineterminator="\r\n").writerow(
        [column.label if labels else column.name for column in flow.columns]
    )
    head = header.getvalue().encode()  # comes with the first rows: what fails before them is no half answer
    for block in flow.blocks:
        cells = [_cell(array, column, raw) for array, column in zip(block.columns, flow.columns, strict=True)]
        if len(cells) == 1:  # an empty line would be no record
            cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
        line = pc.binary_join_element_wise(*cells, ",") if len(cells) > 1 else cells[0]
        yield head + _joined(pc.binary_join_element_wise(line, "\r\n", ""))
        head = b""
    if head:
        yield head


def _cell(texts: pa.Array, column: Column, raw: bool) -> pa.Array:
    if column.type == "string":
        if not raw:
            texts = _where(pc.match_substring_regex(texts, RISKY), texts, "'", "")
        quoted = pc.match_substring_regex(texts, '[",\r\n]')
        if pc.any(quoted).as_py():
            doubled = pc.replace_substring(texts, '"', '""')
            texts = pc.if_else(quoted, pc.binary_join_element_wise('"', doubled, '"', ""), texts)
    return pc.fill_null(texts, "")


def _where(chosen: pa.Array, texts: pa.Array, before: str, after: str) -> pa.Array:
    if not pc.any(chosen).as_py():
        return texts
    return pc.if_else(chosen, pc.binary_join_element_wise(before, texts, after, ""), texts)


def objects(flow: Flow) -> Iterator[bytes]:
    """Yield one JSON object for each row, and at last how many there were, or why there are no more."""
    keys = [_json(column.name) for column in flow.columns]
    rows = 0
    try:
        for block in flow.blocks:
            parts: list[Any] = []
            for place, (array, column) in enumerate(zip(block.columns, flow.columns, strict=True)):
                value = array if column.type in _NUMBERS else _strings(array)
                parts += [f"{',' if place else '{'}{keys[place]}:", pc.fill_null(value, "null")]
            rows += block.num_rows
            yield _joined(pc.binary_join_element_wise(*parts, "}\n", ""))
    except TollhouseError as failure:
        if rows:  # before the first, whoever sends them says so in a better way
            told = {name: getattr(failure, name) for name in ("code", "message", "pointer", "hint")}
            yield msgspec.json.encode({"error": told}) + b"\n"
        raise
    yield msgspec.json.encode({"end": {"rows": rows}}) + b"\n"


def _strings(texts: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]")).as_py():  # rare
        return pa.array([None if value is None else _json(value) for value in texts.to_pylist()], pa.string())
    if pc.any(pc.match_substring_regex(texts, r'["\\]')).as_py():
        texts = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', texts, '"', "")


def _json(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _joined(lines: pa.Array) -> bytes:
    """The bytes of the lines one after the other, as Arrow holds them."""
    offsets = lines.buffers()[1]
    begin, end = (
        int.from_bytes(offsets[4 * place : 4 * place + 4], "little")
        for place in (lines.offset, lines.offset + len(lines))
    )
    return bytes(lines.buffers()[2][begin:end])
