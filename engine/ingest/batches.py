"""The log of batches: what each load is, what became of its records, and which number the next one gets."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import BadRequest, NotFound, TollhouseError
from engine.ingest import dialects
from engine.ingest.writer import Writer
from engine.statement import Statement
from engine.template import render


class Receipt(Struct, frozen=True):
    """What became of one file or POST: `received` is the sum of the six counts after it.

    `after_close` says how many of its records, duplicates and stale ones left out, changed a month that was closed,
    `skipped` how many rows of the file its dialect leaves out, because they are no calls, and `limits` what
    files of its dialect cannot say.
    """

    batch: int
    origin: str
    dialect: str
    received: int
    accepted: int
    duplicates: int
    stale: int
    corrections: int
    withdrawn: int
    rejected: int
    after_close: int = 0
    skipped: int = 0
    limits: tuple[str, ...] = ()


class Staged(Struct, frozen=True):
    """A batch whose file lies in staging, ready to be committed: rows 1 to `rows`."""

    batch: int
    rows: int
    done: int
    contradictions: bool
    untaken: bool
    """Whether there may be records in it that cannot be taken."""
    forced: bool
    halves: bool
    """Whether it may hold halves of calls."""


class Batches:
    """Every batch's life, one row of batch_log per state."""

    def __init__(self, writer: Writer, dialects_folder: str = "") -> None:
        self._writer = writer
        self._folder = dialects_folder
        self._warehouse = writer.warehouse
        self._numbering = Lock()
        self.alive: set[int] = set()
        """Batches that somebody in this process is loading: nobody else is to finish them."""
        sql = "SELECT max(batch) FROM (SELECT batch FROM batch_log UNION ALL SELECT batch FROM staging)"
        self._last = int(self._warehouse.value(Statement(sql)))

    def number(self) -> int:
        """Return the number of a new batch."""
        with self._numbering:
            self._last += 1
            self.alive.add(self._last)
            return self._last

    def note(self, batch: int, state: str, **about: str | int | bool | list[str]) -> None:
        """Add a word on a batch."""
        types = {str: "String", int: "UInt32", bool: "Bool", list: "Array(String)"}
        said = {"batch": batch, "state": state, **about}
        columns = {name: types[type(value)] for name, value in said.items()}
        self._writer.run("ingest/note_batch.sql.j2", said, columns=columns)

    def state(self, batch: int) -> str:
        """Return what a batch is now; raises `NotFound` when there is none of that number."""
        sql = "SELECT argMax(state, time) FROM batch_log WHERE batch = {batch:UInt32} HAVING count() > 0"
        rows = self._warehouse.query(Statement(sql, {"batch": batch})).rows
        if not rows:
            raise NotFound("no_such_batch", f"there is no batch {batch}", hint="tollhouse batches lists them")
        return str(rows[0][0])

    def reaches_beyond(self, batch: int, horizon: str | None) -> str | None:
        """Return the horizon when the batch holds calls from before it."""
        if horizon is None:
            return None
        sql = (
            "SELECT min(first_start) < toDateTime64({horizon:String}, 3, 'UTC') FROM batch_log "
            "WHERE batch = {batch:UInt32} AND isNotNull(first_start)"
        )
        return horizon if self._warehouse.value(Statement(sql, {"batch": batch, "horizon": horizon})) else None

    def being(self, *states: str) -> list[int]:
        """Return the batches that are in one of these states."""
        sql = (
            "SELECT batch FROM batch_log GROUP BY batch "
            "HAVING argMax(state, time) IN {states:Array(String)} ORDER BY batch"
        )
        rows = self._warehouse.query(Statement(sql, {"states": list(states)})).rows
        return [int(batch) for (batch,) in rows]

    def staged(self) -> list[Staged]:
        """Return the batches whose files lie in staging and are not yet committed to their end."""
        batches = self.being("staged")
        rows = self._warehouse.query(Statement(render("ingest/staged.sql"), {"batches": batches})).rows
        return [
            Staged(int(batch), int(last), int(done), contradictions=True, untaken=True, forced=False, halves=True)
            for batch, last, done in rows
        ]

    def orphans(self) -> list[int]:
        """Return the batches in staging that were never read to their end, or are long done."""
        rows = self._warehouse.query(Statement("SELECT DISTINCT batch FROM staging ORDER BY 1")).rows
        return sorted({int(batch) for (batch,) in rows} - set(self.being("staged")))

    def last_row(self, batch: int) -> int:
        """Return the number of the last row that lies in staging of a batch."""
        sql = "SELECT max(row) FROM staging WHERE batch = {batch:UInt32}"
        return int(self._warehouse.value(Statement(sql, {"batch": batch})))

    def publish_halves(self, batch: int) -> None:
        """From here on every load finds the halves of calls that this one brought."""
        self._writer.run("ingest/halves.sql.j2", {"batch": batch})

    def close(self, batches: Sequence[int], *, untaken: bool) -> None:
        """Write down what became of the records of committed batches, and drop their files."""
        parameters = {"batches": list(batches)}
        if untaken:
            self._writer.run("ingest/rejects.sql.j2", parameters)
        self._writer.run("ingest/close_batches.sql.j2", parameters)
        self.drop(batches)

    def drop(self, batches: Sequence[int]) -> None:
        """Drop what lies in staging of these batches."""
        # Staging goes last: it is what tells the next start that a batch was left behind.
        for table in ("contradictions", "texts", "staging"):
            self._writer.drop(table, *batches)

    def let_go(self, batch: int) -> None:
        """Nobody loads this batch any more."""
        with self._numbering:
            self.alive.discard(batch)

    def forget(self, batches: Sequence[int], failure: BaseException) -> None:
        """Drop the files of batches of which nothing was committed, and write down why."""
        for batch in batches:
            self.note(batch, "failed", problem=problem(failure))
        self.drop(batches)

    def receipt(self, batch: int) -> Receipt:
        """Return what became of a batch when it was loaded."""
        return self._receipts("batch = {batch:UInt32}", batch=batch)[0]

    def receipts(self, batches: Sequence[int]) -> list[Receipt]:
        """Return what became of these batches."""
        return self._receipts("batch IN {batches:Array(UInt32)}", batches=list(batches))

    def _receipts(self, which: str, **parameters: Any) -> list[Receipt]:
        columns = ", ".join(name for name in Receipt.__struct_fields__ if name != "limits")
        sql = (
            f"SELECT {columns} FROM batch_log WHERE state = 'loaded' AND {which} ORDER BY batch, time LIMIT 1 BY batch"
        )
        rows = self._warehouse.query(Statement(sql, parameters)).rows
        return [replace(receipt, limits=self._limits(receipt.dialect)) for receipt in (Receipt(*row) for row in rows)]

    def _limits(self, dialect: str) -> tuple[str, ...]:
        try:
            return tuple(limit.says for limit in dialects.find(dialect, self._folder).limits)
        except BadRequest:  # an operator's dialect that is there no more
            return ()

    def requested(self, request: str) -> tuple[int, str] | None:
        """Return the batch that was loaded under a repeatable request's key, and the hash of what was sent."""
        sql = (
            "SELECT batch, argMax(body, time) FROM batch_log WHERE request = {request:String} "
            "AND state IN ('staged', 'loaded') GROUP BY batch ORDER BY batch DESC LIMIT 1"
        )
        rows = self._warehouse.query(Statement(sql, {"request": request})).rows
        return (int(rows[0][0]), str(rows[0][1])) if rows else None


def problem(failure: BaseException) -> str:
    """Return why a load failed, for whoever looks at its batch later."""
    if isinstance(failure, TollhouseError):
        return str(failure)
    if isinstance(failure, KeyboardInterrupt):
        return "it was interrupted (load it again)"
    return "the program failed; its log tells more (load it again)"
