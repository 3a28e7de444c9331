"""The outcome map of schemas/outcomes.toml goes in, ordered SQL conditions come out."""

import tomllib
from functools import cache
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engine.template import ROOT


class OutcomeRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the map; a record with a SIP code is judged by that code only."""

    outcome: str
    sip: tuple[int, ...] = ()
    sip_range: Annotated[tuple[int, ...], Meta(max_length=2)] = ()
    q850: tuple[int, ...] = ()
    rang: bool | None = None

    @property
    def condition(self) -> str:
        """The rule as SQL over `code` (SIP, 0 when none), `q850` and `rang`."""
        ways = []
        if self.sip or self.sip_range:
            code = (
                f"code IN ({', '.join(map(str, self.sip))})"
                if self.sip
                else f"code BETWEEN {self.sip_range[0]} AND {self.sip_range[1]}"
            )
            ways.append(code if self.rang is None else f"{code} AND {'' if self.rang else 'NOT '}rang")
        if self.q850:
            ways.append(f"code = 0 AND q850 IN ({', '.join(map(str, self.q850))})")
        return " OR ".join(ways)


class OutcomeLabel(Struct, frozen=True, forbid_unknown_fields=True):
    """What people read for an outcome, and whether E.425's NER counts it as effective."""

    label: str
    help: str
    ner: bool


class OutcomeMap(Struct, frozen=True, forbid_unknown_fields=True):
    """A version of the map."""

    version: int
    rule: tuple[OutcomeRule, ...]
    outcomes: dict[str, OutcomeLabel]


@cache
def outcome_map() -> OutcomeMap:
    """Return the map that ships with the program."""
    text = (ROOT / "schemas" / "outcomes.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), OutcomeMap)
