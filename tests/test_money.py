"""Money in several currencies: exact at the rates of each call's day, in every cell; compared with plain Python."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.access.principal import ADMIN
from engine.ingest.pipeline import Asked
from engine.query import question
from engine.query.answer import Answer
from engine.settings import Settings
from engine.site import Site
from tests.exchange import HERE, Rates, Sum, give_rates, text, write

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly]

FIRST, DAYS, CALLS = date(2026, 2, 27), 18, 600
WINDOW = {"from": "2026-02-28", "to": "2026-03-16"}
CURRENCIES = ("USD", "EUR", "CHF", "JPY")


def rates() -> Rates:
    """Rates of working days, from some weeks before on; the franc has none from 1 March on, so it runs out."""
    dice = random.Random(5)
    found = {}
    for day in (date(2026, 2, 10) + timedelta(days=n) for n in range(40)):
        if day.weekday() < 5:
            found[day, "EUR", "USD"] = Decimal(dice.randint(1_050_000, 1_150_000)).scaleb(-6)
            found[day, "JPY", "USD"] = Decimal(dice.randint(10**15, 10**16)).scaleb(-18)
            found[day, "USD", "EUR"] = Decimal(dice.randint(850_000, 950_000)).scaleb(-6)
            found[day, "EUR", "JPY"] = Decimal(dice.randint(150, 170))
            if day < date(2026, 3, 1):
                found[day, "CHF", "USD"] = Decimal(dice.randint(110, 130)).scaleb(-2)
    return found


RATES = rates()


def records() -> list[dict[str, str]]:
    dice = random.Random(6)
    found = []
    for number in range(CALLS):
        # Of every hour: midnights of the site, of UTC and of the zone asked in lie among them.
        moment = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(hours=dice.uniform(0, 24 * DAYS))
        customer = dice.choice(("acme", "zenith", "initech"))
        sells = {"acme": ("USD",), "zenith": ("EUR", "USD"), "initech": CURRENCIES}[customer]
        seconds = dice.choice((0, dice.randint(1, 600)))
        found.append(
            {
                "call_id": f"c{number:05}",
                "start_time": moment.isoformat(timespec="milliseconds"),
                "customer": customer,
                "provider": dice.choice(("carrier-a", "carrier-b")),
                "duration": str(seconds),
                "customer_charge": dice.choice(("", "0", amount(dice), amount(dice))),
                "customer_currency": dice.choice(sells),
                "provider_charge": amount(dice) if seconds else "0",
                "provider_currency": dice.choice(("USD", "EUR")),
            }
        )
    return found


def amount(dice: random.Random) -> str:
    return format(Decimal(dice.randint(-(10**6), 10**9)).scaleb(-8), "f")


RECORDS = records()


@pytest.fixture(scope="module")
def site(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Calls in four currencies, and their rates, of a site in New York."""
    folder = tmp_path_factory.mktemp("money")
    settings = Settings(database=dsn, timezone=HERE, rollup_zones=("Asia/Kolkata",), chunk_records=1000)
    with Site(settings) as opened:
        opened.ingest(write(folder / "calls.csv", RECORDS), "calls.csv", Asked())
        give_rates(opened, folder, RATES)
        yield opened


def ask(site: Site, *, ledger_only: bool = False, **fields: Any) -> Answer:
    return site.desk.ask(question.of({**WINDOW, **fields}), ADMIN, ledger_only=ledger_only)


# --- the same in plain Python ---------------------------------------------------------------------------------


def by_hand(rows: list[str], zone: str, currency: str, told: Rates) -> dict[Any, Any]:
    sums: dict[Any, dict[str, Any]] = defaultdict(lambda: {"customer": Sum(), "provider": Sum(), "seconds": 0})
    with localcontext(prec=100):
        for record in RECORDS:
            local = datetime.fromisoformat(record["start_time"]).astimezone(ZoneInfo(zone)).date().isoformat()
            if not WINDOW["from"] <= local < WINDOW["to"]:
                continue
            group = sums[tuple((record | {"day": local})[name] for name in rows)]
            group["seconds"] += int(record["duration"])
            for side in ("customer", "provider"):
                group[side].add(record, side, currency, told)
    return sums


def cells(group: dict[str, Any]) -> tuple[Any, ...]:
    """Customer charge, provider charge, profit, profit %, customer rate, as an answer shows them."""
    customer, provider = group["customer"], group["provider"]
    with localcontext(prec=100):
        profit = customer.amount - provider.amount
        both = not customer.lacks and not provider.lacks
        return (
            None if customer.lacks else text(customer.amount),
            None if provider.lacks else text(provider.amount),
            text(profit) if both else None,
            float(100 * profit / customer.amount) if both and customer.amount else None,
            float(customer.amount * 60 / group["seconds"]) if not customer.lacks and group["seconds"] else None,
        )


MEASURES = ["customer_charge", "provider_charge", "profit", "profit_percent", "customer_rate"]


def close_to(expected: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(pytest.approx(value, rel=1e-14) if isinstance(value, float) else value for value in expected)


@pytest.mark.parametrize("rows", [[], ["customer", "provider"], ["provider", "day"]])
@pytest.mark.parametrize(("zone", "currency"), [(HERE, "USD"), ("Asia/Kolkata", "EUR"), ("Pacific/Auckland", "JPY")])
def test_every_cell_is_what_plain_python_gives(site: Site, rows: list[str], zone: str, currency: str) -> None:
    groups = by_hand(rows, zone, currency, RATES)
    asked: dict[str, Any] = {"timezone": zone, "rows": rows, "measures": MEASURES, "currency": currency}
    answer = ask(site, **asked, totals=True)
    assert {row[: len(rows)]: row[len(rows) :] for row in answer.rows} == {
        key: close_to(cells(group)) for key, group in groups.items()
    }
    [whole] = by_hand([], zone, currency, RATES).values()
    assert answer.totals == (*([None] * len(rows)), *close_to(cells(whole)))
    ledger = ask(site, **asked, totals=True, ledger_only=True)
    assert (ledger.rows, ledger.totals, ledger.warnings) == (answer.rows, answer.totals, answer.warnings)


def test_what_lacks_a_rate_is_named_by_currency_and_days(site: Site) -> None:
    [group] = by_hand([], HERE, "USD", RATES).values()
    days = sorted(day for code, day in group["customer"].lacks)
    assert {code for code, _ in group["customer"].lacks} == {"CHF"}
    assert days[0] == "2026-03-07", "the last rate is of Friday 27 February, and good for seven days more"
    [told] = [warned for warned in ask(site, measures=["profit"]).warnings if warned.code == "fx_missing"]
    assert told.message.startswith("no exchange rate to USD for customer money in CHF of 2026-03-07")
    listed = told.message.partition(" of ")[2].partition(";")[0].split(", ")
    spans = [tuple(span.split(" to ")) for span in listed]
    assert {day for day in days if any(span[0] <= day <= span[-1] for span in spans)} == set(days)
    assert all(span[0] in days and span[-1] in days for span in spans)


def test_a_cell_without_such_money_is_whole_though_others_lack_a_rate(site: Site) -> None:
    answer = ask(site, rows=["customer"], measures=["customer_charge"], sort=[{"field": "customer_charge"}])
    assert [row[0] for row in answer.rows if row[1] is None] == ["initech"]
    assert answer.rows[-1][0] == "initech", "nulls come last"


def test_filters_sort_and_limit_take_the_amounts_that_are_shown(site: Site) -> None:
    whole = ask(site, rows=["day"], measures=["provider_charge"], currency="EUR")
    amounts = sorted(Decimal(row[1]) for row in whole.rows)
    middle = amounts[len(amounts) // 2]
    where = [{"field": "provider_charge", "op": "ge", "values": [str(middle)]}]
    sort = [{"field": "provider_charge", "descending": True}]
    more = ask(site, rows=["day"], measures=["provider_charge"], currency="EUR", where=where, sort=sort, totals=True)
    assert [Decimal(row[1]) for row in more.rows] == sorted((a for a in amounts if a >= middle), reverse=True)
    first = ask(site, rows=["day"], measures=["provider_charge"], currency="EUR", sort=sort, limit=3, offset=1)
    assert first.rows == more.rows[1:4]


def test_subtotals_are_made_of_unrounded_sums(site: Site) -> None:
    answer = ask(site, rows=["provider", "day"], measures=MEASURES, currency="EUR", subtotals=True)
    groups = by_hand(["provider"], HERE, "EUR", RATES)
    assert {subtotal.row[0]: subtotal.row[2:] for subtotal in answer.subtotals} == {  # type: ignore[union-attr]
        key: close_to(cells(group)) for (key,), group in groups.items()
    }


def test_parts_of_a_ratio_are_converted_too_and_empty_where_it_is(site: Site) -> None:
    answer = ask(site, rows=["customer"], measures=["profit_percent"], parts=True)
    for key, (group,) in {key: (group,) for (key,), group in by_hand(["customer"], HERE, "USD", RATES).items()}.items():
        [row] = [row for row in answer.rows if row[0] == key]
        lacks = group["customer"].lacks | group["provider"].lacks
        assert row[2] == (None if lacks else float(group["customer"].amount - group["provider"].amount))
        assert row[3] == (None if lacks else float(group["customer"].amount))


def test_a_loss_is_told_within_one_currency_only(site: Site) -> None:
    def loses(record: dict[str, str]) -> bool:
        same = record["customer_currency"] == record["provider_currency"]
        known = record["customer_charge"] and record["provider_charge"]
        return bool(same and known and Decimal(record["customer_charge"]) < Decimal(record["provider_charge"]))

    wide: dict[str, Any] = {"from": "2026-02-01", "to": "2026-04-01"}
    answer = ask(site, **wide, rows=[], measures=["loss_calls"])
    assert answer.rows == [(sum(map(loses, RECORDS)),)]


# --- which tables answer --------------------------------------------------------------------------------------


def test_only_days_of_the_sites_zone_are_taken_from_a_rollup(site: Site) -> None:
    asked: dict[str, Any] = {"rows": ["customer_destination"], "measures": ["customer_charge"]}
    assert ask(site, **asked).source == ("breakout_day_v1_america_new_york",)
    explained = site.explain(question.of({**WINDOW, **asked, "timezone": "Asia/Kolkata"}), ADMIN)
    assert set(explained.source) == {"breakout_day_v1_america_new_york", "cdr"}
    refused = {refusal.table: refusal.reason for refusal in explained.refusals}
    assert refused["breakout_day_v1_asia_kolkata"] == "rates_by_day"
    assert refused["breakout_day_v1_utc"] == "rates_by_day"


def test_questions_without_such_money_ask_no_rates(site: Site) -> None:
    def sql(**fields: Any) -> str:
        return site.desk.statement(question.of({**WINDOW, "rows": ["customer"], **fields}), ADMIN).sql

    assert "rate_day" not in sql(measures=["attempts", "asr"])
    assert "rate_day" not in sql(measures=["customer_charge"], currency="native")
    assert "rate_day" in sql(measures=["customer_charge"])
    assert "rate_day" in sql(measures=["attempts"], where=[{"field": "profit", "op": "gt", "values": ["1"]}])
