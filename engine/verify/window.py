"""Two days go in, the window they span comes out."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Self

from msgspec import Struct

from engine.errors import BadRequest

FIRST, LAST = "2000-01-01", "2100-01-01"
"""Between these lies everything the ledger takes."""

Watch = Callable[[str, int, int], None]
"""Told what is being done, how many pieces are done, and how many there are."""


class Window(Struct, frozen=True):
    """Days in UTC, [start, end): all October is from 2026-10-01 to 2026-11-01."""

    start: str
    end: str

    @classmethod
    def of(cls, start: str | None, end: str | None) -> Self:
        """Return the window between two days; one that is left out is open. Raises `BadRequest` for what is no day."""
        window = cls(_day("from", start or FIRST), _day("to", end or LAST))
        if window.start >= window.end:
            raise BadRequest(
                "bad_value",
                f"the window from {window.start} to {window.end} is empty",
                pointer="$.to",
                hint="to is exclusive: all October is from 2026-10-01 to 2026-11-01",
            )
        return window

    @property
    def seconds(self) -> tuple[int, int]:
        """Both ends in seconds since 1970."""
        return _seconds(self.start), _seconds(self.end)


def _day(name: str, text: str) -> str:
    try:
        found = date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadRequest(
            "bad_value", f"{text!r} is not a day", pointer=f"$.{name}", hint="write it like 2026-10-01"
        ) from None
    if not FIRST <= found <= LAST:
        raise BadRequest("bad_value", f"{found} is outside {FIRST} to {LAST}", pointer=f"$.{name}")
    return found


def _seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
