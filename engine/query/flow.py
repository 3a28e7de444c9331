"""The engine's CSV or JSON goes in as it comes; its first record, and the same text again, come out."""

import csv
import io
import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from engine.errors import TollhouseError
from engine.query.limits import Limits
from engine.query.running import Ticket
from engine.statement import Statement

P = TypeVar("P")


def described(statement: Statement) -> Statement:
    """Return the statement that tells a statement's columns; nothing is read for it."""
    return Statement(f"DESCRIBE ({statement.sql})", statement.parameters)


def counted(statement: Statement) -> Statement:
    """Return the statement that counts a statement's rows."""
    return Statement(f"SELECT count() FROM ({statement.sql})", statement.parameters)


def opened(pieces: Iterator[bytes], names: Sequence[str] | None = None) -> tuple[dict[str, Any], Generator[bytes]]:
    """Return the first record by its names, empty when there is none, and all pieces again.

    With `names` the pieces are CSV, else they are objects of JSON, a line each.
    """
    taken: list[bytes] = []
    for piece in pieces:
        taken.append(piece)
        begun = b"".join(taken)
        end = begun.find(b"\n")
        while names and end >= 0 and begun.count(b'"', 0, end) % 2:
            # A record of CSV is whole when it ends outside quotes, of which a quote inside is two.
            end = begun.find(b"\n", end + 1)
        if end >= 0:
            line = begun[:end]
            fields = next(csv.reader(io.StringIO(line.decode(), newline=""))) if names else ()
            first = dict(zip(names, fields, strict=True)) if names else msgspec.json.decode(line)
            return first, _again(taken, pieces)
    return {}, _again(taken, pieces)


def _again(taken: list[bytes], pieces: Iterator[bytes]) -> Generator[bytes]:
    while taken:
        yield taken.pop(0)
    yield from pieces  # and are closed with this


def lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what stands between line ends, however the text is cut into pieces."""
    left = b""
    for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        yield from whole
    if left:
        yield left


def codes(text: str) -> list[str]:
    """Return the currencies of a field that lists them.

    >>> codes("['EUR','USD']"), codes("[]")
    (['EUR', 'USD'], [])
    """
    return re.findall(r"'(\w*)'", text)


def limited(pieces: Iterator[P], limits: Limits, ticket: Ticket, *, owned: bool) -> Iterator[P]:
    """Yield the pieces; a limit that is met on the way is named, and the ticket told that there is no answer.

    When there is one, whoever brought the ticket knows when it is delivered; one of our own (`owned`) is done.
    """
    try:
        yield from pieces
    except TollhouseError as failure:
        ticket.failed()
        raise limits.named(failure) from failure
    except BaseException:  # whoever took them takes no more
        ticket.cancel()
        raise
    if owned:
        ticket.done(ticket.rows_read)
