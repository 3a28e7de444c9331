"""Staged records, a batch to take back or new facts go in, postings come out: one commit after the other.

Only one writer exists. A commit is decided first (from then on staging, decisions and the postings before it say
what it posts), inserted, and then marked complete, which moves the readers' watermark. Whatever dies in between
is finished by `recover`.
"""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from engine.catalog.model import Catalog, Rollup
from engine.ingest.facts import DERIVED
from engine.ingest.stage import joining, ledger_columns
from engine.ingest.writer import Writer
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from engine.warehouse.closes import Close, closes

OWN = ["joined", "waits", *(column["name"] for column in ledger_columns() if not column.keys() & {"alias", "derived"})]
COLUMNS = ", ".join([*OWN, *DERIVED])
_SCRATCH = ("decisions", "told", "reenriched")
_NOTHING = {"records": False, "decided": False, "contradictions": False, "reenriches": False}


class Chunk(Struct, frozen=True):
    """Rows (after, until] of the files of `batches`."""

    batches: tuple[int, ...]
    after: int
    until: int
    contradictions: bool

    @property
    def parameters(self) -> dict[str, Any]:
        """What the templates call them."""
        return {"batches": list(self.batches), "after": self.after, "until": self.until}


class Ledger:
    """The writer's side of the ledger."""

    def __init__(self, writer: Writer, catalog: Catalog, zones: tuple[str, ...]) -> None:
        self._writer = writer
        self._warehouse = writer.warehouse
        self._catalog = catalog
        self._zones = zones
        self.watermark = self._number("SELECT max(commit) FROM commit_log WHERE state = 'complete'")
        self.rolled_back: frozenset[int] = frozenset()
        self.forced: frozenset[int] = frozenset()
        self.read_batches()
        self.closed: tuple[Close, ...] = ()
        self.read_closes()

    def read_batches(self) -> None:
        """Look up which batches count no more, and which were loaded by force."""
        sql = (
            "SELECT batch, argMax(state, time) IN ('rolling_back', 'rolled_back'), max(forced) "
            "FROM batch_log GROUP BY batch"
        )
        rows = self._warehouse.query(Statement(sql)).rows
        self.rolled_back = frozenset(int(batch) for batch, gone, _ in rows if gone)
        self.forced = frozenset(int(batch) for batch, _, forced in rows if forced)

    def read_closes(self) -> None:
        """Look up which months are closed: what comes into them from now on is counted."""
        self.closed = tuple(closes(self._warehouse))

    @property
    def closed_spans(self) -> dict[str, list[int]]:
        """When closed months begin and end, in seconds, as the templates call it."""
        return {"firsts": [month.first for month in self.closed], "untils": [month.until for month in self.closed]}

    def _number(self, sql: str, **parameters: Any) -> int:
        return int(self._warehouse.value(Statement(sql, parameters)))

    def _run(self, template: str, structure: dict[str, Any], **parameters: Any) -> None:
        self._writer.run(template, parameters, **structure)

    @property
    def _said(self) -> dict[str, Any]:
        return {"rolled_back": sorted(self.rolled_back), "forced": sorted(self.forced)}

    def commit_chunk(self, chunk: Chunk) -> None:
        """Commit the staged records of a chunk; nothing happens when it holds none that can be taken."""
        commit = self.watermark + 1
        structure = {"contradictions": chunk.contradictions}
        parameters = {**chunk.parameters, "commit": commit}
        self._run("ingest/told.sql.j2", structure, **parameters)
        survey = Statement(render("ingest/survey.sql.j2", **structure), parameters)
        records, repeats, known = self._warehouse.query(survey).rows[0]
        if not records:
            return
        if repeats or known:
            shape = {**structure, "repeats": bool(repeats)}
            self._run("ingest/decide.sql.j2", shape, **parameters, **self._said)
        self._post(commit, "load", chunk, decided=bool(repeats or known))

    def join(self, batch: int) -> None:
        """Stage the calls of which one half came with this batch and the other with another."""
        self._run("ingest/join.sql.j2", joining(), batch=batch, rolled_back=sorted(self.rolled_back))

    def commit_change(self, batch: int, hours: Sequence[int], kind: str) -> None:
        """Commit what changes in these hours now that `batch` counts no more, or counts again."""
        commit = self.watermark + 1
        told = {"batch": batch, "hours": list(hours)}
        self._run("ingest/redecide.sql.j2", {"contradictions": False}, **told, **self._said, commit=commit)
        if self._decides(commit):
            self._post(commit, kind, Chunk((batch,), 0, 0, contradictions=False), decided=True)

    def commit_facts(self, structure: dict[str, Any], parameters: dict[str, Any]) -> Sequence[Any] | None:
        """Commit the facts that are not what the ledger has; return how many are not, None when all are.

        `Reenrichment` says of which calls, and how facts are found.
        """
        commit = self.watermark + 1
        self._run("ingest/reenrich.sql.j2", {**structure, "step": "write"}, **parameters)
        count = render("ingest/reenrich.sql.j2", **structure, step="count")
        counts = self._warehouse.query(Statement(count, {"commit": commit, **self.closed_spans})).rows[0]
        if not counts[-1]:
            return None
        self._post(commit, "reenrich", Chunk((0,), 0, 0, contradictions=False), decided=False)
        self._writer.drop("reenriched", commit)
        return counts

    def _decides(self, commit: int) -> bool:
        return bool(self._number("SELECT count() FROM decisions WHERE commit = {commit:UInt32}", commit=commit))

    def _post(self, commit: int, kind: str, chunk: Chunk, *, decided: bool) -> None:
        shape = self._shape(kind, chunk, decided=decided)
        parameters = {"commit": commit, **chunk.parameters}
        counted = {**shape, "closed": bool(self.closed)}
        self._run("ingest/log_decided.sql.j2", counted, **parameters, **self.closed_spans, kind=kind)
        self._run("ingest/postings.sql.j2", {**shape, "recovering": False}, **parameters)
        self._complete(commit, decided=decided)

    def _shape(self, kind: str, chunk: Chunk, *, decided: bool) -> dict[str, Any]:
        return {
            "records": kind == "load",
            "decided": decided,
            "contradictions": chunk.contradictions,
            "reenriches": kind == "reenrich",
            "columns": COLUMNS,
            "own": OWN,
            "derived": list(DERIVED),
        }

    def _complete(self, commit: int, *, decided: bool) -> None:
        self._run("ingest/log_complete.sql.j2", {}, commit=commit)
        self.watermark = commit
        if decided:
            self._sweep(commit)

    def _sweep(self, commit: int) -> None:
        self._writer.drop("decisions", commit)
        self._writer.drop("told", commit)

    def recover(self) -> int | None:
        """Finish the commit that was open when the last writer died; return its number, None if there was none.

        A commit that was not fully decided never was: its scratch is swept. One that was is final: the
        postings the ledger lacks are inserted and every day it touches is made exact in every rollup.
        """
        self._writer.end_commits()
        open_commits = self._warehouse.query(Statement(render("ingest/open_commit.sql"))).rows
        for commit, kind, batches, after, until in open_commits:
            chunk = Chunk(tuple(batches), int(after), int(until), contradictions=True)
            decided = self._decides(commit)
            if kind != "exact":
                shape = self._shape(kind, chunk, decided=decided)
                self._run("ingest/postings.sql.j2", {**shape, "recovering": True}, **chunk.parameters, commit=commit)
                self._run("ingest/number_hours.sql.j2", {}, commit=commit)
            for rollup, zone, table in layout.tables_of(self._catalog, self._zones):
                self._make_exact(rollup, zone, table, self._days_of_commit(zone, commit), commit)
            self._complete(int(commit), decided=decided)
        for table in _SCRATCH:
            left = self._warehouse.query(Statement(f"SELECT DISTINCT commit FROM {table}")).rows
            self._writer.drop(table, *(int(commit) for (commit,) in left))
        return int(open_commits[-1][0]) if open_commits else None

    def begun(self, batches: Sequence[int]) -> set[int]:
        """Return those of these batches of which something is committed."""
        sql = "SELECT DISTINCT batch FROM commit_log WHERE batch IN {batches:Array(UInt32)}"
        return {int(batch) for (batch,) in self._warehouse.query(Statement(sql, {"batches": list(batches)})).rows}

    def _days_of_commit(self, zone: str, commit: int) -> Sequence[Any]:
        rows = self._warehouse.query(
            Statement(
                "SELECT DISTINCT toUnixTimestamp(toStartOfDay(start_time, {zone:String})) "
                "FROM cdr WHERE commit = {commit:UInt32} ORDER BY 1",
                {"zone": zone, "commit": commit},
            )
        ).rows
        return [row[0] for row in rows]

    def cover(self, tables: Collection[str]) -> None:
        """Make rollup tables that do not cover the ledger yet exact, month by month, each its own commit."""
        rules = str(
            self._warehouse.value(Statement("SELECT value FROM system.build_options WHERE name = 'TZDATA_VERSION'"))
        )
        # Days from before the horizon stay as they are, and a rollup that is new begins there.
        horizon = layout.horizon(self._warehouse)
        for rollup, zone, table in layout.tables_of(self._catalog, self._zones):
            if table not in tables:
                continue
            if horizon and f"covered:{table}" not in layout.read_facts(self._warehouse):
                layout.write_fact(self._warehouse, f"begins:{table}", horizon)
            months: dict[int, list[Any]] = {}
            for month, day in self._warehouse.query(
                Statement(
                    render("ingest/all_days.sql.j2", table=table, grain=rollup.grain),
                    {"zone": zone, "horizon": horizon or "1970-01-01"},
                )
            ).rows:
                months.setdefault(int(month), []).append(day)
            for days in months.values():
                self.commit_exact(rollup, zone, table, days)
            layout.write_fact(self._warehouse, f"covered:{table}", rules)

    def commit_exact(self, rollup: Rollup, zone: str, table: str, days: Sequence[Any]) -> int:
        """Make days (their starts, in seconds) of a rollup table exact, in a commit of its own; return it."""
        commit = self.watermark + 1
        self._run("ingest/log_decided.sql.j2", _NOTHING, commit=commit, kind="exact")
        self._make_exact(rollup, zone, table, days, commit)
        self._complete(commit, decided=False)
        return commit

    def commit_nothing(self) -> int:
        """Complete a commit without postings, at which something beside the calls has changed; return it."""
        commit = self.watermark + 1
        self._run("ingest/log_decided.sql.j2", _NOTHING, commit=commit, kind="exact")
        self._complete(commit, decided=False)
        return commit

    def count_inexact(self, rollup: Rollup, zone: str, table: str, days: Sequence[Any]) -> int:
        """Return how many groups of these days are not what the ledger says."""
        sql = render("ingest/count_inexact.sql.j2", **self._shape_of(rollup, zone, table))
        return self._number(sql, days=list(days)) if days else 0

    def _make_exact(self, rollup: Rollup, zone: str, table: str, days: Sequence[Any], commit: int) -> None:
        if days:
            structure = self._shape_of(rollup, zone, table)
            self._run("ingest/make_exact.sql.j2", structure, commit=commit, days=list(days))

    def _shape_of(self, rollup: Rollup, zone: str, table: str) -> dict[str, Any]:
        parts = layout.parts_of(self._catalog, rollup)
        return {"table": table, "zone": zone, "grain": rollup.grain, "keys": rollup.keys, "parts": parts}
