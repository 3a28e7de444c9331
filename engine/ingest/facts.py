"""Lookups and the site's settings go in, what SQL needs to add facts about calls comes out."""

from typing import Any

from msgspec import Struct

from engine import countries
from engine.ingest.outcomes import outcome_map
from engine.reference.lookups import NOTHING, Lookups
from engine.settings import Settings

DERIVED = {
    "connected": "Bool",
    "outcome": "LowCardinality(String)",
    "country": "LowCardinality(String)",
    "orig_country": "LowCardinality(String)",
    "orig_npanxx": "LowCardinality(String)",
    "state": "LowCardinality(String)",
    "lata": "LowCardinality(String)",
    "rate_center": "LowCardinality(String)",
    "orig_state": "LowCardinality(String)",
    "orig_lata": "LowCardinality(String)",
    "orig_rate_center": "LowCardinality(String)",
    "jurisdiction": "LowCardinality(String)",
    "jurisdiction_lata": "LowCardinality(String)",
    "network": "LowCardinality(String)",
    "did": "String",
    "account": "LowCardinality(String)",
}
"""What a record gains when it is loaded, by ledger column: none of it is its content."""

COMPUTED = {
    "npanxx": (
        "String",
        "if(length(number) = 11 AND startsWith(number, '1') AND country != '', substring(number, 2, 6), '')",
    ),
    "lrn_npanxx": ("String", "if(match(lrn, '^1?[2-9][0-9]{9}$'), substring(lrn, length(lrn) - 9, 6), '')"),
    "account_matches": ("Bool", "did != '' AND account = customer"),
}
"""What follows from a record's own columns: the ledger works it out and keeps nothing."""


class Facts(Struct, frozen=True):
    """How facts are found: which lookups are asked, and what the site has decided."""

    lookups: Lookups
    zone: str
    home_country: str
    by_lrn: bool
    indeterminate_as: str
    territories_are_states: bool

    @classmethod
    def of(cls, lookups: Lookups, settings: Settings) -> "Facts":
        """Return how this site finds facts with these lookups."""
        return cls(
            lookups,
            settings.timezone,
            settings.home_country,
            settings.jurisdiction_lrn,
            settings.indeterminate_as,
            settings.territories == "states",
        )

    @property
    def structure(self) -> dict[str, Any]:
        """What decides the shape of the SQL."""
        known = self.lookups
        asked = (known.places, known.dids, known.retail)  # outcomes reckon their day themselves
        return {
            "lookups": known,
            "by_lrn": self.by_lrn,
            "by_day": any(lookup is not None and lookup.ranged for lookup in asked),
            "territories_are_states": self.territories_are_states,
            "outcomes": outcome_map().rule,
            "prefix_lengths": list(countries.by_length()),
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """The values it speaks of."""
        return {
            "site_zone": self.zone,
            "home_country": self.home_country,
            "home_code": countries.calling_code(self.home_country),
            "indeterminate_as": self.indeterminate_as,
            **{f"prefixes_{length}": prefixes for length, (prefixes, _) in countries.by_length().items()},
            **{f"countries_{length}": owners for length, (_, owners) in countries.by_length().items()},
        }


WITHOUT_LISTS = Facts.of(NOTHING, Settings())
"""How facts are found by a site that has decided nothing and loaded no list."""
