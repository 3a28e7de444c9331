"""A zone and a window go in; instants, tiles and row counts, as the engine knows them, come out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from engine.catalog.model import Grain
from engine.catalog.preset import Compare
from engine.query.answer import Moment
from engine.query.periods import Earlier, earlier
from engine.query.tiling import Span, Tiles, Within, every, joined
from engine.statement import Statement
from engine.template import render
from engine.warehouse import layout
from engine.warehouse.gateway import Warehouse
from engine.warehouse.instants import instant

_SECONDS: dict[Grain, int] = {"hour": 3600, "minute15": 900}


class Coverage:
    """What is needed to plan: answers to small questions about time and size, remembered while they hold."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._watermark: tuple[int, Moment] | None = None
        self._instant = lru_cache(4096)(self._ask_instant)
        self._tiles = lru_cache(1024)(self._ask_tiles)
        self._earlier = lru_cache(1024)(partial(earlier, warehouse))
        self._sizes = lru_cache(4)(self._ask_sizes)
        self._horizon = lru_cache(4)(self._ask_horizon)

    def watermark(self) -> Moment:
        """Return the highest complete commit: what a reader may see."""
        if not self._warehouse.embedded:
            return self._ask_watermark()
        # Nobody else writes into an embedded database, so until a write of ours is over nothing has changed.
        writes = self._warehouse.writes
        if self._watermark is None or self._watermark[0] != writes:
            self._watermark = (writes, self._ask_watermark())
        return self._watermark[1]

    def _ask_watermark(self) -> Moment:
        sql = "SELECT commit, toString(time) FROM commit_log WHERE state = 'complete' ORDER BY commit DESC LIMIT 1"
        for commit, time in self._warehouse.query(Statement(sql)).rows:
            return Moment(int(commit), f"{str(time).replace(' ', 'T')}Z")
        return Moment(0, None)

    def instants(self, zone: str, texts: Sequence[str]) -> list[int]:
        """Return dates, local times and instants as milliseconds; raises 422 for what is none of them."""
        return [self._instant(zone, text.strip()) for text in texts]

    def _ask_instant(self, zone: str, text: str) -> int:
        return instant(self._warehouse, zone, text)

    def earlier(self, zone: str, start_ms: int, end_ms: int, compare: Compare) -> Earlier:
        """Return the period that a window is compared with."""
        return self._earlier(zone, start_ms, end_ms, compare)

    def tiles(self, grain: Grain, rollup_zone: str, window: Span, within: Within) -> Tiles:
        """Return a rollup's tiles that lie wholly in the window and within what they must not cross."""
        return self._tiles(grain, rollup_zone, window, within)

    def _ask_tiles(self, grain: Grain, rollup_zone: str, window: Span, within: Within) -> Tiles:
        if grain == "day":
            parameters = {"rollup_zone": rollup_zone, "from_ms": window.start, "to_ms": window.end}
            parameters |= {"from_s": window.start // 1000, "to_s": window.end // 1000}
            rows = self._rows("query/days.sql.j2", within, parameters)
            whole = [(int(start), int(end)) for start, end, is_whole in rows if is_whole]
            return Tiles(len(rows), joined(whole))
        seconds = _SECONDS[grain]
        first, last = -(-window.start // (1000 * seconds)) * seconds, window.end // (1000 * seconds) * seconds
        if first >= last:
            return Tiles(0, ())
        count = (last - first) // seconds
        if not within.buckets and within.rate_zone is None:
            return Tiles(count, (every(first, last, seconds),))
        parameters = {"first": first, "count": count, "seconds": seconds}
        rows = self._rows("query/tiles.sql.j2", within, parameters)
        return Tiles(count, tuple(every(int(start), int(end), seconds) for start, end in rows))

    def _rows(self, template: str, within: Within, told: dict[str, Any]) -> Sequence[Any]:
        sql = render(template, buckets=within.buckets, by_rate=within.rate_zone is not None)
        known = {"zone": within.zone, "rate_zone": within.rate_zone, **told}
        used = {name: value for name, value in known.items() if f"{{{name}:" in sql}
        return self._warehouse.query(Statement(sql, used)).rows

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
