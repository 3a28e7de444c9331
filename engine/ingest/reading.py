"""A file goes in, a batch whose every record lies in staging comes out: read, mapped, enriched, checked.

Nothing is decided about a record here, and nothing of a file that cannot be taken stays.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import BadRequest, TollhouseError
from engine.ingest import dialects, facts, lines, mending, places, sources, stage
from engine.ingest.batches import Batches, Staged, problem
from engine.ingest.dialects import Dialect
from engine.ingest.lines import Stretch
from engine.ingest.recognition import layout as layout_of
from engine.ingest.recognition import recognised
from engine.ingest.retries import Rejected, Retries
from engine.ingest.sources import Head, Layout, Source
from engine.ingest.stage import Reader
from engine.ingest.writer import Writer
from engine.reference import lookups
from engine.settings import Settings
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from engine.warehouse.piece import Piece


class Progress(Struct, frozen=True):
    """How far a load has come: `done` of `total`, in bytes while reading and in records while loading."""

    step: str
    done: int
    total: int


class Asked(Struct, frozen=True):
    """How the caller wants a file read; what is left out comes from the file or the site."""

    dialect: str | None = None
    source: str | None = None
    zone: str | None = None
    force: bool = False
    """Content that was replaced stands again, because this file says it."""


class Request(Struct, frozen=True):
    """A key under which a request may be repeated, and the hash of what it sends."""

    key: str = ""
    body: str = ""


Report = Callable[[Progress], None]


class Unread(Struct, frozen=True):
    """An opened file, how it is to be read, and who is told meanwhile."""

    source: Source
    dialect: Dialect
    asked: Asked
    request: Request = Request()
    report: Report | None = None

    @property
    def about(self) -> dict[str, str]:
        """What the log of batches says of it, whatever comes of it."""
        name = self.dialect.name
        return {"source": self.asked.source or name, "dialect": name, "origin": self.source.origin}


MOST_ODD = 100_000
"""Lines of a file that are looked at one by one; with more of them the engine's own reader is faster."""


class Reading:
    """Reads files into staging, several at a time."""

    def __init__(self, writer: Writer, settings: Settings, batches: Batches) -> None:
        self._writer = writer
        self.warehouse = writer.warehouse
        self._settings = settings
        self._batches = batches
        self._retries = Retries(writer)
        self.horizon = layout.horizon(writer.warehouse)
        self.lookups = lookups.NOTHING

    def stage(self, unread: Unread) -> Staged:
        """Read one file whole. Raises `TollhouseError` when it cannot be taken, and then nothing of it stays."""
        batch, known = self._batches.number(), self.lookups
        try:
            return self._kept(unread, self._read(unread, batch, known), batch, known)
        except (TollhouseError, KeyboardInterrupt) as failure:
            self._give_up(unread, batch, failure)
            raise

    def stage_together(self, files: Sequence[Unread]) -> list[Staged | TollhouseError]:
        """Read files that are alike by one statement; say of each what `stage` returns or raises."""
        batches, known = [self._batches.number() for _ in files], self.lookups
        found: list[Staged | TollhouseError] = []
        try:
            odd = self._read_as_one(files, batches, known)
            for unread, batch in zip(files, batches, strict=True):
                try:
                    source = unread.source
                    if odd is None:
                        source = self._read(unread, batch, known)
                    elif batch in odd and not self._read_odd(
                        source, unread.dialect, self._reader(unread, batch, known)
                    ):
                        self._batches.drop([batch])
                        source = self._read(replace(unread, source=sources.parsed(source)), batch, known)
                    found.append(self._kept(unread, source, batch, known))
                except TollhouseError as failure:
                    self._give_up(unread, batch, failure)
                    found.append(failure)
        except BaseException as failure:
            for unread, batch in list(zip(files, batches, strict=True))[len(found) :]:
                self._give_up(unread, batch, failure)
            raise
        return found

    def _read_as_one(self, files: Sequence[Unread], batches: Sequence[int], known: lookups.Lookups) -> set[int] | None:
        """Read files into staging, each as its batch; return those of which some lines could not be cut.

        None when nothing of them could be read: then each is read by itself, so that one tells nothing of another.
        """
        with TemporaryDirectory(prefix="tollhouse-together-") as scratch:
            try:
                path = Path(scratch) / "together"
                begins = lines.joined([unread.source.stretches[0].piece for unread in files], path)
                piece = Piece.whole(path)
                source = replace(files[0].source, path=path, size=piece.size, stretches=(Stretch(piece, 0),))
                together = tuple(zip(batches, begins, strict=True))
                reader = replace(self._reader(files[0], batches[0], known), together=together)
                self._stage(source, files[0].dialect, reader)
            except BadRequest:
                self._batches.drop(batches)
                return None
        sql = "SELECT DISTINCT batch FROM staging WHERE batch IN {batches:Array(UInt32)} AND part = 'odd'"
        return set(_first(self.warehouse.query(Statement(sql, {"batches": list(batches)})).rows))

    def _kept(self, unread: Unread, source: Source, batch: int, known: lookups.Lookups) -> Staged:
        """Look at what was read into staging, and write down that from here on the batch will be loaded."""
        asked, dialect = unread.asked, unread.dialect
        staged = self._checked(source, dialect, batch, asked)
        said: dict[str, str | int] = {"request": unread.request.key, "body": unread.request.body, **_known(known)}
        said["zone"], columns = asked.zone or "", list(source.columns)
        said["indeterminate_as"] = self._settings.indeterminate_as
        said["national"] = stage.is_national(source, dialect)
        self._batches.note(batch, "staged", **unread.about, **said, columns=columns, forced=asked.force)
        return staged

    def _give_up(self, unread: Unread, batch: int, failure: BaseException) -> None:
        """Nothing of a batch stays but the word that it failed, and why."""
        with suppress(TollhouseError):
            self._batches.drop([batch])
            self._batches.note(batch, "failed", problem=problem(failure), **unread.about)
        self._batches.let_go(batch)

    def stage_rejects(self, old: Rejected, asked: Asked, report: Report | None = None) -> Staged | None:
        """Read a batch's open rejects again, and keep of them what can be read now; None when nothing can."""
        asked = Asked(asked.dialect or old.dialect, old.source, asked.zone or old.zone or None, old.forced)
        if asked.zone is not None:
            self.check_zone(asked.zone)
        dialect = dialects.find(asked.dialect or "", self._settings.dialects_folder)
        batch, known = self._batches.number(), self.lookups
        try:
            with TemporaryDirectory(prefix="tollhouse-rejects-") as scratch:
                request = self._retries.try_all(old)
                while (path := self._retries.written(request, old, dialect, Path(scratch))) is not None:
                    with self._retries.opened(path, old, dialect, self._settings.max_unpacked_bytes) as source:
                        source = self._read(Unread(source, dialect, asked, report=report), batch, known)
                    good, total, rows = self._again(batch)
                    if good == total:
                        about = {"source": old.source, "dialect": dialect.name, "origin": old.called}
                        said: dict[str, str | int] = {"request": request, **_known(known)}
                        said["zone"] = asked.zone or ""
                        said["indeterminate_as"] = self._settings.indeterminate_as
                        said["national"] = stage.is_national(source, dialect)
                        self._batches.note(batch, "staged", **about, **said, columns=old.columns, forced=asked.force)
                        halves = dialect.halves is not None
                        return Staged(
                            batch, rows, 0, contradictions=False, untaken=False, forced=asked.force, halves=halves
                        )
                    # Then only what is good, so that nothing of the rest comes into the new batch.
                    request = self._retries.try_good(request, batch)
                    self._batches.drop([batch])
        except (TollhouseError, KeyboardInterrupt):
            with suppress(TollhouseError):
                self._batches.drop([batch])
            self._batches.let_go(batch)
            raise
        self._batches.let_go(batch)
        return None

    def _again(self, batch: int) -> tuple[int, int, int]:
        """Return how many records in staging can be taken, how many there are, and the last row."""
        readable, total, _, rows, repeats, *_ = self._summary(batch)
        if repeats:
            self._run("contradictions", batch)
        sql = "SELECT uniqExact(row) FROM contradictions WHERE batch = {batch:UInt32}"
        return readable - int(self.warehouse.value(Statement(sql, {"batch": batch}))), total, rows

    def _summary(self, batch: int) -> Sequence[Any]:
        return self.warehouse.query(Statement(render("ingest/summary.sql"), {"batch": batch})).rows[0]

    @contextmanager
    def opened(self, path: Path, origin: str, name: str | None) -> Iterator[tuple[Source, Dialect]]:
        """Yield a file with its dialect: the one that is named, or the one its beginning leaves no doubt about."""
        folder = self._settings.dialects_folder
        dialect = dialects.find(name, folder) if name else dialects.canonical()
        doubt: BadRequest | None = None

        def layout(head: Head) -> Layout:
            nonlocal dialect, doubt
            if name is None:
                try:
                    dialect = recognised(head, origin, dialects.known(folder))
                except BadRequest as mistake:
                    doubt = mistake  # a file that is damaged is told to be that first
            return layout_of(dialect, head)

        with sources.opened(path, origin, layout, self._settings.max_unpacked_bytes) as source:
            if doubt is not None:
                raise doubt
            yield sources.in_one_piece(source) if dialect.needs_whole_file else source, dialect

    @contextmanager
    def tried(self, path: Path, origin: str, asked: Asked) -> Iterator[tuple[Source, Dialect, int]]:
        """Yield a file with its dialect and the batch it lies in staging as; nothing of it is kept."""
        if asked.zone is not None:
            self.check_zone(asked.zone)
        with self.opened(path, origin, asked.dialect) as (source, dialect):
            batch = self._batches.number()
            try:
                source = self._read(Unread(source, dialect, asked), batch, self.lookups)
                yield source, dialect, batch
            finally:
                self._batches.drop([batch])
                self._batches.let_go(batch)

    def facts(self, known: lookups.Lookups) -> facts.Facts:
        """Return how facts about calls are found with these lookups."""
        return facts.Facts.of(known, self._settings)

    def check_zone(self, zone: str) -> None:
        """Raise `BadRequest` when there is no such time zone."""
        sql = "SELECT count() FROM system.time_zones WHERE time_zone = {zone:String}"
        if not self.warehouse.value(Statement(sql, {"zone": zone})):
            raise BadRequest("unknown_zone", f"there is no time zone {zone!r}", hint="use an IANA name")

    def _reader(self, unread: Unread, batch: int, known: lookups.Lookups) -> Reader:
        return Reader(
            batch,
            unread.asked.source or unread.dialect.name,
            unread.asked.zone,
            self._settings.currency,
            self._writer.holds,
            self.horizon,
            self._settings.tech_prefixes,
            self.facts(known),
        )

    def _read(self, unread: Unread, batch: int, known: lookups.Lookups) -> Source:
        """Read a file into staging; return it as it was read in the end."""
        source, dialect, reader = unread.source, unread.dialect, self._reader(unread, batch, known)
        with _watched(self.warehouse, source, unread.report):
            while True:
                try:
                    source = self._sifted(source, batch)
                    self._stage(source, dialect, reader)
                    careful = None if self._read_odd(source, dialect, reader) else sources.parsed(source)
                except BadRequest as failure:
                    if failure.code != "unreadable_file":
                        raise
                    careful = self._keyed(source, batch) or sources.more_carefully(source)
                    if careful is None:
                        raise
                if careful is None:
                    break
                self._batches.drop([batch])
                source = careful
        if source.absent:
            self._writer.run("ingest/broken.sql.j2", {"batch": batch, "rows": list(source.absent)})
        if stage.moves(source, dialect):
            self._run("moves", batch)
        return source

    def _sifted(self, source: Source, batch: int) -> Source:
        """Return a large file with its broken records set aside, so that they cost no second reading of the others."""
        if not sources.needs_sifting(source):
            return source
        if source.container == "csv":
            return sources.sifted_records(source)
        statement = Statement(render("ingest/sift.sql.j2", holds=self._writer.holds), {"batch": batch})
        self._writer.insert_file(statement, Piece.whole(source.path), "LineAsString", "line String")
        rows = self._odd(batch)
        if not rows:
            return source
        self._batches.drop([batch])
        return sources.sifted_lines(source, rows) if len(rows) <= MOST_ODD else source

    def _keyed(self, source: Source, batch: int) -> Source | None:
        """Return a file of JSON lines with the keys that its first lines did not have; None when it has no others."""
        if source.container != "ndjson" or source.text is None:
            return None
        self._batches.drop([batch])
        statement = Statement(render("ingest/keys.sql.j2", holds=self._writer.holds), {"batch": batch})
        self._writer.insert_file(statement, Piece.whole(source.path), "LineAsString", "line String")
        sql = "SELECT DISTINCT raw FROM staging WHERE batch = {batch:UInt32} AND part = 'key' ORDER BY raw"
        found = [str(key) for (key,) in self.warehouse.query(Statement(sql, {"batch": batch})).rows]
        others = [key for key in found if key not in source.columns and key != mending.BROKEN]
        return sources.with_keys(source, others) if others else None

    def _odd(self, batch: int) -> list[int]:
        sql = "SELECT row FROM staging WHERE batch = {batch:UInt32} AND part = 'odd' ORDER BY row LIMIT {most:UInt32}"
        return _first(self.warehouse.query(Statement(sql, {"batch": batch, "most": MOST_ODD + 1})).rows)

    def _read_odd(self, source: Source, dialect: Dialect, reader: Reader) -> bool:
        """Read the lines that could not be cut; False when the file has to be read whole for them."""
        if not source.cut:
            return True
        rows = self._odd(reader.batch)
        if not rows:
            return True
        looked = None if dialect.needs_whole_file or len(rows) > MOST_ODD else sources.odd_lines(source, rows)
        if looked is None:
            return False
        odd, broken = looked
        if odd.size:
            try:
                self._stage(odd, dialect, reader)
            except BadRequest:
                return False
        if broken:
            self._writer.run("ingest/broken.sql.j2", {"batch": reader.batch, "rows": broken})
        return True

    def _tell_untaken(self, source: Source, batch: int) -> None:
        """Keep where the records begin that are not taken, and their text, for a file that has lines."""
        if source.text is None:
            return
        rows = _first(self.warehouse.query(Statement(render("ingest/untaken.sql"), {"batch": batch})).rows)
        if not rows:
            return
        with TemporaryDirectory(prefix="tollhouse-rejects-") as scratch:
            path = Path(scratch) / "texts"
            places.write(source, rows, path)
            statement = Statement(render("ingest/texts.sql.j2", holds=self._writer.holds), {"batch": batch})
            self._writer.insert_file(
                statement, Piece.whole(path), "TabSeparated", "row UInt64, line UInt64, raw String"
            )

    def _stage(self, source: Source, dialect: Dialect, reader: Reader) -> None:
        self._insert(stage.statement(source, dialect, reader), source)
        if dialect.where:
            self._insert(stage.statement(source, dialect, reader, skipping=True), source)

    def _insert(self, statement: Statement, source: Source) -> None:
        stretches = source.stretches or (Stretch(Piece.whole(source.path), 0),)

        def insert(stretch: Stretch) -> None:
            told = Statement(statement.sql, {**statement.parameters, "before": stretch.before})
            self._writer.insert_file(told, stretch.piece, source.encoding, source.structure)

        try:
            with ThreadPoolExecutor(len(stretches), "reading") as threads:
                # All end, well or not, before anything else is done with what they have written.
                for done in [threads.submit(insert, stretch) for stretch in stretches]:
                    done.result()
        except TollhouseError as failure:
            raise _unreadable(source, failure) from failure

    def _run(self, name: str, batch: int) -> None:
        self._writer.run(f"ingest/{name}.sql.j2", {"batch": batch})

    def _checked(self, source: Source, dialect: Dialect, batch: int, asked: Asked) -> Staged:
        readable, total, without_final, rows, repeats, reason, _ = self._summary(batch)
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
                f"no record of {source.origin} can be read as {dialect.name}, {total} tried; the first: {reason}",
                hint="check --dialect and --tz; nothing was loaded",
            )
        if repeats:
            self._run("contradictions", batch)
        contradictions, halves = bool(repeats), dialect.halves is not None
        untaken = contradictions or readable < total
        if untaken:
            self._tell_untaken(source, batch)
        return Staged(
            batch, int(rows), 0, contradictions=contradictions, untaken=untaken, forced=asked.force, halves=halves
        )


def _known(known: lookups.Lookups) -> dict[str, int]:
    """The versions of reference data that a batch is read with."""
    return {"reference": known.version, "outcome_map": known.outcome_map}


def _first(rows: Sequence[Sequence[Any]]) -> list[int]:
    return [int(row[0]) for row in rows]


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


@contextmanager
def _watched(warehouse: Warehouse, source: Source, report: Report | None) -> Iterator[None]:
    """Report how much of `source` the engine has read while the block runs."""
    if report is None:
        yield
        return
    done = Event()
    statement = Statement(
        "SELECT sum(read_bytes) FROM system.processes WHERE query_kind = 'Insert' AND query ILIKE '%INTO staging%'"
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
