"""A span of time goes in; commits that give its calls the facts reference data tells of them now come out.

What is right already posts nothing, so a reenrichment that was interrupted is simply made again.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from engine.errors import Unprocessable
from engine.ingest.facts import DERIVED, Facts
from engine.ingest.ledger import Ledger
from engine.ingest.rollback import in_parts
from engine.ingest.writer import Writer
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse
from engine.warehouse.instants import instant


class Span(Struct, frozen=True):
    """Calls that began in [first, until), in milliseconds since 1970."""

    first: int
    until: int

    @classmethod
    def of(cls, warehouse: Warehouse, start: str, end: str, zone: str, horizon: str | None) -> "Span":
        """Return the span between two dates, local times of `zone` or instants, as far as the ledger reaches back.

        Raises `Unprocessable` for what is no time, and when nothing lies between them.
        """
        first, until = (instant(warehouse, zone, text.strip()) for text in (start, end))
        if first >= until:
            raise Unprocessable(
                "bad_value",
                f"nothing lies between {start} and {end}",
                pointer="$.to",
                hint="to is exclusive: all October is from 2026-10-01 to 2026-11-01",
            )
        kept = instant(warehouse, "UTC", horizon) if horizon else first
        if until <= kept:
            raise Unprocessable(
                "before_horizon", f"calls from before {horizon} are gone, only their sums are kept", pointer="$.from"
            )
        return cls(max(first, kept), until)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the templates call them."""
        return {"first": self.first, "until": self.until}


class Reenriched(Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """What reference data of `reference` (the version of the lists) says now of the calls that began in [from, to).

    `records` stand there. `changed`: those of which something else is said now, `fields` how many by fact, and
    `after_close` those of closed months. `outcome_map` is the version of the site's own outcome map, 0 for the one that
    ships with the program. With `dry_run` nothing was posted.
    """

    start: str
    end: str
    dry_run: bool
    reference: int
    outcome_map: int
    records: int
    changed: int
    after_close: int
    fields: dict[str, int]


class Reenrichment:
    """A reenrichment that is being made, part by part."""

    def __init__(self, warehouse: Warehouse, ledger: Ledger, facts: Facts, span: Span, *, dry_run: bool) -> None:
        self._warehouse = warehouse
        self._ledger = ledger
        self._facts = facts
        self._span = span
        self._dry_run = dry_run
        self._changed = self._after_close = 0
        self._fields: Counter[str] = Counter()
        spoken = Statement(render("ingest/hours_of_span.sql"), span.parameters)
        hours = [tuple(map(int, row)) for row in warehouse.query(spoken).rows]
        self._hours = [(hour, postings) for hour, postings, _ in hours]
        self._records = sum(standing for _, _, standing in hours)
        self.total = sum(postings for _, postings in self._hours)
        """How many postings are to be read."""
        sql = "SELECT batch FROM batch_log GROUP BY batch HAVING max(national) ORDER BY batch"
        self._national = [int(batch) for (batch,) in warehouse.query(Statement(sql)).rows]

    def parts(self, most: int) -> list[tuple[list[int], int]]:
        """Return the hours to go through, some at a time, and how many postings each part has."""
        return list(in_parts(self._hours, most))

    def make(self, hours: Sequence[int]) -> None:
        """Post what changes in these hours as one commit; on a dry run only count it."""
        structure = {"contradictions": False, "derived": list(DERIVED), **self._facts.structure}
        parameters = {
            "hours": list(hours),
            "national": self._national,
            "commit": self._ledger.watermark + 1,
            **self._span.parameters,
            **self._ledger.closed_spans,
            **self._facts.parameters,
        }
        if self._dry_run:
            sql = render("ingest/reenrich.sql.j2", **structure, step="try")
            said = {name: value for name, value in parameters.items() if f"{{{name}:" in sql}
            self._count(self._warehouse.query(Statement(sql, said)).rows[0])
        elif counts := self._ledger.commit_facts(structure, parameters):
            self._count(counts)

    def begin(self, writer: Writer) -> None:
        """Write down that some calls of the span are told what is known now: answers name it."""
        if not self._dry_run:
            self._note(writer, "begun")

    def end(self, writer: Writer) -> None:
        """Write down that all calls of the span are told what is known now."""
        if not self._dry_run:
            self._note(writer, "done")
            self._ledger.commit_nothing()  # what was answered before keeps its words

    def _note(self, writer: Writer, state: str) -> None:
        known = self._facts.lookups
        said = {"state": state, "reference": known.version, "outcome_map": known.outcome_map}
        commit = self._ledger.watermark + 1
        told = {**self._span.parameters, **said, **self._facts.parameters, "commit": commit}
        writer.run("ingest/note_reenrichment.sql.j2", told)

    def _count(self, counts: Sequence[Any]) -> None:
        changed, after_close, fields, _ = counts
        self._changed += int(changed)
        self._after_close += int(after_close)
        self._fields.update(dict(zip(DERIVED, map(int, fields), strict=True)))

    @property
    def told(self) -> Reenriched:
        """What has changed so far."""
        known = self._facts.lookups
        return Reenriched(
            _written(self._span.first),
            _written(self._span.until),
            self._dry_run,
            known.version,
            known.outcome_map,
            self._records,
            self._changed,
            self._after_close,
            {name: count for name, count in self._fields.items() if count},
        )


def _written(milliseconds: int) -> str:
    told = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    return told.removesuffix("+00:00").removesuffix(".000") + "Z"
