"""A site and a window go in, the whole proof and every audit come out as one report; or rollups made exact again."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from engine.catalog.model import Catalog, Rollup
from engine.settings import Settings
from engine.verify.audits import KINDS, Audit, Auditor, Span
from engine.verify.proof import Mend, Prover, TableProof, join
from engine.verify.window import Watch, Window
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse

Tables = Sequence[tuple[Rollup, str]]


class Verification(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """Whether the rollups say what the ledger says, and what the audits found.

    `exact`: now they do, perhaps after a repair. `uncovered` are rollup tables no question uses yet. The audits
    looked at the ledger as it was at `commit`.
    """

    start: str
    end: str
    commit: int
    exact: bool
    repaired: bool
    tables: tuple[TableProof, ...]
    uncovered: tuple[str, ...]
    audits: tuple[Audit, ...]

    @property
    def clean(self) -> bool:
        """Whether no audit found anything."""
        return not any(audit.found for audit in self.audits)


class Rebuilt(Struct, frozen=True):
    """One rollup table made anew: days (`tiles`) compared, and groups that were not what the ledger says."""

    table: str
    zone: str
    tiles: int
    mended: int


class Rebuild(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """What a rebuild did."""

    start: str
    end: str
    tables: tuple[Rebuilt, ...]


class Inspector:
    """Where a site's figures are proven and its calls audited."""

    def __init__(
        self,
        warehouse: Warehouse,
        catalog: Catalog,
        settings: Settings,
        tables: Tables,
        uncovered: tuple[str, ...],
        watermark: Callable[[], int],
    ) -> None:
        self._warehouse = warehouse
        self._settings = settings
        self._tables = tables
        self._uncovered = uncovered
        self._watermark = watermark
        self._catalog = catalog

    def _kept(self, window: Window) -> Window:
        """Sums of calls that are gone cannot be proven: the window begins where the ledger does."""
        horizon = layout.horizon(self._warehouse)
        return Window(max(window.start, horizon), max(window.end, horizon)) if horizon else window

    def _provers(self) -> list[Prover]:
        return [
            Prover(self._warehouse, rollup, layout.parts_of(self._catalog, rollup), zone, self._watermark)
            for rollup, zone in self._tables
        ]

    def verify(self, window: Window, limit: int, watch: Watch | None = None, mend: Mend | None = None) -> Verification:
        """Prove every rollup table over `window` and run every audit; `limit` examples of each.

        With `mend`, what differs is made exact and compared again.
        """
        window = self._kept(window)
        auditor = Auditor(self._warehouse, self._settings, commit := self._watermark())
        spans = auditor.spans(window)
        pieces = [(prover, prover.pieces(window)) for prover in self._provers()]
        total = sum(len(found) for _, found in pieces) + sum(len(spans[kind.by_day]) for kind in KINDS)
        step = _Steps(watch, total)
        proofs = []
        for prover, found in pieces:
            of_table = [prover.prove(first, until, mend) for first, until in step.through(prover.table, found)]
            proofs.append(join(prover.table, prover.zone, of_table))
        audits = tuple(auditor.audit(kind, spans[kind.by_day], limit, step.named(kind.name)) for kind in KINDS)
        return Verification(
            start=window.start,
            end=window.end,
            commit=commit,
            exact=all(proof.exact for proof in proofs),
            repaired=any(proof.mended for proof in proofs),
            tables=tuple(proofs),
            uncovered=self._uncovered,
            audits=audits,
        )

    def rebuild(self, window: Window, mend: Mend, watch: Watch | None = None) -> Rebuild:
        """Make every day that overlaps `window` exact in every rollup, month by month, each in a commit of its own."""
        window = self._kept(window)
        pieces = [(prover, prover.pieces(window)) for prover in self._provers()]
        step = _Steps(watch, sum(len(found) for _, found in pieces))
        tables = []
        for prover, found in pieces:
            tiles = mended = 0
            for first, until in step.through(prover.table, found):
                of_piece = prover.days(first, until)
                tiles += len(of_piece)
                mended += mend(prover.rollup, prover.zone, prover.table, of_piece)
            tables.append(Rebuilt(prover.table, prover.zone, tiles, mended))
        return Rebuild(window.start, window.end, tuple(tables))


class _Steps:
    """Counts pieces of work for whoever watches."""

    def __init__(self, watch: Watch | None, total: int) -> None:
        self._watch = watch
        self._total = total
        self._done = 0

    def through(self, name: str, spans: Sequence[Span]) -> Iterator[Span]:
        """Yield each span, telling of it before and after."""
        tell = self.named(name, 0)
        for span in spans:
            tell()
            yield span
            self._done += 1

    def named(self, name: str, pieces: int = 1) -> Callable[[], None]:
        """Return what to call after each piece of `name`."""

        def tell() -> None:
            self._done += pieces
            if self._watch:
                self._watch(name, self._done, self._total)

        return tell
