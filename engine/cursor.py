"""The place where one page of a list ended goes in, the text that asks for the next page comes out, and back.

Nobody but us reads such a text, so what a place is made of may change.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from engine.errors import BadRequest


def cursor(listed: str, *place: int) -> str:
    """Return the cursor of a place in the list that is called `listed`."""
    return urlsafe_b64encode(msgspec.json.encode([listed, *place])).decode().rstrip("=")


def place(text: str, listed: str, numbers: int) -> list[int]:
    """Return the place a cursor of the list `listed` stands for. Raises `BadRequest` for any other text."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        name, *found = msgspec.json.decode(urlsafe_b64decode(padded), type=list[str | int])
    except ValueError:  # what msgspec and base64 raise are of its kind
        name, found = "", []
    whole = [number for number in found if isinstance(number, int) and 0 <= number < 2**63]
    if name != listed or not len(whole) == len(found) == numbers:
        raise BadRequest(
            "malformed",
            f"this is no cursor of {listed}",
            pointer="cursor",
            hint="send next_cursor as it was given, or leave it out to begin",
        )
    return whole
