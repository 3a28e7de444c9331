"""Single calls and exchange rates go in, the same calls with their amounts in one currency, as text, come out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from engine.catalog.model import Told
from engine.query.answer import Warned, money_text
from engine.query.cautions import spans

Rates = Mapping[tuple[str, str], Decimal]
"""What a unit of a currency is worth in the one asked for, by currency and day."""

_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal("1e-8")


class Written:
    """Rows as callers get them: each amount at the rate of its call's day, rounded once, and empty without one."""

    def __init__(self, told: Sequence[Told], currency: str | None, rates: Rates) -> None:
        at = {column.name: place for place, column in enumerate(told)}
        self._money = [at[column.name] for column in told if column.type == "money"]
        self._profit = at.get("profit")
        self._sides = [
            (at[f"{side}_charge"], at[f"{side}_currency"])
            for side in ("customer", "provider")
            if f"{side}_charge" in at
        ]
        self._currency = None if currency == "native" else currency
        self._rates = rates
        self._missing: dict[str, set[str]] = defaultdict(set)

    def row(self, found: Sequence[Any], day: str) -> tuple[Any, ...]:
        """Return a row whose call began on `day`, in the site's zone."""
        cells = list(found)
        if self._currency is not None:
            amounts = [self._converted(cells[charge], cells[currency], day) for charge, currency in self._sides]
            for (charge, _), amount in zip(self._sides, amounts, strict=True):
                cells[charge] = amount
            if self._profit is not None and len(amounts) == 2:
                customer, provider = amounts
                cells[self._profit] = None
                if customer is not None and provider is not None:
                    cells[self._profit] = _EXACT.subtract(customer, provider)
        for place in self._money:
            cells[place] = None if cells[place] is None else money_text(cells[place].quantize(_PLACES, context=_EXACT))
        return tuple(cells)

    def _converted(self, amount: Decimal | None, currency: str, day: str) -> Decimal | None:
        if not amount or currency == self._currency:
            return amount
        rate = self._rates.get((currency, day))
        if rate is None:
            self._missing[currency].add(day)
            return None
        return _EXACT.multiply(amount, rate)

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What a reader of these rows must know."""
        if not self._missing:
            return ()
        told = "; in ".join(f"{code} of {spans(sorted(days))}" for code, days in sorted(self._missing.items()))
        message = f"no exchange rate to {self._currency} for money in {told}; those cells are empty"
        return (Warned("fx_missing", message),)
