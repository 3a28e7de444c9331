"""A zone and a date, local time or instant go in; the moment it means, as the engine knows it, comes out."""

import re
from datetime import date, datetime

from engine.errors import Unprocessable, nearest
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?)?")


def instant(warehouse: Warehouse, zone: str, text: str) -> int:
    """Return the moment in milliseconds since 1970; raises `Unprocessable` for what is none, or no zone."""
    known = "SELECT count() FROM system.time_zones WHERE time_zone = {zone:String}"
    if not warehouse.value(Statement(known, {"zone": zone})):
        every = warehouse.query(Statement("SELECT time_zone FROM system.time_zones ORDER BY 1")).rows
        close = nearest(zone, [str(name) for (name,) in every])
        hint = f"{f'{close} ' if close else ''}zones have IANA names like Europe/Paris"
        raise Unprocessable("unknown_zone", f"there is no time zone {zone!r}", hint=hint)
    bad = Unprocessable(
        "bad_value",
        f"{text!r} is not a time",
        hint="write a date (2026-10-01), a local time (2026-10-01T12:30) or an instant (2026-10-01T12:30Z)",
    )
    try:
        parsed = datetime.fromisoformat(text) if len(text) > 10 else None
        day = parsed.date() if parsed else date.fromisoformat(text)
    except ValueError:
        raise bad from None
    if not 1970 <= day.year <= 2105:
        raise Unprocessable("bad_value", f"{text!r} is outside 1970 to 2105")
    if parsed is not None and parsed.tzinfo is not None:
        return round(parsed.timestamp() * 1000)
    if not _LOCAL.fullmatch(text):
        raise bad
    statement = Statement(render("query/instants.sql"), {"zone": zone, "locals": [text]})
    return int(warehouse.value(statement))
