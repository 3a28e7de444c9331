"""schemas/reference/country_prefixes.csv goes in, prefixes by length for a longest match comes out."""

import csv
from functools import cache

from engine.template import ROOT


@cache
def by_length() -> dict[int, tuple[list[str], list[str]]]:
    """Return prefixes and their countries, by prefix length, the longest first."""
    found: dict[int, tuple[list[str], list[str]]] = {}
    path = ROOT / "schemas" / "reference" / "country_prefixes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            prefixes, countries = found.setdefault(len(row["prefix"]), ([], []))
            prefixes.append(row["prefix"])
            countries.append(row["country"])
    return dict(sorted(found.items(), reverse=True))


@cache
def calling_code(country: str) -> str:
    """Return the shortest E.164 prefix of an ISO country, "" when it has none."""
    for prefixes, countries in reversed(by_length().values()):
        for prefix, owner in zip(prefixes, countries, strict=True):
            if owner == country:
                return prefix
    return ""
