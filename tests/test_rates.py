"""Exchange rates to the letter: which one counts, how often is rounded, and what a moment before they came gives."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, localcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.access.principal import ADMIN
from engine.errors import Conflict
from engine.ingest.pipeline import Asked
from engine.query import question, search
from engine.query.answer import Answer, Warned
from engine.settings import Settings
from engine.site import Site
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.exchange import HERE, PLACES, Rates, give_rates, text, write
from tests.test_money import RECORDS, WINDOW, amount

pytestmark = pytest.mark.engine

_names = count(1)


class Desk:
    """Calls of one test, told apart by their source, on a site that several share; their rates."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.source = f"switch-{next(_names)}"

    def load(self, *told: tuple[str, str, str, str], **more: str) -> int:
        """Load calls given as (id, start, charge, currency); the first letter is the customer. Return the batch."""
        rows = [
            {"call_id": one, "start_time": start, "duration": "60", "customer": one[0], "customer_charge": charge}
            | {"customer_currency": currency, "provider_charge": "0", **more}
            for one, start, charge, currency in told
        ]
        path = write(self.folder / f"calls-{next(_names)}.csv", rows)
        return self.site.ingest(path, "calls.csv", Asked(source=self.source)).batch

    def rates(self, told: Rates, since: str | None = None) -> None:
        give_rates(self.site, self.folder, told, since)

    def ask(self, **fields: Any) -> Answer:
        where = [{"field": "source", "op": "eq", "values": [self.source]}]
        asked = {**WINDOW, "rows": ["customer"], "measures": ["customer_charge"], "where": where}
        return self.site.ask(question.of({**asked, "sort": [{"field": "customer"}], **fields}), ADMIN)

    def charges(self, **fields: Any) -> list[tuple[Any, ...]]:
        return self.ask(**fields).rows


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('rates')}", timezone=HERE)) as site:
        yield site


@pytest.fixture
def desk(shared: Site, tmp_path: Path) -> Desk:
    return Desk(shared, tmp_path)


def test_amounts_are_rounded_once_half_to_even_and_totals_before(desk: Desk) -> None:
    noon = "2026-03-02T17:00:00Z"
    desk.load(
        ("a1", noon, "0.00000001", "EUR"), ("b1", noon, "0.00000003", "EUR"), ("c1", noon, "-0.00000001", "EUR"),
        ("d1", noon, "0.00000001", "EUR"), ("d2", "2026-03-03T17:00:00Z", "0.00000001", "EUR"),
        ("f1", noon, "0.00000001", "EUR"), ("g1", noon, "0.00000001", "EUR"),
        ("e1", noon, "9999999999.99999999", "JPY"),
    )  # fmt: skip
    half = Decimal("0.5")
    most = Decimal("999999999.999999999999999999")
    day = date(2026, 3, 2)
    desk.rates({(day, "EUR", "USD"): half, (date(2026, 3, 3), "EUR", "USD"): half, (day, "JPY", "USD"): most})
    answer = desk.ask(totals=True)
    assert answer.rows == [
        ("a", "0.00"),  # 0.5 of the last place: to the even one
        ("b", "0.00000002"),  # 1.5
        ("c", "0.00"),
        ("d", "0.00000001"),  # two halves of two days are one
        ("e", "9999999999999999989.99999999"),
        ("f", "0.00"),
        ("g", "0.00"),
    ]
    with localcontext(prec=100):
        exact = Decimal("9999999999.99999999") * most + half * (1 + 3 - 1 + 1 + 1 + 1 + 1) * PLACES
    assert answer.totals == (None, text(exact))
    assert answer.totals[1] != text(sum(Decimal(row[1]) for row in answer.rows))  # type: ignore[arg-type]


def test_a_rate_holds_on_its_day_and_seven_more(desk: Desk) -> None:
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(10)]
    desk.load(*((f"{n}x", f"{day}T17:00:00Z", "1", "EUR") for n, day in enumerate(days)))
    desk.rates({(days[1], "EUR", "USD"): Decimal(2)})
    assert desk.charges() == [("0", None), *((str(n), "2.00") for n in range(1, 9)), ("9", None)]
    [told] = desk.ask().warnings
    assert told == Warned(
        "fx_missing",
        "no exchange rate to USD for customer money in EUR of 2026-03-01, 2026-03-10; those cells are empty",
    )


def test_a_day_is_one_of_the_sites_zone_whatever_zone_is_asked(desk: Desk) -> None:
    """In the night of 8 March the clocks of New York go forward: its day lasts from 05:00 to 04:00 UTC."""
    edges = ["2026-03-08T04:59:59.999Z", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59.999Z", "2026-03-09T04:00:00Z"]
    desk.load(*((f"{n}x", moment, "1", "EUR") for n, moment in enumerate(edges)))
    desk.rates({(date(2026, 3, 7 + n), "EUR", "USD"): Decimal(n + 1) for n in range(3)})
    for zone in (HERE, "UTC", "Asia/Tokyo"):
        assert [row[1] for row in desk.charges(timezone=zone)] == ["1.00", "2.00", "2.00", "3.00"], zone


def test_inverse_and_cross_rates_are_not_derived(desk: Desk) -> None:
    desk.load(("a", "2026-03-02T17:00:00Z", "1", "EUR"), ("b", "2026-03-02T17:00:00Z", "1", "USD"))
    desk.rates({
        (date(2026, 3, 2), "USD", "EUR"): Decimal("0.9"), (date(2026, 3, 2), "USD", "USD"): Decimal(7),
        (date(2026, 3, 2), "EUR", "JPY"): Decimal(160),
    })  # fmt: skip
    assert desk.charges() == [("a", None), ("b", "1.00")]
    assert desk.charges(currency="EUR") == [("a", "1.00"), ("b", "0.90")]
    assert desk.charges(currency="JPY") == [("a", "160.00"), ("b", None)]


def test_rates_from_a_day_on_leave_those_of_before(desk: Desk) -> None:
    desk.load(*((f"{n}x", f"2026-03-{n:02}T17:00:00Z", "1", "EUR") for n in range(1, 7)))
    desk.rates({(date(2026, 3, n), "EUR", "USD"): Decimal(n) for n in (1, 2, 4)})
    desk.rates({(date(2026, 3, n), "EUR", "USD"): Decimal(10 * n) for n in (1, 5)}, "2026-03-04")
    assert [row[1] for row in desk.charges()] == ["1.00", "2.00", "2.00", "2.00", "50.00", "50.00"]


def test_single_calls_are_converted_and_rounded_one_by_one(desk: Desk) -> None:
    batch = desk.load(
        ("a", "2026-03-02T17:00:00Z", "0.00000003", "EUR"), ("b", "2026-03-12T17:00:00Z", "1", "EUR"),
        ("c", "2026-03-02T18:00:00Z", "1", "USD"), provider_charge="0.5", provider_currency="EUR",
    )  # fmt: skip
    desk.rates({(date(2026, 2, 27), "EUR", "USD"): Decimal("1.5")})

    def calls(**fields: Any) -> tuple[list[tuple[Any, ...]], tuple[Warned, ...]]:
        asked = {**WINDOW, "where": [{"field": "source", "values": [desk.source]}], **fields}
        page = desk.site.calls.page(search.of(asked), ADMIN)
        names = [column.name for column in page.columns]
        at = [names.index(name) for name in ("call_id", "customer_charge", "provider_charge", "profit")]
        return [tuple(row[place] for place in at) for row in page.rows], page.warnings or ()

    rows, warnings = calls(currency="USD")
    assert rows == [("b", None, None, None), ("c", "1.00", "0.75", "0.25"), ("a", "0.00000004", "0.75", "-0.74999996")]
    assert [warned.message for warned in warnings] == [
        "no exchange rate to USD for money in EUR of 2026-03-12; those cells are empty"
    ]
    rows, warnings = calls()
    assert rows[1:] == [("c", "1.00", "0.50", None), ("a", "0.00000003", "0.50", "-0.49999997")]
    assert not warnings
    assert calls(currency="USD", as_of=f"batch:{batch}")[0] != calls(currency="USD")[0]


# --- as of a moment -------------------------------------------------------------------------------------------


def test_an_answer_of_a_moment_takes_the_rates_of_that_moment(desk: Desk) -> None:
    desk.rates({(date(2026, 3, 2), "EUR", "JPY"): Decimal(160)})
    batch = desk.load(("a", "2026-03-02T17:00:00Z", "1", "EUR"))
    assert desk.charges() == [("a", None)]
    rateless = desk.site.desk.watermark().time
    desk.rates({(date(2026, 3, 2), "EUR", "USD"): Decimal("1.1")})
    first = desk.site.desk.watermark().time
    desk.rates({(date(2026, 3, 2), "EUR", "USD"): Decimal("1.2")})
    desk.load(("b", "2026-03-02T18:00:00Z", "1", "EUR"))
    assert desk.charges() == [("a", "1.20"), ("b", "1.20")]
    assert desk.charges(as_of=f"batch:{batch}") == desk.charges(as_of=rateless) == [("a", None)]
    assert desk.charges(as_of=first) == [("a", "1.10")]
    assert [warned.code for warned in desk.ask(as_of=rateless).warnings] == ["fx_missing"]
    assert not desk.ask(as_of=first).warnings


def test_a_currency_that_comes_later_changes_no_digit_of_what_was_answered_before(
    clickhouse: ClickHouseProcess, tmp_path: Path
) -> None:
    """Converted sums have more places: a ratio must become a double in the same way with them and without."""
    with Site(Settings(database=fresh_database(clickhouse), timezone=HERE)) as site:
        _later_currency(Desk(site, tmp_path))


def _later_currency(desk: Desk) -> None:
    dice = random.Random(9)
    told = [(f"{n % 7}-{n}", "2026-03-02T17:00:00Z", amount(dice), "USD") for n in range(200)]
    desk.load(*told, provider_charge="0.00123457")
    asked: dict[str, Any] = {
        "where": [],
        "measures": ["customer_charge", "profit_percent", "customer_rate"],
        "totals": True,
    }
    before = desk.ask(**asked)
    assert "rate_day" not in desk.site.desk.statement(before.question, ADMIN).sql
    desk.load(("x", "2026-03-02T17:00:00Z", "1", "EUR"))
    assert "rate_day" in desk.site.desk.statement(before.question, ADMIN).sql
    after = desk.ask(**asked, as_of="batch:1")
    assert (after.rows, after.totals) == (before.rows, before.totals)


def test_what_came_since_a_moment_is_converted_too(desk: Desk) -> None:
    batch = desk.load(("a", "2026-03-02T17:00:00Z", "1", "EUR"))
    desk.rates({(date(2026, 3, 2), "EUR", "USD"): Decimal("1.1")})
    desk.load(("a2", "2026-03-02T18:00:00Z", "2", "EUR"), ("a3", "2026-03-02T18:00:00Z", "2", "USD"))
    assert desk.charges(since=f"batch:{batch}") == [("a", "4.20")]


# --- what is frozen -------------------------------------------------------------------------------------------


def test_the_zone_of_the_site_is_frozen_at_the_first_load(clickhouse: ClickHouseProcess, tmp_path: Path) -> None:
    dsn = fresh_database(clickhouse)
    Site(Settings(database=dsn, timezone="Europe/Paris")).close()
    with Site(Settings(database=dsn, timezone=HERE)) as site:  # nothing was loaded yet
        site.ingest(write(tmp_path / "calls.csv", RECORDS[:3]), "calls.csv", Asked())
    for writes in (True, False):
        with pytest.raises(Conflict, match=f"timezone is 'UTC', but it was '{HERE}'") as refused:
            Site(Settings(database=dsn), writes=writes)
        assert (refused.value.code, refused.value.status) == ("frozen_setting", 409)
        assert HERE in (refused.value.hint or "")
    Site(Settings(database=dsn, timezone=HERE)).close()
