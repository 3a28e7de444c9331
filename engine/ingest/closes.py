"""A month goes in, what is complete at this moment becomes what was invoiced for it; later changes are marked."""

import re

from engine.errors import BadRequest, Conflict, NotFound, Unprocessable
from engine.ingest.writer import Writer
from engine.statement import Statement
from engine.template import render
from engine.warehouse.closes import Close, closes, words


def close(writer: Writer, month: str, zone: str, who: str, commit: int) -> Close:
    """Close a month in a zone at a commit.

    Raises `BadRequest` for what is no month or zone, `Unprocessable` for one that is not over, `Conflict` for one
    that is closed already.
    """
    if not re.fullmatch(r"2[01]\d\d-(0[1-9]|1[0-2])", month):
        raise BadRequest("malformed", f"{month!r} is not a month", pointer="$.month", hint="like 2026-10")
    known = "SELECT count() FROM system.time_zones WHERE time_zone = {zone:String}"
    if not writer.warehouse.value(Statement(known, {"zone": zone})):
        raise BadRequest(
            "unknown_zone", f"there is no time zone {zone!r}", pointer="$.timezone", hint="use an IANA name"
        )
    for closed in closes(writer.warehouse):
        if closed.month == month:
            raise Conflict(
                "already_closed",
                f"{month} was closed in {closed.zone} by {closed.who} at commit {closed.commit}",
                hint=f"what came since is in the adjustments report; tollhouse close {month} --undo reopens it",
            )
    year, number = map(int, month.split("-"))
    following = f"{year + number // 12}-{number % 12 + 1:02}"
    instants = Statement(render("query/instants.sql"), {"zone": zone, "locals": [f"{month}-01", f"{following}-01"]})
    first, until = (int(row[0]) // 1000 for row in writer.warehouse.query(instants).rows)
    if until > int(writer.warehouse.value(Statement("SELECT toUnixTimestamp(now())"))):
        raise Unprocessable(
            "month_not_over", f"{month} is not over in {zone}", pointer="$.month", hint="close it when it is"
        )
    window = {"first": first, "until": until, "zone": zone}
    writer.run("ingest/close.sql.j2", {"month": month, **window, "commit": commit, "who": who, "state": "closed"})
    return _last_word(writer, month)


def reopen(writer: Writer, month: str, who: str) -> Close:
    """Take a close back; the month can be closed anew. Raises `NotFound` when it is not closed."""
    for closed in closes(writer.warehouse):
        if closed.month == month:
            about = {"first": closed.first, "until": closed.until, "zone": closed.zone, "commit": closed.commit}
            writer.run("ingest/close.sql.j2", {"month": month, **about, "who": who, "state": "reopened"})
            return _last_word(writer, month)
    raise NotFound("not_closed", f"{month} is not closed", hint="tollhouse close lists the months that are")


def _last_word(writer: Writer, month: str) -> Close:
    return next(word for word in words(writer.warehouse) if word.month == month)
