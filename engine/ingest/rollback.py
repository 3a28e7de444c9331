"""A batch that is being taken back or given again goes in, commits that make its change stand come out.

Every identity the batch spoke of is decided anew, hour by hour of traffic. What is right already posts nothing,
so a change that was interrupted is simply made again.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from engine.ingest.batches import Batches
from engine.ingest.ledger import Ledger
from engine.ingest.reading import Progress, Report
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse


class Undone(Struct, frozen=True):
    """What taking a batch back, or giving it again, changed, in records.

    `went`: stood and stands no more. `came`: stands and did not (a call that the batch had withdrawn).
    `fell_back`: another content of it stands instead. `stayed`: as before. `after_close`: how many of those that
    changed lie in a month that was closed.
    """

    batch: int
    state: str
    went: int
    came: int
    fell_back: int
    stayed: int
    after_close: int = 0


def change(
    warehouse: Warehouse, ledger: Ledger, batches: Batches, batch: int, most: int, report: Report | None = None
) -> Undone:
    """Make the change of a batch that is 'rolling_back' or 'restoring', at most about `most` records a commit."""
    back = batches.state(batch) == "rolling_back"
    ledger.read_batches()
    spoken = warehouse.query(Statement(render("ingest/hours_of_batch.sql"), {"batch": batch})).rows
    total = sum(int(count) for _, count in spoken)
    told = 0
    for hours, records in in_parts(spoken, most):
        if report:
            report(Progress("rolling back" if back else "restoring", told, total))
        ledger.commit_change(batch, hours, "rollback" if back else "restore")
        told += records
    state = "rolled_back" if back else "loaded"
    batches.note(batch, state)
    sql = render("ingest/changed.sql.j2", closed=bool(ledger.closed))
    counted = Statement(sql, {"batch": batch} | (ledger.closed_spans if ledger.closed else {}))
    went, came, fell_back, after_close = map(int, warehouse.query(counted).rows[0])
    return Undone(batch, state, went, came, fell_back, told - went - came - fell_back, after_close)


def in_parts(spoken: Sequence[Sequence[Any]], most: int) -> Iterator[tuple[list[int], int]]:
    """Yield hours, some at a time, and how many records they hold: at most about `most`, but whole hours."""
    hours: list[int] = []
    records = 0
    for hour, count in spoken:
        if hours and records + count > most:
            yield hours, records
            hours, records = [], 0
        hours.append(int(hour))
        records += int(count)
    if hours:
        yield hours, records
