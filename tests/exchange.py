"""Charges and exchange rates go in; what they come to in one currency, in plain Python, comes out."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.query.answer import money_text
from engine.site import Site

HERE = "America/New_York"
"""The site's zone: its clocks change on 8 March 2026."""
PLACES = Decimal("1e-8")
Rates = Mapping[tuple[date, str, str], Decimal]
"""Rates by day, from, to."""

_names = count(1)


class Sum:
    """A sum of money in one currency: exact, with the currencies and days that lack a rate."""

    def __init__(self) -> None:
        self.amount = Decimal(0)
        self.lacks: set[tuple[str, str]] = set()

    def add(self, record: Mapping[str, str], side: str, currency: str, rates: Rates) -> None:
        """Add a record's charge at the rate of its day, or of one at most seven days older."""
        charge = Decimal(record[f"{side}_charge"] or "0")
        code = record[f"{side}_currency"]
        if charge == 0:
            return
        day = datetime.fromisoformat(record["start_time"]).astimezone(ZoneInfo(HERE)).date()
        dated = (rates.get((day - timedelta(days=older), code, currency)) for older in range(8))
        rate = Decimal(1) if code == currency else next((one for one in dated if one is not None), None)
        if rate is None:
            self.lacks.add((code, str(day)))
            return
        with localcontext(prec=100):
            self.amount += charge * rate


def text(amount: Decimal) -> str:
    """Return an exact amount as an answer shows it: rounded once, half to even."""
    with localcontext(prec=100):
        return money_text(amount.quantize(PLACES, ROUND_HALF_EVEN))


def write(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write a CSV file of these rows; return its path."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def give_rates(site: Site, folder: Path, rates: Rates, since: str | None = None) -> None:
    """Load exchange rates."""
    rows = [
        {"date": str(day), "from": one, "to": other, "rate": format(rate, "f")}
        for (day, one, other), rate in rates.items()
    ]
    site.load_list("fx", write(folder / f"fx-{next(_names)}.csv", rows), "fx.csv", since)
