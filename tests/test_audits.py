"""The audits: each finds exactly the records that were planted for it, and nothing that does not stand any more."""

import random
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.ingest.pipeline import Asked
from engine.settings import Settings
from engine.site import Site
from engine.traffic import Traffic, write
from engine.verify.audits import KINDS, Audit
from engine.verify.window import Window
from tests.loading import rows

pytestmark = [pytest.mark.engine, pytest.mark.server_nightly, pytest.mark.usefixtures("few_rollups")]

ALWAYS = Window.of(None, None)
GOOD: dict[str, Any] = {
    "attempt": 1, "is_final": True, "start_time": "2026-10-05T12:00:00Z", "duration": 60, "sip_code": 200,
    "cli": "12125550101", "number": "442071234567",
    "customer_charge": "0.06", "customer_rate": "0.06", "customer_minimum": 60, "customer_pulse": 6,
    "provider_charge": "0.05", "provider_rate": "0.05", "provider_minimum": 1, "provider_pulse": 1,
}  # fmt: skip
UNANSWERED: dict[str, Any] = {"duration": 0, "sip_code": 486, "customer_charge": None, "provider_charge": None}


def record(call: str, **fields: Any) -> dict[str, Any]:
    return {"call_id": call, **GOOD, **fields}


def load(site: Site, folder: Path, *records: dict[str, Any], source: str = "switch") -> None:
    path = folder / "calls.ndjson"
    path.write_bytes(b"".join(msgspec.json.encode(said) + b"\n" for said in records))
    receipt = site.ingest(path, "calls", Asked(source=source))
    assert receipt.rejected == 0


def audits(site: Site, window: Window = ALWAYS, limit: int = 100) -> dict[str, Audit]:
    return {audit.name: audit for audit in site.verify(window, limit=limit).audits}


def found(site: Site, window: Window = ALWAYS) -> dict[str, list[str]]:
    """The calls each audit found, those that found nothing left out."""
    told = audits(site, window)
    for audit in told.values():
        assert audit.found == len(audit.examples)
    return {name: [example.call_id for example in audit.examples] for name, audit in told.items() if audit.found}


@pytest.fixture(params=["embedded", "http"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    from tests.conftest import fresh_database

    dsn = "chdb://memory" if request.param == "embedded" else fresh_database(request.getfixturevalue("clickhouse"))
    with Site(Settings(database=dsn)) as opened:
        yield opened


PLANTED: dict[str, dict[str, Any]] = {
    "customer_charged_not_connected": {**UNANSWERED, "customer_charge": "0.5"},
    "provider_charged_not_connected": {**UNANSWERED, "provider_charge": "-0.5"},
    "customer_unrated": {"customer_charge": None},
    "provider_unrated": {"provider_charge": None},
    "customer_free": {"customer_charge": "0", "customer_rate": None},
    "provider_free": {"provider_charge": "0", "provider_rate": None},
    "customer_charge_differs": {"customer_charge": "0.0601"},
    "provider_charge_differs": {"provider_charge": "0.06", "provider_connect_fee": "0.02"},
}


def test_each_audit_finds_what_was_planted_for_it_and_nothing_else(site: Site, tmp_path: Path) -> None:
    good = [record(f"good {n}", start_time=f"2026-10-{n:02}T12:00:00Z") for n in range(1, 20)]
    nobody = [record(f"unanswered {n}", **UNANSWERED) for n in range(3)]
    free = record("free by its card", customer_charge="0", customer_rate="0", provider_charge="0", provider_rate="0")
    planted = [record(name, **fields) for name, fields in PLANTED.items()]
    rerouted = [
        record("rerouted", attempt=n, is_final=n == 3, start_time=f"2026-10-07T23:59:5{n}Z", **UNANSWERED)
        for n in (1, 2, 3)
    ]
    never_final = [record("never final", attempt=n, is_final=False, **UNANSWERED) for n in (1, 2)]
    # its last attempt begins in the next month
    twice_final = [
        record("twice final", attempt=1, start_time="2026-10-31T23:59:59Z", **UNANSWERED),
        record("twice final", attempt=2, start_time="2026-11-01T00:00:20Z", **UNANSWERED),
    ]
    load(site, tmp_path, *good, *nobody, free, *planted, *rerouted, *never_final, *twice_final)
    assert found(site) == {name: [name] for name in PLANTED} | {"final_attempts": ["never final", "twice final"]}


def test_a_finding_shows_amounts_and_no_telephone_numbers(site: Site, tmp_path: Path) -> None:
    wrong = {"duration": "61.5", "customer_charge": "0.0700", "customer_duration": 62, "customer_connect_fee": "0.005"}
    load(site, tmp_path, record("wrong", attempt=2, **wrong), record("unpaid", **UNANSWERED | {"customer_charge": "1"}))
    told = audits(site)
    [differs] = told["customer_charge_differs"].examples
    assert (differs.source, differs.call_id, differs.attempt) == ("switch", "wrong", 2)
    assert differs.start_time == "2026-10-05T12:00:00.000Z"
    assert differs.amounts == {
        "charge": "0.07", "expected": "0.071", "rate": "0.06", "connect_fee": "0.005", "minimum": "60", "pulse": "6",
        "duration": "61.5", "billed": "62",
    }  # fmt: skip
    [charged] = told["customer_charged_not_connected"].examples
    assert charged.amounts == {"charge": "1.00", "currency": "USD", "outcome": "busy"}
    said = msgspec.json.encode(list(told.values()))
    assert b"2125550101" not in said
    assert b"442071234567" not in said


def test_what_does_not_stand_any_more_is_not_found(site: Site, tmp_path: Path) -> None:
    load(site, tmp_path, *[record(name, **fields) for name, fields in PLANTED.items()], record("never", is_final=False))
    assert len(found(site)) == len(PLANTED) + 1
    load(site, tmp_path, *[record(name, revision=1) for name in list(PLANTED)[:5]], record("never", revision=1))
    load(site, tmp_path, *[record(name, revision=1, withdrawn=True) for name in list(PLANTED)[5:]])
    assert found(site) == {}
    load(site, tmp_path, record("customer_unrated", revision=2, **PLANTED["customer_unrated"]))
    assert found(site) == {"customer_unrated": ["customer_unrated"]}


def test_a_file_that_was_read_in_two_zones_is_found(site: Site, tmp_path: Path) -> None:
    apart = {
        "five hours": "2026-10-05T17:00:00Z",
        "26 hours": "2026-10-06T14:00:00Z",
        "longer": "2026-10-06T14:00:00.001Z",
    }
    load(site, tmp_path, *[record(name) for name in apart])
    load(site, tmp_path, *[record(name, start_time=start) for name, start in apart.items()])
    load(site, tmp_path, record("five hours", start_time="2026-10-05T17:00:00Z"), source="another switch")
    shifted = audits(site)["start_time_shifted"]
    assert [(example.call_id, example.amounts) for example in shifted.examples] == [
        ("five hours", {"earlier": "2026-10-05T12:00:00.000Z", "apart": "18000"}),
        ("26 hours", {"earlier": "2026-10-05T12:00:00.000Z", "apart": "93600"}),
    ]
    # each of them is a final attempt too, so that the call has two; it belongs to the day of the first
    assert found(site)["final_attempts"] == ["26 hours", "five hours"]


def test_the_window_chooses_calls_and_still_sees_what_lies_just_outside(site: Site, tmp_path: Path) -> None:
    late, early = "2026-10-05T23:50:00Z", "2026-10-06T00:10:00Z"
    load(
        site,
        tmp_path,
        *[record("over midnight", attempt=n, is_final=n == 2, start_time=at) for n, at in ((1, late), (2, early))],
        *[record("shifted", start_time=at) for at in (late, early)],
        record("unrated", start_time=late, customer_charge=None),
    )
    fifth, sixth = Window.of("2026-10-05", "2026-10-06"), Window.of("2026-10-06", "2026-10-07")
    assert found(site, fifth) == {"customer_unrated": ["unrated"], "final_attempts": ["shifted"]}
    assert found(site, sixth) == {"start_time_shifted": ["shifted"]}
    assert found(site, Window.of("2026-10-07", None)) == {}


def test_examples_are_the_first_by_time_and_as_many_as_asked_for(site: Site, tmp_path: Path) -> None:
    days = list(range(1, 29))
    random.Random(1).shuffle(days)
    load(
        site,
        tmp_path,
        *[record(f"{day}", start_time=f"2026-10-{day:02}T12:00:00Z", customer_charge=None) for day in days],
        *[record(f"{day}", start_time=f"2026-11-{day - 15:02}T12:00:00Z", customer_charge=None) for day in days[:5]
          if day > 15],
    )  # fmt: skip
    unrated = audits(site, limit=3)["customer_unrated"]
    assert [example.call_id for example in unrated.examples] == ["1", "2", "3"]
    assert unrated.found == 28 + sum(day > 15 for day in days[:5])
    assert audits(site, limit=0)["customer_unrated"].examples == ()


def test_a_site_that_counts_zero_answers_may_charge_them(tmp_path: Path) -> None:
    with Site(Settings(database=f"chdb://{tmp_path / 'db'}")) as site:
        load(site, tmp_path, record("zero", duration=0, provider_charge=None))
        assert found(site) == {"customer_charged_not_connected": ["zero"]}
    with Site(Settings(database=f"chdb://{tmp_path / 'db'}", count_zero_answers=True)) as site:
        assert found(site) == {}


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, {"beside", "off by a pulse", "two places"}),
        ({"charge_decimals": (2,)}, {"after minimum", "beside", "four places", "off by a pulse", "six places"}),
        ({"charge_decimals": (2, 4, 6)}, {"beside", "off by a pulse"}),
        ({"charge_rounding": "down"}, {"beside", "four places", "off by a pulse", "two places"}),
        ({"charge_convention": "total"}, {"after minimum", "beside", "off by a pulse", "two places"}),
        (
            {"charge_convention": "after_minimum"},
            {"beside", "four places", "off by a pulse", "six places", "two places"},
        ),
    ],
)
def test_settings_say_how_charges_are_made(settings: dict[str, Any], wrong: set[str], tmp_path: Path) -> None:
    card = {"duration": 30, "customer_rate": "0.0333", "customer_minimum": 10, "customer_pulse": 6}
    # 30 seconds come to 0.01665; by the other convention 34 seconds come to 0.01887
    charged = {
        "six places": "0.01665", "four places": "0.0167", "two places": "0.02", "beside": "0.01888",
        "after minimum": "0.01887", "off by a pulse": "0.01998",
    }  # fmt: skip
    with Site(Settings(database="chdb://memory", **settings)) as site:
        load(site, tmp_path, *[record(name, **card, customer_charge=charge) for name, charge in charged.items()])
        assert set(found(site)["customer_charge_differs"]) == wrong


def whole_pulses(seconds: Decimal, pulse: int) -> Decimal:
    return (seconds / pulse).to_integral_value(ROUND_UP) * pulse if pulse else seconds


@pytest.mark.parametrize(("mode", "rounding"), [("up", ROUND_UP), ("half_even", ROUND_HALF_EVEN)])
@pytest.mark.parametrize("convention", ["total", "after_minimum"])
def test_random_charges_are_judged_as_plain_decimals_judge_them(
    mode: str, rounding: str, convention: str, tmp_path: Path
) -> None:
    dice = random.Random(f"{mode} {convention}")
    records, wrong = [], set()
    for number in range(600):
        duration = Decimal(dice.randrange(1, 400_000)) / 1000
        rate, fee = Decimal(dice.randrange(20_000)) / 100_000, Decimal(dice.choice(["0", "0.005", "0.0333"]))
        minimum, pulse = dice.choice([(60, 6), (10, 6), (1, 1), (0, 60), (30, 0)])
        if convention == "total":
            billed = max(Decimal(minimum), whole_pulses(duration, pulse))
        else:
            billed = minimum + whole_pulses(max(duration - minimum, Decimal(0)), pulse)
        charge = (fee + rate * billed / 60).quantize(Decimal("0.0001"), rounding)
        if dice.random() < 0.2:
            charge += Decimal("0.0001") * dice.choice([-1, 1])
            wrong.add(str(number))
        card = {"rate": rate, "connect_fee": fee, "minimum": minimum, "pulse": pulse, "charge": charge}
        said = {f"provider_{name}": str(value) for name, value in card.items()}
        records.append(record(str(number), duration=str(duration), **said))
    settings = Settings(
        database="chdb://memory", charge_decimals=(4,), charge_rounding=mode, charge_convention=convention  # type: ignore[arg-type]
    )  # fmt: skip
    with Site(settings) as site:
        load(site, tmp_path, *records)
        told = audits(site, limit=1000)["provider_charge_differs"]
    assert {example.call_id for example in told.examples} == wrong
    assert told.found == len(wrong)


def billed_seconds(convention: str, duration: Decimal, minimum: int, pulse: int) -> Decimal:
    if convention == "total":
        return max(Decimal(minimum), whole_pulses(duration, pulse))
    return minimum + whole_pulses(max(duration - minimum, Decimal(0)), pulse)


MODES = {"up": ROUND_UP, "half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


def test_a_record_whose_card_is_listed_is_charged_as_the_card_says_on_its_day(tmp_path: Path) -> None:
    """Each call is charged by one card of each side; on the 10th of the month the cards change their ways."""
    dice = random.Random(1)
    ways = [(str(places), mode, how) for places in (2, 5) for mode in MODES for how in ("total", "after_minimum")]
    cards = {f"card {n}": (dice.choice(ways), dice.choice(ways)) for n in range(30)}
    # what a card leaves empty, and a card that is not listed, is as the site's settings have it
    site_way = ("4", "half_even", "total")
    cards |= {"silent": (("", "", ""), ("", "", ""))}
    text = "id,decimals,rounding,convention,valid_from,valid_to\n"
    for name, (first, second) in cards.items():
        text += f"{name},{','.join(first)},,2026-10-10\n{name},{','.join(second)},2026-10-10,\n"
    cards |= {"unlisted": (site_way, site_way)}
    records, wrong = [], set()
    for number in range(500):
        day = dice.randrange(1, 20)
        said: dict[str, Any] = {}
        duration = Decimal(dice.randrange(1, 400_000)) / 1000
        for side in ("customer", "provider"):
            card = dice.choice(list(cards))
            ways_told = cards[card][day >= 10]
            places, mode, convention = (one or other for one, other in zip(ways_told, site_way, strict=True))
            rate = Decimal(dice.randrange(20_000)) / 100_000
            minimum, pulse = dice.choice([(60, 6), (10, 6), (1, 1), (0, 60), (30, 0)])
            step = Decimal(1).scaleb(-int(places))
            charge = (rate * billed_seconds(convention, duration, minimum, pulse) / 60).quantize(step, MODES[mode])
            if dice.random() < 0.2:
                charge += step * dice.choice([-1, 1])
                wrong.add((side, str(number)))
            about = {"card": card, "rate": rate, "connect_fee": 0, "minimum": minimum, "pulse": pulse, "charge": charge}
            said |= {f"{side}_{name}": str(value) for name, value in about.items()}
        records.append(record(str(number), start_time=f"2026-10-{day:02}T12:00:00Z", duration=str(duration), **said))
    settings = Settings(
        database="chdb://memory", charge_decimals=(4,), charge_rounding="half_even", charge_convention="total"
    )
    with Site(settings) as site:
        path = tmp_path / "cards.csv"
        path.write_text(text)
        site.load_list("cards", path, path.name)
        load(site, tmp_path, *records)
        told = audits(site, limit=1000)
    differ = {side: told[f"{side}_charge_differs"] for side in ("customer", "provider")}
    assert {(side, example.call_id) for side, audit in differ.items() for example in audit.examples} == wrong
    assert sum(audit.found for audit in differ.values()) == len(wrong)


def test_the_calls_of_the_demonstration_are_charged_as_their_cards_say(tmp_path: Path) -> None:
    with Site(Settings(database="chdb://memory")) as site:
        write(Traffic(20_000, 7, 3), site.warehouse, path := tmp_path / "calls.csv")
        site.ingest(path, "calls.csv", Asked())
        told = {name: audit.found for name, audit in audits(site).items() if audit.found}
        [[rated]] = rows(site, "SELECT sum(sign) FROM cdr WHERE isNotNull(customer_rate)")
    assert set(told) == {"customer_unrated"}, "the rater has not come to a few calls yet, and nothing else is odd"
    assert rated > 5_000, "there was something to recompute"
    assert len(KINDS) == 10
