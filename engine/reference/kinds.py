"""The declarations of schemas/reference/lists.toml go in, the kinds of list an operator may load come out."""

import tomllib
from functools import cache

import msgspec
from msgspec import Struct

from engine.errors import BadRequest, nearest
from engine.template import ROOT


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a list: SQL over `value` that must hold, and what the value should have been."""

    holds: str
    said: str
    also: tuple[str, ...] = ()
    digits: bool = False
    """A telephone number: `+`, `00` and punctuation are taken away."""


class ListKind(Struct, frozen=True, forbid_unknown_fields=True):
    """A list that can be loaded; of one key only one row is valid on a day."""

    label: str
    help: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    ignored: tuple[str, ...] = ()
    ordered: bool = False
    """Of several rows that fit, the first one counts."""
    name: str = ""

    @property
    def place(self) -> dict[str, int]:
        """Where each column lies among a row's cells, from 1."""
        return {name: number for number, name in enumerate(self.columns, 1)}


@cache
def kinds() -> dict[str, ListKind]:
    """Return every kind by name."""
    declared = tomllib.loads((ROOT / "schemas" / "reference" / "lists.toml").read_text("utf-8"))
    return {name: msgspec.convert({**said, "name": name}, ListKind) for name, said in declared.items()}


def kind_of(name: str) -> ListKind:
    """Return a kind; raises `BadRequest` when there is none of that name."""
    if name not in kinds():
        known = tuple(kinds())
        hint = nearest(name, known) or f"one of {', '.join(known)}"
        raise BadRequest("unknown_list", f"there is no list {name!r}", pointer="kind", hint=hint)
    return kinds()[name]
