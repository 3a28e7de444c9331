"""What a call should have been charged: the vectors of the definitions, and the engine against plain decimals."""

import random
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

import pytest

from engine.statement import Statement
from engine.template import call_macro
from engine.warehouse.gateway import Warehouse

pytestmark = pytest.mark.engine

RATING = "verify/rating.sql.j2"
MODES = {"up": ROUND_UP, "half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}
CONVENTIONS = ("total", "after_minimum")


def billed(warehouse: Warehouse, convention: str, duration: int, minimum: int, pulse: int) -> int:
    """Billed milliseconds, by the engine."""
    sql = f"SELECT {call_macro(RATING, 'billed', convention, '{d:UInt32}', '{m:UInt32}', '{p:UInt32}')}"
    return int(warehouse.value(Statement(sql, {"d": duration, "m": minimum, "p": pulse})))


@pytest.mark.parametrize(
    ("minimum", "pulse", "duration", "total", "after_minimum"),
    [
        (60, 6, 10, 60, 60),
        (60, 6, 61, 66, 66),
        (60, 6, 67, 72, 72),
        (12, 6, 7, 12, 12),
        (10, 6, 30, 30, 34),
        (30, 6, 30, 30, 30),
        (30, 6, 0, 30, 30),
        (0, 1, 0, 0, 0),
        (0, 60, 1, 60, 60),
        (0, 0, 13, 13, 13),  # a pulse of 0 rounds nothing
        (15, 0, 13, 15, 15),
    ],
)
def test_billed_seconds(
    warehouse: Warehouse, minimum: int, pulse: int, duration: int, total: int, after_minimum: int
) -> None:
    found = [billed(warehouse, how, duration * 1000, minimum * 1000, pulse * 1000) for how in CONVENTIONS]
    assert found == [total * 1000, after_minimum * 1000]


def test_a_pulse_that_has_just_begun_is_billed_whole(warehouse: Warehouse) -> None:
    assert billed(warehouse, "total", 6_001, 0, 6_000) == 12_000
    assert billed(warehouse, "total", 6_000, 0, 6_000) == 6_000
    assert billed(warehouse, "after_minimum", 10_001, 10_000, 6_000) == 16_000


def charge_sql(mode: str, convention: str) -> str:
    """The charge in hundred-millionths of a call given by fee, rate, duration, minimum, pulse, decimals."""
    seconds = call_macro(RATING, "billed", convention, "duration", "minimum", "pulse")
    whole = call_macro(RATING, "unrounded", "toInt128(fee)", "toInt128(rate)", seconds)
    return call_macro(RATING, "rounded", mode, f"({whole})", "decimals")


def charges(warehouse: Warehouse, mode: str, convention: str, calls: Sequence[tuple[int, ...]]) -> list[int]:
    names = ("fee", "rate", "duration", "minimum", "pulse", "decimals")
    types = ("Int64", "Int64", "UInt32", "UInt32", "UInt32", "UInt8")
    columns = ", ".join(f"{{{name}s:Array({kind})}}[n] AS {name}" for name, kind in zip(names, types, strict=True))
    sql = (
        f"SELECT {charge_sql(mode, convention)} AS charge FROM (SELECT number + 1 AS n, {columns} "
        "FROM numbers(length({fees:Array(Int64)})) ORDER BY n) ORDER BY n"
    )
    parameters = {f"{name}s": list(column) for name, column in zip(names, zip(*calls, strict=True), strict=True)}
    return [int(charge) for (charge,) in warehouse.query(Statement(sql, parameters)).rows]


def expected(mode: str, convention: str, call: tuple[int, ...]) -> int:
    """The same in plain decimals."""
    fee, rate, duration, minimum, pulse, decimals = (Decimal(value) for value in call)

    def whole_pulses(ms: Decimal) -> Decimal:
        return (ms / pulse).to_integral_value(ROUND_UP) * pulse if pulse else ms

    if convention == "total":
        ms = max(minimum, whole_pulses(duration))
    else:
        ms = minimum + whole_pulses(max(duration - minimum, Decimal(0)))
    units = Decimal(100_000_000)
    exact = Decimal(fee * 60_000 + rate * ms) / 60_000 / units
    return int(exact.quantize(Decimal(1).scaleb(-int(decimals)), MODES[mode]) * units)


def test_a_hundred_calls_of_nine_seconds_are_rounded_one_by_one(warehouse: Warehouse) -> None:
    call = (0, 500_000, 9_100, 0, 100, 4)  # 0.005 a minute, four places
    assert sum(charges(warehouse, "up", "total", [call] * 100)) == 8_000_000  # 0.08, not 0.0758


@pytest.mark.parametrize(
    ("mode", "rounded"),
    [("up", [3, 2, -3, 1]), ("half_up", [3, 2, -3, 0]), ("half_even", [2, 2, -2, 0]), ("down", [2, 1, -2, 0])],
)
def test_a_half_is_rounded_as_the_card_says(warehouse: Warehouse, mode: str, rounded: list[int]) -> None:
    minute = (60_000, 0, 1_000, 8)  # one minute, so that the rate is the charge
    fees = [Decimal("2.5"), Decimal("1.5"), Decimal("-2.5"), Decimal("0.4")]
    calls = [(0, int(fee * 10**8), *minute[:3], 0) for fee in fees]
    assert [charge // 10**8 for charge in charges(warehouse, mode, "total", calls)] == rounded


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_engine_agrees_with_plain_decimals(warehouse: Warehouse, mode: str, convention: str) -> None:
    dice = random.Random(f"{mode} {convention}")
    calls = [
        (
            dice.choice([0, dice.randrange(10**7), -dice.randrange(10**6)]),
            dice.choice([0, dice.randrange(10**6), 500_000, dice.randrange(10**17), -dice.randrange(10**6)]),
            dice.choice([0, dice.randrange(90_000), dice.randrange(4_000_000_000), 30_000, 60_000]),
            dice.choice([0, 1_000, 6_000, 10_000, 30_000, 60_000]),
            dice.choice([0, 100, 1_000, 6_000, 60_000]),
            dice.randrange(9),
        )
        for _ in range(1_500)
    ]
    assert charges(warehouse, mode, convention, calls) == [expected(mode, convention, call) for call in calls]
