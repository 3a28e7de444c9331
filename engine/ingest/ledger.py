"""Staged records go in, what they change goes to spool, ledger and rollups: one commit after the other.

Only one writer exists. A commit is spooled first (from then on its postings are final), inserted, and then
marked complete, which moves the readers' watermark. Whatever dies in between is finished by `recover`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.catalog.model import Catalog, Rollup
from engine.ingest.stage import ledger_columns
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from engine.warehouse.lease import Lease

COLUMNS = ", ".join(column["name"] for column in ledger_columns())


class Ledger:
    """The writer's side of the ledger."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, zones: tuple[str, ...], lease: Lease | None) -> None:
        self._lease = lease
        self._warehouse = warehouse
        self._catalog = catalog
        self._zones = zones
        self._last = self._number("SELECT max(commit) FROM commit_log WHERE state = 'complete'")

    def _number(self, sql: str, **parameters: Any) -> int:
        return int(self._warehouse.value(Statement(sql, parameters)))

    def _run(self, template: str, structure: dict[str, Any], **parameters: Any) -> None:
        self._warehouse.command(Statement(render(template, **structure), parameters))

    def commit_chunk(self, batch: int, after: int, until: int, *, repeats: bool, conflicts: bool) -> dict[str, int]:
        """Commit the staged records of `batch` in rows (after, until]; return how many had which verdict."""
        commit = self._last + 1
        chunk = {"batch": batch, "after": after, "until": until, "commit": commit}
        shape = {"conflicts": conflicts, "columns": COLUMNS}
        contested = repeats or self._known_in_ledger(chunk, conflicts)
        if contested:
            self._run("ingest/contest.sql.j2", shape, **chunk)
            contested = bool(self._number("SELECT count() FROM contest WHERE commit = {commit:UInt32}", commit=commit))
        self._run("ingest/spool_records.sql.j2", {**shape, "contested": False, "exclude": contested}, **chunk)
        if contested:
            self._run("ingest/spool_records.sql.j2", {**shape, "contested": True, "exclude": False}, **chunk)
            self._run("ingest/spool_reversals.sql.j2", shape, **chunk)
        counts = self._verdicts(commit)
        if self._lease is not None:
            self._lease.check()
        self._log(commit, "spooled", batch, until, counts)
        self._warehouse.command(
            Statement(
                f"INSERT INTO cdr (sign, batch, commit, content, {COLUMNS}) "
                f"SELECT sign, batch, commit, content, {COLUMNS} FROM spool WHERE commit = {{commit:UInt32}}",
                {"commit": commit},
            )
        )
        self._complete(commit, batch, until, counts)
        return counts

    def _known_in_ledger(self, chunk: dict[str, int], conflicts: bool) -> bool:
        # Most loads bring only new calls into hours that hold none of them: one look decides that.
        sql = render("ingest/known.sql.j2", conflicts=conflicts)
        return bool(self._number(sql, **{name: chunk[name] for name in ("batch", "after", "until")}))

    def _verdicts(self, commit: int) -> dict[str, int]:
        rows = self._warehouse.query(
            Statement(
                "SELECT verdict, count() FROM spool WHERE commit = {commit:UInt32} GROUP BY verdict",
                {"commit": commit},
            )
        ).rows
        return {str(verdict): int(count) for verdict, count in rows}

    def _log(self, commit: int, state: str, batch: int, until: int, counts: dict[str, int]) -> None:
        self._warehouse.command(
            Statement(
                "INSERT INTO commit_log (commit, state, batch, until, verdicts) SELECT {commit:UInt32}, "
                "{state:String}, {batch:UInt32}, {until:UInt64}, "
                "CAST(({verdicts:Array(String)}, {counts:Array(UInt64)}), 'Map(String, UInt64)')",
                {
                    "commit": commit,
                    "state": state,
                    "batch": batch,
                    "until": until,
                    "verdicts": list(counts),
                    "counts": list(counts.values()),
                },
            )
        )

    def _complete(self, commit: int, batch: int, until: int, counts: dict[str, int]) -> None:
        self._log(commit, "complete", batch, until, counts)
        self._last = commit
        self._sweep(commit)

    def _sweep(self, commit: int) -> None:
        for table in ("spool", "contest"):
            self._warehouse.command(Statement(f"ALTER TABLE {table} DROP PARTITION {int(commit)}"))

    def recover(self) -> int | None:
        """Finish the commit that was open when the last writer died; return its number, None if there was none.

        A commit that was not fully spooled never was: its scratch is swept. One that was is final: the
        postings the ledger lacks are inserted and every rollup tile it touches is made exact.
        """
        leftovers = self._warehouse.query(
            Statement(
                "SELECT DISTINCT commit FROM (SELECT commit FROM spool UNION ALL SELECT commit FROM contest) ORDER BY 1"
            )
        ).rows
        spooled = self._warehouse.query(
            Statement(
                "SELECT commit, any(batch), any(until), any(verdicts) FROM commit_log GROUP BY commit "
                "HAVING countIf(state = 'complete') = 0 ORDER BY commit"
            )
        ).rows
        for (commit,) in leftovers:
            if commit not in {row[0] for row in spooled}:
                self._sweep(commit)
        for commit, batch, until, verdicts in spooled:
            self._run("ingest/recover_insert.sql.j2", {"columns": COLUMNS}, commit=commit)
            for rollup, zone, table in layout.tables_of(self._catalog, self._zones):
                self._make_exact(rollup, zone, table, self._tiles_of_commit(zone, commit), commit)
            self._complete(int(commit), int(batch), int(until), dict(verdicts))
        return int(spooled[-1][0]) if spooled else None

    def _tiles_of_commit(self, zone: str, commit: int) -> Sequence[datetime]:
        rows = self._warehouse.query(
            Statement(
                "SELECT DISTINCT toUnixTimestamp(toStartOfDay(start_time, {zone:String})) "
                "FROM spool WHERE commit = {commit:UInt32} ORDER BY 1",
                {"zone": zone, "commit": commit},
            )
        ).rows
        return [row[0] for row in rows]

    def cover(self, tables: list[str]) -> None:
        """Make rollup tables that do not cover the ledger yet exact, month by month, each its own commit."""
        rules = str(
            self._warehouse.value(Statement("SELECT value FROM system.build_options WHERE name = 'TZDATA_VERSION'"))
        )
        for rollup, zone, table in layout.tables_of(self._catalog, self._zones):
            if table not in tables:
                continue
            months: dict[int, list[Any]] = {}
            for month, tile in self._warehouse.query(
                Statement(render("ingest/all_tiles.sql.j2", table=table), {"zone": zone})
            ).rows:
                months.setdefault(int(month), []).append(tile)
            for tiles in months.values():
                self.commit_exact(rollup, zone, table, tiles)
            layout.write_fact(self._warehouse, f"covered:{table}", rules)

    def commit_exact(self, rollup: Rollup, zone: str, table: str, tiles: Sequence[Any]) -> int:
        """Make day tiles (their starts, in seconds) of a rollup table exact, in a commit of its own; return it."""
        commit = self._last + 1
        if self._lease is not None:
            self._lease.check()
        self._log(commit, "spooled", 0, 0, {})
        self._make_exact(rollup, zone, table, tiles, commit)
        self._complete(commit, 0, 0, {})
        return commit

    def _make_exact(self, rollup: Rollup, zone: str, table: str, tiles: Sequence[Any], commit: int) -> None:
        if tiles:
            structure = {
                "table": table,
                "zone": zone,
                "keys": rollup.keys,
                "parts": layout.parts_of(self._catalog, rollup),
            }
            self._run("ingest/make_exact.sql.j2", structure, commit=commit, tiles=list(tiles))
