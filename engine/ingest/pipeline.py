"""Files go in, one receipt per batch comes out: read, map, enrich, decide, commit.

A file is read whole into staging before anything of it is committed, so that one that cannot be read, or in
which nothing can be, leaves no trace.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from msgspec import Struct

from engine.catalog.model import Catalog, Rollup
from engine.errors import BadRequest, TollhouseError
from engine.ingest import dialects, sources, stage
from engine.ingest.dialects import Dialect
from engine.ingest.ledger import COLUMNS, Ledger
from engine.ingest.outcomes import outcome_map
from engine.ingest.sources import Source
from engine.settings import Settings
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from engine.warehouse.lease import Lease

VERDICTS = {
    "accepted": "accepted",
    "duplicates": "duplicate",
    "stale": "stale",
    "corrections": "correction",
    "withdrawn": "withdrawn",
}
"""The counts of a receipt and the verdict each of them counts."""


class Progress(Struct, frozen=True):
    """How far a load has come: `done` of `total`, in bytes while reading and in records while loading."""

    step: str
    done: int
    total: int


class Receipt(Struct, frozen=True):
    """What became of one file or POST: `received` is the sum of the six counts after it."""

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


class Asked(Struct, frozen=True):
    """How the caller wants a file read; what is left out comes from the file or the site."""

    dialect: str | None = None
    source: str | None = None
    zone: str | None = None


Report = Callable[[Progress], None]


class Loader:
    """The one writer of a database: takes files one at a time."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, settings: Settings, lease: Lease | None) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._settings = settings
        self._ledger = Ledger(warehouse, catalog, settings.zones, lease)
        self._writing = Lock()
        self._unfinished = False

    def recover(self, uncovered: list[str]) -> list[Receipt]:
        """Finish what the last writer left open, then fill rollups that are new; return the finished batches."""
        with self._writing:
            self._ledger.recover()
            finished = [self._commit(batch) for batch in self._batches_in("staged")]
            for batch in self._batches_in("reading"):
                self._forget(batch)
            if uncovered:
                self._ledger.cover(uncovered)
            return finished

    def load(self, path: Path, origin: str, asked: Asked, report: Report | None = None) -> Receipt:
        """Load one file as one batch.

        Raises `TollhouseError` when the file as a whole cannot be taken, and then nothing of it is kept;
        single records that cannot be read are rejected and counted.
        """
        if asked.zone is not None:
            self._check_zone(asked.zone)
        with self._writing:
            dialect = dialects.find(asked.dialect) if asked.dialect else None
            how = dialect or dialects.canonical()
            with sources.opened(
                path, origin, header=how.header, columns=how.columns, delimiter=how.delimiter
            ) as source:
                dialect = dialect or dialects.detect(source.columns, origin)
                self._finish_what_broke_off()
                batch = self._next_batch()
                try:
                    self._read(source, dialect, batch, asked, report)
                    return self._commit(batch, report)
                except (TollhouseError, KeyboardInterrupt) as failure:
                    self._broke_off(batch, failure)
                    raise

    def mend(self, rollup: Rollup, zone: str, table: str, tiles: Sequence[int]) -> int:
        """Make tiles (their starts, in seconds) of a rollup table exact; return how many groups were not.

        Waits for a load that is running. Readers see the old sums until the commit is complete, then the new ones.
        """
        with self._writing:
            self._finish_what_broke_off()
            shape = {"table": table, "zone": zone, "keys": rollup.keys}
            sql = render("ingest/count_inexact.sql.j2", **shape, parts=layout.parts_of(self._catalog, rollup))
            groups = self._number(sql, tiles=list(tiles)) if tiles else 0
            if groups:
                self._ledger.commit_exact(rollup, zone, table, tiles)
            return groups

    def _broke_off(self, batch: int, failure: BaseException) -> None:
        """Forget a batch of which nothing was posted; one that was posted in part is finished later."""
        self._unfinished = True
        if isinstance(failure, TollhouseError) and failure.code == "lease_lost":
            return  # it is the new writer's to decide about
        with suppress(TollhouseError):
            if not self._number("SELECT count() FROM commit_log WHERE batch = {batch:UInt32}", batch=batch):
                self._forget(batch)

    def _finish_what_broke_off(self) -> None:
        # An open commit keeps its number and its postings: nothing may be written before it is complete.
        if self._unfinished:
            self._ledger.recover()
            for batch in self._batches_in("staged"):
                self._commit(batch)
            self._unfinished = False

    def _check_zone(self, zone: str) -> None:
        sql = "SELECT count() FROM system.time_zones WHERE time_zone = {zone:String}"
        if not self._warehouse.value(Statement(sql, {"zone": zone})):
            raise BadRequest("unknown_zone", f"there is no time zone {zone!r}", hint="use an IANA name")

    def _next_batch(self) -> int:
        return int(self._warehouse.value(Statement("SELECT max(batch) + 1 FROM batch_log")))

    def _batches_in(self, state: str) -> list[int]:
        sql = "SELECT batch FROM batch_log GROUP BY batch HAVING argMax(state, time) = {state:String} ORDER BY batch"
        return [int(batch) for (batch,) in self._warehouse.query(Statement(sql, {"state": state})).rows]

    def _read(self, source: Source, dialect: Dialect, batch: int, asked: Asked, report: Report | None) -> None:
        name = asked.source or dialect.name
        reader = stage.Reader(batch, name, asked.zone, self._settings.currency, self._settings.home_country)
        statement = stage.statement(source, dialect, reader)
        self._note(batch, "reading", source=name, dialect=dialect.name, origin=source.origin)
        with _watched(self._warehouse, source, report):
            try:
                self._stage(statement, source)
            except BadRequest:
                if source.container != "ndjson":
                    raise
                # Perhaps a key that the first lines did not have: look at every line for its keys, read again.
                self._drop("staging", batch)
                source = sources.with_all_keys(source)
                self._stage(stage.statement(source, dialect, reader), source)
        readable, total, without_final, reason = self._staged(batch)
        if total == 0:
            raise BadRequest("empty_file", f"{source.origin} holds no record", hint="check the export")
        if without_final and "is_final" not in source.columns:
            # Its first attempts would count as final ones, and every rerouted call as two.
            raise BadRequest(
                "is_final_missing",
                f"{source.origin} has attempts above 1 and no column is_final",
                hint="add is_final: true for the last attempt of each call; nothing was loaded",
            )
        if readable == 0:
            raise BadRequest(
                "nothing_readable",
                f"none of the {total} records of {source.origin} can be read as {dialect.name}; the first: {reason}",
                hint="check --dialect and --tz; nothing was loaded",
            )
        self._note(batch, "staged", source=name, dialect=dialect.name, origin=source.origin)

    def _stage(self, statement: Statement, source: Source) -> None:
        try:
            self._warehouse.insert_file(statement, source.path, source.encoding, source.structure)
        except TollhouseError as failure:
            raise self._unreadable(source, failure) from failure

    @staticmethod
    def _unreadable(source: Source, failure: TollhouseError) -> TollhouseError:
        if failure.code != "engine":
            return failure
        # The engine quotes the line it stumbled over; a line holds phone numbers, so only the place is passed on.
        place = failure.message.partition("(at row ")[2].partition(")")[0]
        where = f" at record {place}" if place else ""
        return BadRequest(
            "unreadable_file",
            f"{source.origin} is not readable as {source.container}{where}",
            hint="check that it is whole and of the dialect named; nothing was loaded",
        )

    def _staged(self, batch: int) -> tuple[int, int, int, str]:
        sql = (
            "SELECT countIf(reject_reason = ''), count(), countIf(reject_field = 'is_final'), "
            "argMinIf(if(reject_field = '', reject_reason, concat(reject_field, ' ', reject_reason)), row, "
            "reject_reason != '') FROM staging WHERE batch = {batch:UInt32}"
        )
        readable, total, without_final, reason = self._warehouse.query(Statement(sql, {"batch": batch})).rows[0]
        return int(readable), int(total), int(without_final), str(reason)

    def _commit(self, batch: int, report: Report | None = None) -> Receipt:
        """Decide and commit a staged batch from where it stands; also finishes one that was interrupted."""
        self._drop("repeats", batch)
        self._run("ingest/repeats.sql.j2", {}, batch=batch)
        sql = "SELECT count() > 0, countIf(conflict) > 0 FROM repeats WHERE batch = {batch:UInt32}"
        repeats, conflicts = map(bool, self._warehouse.query(Statement(sql, {"batch": batch})).rows[0])
        if not self._number("SELECT count() FROM rejects WHERE batch = {batch:UInt32}", batch=batch):
            self._run("ingest/rejects.sql.j2", {"conflicts": conflicts, "columns": COLUMNS}, batch=batch)
        total = self._number("SELECT max(row) FROM staging WHERE batch = {batch:UInt32}", batch=batch)
        done = self._number("SELECT max(until) FROM commit_log WHERE batch = {batch:UInt32}", batch=batch)
        step = self._settings.chunk_records
        for after in range(done, total, step):
            if report:
                report(Progress("loading", after, total))
            until = min(after + step, total)
            self._ledger.commit_chunk(batch, after, until, repeats=repeats, conflicts=conflicts)
        if report:
            report(Progress("loading", total, total))
        self._run("ingest/close_batch.sql.j2", {}, batch=batch)
        self._drop("staging", batch)
        self._drop("repeats", batch)
        return self.receipt(batch)

    def receipt(self, batch: int) -> Receipt:
        """Return what became of `batch`."""
        columns = ", ".join(Receipt.__struct_fields__)
        sql = f"SELECT {columns} FROM batch_log WHERE batch = {{batch:UInt32}} ORDER BY time DESC LIMIT 1"
        return Receipt(*self._warehouse.query(Statement(sql, {"batch": batch})).rows[0])

    def _forget(self, batch: int) -> None:
        self._drop("staging", batch)
        self._drop("repeats", batch)
        self._note(batch, "failed")

    def _drop(self, table: str, batch: int) -> None:
        self._warehouse.command(Statement(f"ALTER TABLE {table} DROP PARTITION {int(batch)}"))

    def _note(self, batch: int, state: str, **about: str) -> None:
        names = ["batch", "state", "outcome_map", *about]
        values = [
            "{batch:UInt32}",
            "{state:String}",
            "{outcome_map:UInt32}",
            *(f"{{{name}:String}}" for name in about),
        ]
        self._warehouse.command(
            Statement(
                f"INSERT INTO batch_log ({', '.join(names)}) SELECT {', '.join(values)}",
                {"batch": batch, "state": state, "outcome_map": outcome_map().version, **about},
            )
        )

    def _number(self, sql: str, **parameters: Any) -> int:
        return int(self._warehouse.value(Statement(sql, parameters)))

    def _run(self, template: str, structure: dict[str, Any], **parameters: Any) -> None:
        self._warehouse.command(Statement(render(template, **structure), parameters))


@contextmanager
def _watched(warehouse: Warehouse, source: Source, report: Report | None) -> Iterator[None]:
    """Report how much of `source` the engine has read while the block runs."""
    if report is None:
        yield
        return
    done = Event()
    statement = Statement(
        "SELECT max(read_bytes) FROM system.processes WHERE query_kind = 'Insert' AND query ILIKE '%INTO staging%'"
    )

    def watch() -> None:
        while not done.wait(0.25):
            with suppress(TollhouseError):
                read = int(warehouse.value(statement))
                report(Progress("reading", min(read, source.size), source.size))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
