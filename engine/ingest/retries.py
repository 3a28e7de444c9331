"""Rejects that are open go in, a file of what they said comes out to be read again; which of them were is kept.

What is tried is written down under a request first. A record counts as read once the batch that was loaded under that
request is there, and no longer when it is taken back.
"""

from pathlib import Path
from uuid import uuid4

from msgspec import Struct

from engine.errors import BadRequest
from engine.ingest.batches import Receipt
from engine.ingest.dialects import Dialect
from engine.ingest.sources import Source
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

    def source(self, request: str, old: Rejected, dialect: Dialect, scratch: Path) -> Source | None:
        """Return what the records of a request said, readable like their file; None when there are none."""
        if len(set(old.columns)) != len(old.columns):
            raise BadRequest(
                "bad_header",
                f"two columns of {old.origin} have one name, and only one of them was kept",
                hint="mend the file and load it again",
            )
        declared = dialect.layouts.get(str(len(old.columns)), dialect.columns)
        path = scratch / f"{request.removeprefix('retry:')}.ndjson"
        with path.open("wb") as file:
            for piece in self._warehouse.stream(
                Statement(render("ingest/retried.sql"), {"request": request}), "TSVRaw"
            ):
                file.write(piece)
        if path.stat().st_size == 0:
            return None
        return Source(
            path=path,
            origin=old.called,
            container="ndjson",
            # A mended dialect may call the columns of a file without header by other names: by their place.
            columns=(*declared[: len(old.columns)], *old.columns[len(declared) :]),
            kept=tuple(old.columns),
            encoding="LineAsString",
            structure="line String",
            expressions=tuple(
                f"JSONExtract(line, {{kept_names:Array(String)}}[{place}], 'Nullable(String)')"
                for place in range(1, len(old.columns) + 1)
            ),
            options={},
            size=path.stat().st_size,
        )
