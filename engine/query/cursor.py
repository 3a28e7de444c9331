"""The last call of a page goes in, the text that asks for the next page comes out, and back.

A cursor carries the commit its pages are read at, so they do not move while loading goes on, and belongs to one
search by one caller. It says nothing that the page did not.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import BadRequest
from engine.query.search import Search

_SEAL = 16


class Place(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """After which call a page begins, in milliseconds and by its identity, and the commit it is read at."""

    start_ms: int
    identity: str
    commit: int


def written(place: Place, search: Search, principal: Principal) -> str:
    """Return the cursor of a place in the calls that `search` finds for `principal`."""
    said = msgspec.json.encode(place)
    return urlsafe_b64encode(_seal(said, search, principal) + said).decode().rstrip("=")


def read(search: Search, principal: Principal) -> Place | None:
    """Return the place that the search's cursor stands for, None when it has none.

    Raises `BadRequest` for a text that is no cursor, and for the cursor of another search.
    """
    if search.cursor is None:
        return None
    text = search.cursor
    try:
        found = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        seal, said = found[:_SEAL], found[_SEAL:]
        place = msgspec.json.decode(said, type=Place)
        number = int(place.identity)
    except ValueError:  # what msgspec and base64 raise are of its kind
        raise refused("this is no cursor of /calls") from None
    if not (0 <= number < 2**128 and 0 <= place.start_ms < 2**42 and 0 <= place.commit < 2**32):
        raise refused("this is no cursor of /calls")
    if seal != _seal(said, search, principal):
        raise refused("this cursor belongs to another question, or was changed")
    return place


def _seal(said: bytes, search: Search, principal: Principal) -> bytes:
    asked: dict[str, Any] = msgspec.to_builtins(search)
    for free in ("cursor", "limit", "report"):
        del asked[free]
    asked["number"] = list(search.numbers)
    seen = [principal.audience, principal.accounts]
    return sha256(msgspec.json.encode([asked, seen], order="deterministic") + b"\0" + said).digest()[:_SEAL]


def refused(message: str) -> BadRequest:
    """Return the error for a cursor that cannot be used."""
    return BadRequest(
        "malformed", message, pointer="cursor", hint="send next_cursor with the same question, or leave it out to begin"
    )
