"""A zone and a window go in; instants, tiles and row counts, as the engine knows them, come out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial

from msgspec import Struct

from engine.query.answer import Moment
from engine.query.periods import Earlier, earlier
from engine.query.question import Compare
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from engine.warehouse.instants import instant


class Tile(Struct, frozen=True):
    """A whole day of a rollup's zone, in seconds; `whole` when it lies within one bucket of the question."""

    start: int
    end: int
    whole: bool


class Coverage:
    """What is needed to plan: answers to small questions about time and size, remembered while they hold."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._instant = lru_cache(4096)(self._ask_instant)
        self._tiles = lru_cache(1024)(self._ask_tiles)
        self._earlier = lru_cache(1024)(partial(earlier, warehouse))
        self._sizes = lru_cache(4)(self._ask_sizes)
        self._horizon = lru_cache(4)(self._ask_horizon)

    def watermark(self) -> Moment:
        """Return the highest complete commit: what a reader may see."""
        sql = (
            "SELECT max(commit), concat(replaceOne(toString(argMax(time, commit)), ' ', 'T'), 'Z') "
            "FROM commit_log WHERE state = 'complete'"
        )
        commit, time = self._warehouse.query(Statement(sql)).rows[0]
        return Moment(int(commit), str(time) if commit else None)

    def instants(self, zone: str, texts: Sequence[str]) -> list[int]:
        """Return dates, local times and instants as milliseconds; raises 422 for what is none of them."""
        return [self._instant(zone, text.strip()) for text in texts]

    def _ask_instant(self, zone: str, text: str) -> int:
        return instant(self._warehouse, zone, text)

    def earlier(self, zone: str, start_ms: int, end_ms: int, compare: Compare) -> Earlier:
        """Return the period that a window is compared with."""
        return self._earlier(zone, start_ms, end_ms, compare)

    def tiles(
        self,
        rollup_zone: str,
        zone: str,
        start_ms: int,
        end_ms: int,
        buckets: tuple[str, ...],
        rate_zone: str | None = None,
    ) -> tuple[Tile, ...]:
        """Return the day tiles of `rollup_zone` that lie wholly in the window, in order.

        With `rate_zone` one is whole only when it lies within a day of that zone too.
        """
        return self._tiles(rollup_zone, zone, start_ms, end_ms, buckets, rate_zone)

    def _ask_tiles(
        self,
        rollup_zone: str,
        zone: str,
        start_ms: int,
        end_ms: int,
        buckets: tuple[str, ...],
        rate_zone: str | None,
    ) -> tuple[Tile, ...]:
        parameters = {
            "rate_zone": rate_zone,
            "rollup_zone": rollup_zone,
            "zone": zone,
            "from_ms": start_ms,
            "to_ms": end_ms,
            "from_s": start_ms // 1000,
            "to_s": end_ms // 1000,
        }
        sql = render("query/tiles.sql.j2", buckets=buckets, by_rate=rate_zone is not None)
        used = {name: value for name, value in parameters.items() if f"{{{name}:" in sql}
        rows = self._warehouse.query(Statement(sql, used)).rows
        return tuple(Tile(int(start), int(end), bool(whole)) for start, end, whole in rows)

    def horizon(self, commit: int) -> int:
        """Return the instant in milliseconds before which the ledger keeps no calls; 0 while it keeps them all."""
        return self._horizon(commit)

    def _ask_horizon(self, commit: int) -> int:  # noqa: ARG002 - the key of the cache
        day = layout.horizon(self._warehouse)
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000) if day else 0

    def sizes(self, commit: int) -> dict[str, dict[int, int]]:
        """Return rows per table and month (yyyymm), as they were when `commit` was first asked about."""
        return self._sizes(commit)

    def _ask_sizes(self, commit: int) -> dict[str, dict[int, int]]:  # noqa: ARG002 - the key of the cache
        sql = (
            "SELECT table, toUInt32OrZero(partition), sum(rows) FROM system.parts "
            "WHERE active AND database = currentDatabase() GROUP BY table, partition"
        )
        sizes: dict[str, dict[int, int]] = {}
        for table, month, rows in self._warehouse.query(Statement(sql)).rows:
            sizes.setdefault(str(table), {})[int(month)] = int(rows)
        return sizes
