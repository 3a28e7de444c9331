"""Rejects that are open go in, a file of what they said comes out to be read again; which of them were is kept.

What is tried is written down under a request first. A record counts as read once the batch that was loaded under that
request is there, and no longer when it is taken back.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct

from engine.ingest.batches import Receipt
from engine.ingest.dialects import Dialect
from engine.ingest.recognition import layout
from engine.ingest.sources import Head, Layout, Source, in_one_piece, opened, with_keys
from engine.ingest.writer import Writer
from engine.statement import Statement
from engine.template import render


class Rejected(Struct, frozen=True):
    """A loaded batch with open rejects, and how its file was read."""

    batch: int
    open: int
    state: str
    source: str
    dialect: str
    origin: str
    zone: str
    columns: list[str]
    forced: bool

    @property
    def called(self) -> str:
        """The origin of the batch that takes what can be read now."""
        return f"{self.origin} (rejects of batch {self.batch})"


class Retried(Struct, frozen=True):
    """What became of a batch's open rejects: how many can be read now, how many stay, and the new batch's receipt.

    `problem` says why none of them could even be tried.
    """

    batch: int
    origin: str
    loaded: int
    stayed: int
    receipt: Receipt | None = None
    problem: str = ""


class Retries:
    """Which rejects are read again."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._warehouse = writer.warehouse

    def rejected(self, batch: int | None) -> list[Rejected]:
        """Return the loaded batches with open rejects, or only that one."""
        parameters = {"batch": batch or 0, "every": batch is None}
        rows = self._warehouse.query(Statement(render("ingest/retryable.sql"), parameters)).rows
        return [Rejected(*row) for row in rows]

    def try_all(self, old: Rejected) -> str:
        """Return a request under which every open reject of a batch is tried whose text was kept as it was."""
        request = f"retry:{uuid4().hex}"
        self._writer.run("ingest/retry.sql.j2", {"batch": old.batch, "request": request})
        return request

    def try_good(self, request: str, into: int) -> str:
        """Return a request for those of `request` that lie readable in staging as batch `into`."""
        good = f"retry:{uuid4().hex}"
        self._writer.run("ingest/retry_good.sql.j2", {"request": request, "good": good, "into": into})
        return good

    def written(self, request: str, old: Rejected, dialect: Dialect, scratch: Path) -> Path | None:
        """Write what the records of a request said into a file like theirs; None when there are none."""
        path = scratch / f"{request.removeprefix('retry:')}.txt"
        with path.open("wb") as file:
            told = self._warehouse.stream(Statement(render("ingest/retried.sql"), {"request": request}), "TSVRaw")
            first = next(iter(told), b"")
            if dialect.header and not first.startswith(b"{"):
                file.write(_header(old.columns, dialect.delimiter))
            file.write(first)
            for piece in told:
                file.write(piece)
        return path if first else None

    @contextmanager
    def opened(self, path: Path, old: Rejected, dialect: Dialect, most: int) -> Iterator[Source]:
        """Yield that file, to be read in one piece: its n-th record is the n-th that is tried."""

        def layout_of(head: Head) -> Layout:
            found = layout(dialect, head)
            declared = dialect.layouts.get(str(len(old.columns)), dialect.columns)
            if not dialect.header and len(found.columns) <= len(old.columns):
                # A line that is cut off does not tell how many columns there are.
                columns = (*declared[: len(old.columns)], *old.columns[len(declared) :])
                found = msgspec.structs.replace(found, columns=columns)
            return msgspec.structs.replace(found, documents=False)

        with opened(path, old.called, layout_of, most) as source:
            # Of a record that was no line only what it said was kept: what none of them says is a column, too.
            yield in_one_piece(source if source.container == "csv" else with_keys(source, old.columns))


def _header(columns: list[str], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(columns)
    return text.getvalue().encode()
