"""A commit goes in, what an answer at that commit rests on beside the calls comes out: lists, currencies, sources."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from msgspec import Struct

from engine.catalog.model import Rollup
from engine.reference.lookups import versions
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse


class Origin(Struct, frozen=True):
    """Calls that came in one dialect and were judged by one outcome map: from when to when, in milliseconds.

    Of those that were given new facts later it is what was known then.
    """

    dialect: str
    outcome_map: int
    indeterminate_as: str
    first: int
    last: int


class Provenance:
    """Answers to small questions about what is not calls, remembered for the newest commits."""

    def __init__(
        self,
        warehouse: Warehouse,
        covered: Mapping[str, tuple[Rollup, str]],
        begins: Mapping[str, int],
        sizes: Callable[[int], Mapping[str, Mapping[int, int]]],
    ) -> None:
        """`sizes` tells the rows of every table, by month, at a commit."""
        self._warehouse = warehouse
        self._sizes = sizes
        # A rollup that began later than the ledger did may lack a currency of before.
        self._summed = [
            table for table, (rollup, _) in covered.items() if table not in begins and _keeps_currencies(rollup)
        ]
        self.versions = lru_cache(16)(partial(versions, warehouse))
        self.currencies = lru_cache(4)(self._ask_currencies)
        self.origins = lru_cache(16)(self._ask_origins)

    def _ask_currencies(self, commit: int) -> frozenset[str] | None:
        """Return every currency there is, and perhaps some that are there no more; None when nobody knows quickly."""
        if not self._summed:
            return None
        sizes = self._sizes(commit)
        least = min(self._summed, key=lambda table: sum(sizes.get(table, {}).values()))
        sql = f"SELECT DISTINCT customer_currency, provider_currency FROM {least}"
        return frozenset(str(code) for row in self._rows(sql) for code in row)

    def _ask_origins(self, commit: int) -> tuple[Origin, ...]:
        """Return where the calls of a commit came from."""
        return tuple(Origin(*row) for row in self._rows(render("query/origins.sql"), commit=commit))

    def _rows(self, sql: str, **parameters: int) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._warehouse.query(Statement(sql, parameters)).rows]


def _keeps_currencies(rollup: Rollup) -> bool:
    return {"customer_currency", "provider_currency"} <= set(rollup.keys)
