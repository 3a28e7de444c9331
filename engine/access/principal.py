"""Whoever asks goes in, what they may see comes out."""

from typing import Literal

from msgspec import Struct

Audience = Literal["operator", "customer"]


class Principal(Struct, frozen=True):
    """Who asks a question, whose calls they may see, and which fields exist for them.

    `accounts` None means every account; an empty tuple means none. The resolver puts it into every branch of
    every statement; it never comes from the question.
    """

    name: str
    accounts: tuple[str, ...] | None = None
    audience: Audience = "operator"


ADMIN = Principal("admin")
"""Who asks at the command line, and over loopback while no user exists."""
