"""A failure anywhere goes in, one of a few named errors with a code, a pointer and a hint comes out.

TollhouseError
├── BadRequest      malformed or unknown input (HTTP 400, exit 2)
├── Unauthorized    nobody we know (HTTP 401, exit 2)
├── Forbidden       known, but not allowed (HTTP 403, exit 2)
├── NotFound        no such thing (HTTP 404, exit 2)
├── Conflict        cannot be now (HTTP 409, exit 2)
├── TooLarge        over a limit (HTTP 413, exit 2)
├── Unprocessable   well-formed but not answerable (HTTP 422, exit 2)
├── TooMany         too much at once (HTTP 429, exit 2)
└── Unavailable     the engine or database cannot be reached (HTTP 503, exit 2)
"""

from difflib import get_close_matches
from typing import ClassVar


class TollhouseError(Exception):
    """The root: what went wrong, where, and what to do about it."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, *, pointer: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.pointer = pointer
        self.hint = hint

    def __str__(self) -> str:
        place = f" at {self.pointer}" if self.pointer else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.message}{place}{hint}"


class BadRequest(TollhouseError):
    """Malformed or unknown input."""

    status = 400


class Unauthorized(TollhouseError):
    """The caller is nobody we know."""

    status = 401


class Forbidden(TollhouseError):
    """The caller is known and may not have this."""

    status = 403


class NotFound(TollhouseError):
    """There is no such thing."""

    status = 404


class Conflict(TollhouseError):
    """The thing exists or is busy, so this cannot be done now."""

    status = 409


class TooLarge(TollhouseError):
    """More than the site's limit allows."""

    status = 413


class Unprocessable(TollhouseError):
    """Well-formed, but it cannot be answered as asked."""

    status = 422


class TooMany(TollhouseError):
    """Too much at once: the same is taken a moment later."""

    status = 429


class Unavailable(TollhouseError):
    """The engine or the database cannot be reached."""

    status = 503


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str | None:
    """Return a hint that names the known name closest to `name`, whatever its case, or None when nothing is near."""
    spelled = {one.lower(): one for one in reversed(known)}
    matches = get_close_matches(name.lower(), spelled, n=1, cutoff=0.5)
    return f"did you mean {spelled[matches[0]]!r}?" if matches else None
