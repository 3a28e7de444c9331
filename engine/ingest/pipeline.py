"""Files go in, one receipt per batch comes out; loads are taken back and given again: the one writer of a database.

Files are read side by side and committed one after the other. Small ones that wait share a commit; a large one
takes many, and lets the others pass between them.
"""

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from engine.catalog.model import Catalog, Rollup
from engine.errors import BadRequest, Conflict, TollhouseError, TooMany
from engine.ingest import lists
from engine.ingest.batches import Batches, Receipt, Staged
from engine.ingest.check import Check, check
from engine.ingest.closes import close, reopen
from engine.ingest.intake import Intake
from engine.ingest.ledger import Chunk, Ledger
from engine.ingest.lists import ListReceipt
from engine.ingest.reading import Asked, Progress, Reading, Report, Request
from engine.ingest.reenrichment import Reenriched, Reenrichment, Span
from engine.ingest.retention import Retained, retain
from engine.ingest.retries import Rejected, Retried, Retries
from engine.ingest.rollback import Undone, change
from engine.ingest.writer import Writer
from engine.reference import lookups
from engine.settings import Settings
from engine.warehouse import layout
from engine.warehouse.closes import Close
from engine.warehouse.gateway import Warehouse
from engine.warehouse.lease import Lease

__all__ = [
    "Asked", "Loader", "Progress", "Receipt", "Reenriched", "Report", "Request", "Retained", "Retried", "Undone",
]  # fmt: skip


class _Waiting:
    """A staged batch that waits for its commits."""

    def __init__(self, staged: Staged, report: Report | None) -> None:
        self.staged = staged
        self.done = staged.done
        self.report = report
        self.settled = False
        self.failure: BaseException | None = None

    @property
    def left(self) -> int:
        return self.staged.rows - self.done


class Loader:
    """The one writer of a database."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, settings: Settings, lease: Lease | None) -> None:
        self._warehouse = warehouse
        self._settings = settings
        writer = self._writer = Writer(warehouse, lease)
        self._ledger = Ledger(writer, catalog, settings.zones)
        self._batches = Batches(writer, settings.dialects_folder)
        self._reading = Reading(writer, settings, self._batches)
        self._retries = Retries(writer)
        self._retrying = Lock()
        self._intake = Intake(self._reading, self._line_up)
        self._writing = Lock()
        self._queueing = Lock()
        self._queue: deque[_Waiting] = deque()
        self._loads = 0
        self._requests: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._reading.lookups = lookups.make(warehouse, lookups.versions(warehouse))
        lookups.drop_others(warehouse, self._reading.lookups)
        self._unfinished = False
        self._frozen = False
        self._reenriching = False

    def recover(self, uncovered: Collection[str]) -> list[Receipt]:
        """Finish what the last writer left open, then fill rollups that are new; return the finished batches."""
        with self._writing:
            finished = self._finish()
            self._batches.drop(self._batches.orphans())
            if uncovered:
                self._ledger.cover(uncovered)
            return self._batches.receipts(finished)

    def load(
        self, path: Path, origin: str, asked: Asked, report: Report | None = None, request: Request | None = None
    ) -> Receipt:
        """Load one file as one batch; returns once its records are durable and visible in every report.

        Raises `TollhouseError` when the file as a whole cannot be taken, and then nothing of it is kept; single
        records that cannot be read are rejected and counted. Raises `TooMany` while too many loads wait. A
        `request` that was answered before is answered the same again and loads nothing.
        """
        with self._admitted():
            if request is None:
                return self._load(path, origin, asked, report, Request())
            with path.open("rb") as file:
                body = file_digest(file, "sha256")
            if asked.force:
                body.update(b"force")  # the same records, but another wish
            request = Request(request.key, body.hexdigest())
            with self._queueing:
                turn = self._requests.setdefault(request.key, Lock())
            with turn:
                return self._repeated(request) or self._load(path, origin, asked, report, request)

    def retry(
        self, batch: int | None, dialect: str | None = None, zone: str | None = None, report: Report | None = None
    ) -> list[Retried]:
        """Read open rejects again, of every loaded batch or of one, and load as new batches what can be read now.

        Each is read with the dialect and zone of its batch, as they are now, or with others. What still cannot be
        read stays as it is, so it may be done as often as one likes. Raises `NotFound` for an unknown batch,
        `Conflict` for one that is not loaded, and `BadRequest` when nothing of it can be tried.
        """
        with self._retrying, self._admitted():
            if batch is not None and (state := self._batches.state(batch)) != "loaded":
                raise Conflict(
                    "batch_state",
                    f"batch {batch} is {state.replace('_', ' ')}, not loaded",
                    hint="tollhouse batches tells what each batch is",
                )
            rejected = self._retries.rejected(batch)
            done, found = 0, []
            for old in rejected:
                if report:
                    report(Progress("reading again", done, sum(each.open for each in rejected)))
                # of one batch it is told how far it is within it; of many, which of them it is
                found.append(self._retry(old, Asked(dialect, zone=zone), batch, report if len(rejected) == 1 else None))
                done += old.open
            return found

    def _retry(self, old: Rejected, asked: Asked, only: int | None, report: Report | None) -> Retried:
        try:
            with self._intake.turn():
                staged = self._reading.stage_rejects(old, asked, report)
        except BadRequest as failure:
            if only is not None:
                raise
            return Retried(old.batch, old.origin, 0, old.open, problem=str(failure))
        if staged is None:
            return Retried(old.batch, old.origin, 0, old.open)
        receipt = self._committed(self._line_up([(staged, report)])[0])
        return Retried(old.batch, old.origin, receipt.received, old.open - receipt.received, receipt)

    def check_zone(self, zone: str) -> None:
        """Raise `BadRequest` when there is no such time zone."""
        self._reading.check_zone(zone)

    def check(self, path: Path, origin: str, asked: Asked) -> Check:
        """Say how a file would map to records, and load nothing."""
        return check(self._reading, path, origin, asked)

    def admit(self) -> None:
        """Raise `TooMany` while as many loads wait as may."""
        if self._loads >= self._settings.max_waiting_loads:
            raise TooMany(
                "loads_waiting",
                f"{self._loads} loads are waiting for the writer",
                hint="send it again in a moment; larger bodies load faster than many small ones",
            )

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        with self._queueing:
            self.admit()
            self._loads += 1
        try:
            yield
        finally:
            with self._queueing:
                self._loads -= 1

    def _repeated(self, request: Request) -> Receipt | None:
        found = self._batches.requested(request.key)
        if found is None:
            return None
        batch, body = found
        if body != request.body:
            raise Conflict(
                "key_reused",
                f"this Idempotency-Key came with another body, or force, before: batch {batch}",
                pointer="Idempotency-Key",
                hint="take a new key for every new body",
            )
        if self._batches.state(batch) == "staged":
            # It was read, and then something broke: it is loaded now, and not a second time.
            with self._writing:
                self._finish()
        return self._batches.receipt(batch)

    def _load(self, path: Path, origin: str, asked: Asked, report: Report | None, request: Request) -> Receipt:
        return self._committed(self._intake.stage(path, origin, asked, request, report))

    def _line_up(self, read: Sequence[tuple[Staged, Report | None]]) -> list[_Waiting]:
        lined = [_Waiting(staged, report) for staged, report in read]
        with self._queueing:
            self._queue.extend(lined)
        return lined

    def _committed(self, waiting: _Waiting) -> Receipt:
        staged = waiting.staged
        try:
            while not waiting.settled:
                # Whoever has the turn commits what waits first, be it another's.
                with self._writing:
                    if not waiting.settled:
                        self._commit_next()
        finally:
            self._batches.let_go(staged.batch)
        if waiting.failure is not None:
            raise waiting.failure
        return self._batches.receipt(staged.batch)

    def _commit_next(self) -> None:
        group = self._next_group()
        try:
            if self._unfinished:
                self._finish()
            self._commit(group)
        except BaseException as failure:
            self._broke_off(group, failure)
            if not isinstance(failure, TollhouseError):
                raise  # it is this thread's own, too; the others are told with their load

    def _next_group(self) -> list[_Waiting]:
        """Take what waits first: a large file by itself, or as many small ones as fit in a chunk."""
        most = self._settings.chunk_records
        with self._queueing:
            group = [self._queue.popleft()]
            if group[0].left > most or group[0].done:
                return group
            room = most - group[0].left
            while self._queue and not self._queue[0].done and self._queue[0].left <= room:
                room -= self._queue[0].left
                group.append(self._queue.popleft())
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        after = group[0].done
        until = after + min(self._settings.chunk_records, max(waiting.left for waiting in group))
        batches = tuple(waiting.staged.batch for waiting in group)
        contradictions = any(waiting.staged.contradictions for waiting in group)
        if any(waiting.staged.forced for waiting in group):
            self._ledger.read_batches()
        self._freeze()
        for waiting in group:
            _say(waiting, after)
        self._ledger.commit_chunk(Chunk(batches, after, until, contradictions=contradictions))
        for waiting in group:
            waiting.done = min(until, waiting.staged.rows)
            _say(waiting, waiting.done)
        if any(waiting.left for waiting in group):
            with self._queueing:
                self._queue.append(group[0])
            return
        for waiting in group:
            self._join_halves(waiting.staged)
        self._batches.close(batches, untaken=any(waiting.staged.untaken for waiting in group))
        for waiting in group:
            waiting.settled = True

    def _broke_off(self, group: list[_Waiting], failure: BaseException) -> None:
        """Forget batches of which nothing was posted; one that was posted in part is finished later."""
        # An open commit keeps its number and its postings: nothing may be written before it is complete.
        self._unfinished = True
        for waiting in group:
            self._batches.let_go(waiting.staged.batch)
            waiting.failure = failure
            waiting.settled = True
        if isinstance(failure, TollhouseError) and failure.code == "lease_lost":
            return  # it is the new writer's to decide about
        with suppress(TollhouseError):
            self._ledger.recover()
            batches = [waiting.staged.batch for waiting in group]
            self._batches.forget(sorted(set(batches) - self._ledger.begun(batches)), failure)

    def _finish(self) -> list[int]:
        """Complete an open commit, then commit what is staged and nobody waits for; return those batches."""
        self._ledger.recover()
        self._ledger.read_batches()
        self._ledger.read_closes()
        finished = []
        for staged in self._batches.staged():
            if staged.batch not in self._batches.alive:
                self._commit_staged(staged)
                finished.append(staged.batch)
        for batch in self._batches.being("rolling_back", "restoring"):
            change(self._warehouse, self._ledger, self._batches, batch, self._settings.chunk_records)
        if lists.newest_commit(self._warehouse) > self._ledger.watermark:
            self._ledger.commit_nothing()  # a list was written, and then its commit was not
        self._unfinished = False
        return finished

    def _freeze(self) -> None:
        """What calls are judged by for good stays what it is at the first load."""
        if not self._frozen:
            layout.freeze(self._warehouse, "timezone", self._settings.timezone)
            self._frozen = True

    def _commit_staged(self, staged: Staged) -> None:
        for after in range(staged.done, staged.rows, self._settings.chunk_records):
            until = min(after + self._settings.chunk_records, staged.rows)
            self._ledger.commit_chunk(Chunk((staged.batch,), after, until, contradictions=True))
        self._join_halves(staged)
        self._batches.close([staged.batch], untaken=staged.untaken)

    def _join_halves(self, staged: Staged) -> None:
        """Put a batch's halves of calls together with those of other loads, once its own records are committed."""
        if not staged.halves:
            return
        rows = self._batches.last_row(staged.batch)
        self._batches.publish_halves(staged.batch)
        self._ledger.join(staged.batch)
        last = self._batches.last_row(staged.batch)
        for after in range(rows, last, self._settings.chunk_records):
            until = min(after + self._settings.chunk_records, last)
            self._ledger.commit_chunk(Chunk((staged.batch,), after, until, contradictions=False))

    def close(self, month: str, zone: str, who: str) -> Close:
        """Close a month for invoicing at the newest commit, once nothing is left open: no file is cut in two by it."""
        with self._closing():
            while any(waiting.done for waiting in self._queue):
                self._commit_next()
            return close(self._writer, month, zone, who, self._ledger.watermark)

    def save(self, words: dict[str, str]) -> None:
        """Write down what is saved, changed or deleted about a question under its name."""
        self._writer.run("admin/save.sql.j2", words)

    def reopen(self, month: str, who: str) -> Close:
        """Take a month's close back."""
        with self._closing():
            return reopen(self._writer, month, who)

    @contextmanager
    def _closing(self) -> Iterator[None]:
        with self._changing():
            yield
            self._ledger.read_closes()

    def retain(self, month: str, *, really: bool) -> Retained:
        """Keep the ledger from a month on; without `really` only say what would go."""
        with self._turn():
            kept = retain(self._writer, month, really=really)
            if really:
                self._reading.horizon = kept.horizon
                self._ledger.commit_nothing()  # readers plan anew at a new commit
            return kept

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._writing:
            if self._unfinished:
                self._finish()
            yield

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Have the turn for something that writes: when it fails, perhaps it was written, so look before the next."""
        with self._turn():
            try:
                yield
            except BaseException:
                self._unfinished = True
                raise

    def load_list(self, kind: str, path: Path, origin: str, valid_from: str | None = None) -> ListReceipt:
        """Load a list of reference data; it tells facts about records that are loaded from then on."""
        with self._changing():
            self._check_reenriching()
            # A commit of its own: whatever is asked as of an earlier one is answered by the lists of before.
            receipt, known = lists.load(self._writer, kind, path, origin, valid_from, self._ledger.watermark + 1)
            before, self._reading.lookups = self._reading.lookups, known
            self._ledger.commit_nothing()
            # Whoever is reading a file now may still ask the lookups of before.
            lookups.drop_others(self._warehouse, before, known)
            return receipt

    def reenrich(
        self, start: str, end: str, zone: str, *, dry_run: bool = False, report: Report | None = None
    ) -> Reenriched:
        """Give calls that began in [start, end) the facts that reference data tells of them now.

        It takes a commit for each part of the span that changes, and lets loads that wait pass between them. Raises
        `Unprocessable` when the span is none, `Conflict` while another reenrichment goes on.
        """
        with self._turn():
            self._check_reenriching()
            span = Span.of(self._warehouse, start, end, zone, self._reading.horizon)
            facts = self._reading.facts(self._reading.lookups)
            made = Reenrichment(self._warehouse, self._ledger, facts, span, dry_run=dry_run)
            made.begin(self._writer)
            self._reenriching = True
        try:
            done = 0
            for hours, told in made.parts(self._settings.chunk_records):
                if report:
                    report(Progress("reenriching", done, made.total))
                with self._changing():
                    self._let_pass()
                    made.make(hours)
                done += told
            with self._changing():
                made.end(self._writer)
            return made.told
        finally:
            self._reenriching = False

    def _check_reenriching(self) -> None:
        if self._reenriching:
            raise Conflict(
                "reenriching",
                "reference data is being applied to calls that were loaded before",
                hint="wait until that is done",
            )

    def _let_pass(self) -> None:
        """Commit what waits now, before going on with something long."""
        for _ in range(len(self._queue)):
            self._commit_next()

    def rollback(self, batch: int, *, undo: bool = False, report: Report | None = None) -> Undone:
        """Take a batch back, as if it had never been loaded, or with `undo` give it again; says what changed.

        Raises `NotFound` for an unknown batch, `Conflict` when it is not loaded (or, to undo, not rolled back).
        """
        with self._turn():
            state = self._batches.state(batch)
            wanted = "rolled_back" if undo else "loaded"
            if state != wanted:
                raise Conflict(
                    "batch_state",
                    f"batch {batch} is {state.replace('_', ' ')}, not {wanted.replace('_', ' ')}",
                    hint="tollhouse batches tells what each batch is",
                )
            if horizon := self._batches.reaches_beyond(batch, self._reading.horizon):
                raise Conflict("before_horizon", f"batch {batch} holds calls from before {horizon}, which are gone")
            try:
                self._batches.note(batch, "restoring" if undo else "rolling_back", since=self._ledger.watermark)
                most = self._settings.chunk_records
                return change(self._warehouse, self._ledger, self._batches, batch, most, report)
            except BaseException:
                self._unfinished = True
                raise

    def mend(self, rollup: Rollup, zone: str, table: str, days: Sequence[int]) -> int:
        """Make days (their starts, in seconds) of a rollup table exact; return how many groups were not.

        Readers see the old sums until the commit is complete, and then the new ones.
        """
        with self._turn():
            try:
                if groups := self._ledger.count_inexact(rollup, zone, table, days):
                    self._ledger.commit_exact(rollup, zone, table, days)
            except BaseException:
                self._unfinished = True
                raise
            return groups


def _say(waiting: _Waiting, done: int) -> None:
    if waiting.report:
        waiting.report(Progress("loading", done, waiting.staged.rows))
