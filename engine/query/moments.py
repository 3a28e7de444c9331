"""Words for a moment go in, the commit that was the newest then comes out: an instant, a batch, a month's close."""

import re
from collections.abc import Sequence

from engine.errors import Conflict, NotFound, TollhouseError, Unprocessable
from engine.query.answer import Moment
from engine.query.coverage import Coverage
from engine.statement import Statement
from engine.template import render
from engine.warehouse.closes import Close, closes
from engine.warehouse.gateway import Warehouse


class Moments:
    """Which commit a caller means."""

    def __init__(self, warehouse: Warehouse, coverage: Coverage) -> None:
        self._warehouse = warehouse
        self._coverage = coverage

    def commit(self, zone: str, text: str) -> int:
        """Return the commit for an instant or local time of `zone`, `batch:ID` or `close:YYYY-MM`.

        0 is before the first commit. Raises `NotFound` for an unknown batch, `Conflict` for one that is not yet
        loaded, `Unprocessable` for a month that is not closed or what is no moment at all.
        """
        if match := re.fullmatch(r"batch:(\d{1,9})", text):
            return self._of_batch(int(match[1]))
        if match := re.fullmatch(r"close:(\d{4}-\d{2})", text):
            return self.close(match[1]).commit
        try:
            milliseconds = self._coverage.instants(zone, [text])[0]
        except TollhouseError as mistake:
            if mistake.code == "bad_value":
                mistake.hint = "write an instant (2026-11-05T09:00Z), a local time, batch:ID or close:2026-10"
            raise
        sql = (
            "SELECT max(commit) FROM commit_log "
            "WHERE state = 'complete' AND toUnixTimestamp64Milli(time) <= {moment:Int64}"
        )
        return int(self._warehouse.value(Statement(sql, {"moment": milliseconds})))

    def _of_batch(self, batch: int) -> int:
        statement = Statement(render("query/moment_of_batch.sql"), {"batch": batch})
        commit, is_loaded, is_known = self._warehouse.query(statement).rows[0]
        if not is_known:
            raise NotFound("no_such_batch", f"there is no batch {batch}", hint="tollhouse batches lists them")
        if not is_loaded:
            raise Conflict("batch_state", f"batch {batch} is not loaded", hint="tollhouse batches tells what it is")
        return int(commit)

    def close(self, month: str) -> Close:
        """Return the close of a month; raises `Unprocessable` when it is not closed."""
        known = self.closes()
        for close in known:
            if close.month == month:
                return close
        listed = ", ".join(close.month for close in known) or "no month is"
        raise Unprocessable("not_closed", f"{month} is not closed", hint=f"closed: {listed}")

    def closes(self) -> Sequence[Close]:
        """Return the months that are closed, the newest first."""
        return closes(self._warehouse)

    def told(self, commit: int) -> Moment:
        """Return a commit with the time it was complete."""
        sql = (
            "SELECT concat(replaceOne(toString(max(time)), ' ', 'T'), 'Z') FROM commit_log "
            "WHERE state = 'complete' AND commit = {commit:UInt32}"
        )
        return Moment(commit, str(self._warehouse.value(Statement(sql, {"commit": commit}))) if commit else None)

    def later(self, commit: int) -> int:
        """Return about how many records were told after `commit`: what must be read to take them out again."""
        sql = (
            "SELECT sum(arraySum(mapValues(mapFilter((verdict, _) -> verdict != 'after_close', verdicts)))) "
            "FROM commit_log WHERE state = 'complete' AND commit > {commit:UInt32}"
        )
        return int(self._warehouse.value(Statement(sql, {"commit": commit})))
