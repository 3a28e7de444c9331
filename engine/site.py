"""Settings go in, one opened Tollhouse comes out: what the command line and the web server stand on."""

from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import msgspec

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.errors import BadRequest, Conflict
from engine.ingest import dialects
from engine.ingest.check import Check
from engine.ingest.lists import ListReceipt
from engine.ingest.pipeline import Asked, Loader, Receipt, Reenriched, Report, Request, Retained, Retried, Undone
from engine.ingest.spool import Spool
from engine.ingest.stage import ledger_columns
from engine.query.answer import Answer, Stream
from engine.query.calls import Calls
from engine.query.cautions import Limit
from engine.query.lists import name_of
from engine.query.presets import described
from engine.query.question import Question
from engine.query.run import Desk, Explanation
from engine.query.running import Board, Ticket
from engine.query.saved import Draft, Saved, Shelf
from engine.query.streams import Streams
from engine.query.values import ValuePage, values
from engine.reference.lookups import versions
from engine.settings import Settings
from engine.statement import Statement
from engine.verify.report import Inspector, Rebuild, Verification
from engine.verify.window import Watch, Window
from engine.warehouse import layout
from engine.warehouse.closes import Close, closes
from engine.warehouse.gateway import Warehouse
from engine.warehouse.lease import Lease


class Site:
    """A database with its catalog, its one loader and its settings."""

    def __init__(self, settings: Settings, *, writes: bool = True) -> None:
        """Open the database; with `writes` become its one writer and finish what the last one left open."""
        self.settings = settings
        self.catalog = catalog().at(msgspec.structs.asdict(settings))
        self.recovered: list[Receipt] = []
        self._lease: Lease | None = None
        self._loader: Loader | None = None
        self._asked: Board | None = None
        self.warehouse = Warehouse(settings.database)
        try:
            frozen = {"timezone": settings.timezone}
            uncovered = layout.make(self.warehouse, self.catalog, settings.zones, ledger_columns(), frozen)
            kept = layout.kept(self.warehouse, self.catalog)
            if writes:
                self._lease = None if self.warehouse.embedded else Lease.take(self.warehouse)
                self._loader = Loader(self.warehouse, kept, settings, self._lease)
                self.recovered = self._loader.recover(uncovered)
                layout.drop_superseded(self.warehouse, self.catalog)
                uncovered = {}
            tables = layout.tables_of(self.catalog, settings.zones)
            covered = {table: (rollup, zone) for rollup, zone, table in tables if table not in uncovered}
            begins = layout.beginnings(self.warehouse)
            readable = {
                table: (layout.answerable(rollup, kept, self.catalog), zone)
                for table, (rollup, zone) in covered.items()
            }
            self.shelf = Shelf(
                self.warehouse, self.catalog, settings.reports_folder, lambda asked, who: self.desk.resolve(asked, who)
            )
            self.desk = Desk(
                self.warehouse,
                self.catalog,
                settings,
                readable,
                uncovered,
                begins,
                self._limits,
                self.shelf.defaults,
            )
            self._asked = self.desk.board
            self.streams = Streams(self.warehouse, self.catalog, settings, self.desk)
            self.calls = Calls(self.warehouse, self.catalog, settings, self.desk)
            self._inspector = Inspector(
                self.warehouse, kept, settings, tuple(covered.values()), tuple(uncovered), self.watermark
            )
        except BaseException:
            self.close()
            raise

    def _limits(self, dialect: str) -> tuple[Limit, ...]:
        """What the files of a dialect cannot say; nothing when the site knows it no more."""
        try:
            found = dialects.find(dialect, self.settings.dialects_folder)
        except BadRequest:
            return ()
        return tuple(Limit(limit.says, frozenset(limit.touches)) for limit in found.limits)

    @property
    def loader(self) -> Loader:
        """The one writer; raises `Conflict` when the database was opened for reading only."""
        if self._loader is None:
            raise Conflict("read_only", "this database was opened for reading only")
        return self._loader

    def ingest(
        self, path: Path, origin: str, asked: Asked, report: Report | None = None, request: Request | None = None
    ) -> Receipt:
        """Load one file as one batch; `origin` is what people call it."""
        return self.loader.load(path, origin, asked, report, request)

    @cached_property
    def spools(self) -> list[Spool]:
        """The folders that switches drop files into; raises `BadRequest` when one cannot be used."""
        for folder in self.settings.spool:
            if folder.zone is not None:
                self.loader.check_zone(folder.zone)
        return [
            Spool(folder, self.settings, lambda path, origin, asked, key: self.ingest(path, origin, asked, request=key))
            for folder in self.settings.spool
        ]

    def check(self, path: Path, origin: str, asked: Asked) -> Check:
        """Say how a file would map to records, column by column; nothing is loaded."""
        return self.loader.check(path, origin, asked)

    def rollback(self, batch: int, *, undo: bool = False, report: Report | None = None) -> Undone:
        """Take a batch back, as if it had never been loaded, or give it again."""
        return self.loader.rollback(batch, undo=undo, report=report)

    def retry(
        self, batch: int | None, dialect: str | None = None, zone: str | None = None, report: Report | None = None
    ) -> list[Retried]:
        """Read open rejects again, and load what can be read now."""
        return self.loader.retry(batch, dialect, zone, report)

    def close_month(self, month: str, who: str, zone: str | None = None) -> Close:
        """Close a month for invoicing, in the site's zone unless another is named."""
        return self.loader.close(month, zone or self.settings.timezone, who)

    def reopen_month(self, month: str, who: str) -> Close:
        """Take a month's close back; it can be closed anew."""
        return self.loader.reopen(month, who)

    def retain(self, month: str, *, really: bool) -> Retained:
        """Keep single calls from a month on, and only day sums of what is older; `really` does it."""
        return self.loader.retain(month, really=really)

    def load_list(self, kind: str, path: Path, origin: str, valid_from: str | None = None) -> ListReceipt:
        """Load a list of reference data, which replaces the one before it from `valid_from` on."""
        return self.loader.load_list(kind, path, origin, valid_from)

    def reenrich(
        self, start: str, end: str, zone: str | None = None, *, dry_run: bool = False, report: Report | None = None
    ) -> Reenriched:
        """Give calls that began in [start, end), in the site's zone unless another is named, the facts of today.

        `dry_run` only says what would change.
        """
        return self.loader.reenrich(start, end, zone or self.settings.timezone, dry_run=dry_run, report=report)

    def closes(self) -> list[Close]:
        """Return the months that are closed, the newest first."""
        return closes(self.warehouse)

    def verify(
        self, window: Window, *, repair: bool = False, limit: int = 10, watch: Watch | None = None
    ) -> Verification:
        """Prove the rollups over `window` and audit its calls; `repair` makes exact what differs."""
        mend = self.loader.mend if repair else None
        return self._inspector.verify(window, limit, watch, mend)

    def rebuild(self, window: Window, watch: Watch | None = None) -> Rebuild:
        """Make every rollup tile that overlaps `window` exact."""
        return self._inspector.rebuild(window, self.loader.mend, watch)

    def ask(self, question: Question, principal: Principal, ticket: Ticket | None = None) -> Answer:
        """Answer a question for whoever asks it."""
        return self.desk.ask(question, principal, ticket=ticket)

    def stream(self, question: Question, principal: Principal, ticket: Ticket | None = None) -> Stream:
        """Answer a question row by row."""
        return self.streams.open(question, principal, ticket=ticket)

    @property
    def board(self) -> Board:
        """The questions under way."""
        return self.desk.board

    def explain(self, question: Question, principal: Principal) -> Explanation:
        """Say why a question is answered from where."""
        return self.desk.explain(question, principal)

    def preset(self, question: Question, principal: Principal) -> dict[str, Any]:
        """Return the report a question names, as it was chosen, as a question without its window."""
        return described(question, self.shelf.defaults(question, principal))

    def save(self, draft: Draft, who: str, *, anew: bool = True) -> Saved:
        """Save a question under a name of its own, or change the one of that name."""
        self.loader.save(self.shelf.draft(draft, anew=anew) | {"who": who})
        return self.shelf.find(draft.name, ADMIN)

    def unsave(self, name: str, who: str) -> Saved:
        """Delete a saved question, and return what it was."""
        saved = self.shelf.find(name, ADMIN)
        self.loader.save(self.shelf.deleted(name) | {"who": who})
        return saved

    def values(self, dimension: str, principal: Principal, **asked: Any) -> ValuePage:
        """Return values of a dimension; `asked` are `search`, `limit`, `start` and `end`."""
        return values(self.desk, self.warehouse, principal, dimension, **asked)

    def name_of(self, dimension: str, id_: str) -> str | None:
        """Return what the list of `customer` or `provider` calls an id; None when it has no name."""
        return name_of(self.warehouse, self.catalog.dimensions[f"{dimension}_name"], id_)

    def lists(self) -> dict[str, int]:
        """Return the version that stands of each list that was ever loaded."""
        return versions(self.warehouse)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Every name a filter may use."""
        return (*self.catalog.dimensions, *self.catalog.measures)

    def watermark(self) -> int:
        """Return the highest commit a reader may see; raises when the database does not answer."""
        return self.desk.watermark().commit

    def today(self, zone: str | None = None) -> str:
        """Return the date in `zone`, or else in the site's, as the engine reckons it."""
        sql = "SELECT toString(toDate(now(), {zone:String}))"
        return str(self.warehouse.value(Statement(sql, {"zone": zone or self.settings.timezone})))

    def now(self, zone: str | None = None) -> str:
        """Return the local time in `zone`, or else in the site's, to the minute: `2026-10-05T14:37`."""
        sql = "SELECT formatDateTime(now(), '%Y-%m-%dT%H:%i', {zone:String})"
        return str(self.warehouse.value(Statement(sql, {"zone": zone or self.settings.timezone})))

    def newest_day(self) -> str | None:
        """Return the day, in the site's zone, of the newest call loaded; None when there is none."""
        found = self.newest_call()
        return None if found is None else found[:10]

    def newest_call(self, zone: str | None = None) -> str | None:
        """Return the local time, to the minute, of the newest call loaded; None when there is none."""
        sql = (
            "SELECT formatDateTime(max(last_start), '%Y-%m-%dT%H:%i', {zone:String}) "
            "FROM batch_log WHERE state = 'loaded'"
        )
        found = self.warehouse.value(Statement(sql, {"zone": zone or self.settings.timezone}))
        return None if found is None else str(found)

    @staticmethod
    def days_before(day: str, count: int) -> str:
        """Return the date `count` days before `day`."""
        return (date.fromisoformat(day) - timedelta(days=count)).isoformat()

    def announce(self, url: str) -> None:
        """Tell whoever finds the database held how to reach this process."""
        self.warehouse.announce(url)
        if self._lease is not None:
            self._lease.announce(url)

    def close(self) -> None:
        """End the questions under way, and let go of the database."""
        if self._asked is not None:
            self._asked.clear()  # the embedded engine would finish what they run
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        self.warehouse.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()
