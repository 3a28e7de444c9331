"""The engine's CSV goes in as it comes; its first record, and the same text again, come out."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain

from engine.errors import TollhouseError
from engine.query.limits import Limits
from engine.query.running import Ticket
from engine.statement import Statement


def described(statement: Statement) -> Statement:
    """Return the statement that tells a statement's columns; nothing is read for it."""
    return Statement(f"DESCRIBE ({statement.sql})", statement.parameters)


def counted(statement: Statement) -> Statement:
    """Return the statement that counts a statement's rows."""
    return Statement(f"SELECT count() FROM ({statement.sql})", statement.parameters)


def opened(pieces: Iterator[bytes]) -> tuple[list[str] | None, Iterator[bytes]]:
    """Return the fields of the first record, None when there is none, and all pieces again."""
    taken: list[bytes] = []
    for piece in pieces:
        taken.append(piece)
        # A record is whole when it ends outside quotes, of which a quote inside is two.
        begun = b"".join(taken)
        end = begun.find(b"\n")
        while end >= 0 and begun.count(b'"', 0, end) % 2:
            end = begun.find(b"\n", end + 1)
        if end >= 0:
            return next(csv.reader(io.StringIO(begun[:end].decode(), newline=""))), chain(taken, pieces)
    return None, iter(taken)


def codes(text: str) -> list[str]:
    """Return the currencies of a field that lists them.

    >>> codes("['EUR','USD']"), codes("[]")
    (['EUR', 'USD'], [])
    """
    return re.findall(r"'(\w*)'", text)


def limited(pieces: Iterator[bytes], limits: Limits, ticket: Ticket, *, owned: bool) -> Iterator[bytes]:
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
