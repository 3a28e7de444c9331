"""The beginning of a file goes in, the dialect it leaves no doubt about and how its columns stand come out."""

import csv
import io
import re

from engine.errors import BadRequest
from engine.ingest.dialects import Dialect
from engine.ingest.sources import Head, Layout

_CANONICAL = {"call_id", "start_time"}


def recognised(head: Head, origin: str, dialects: dict[str, Dialect]) -> Dialect:
    """Return the one dialect that the beginning of a file fits, or raise and list those it may be."""
    fitting = [name for name, dialect in dialects.items() if _fits(head, dialect)]
    # Of two dialects of one system the one that asks for more columns is meant.
    fitting.sort(key=lambda name: len(dialects[name].detect), reverse=True)
    least = [name for name in fitting if not set(dialects[name].detect) < set(dialects[fitting[0]].detect)]
    if "canonical" in fitting or len(least) == 1:
        return dialects["canonical" if "canonical" in fitting else least[0]]
    told = "it may be any of several" if fitting else "it has no columns call_id and start_time"
    raise BadRequest(
        "unknown_dialect",
        f"cannot tell which system wrote {origin}: {told}",
        hint=f"say which with --dialect, one of: {', '.join(fitting or dialects)}",
    )


def _fits(head: Head, dialect: Dialect) -> bool:
    if dialect.name == "canonical":
        return set(_columns(head, dialect)) >= _CANONICAL
    if dialect.first_line and head.container == "csv":
        return re.search(dialect.first_line, head.text.partition("\n")[0].rstrip("\r")) is not None
    if not dialect.detect or (dialect.container == "csv" and head.container != "csv"):
        return False
    if dialect.container == "json" and head.container == "ndjson":
        # A document may be written over many lines, and its records may lie deep within it.
        return all(f'"{name}"' in head.text for name in dialect.detect)
    return set(_columns(head, dialect)) >= set(dialect.detect)


def _columns(head: Head, dialect: Dialect) -> list[str]:
    if head.container == "csv":
        return _cells(head.text, dialect.delimiter)
    if head.container == "ndjson":
        first = head.text.lstrip("\ufeff \r\n").partition("\n")[0]
        return re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', first)
    return list(head.columns)


def _cells(text: str, delimiter: str) -> list[str]:
    line = text.lstrip("\ufeff").partition("\n")[0].rstrip("\r")
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=delimiter), [])]
    except csv.Error:
        return []


def layout(dialect: Dialect, head: Head) -> Layout:
    """Return how the columns of this file stand in it."""
    columns = dialect.columns
    if not dialect.header:
        width = len(_cells(head.text, dialect.delimiter))
        columns = dialect.layouts.get(str(width), columns)
        if dialect.more_columns:
            columns += tuple(f"column_{place}" for place in range(len(columns) + 1, width + 1))
    return Layout(
        header=dialect.header,
        columns=columns,
        delimiter=dialect.delimiter,
        documents=dialect.container == "json",
        records=dialect.records,
    )
