"""A rollup table and a window go in; where it differs from the ledger, day by day and part by part, comes out.

It needs no lock. What is compared is what a reader at one commit sees of both, and that holds still while loads,
repairs and merges go on. A day in which a merge has mixed a newer commit is read again, by itself.
"""

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from engine.catalog.model import Part, Rollup
from engine.statement import Statement
from engine.template import render
from engine.verify.window import Window
from engine.warehouse.gateway import Warehouse

_READS = 20
_PAUSE = 0.05
_DAY = 86400

Mend = Callable[[Rollup, str, str, Sequence[int]], int]
"""Makes days (their starts, in seconds) of a rollup, zone and table exact; returns the groups that were not."""


class Difference(Struct, frozen=True):
    """One part of one day that is not what the ledger says. Money is text; `day` is of the table's zone.

    `groups` is in how many groups it differs: the day's totals may agree all the same. `worst` is the group in
    which it differs most, by column.
    """

    day: str
    part: str
    ledger: int | str
    rollup: int | str
    groups: int
    worst: dict[str, str]


class TableProof(Struct, frozen=True):
    """What the comparison of one rollup table found.

    `tiles` are days of its zone, also where the rollup is finer. `differing` counts those with a difference,
    `mended` the groups that were put right. `unsettled` are days that could not be read at one commit: their rows
    hold commits that are not complete.
    """

    table: str
    zone: str
    tiles: int
    groups: int
    differing: int
    mended: int
    exact: bool
    differences: tuple[Difference, ...]
    unsettled: tuple[str, ...]


class _Day(Struct):
    day: str
    mixed: bool
    differences: list[Difference]


class Prover:
    """Compares one rollup table with the ledger."""

    def __init__(
        self, warehouse: Warehouse, rollup: Rollup, parts: Sequence[Part], zone: str, watermark: Callable[[], int]
    ) -> None:
        self._warehouse = warehouse
        self.rollup = rollup
        self._parts = parts
        self.zone = zone
        self._watermark = watermark
        self.table = rollup.table(zone)

    @property
    def _structure(self) -> dict[str, Any]:
        keys, grain = self.rollup.keys, self.rollup.grain
        return {"table": self.table, "zone": self.zone, "grain": grain, "keys": keys, "parts": self._parts}

    def _rows(self, template: str, **parameters: int) -> Sequence[Sequence[Any]]:
        return self._warehouse.query(Statement(render(template, **self._structure), parameters)).rows

    def pieces(self, window: Window) -> list[tuple[int, int]]:
        """Return the spans, [first, until) in seconds and at most a month each, that hold the window's days."""
        start, end = window.seconds
        rows = self._rows("verify/pieces.sql.j2", **{"from": start, "to": end})
        return [(int(first), int(until)) for first, until in rows]

    def days(self, first: int, until: int) -> list[int]:
        """Return the starts of the days in a span that ledger or rollup has something for."""
        return [int(day) for (day,) in self._rows("verify/days_of_rollup.sql.j2", first=first, until=until)]

    def prove(self, first: int, until: int, mend: Mend | None) -> TableProof:
        """Compare the days of a span; with `mend`, make those that differ exact and compare them again."""
        found = self._rows("verify/compare.sql.j2", first=first, until=until, commit=self._watermark())
        suspects = [int(day) for day, _, differing, mixed in found if differing or mixed]
        read = {day: self._settle(day) for day in suspects}
        wrong = [day for day, seen in read.items() if seen.differences]
        mended = mend(self.rollup, self.zone, self.table, wrong) if mend and wrong else 0
        after = {day: self._settle(day) for day in wrong} if mended else {}
        last = read | after
        return TableProof(
            table=self.table,
            zone=self.zone,
            tiles=len(found),
            groups=sum(int(groups) for _, groups, _, _ in found),
            differing=len(wrong),
            mended=mended,
            exact=not any(seen.differences or seen.mixed for seen in last.values()),
            differences=tuple(difference for seen in read.values() for difference in seen.differences),
            unsettled=tuple(seen.day for seen in last.values() if seen.mixed),
        )

    def _settle(self, day: int) -> _Day:
        """Read one day until nothing newer is mixed in; the last reading when that never happens."""
        for read in range(_READS):
            seen = self._read(day)
            if not seen.mixed:
                break
            time.sleep(_PAUSE * min(read, 10))
        return seen

    def _read(self, first: int) -> _Day:
        commit = self._watermark()
        until = first + (1 if self.rollup.grain == "day" else _DAY)
        [(day, _, mixed, *sums)] = self._rows("verify/differences.sql.j2", first=first, until=until, commit=commit)
        differences = []
        for part, (ledger, rollup, groups, named) in zip(self._parts, sums, strict=True):
            if groups:
                worst = dict(zip(self.rollup.keys, named, strict=True))
                differences.append(
                    Difference(str(day), part.name, _said(part, ledger), _said(part, rollup), int(groups), worst)
                )
        # What is read of a day with a newer commit in it is no difference, only noise.
        return _Day(str(day), bool(mixed), [] if mixed else differences)


def _said(part: Part, text: str) -> int | str:
    """A sum as an answer has it: money as text with at least two places."""
    if not part.money:
        return int(text)
    whole, _, fraction = format(Decimal(text), "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def join(table: str, zone: str, proofs: Sequence[TableProof]) -> TableProof:
    """Return the proofs of the spans of one table as one; of no span it is exact, for there is nothing."""
    return TableProof(
        table=table,
        zone=zone,
        tiles=sum(proof.tiles for proof in proofs),
        groups=sum(proof.groups for proof in proofs),
        differing=sum(proof.differing for proof in proofs),
        mended=sum(proof.mended for proof in proofs),
        exact=all(proof.exact for proof in proofs),
        differences=tuple(difference for proof in proofs for difference in proof.differences),
        unsettled=tuple(day for proof in proofs for day in proof.unsettled),
    )
