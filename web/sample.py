"""A site goes in, one with a small sample of reference data comes out: states, some LATAs, and the sample's DIDs.

Everything is made up of area codes: each lies in its state, and all codes of the greatest cities' in its centre.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from engine.site import Site
from engine.template import ROOT
from engine.traffic import numbers_of_ours

EXCHANGES = [exchange for exchange in range(200, 1000) if exchange % 100 != 11 and exchange != 555]


def load(site: Site, scratch: Path) -> None:
    """Load the sample's lists; `scratch` is a folder to write them in."""
    with (ROOT / "schemas" / "reference" / "sample_areas.csv").open(encoding="utf-8", newline="") as file:
        areas = list(csv.DictReader(file))
    codes = [
        (f"{area['npa']}{exchange}", area["state"], area["country"], area["lata"], area["rate_center"])
        for area in areas
        if area["lata"]
        for exchange in EXCHANGES
    ]
    npa, npanxx, dids = scratch / "npa.csv", scratch / "npanxx.csv", scratch / "dids.csv"
    _write(npa, ("npa", "state", "country"), [(area["npa"], area["state"], area["country"]) for area in areas])
    _write(npanxx, ("npanxx", "state", "country", "lata", "rate_center"), codes)
    _write(dids, ("number", "account"), numbers_of_ours(site.warehouse))
    for path in (npa, npanxx, dids):
        site.load_list(path.stem, path, "sample")


def _write(path: Path, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
