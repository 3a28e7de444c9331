"""The generator is given a number of calls and a seed; what it makes is repeatable, exact and lifelike."""

import csv
import gzip
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import traffic
from engine.errors import BadRequest
from engine.traffic import SCHEMA, Traffic, slice_of, write
from engine.warehouse.gateway import Warehouse

pytestmark = pytest.mark.engine

MONTH = Traffic(calls=60_000, days=28)
"""Four whole weeks, so that weekdays can be compared."""

Record = dict[str, str]


def text(warehouse: Warehouse, of: Traffic, first: int, last: int) -> bytes:
    return b"".join(warehouse.stream(slice_of(of, first, last), "CSV"))


def parsed(content: bytes) -> list[Record]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), fieldnames=SCHEMA.names))


def identity(record: Record) -> tuple[str, ...]:
    return record["source"], record["call_id"], record["attempt"], record["start_time"]


def time(value: str) -> datetime:
    return datetime.fromisoformat(value)


def share(records: list[Record], field: str, value: str) -> float:
    return sum(record[field] == value for record in records) / len(records)


@pytest.fixture(scope="module")
def month(warehouse: Warehouse) -> list[Record]:
    return parsed(text(warehouse, MONTH, 0, MONTH.calls))


@pytest.fixture(scope="module")
def answered(month: list[Record]) -> list[Record]:
    return [record for record in month if record["sip_code"] == "200"]


# --- the same traffic is the same file ---------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(warehouse: Warehouse, tmp_path: Path) -> None:
    for name, seed in (("one.csv", 7), ("again.csv", 7), ("other.csv", 8)):
        write(Traffic(calls=500, days=2, seed=seed), warehouse, tmp_path / name)
    one, again, other = ((tmp_path / name).read_bytes() for name in ("one.csv", "again.csv", "other.csv"))
    assert one == again
    assert one != other


def test_slices_made_apart_are_the_whole(warehouse: Warehouse) -> None:
    whole = text(warehouse, MONTH, 0, 2_500)
    assert whole == text(warehouse, MONTH, 0, 7) + text(warehouse, MONTH, 7, 2_500)


def test_a_file_written_by_several_lanes_is_in_order(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "SLICE", 300)
    seen: list[int] = []
    records = write(Traffic(calls=1_000, days=3), warehouse, tmp_path / "calls.csv", seen.append)
    header, _, rows = (tmp_path / "calls.csv").read_bytes().partition(b"\n")
    assert header.decode().split(",") == SCHEMA.names
    assert rows == text(warehouse, Traffic(calls=1_000, days=3), 0, 1_000)
    assert records == rows.count(b"\n")
    assert seen == [300, 600, 900, 1_000]


def test_no_calls_make_a_file_of_its_header(warehouse: Warehouse, tmp_path: Path) -> None:
    assert write(Traffic(calls=0, days=1), warehouse, tmp_path / "none.csv") == 0
    assert (tmp_path / "none.csv").read_text() == ",".join(SCHEMA.names) + "\n"


# --- every form says the same ------------------------------------------------------------------------------


def test_csv_ndjson_and_parquet_hold_the_same_records(warehouse: Warehouse, tmp_path: Path) -> None:
    names = ["c.csv", "c.csv.gz", "c.csv.zst", "c.ndjson", "c.jsonl.gz", "c.parquet"]
    counts = {write(Traffic(calls=800, days=2), warehouse, tmp_path / name) for name in names}
    plain = (tmp_path / "c.csv").read_bytes()
    with pa.input_stream(tmp_path / "c.csv.zst", compression="zstd") as packed:
        assert packed.read() == plain
    assert gzip.decompress((tmp_path / "c.csv.gz").read_bytes()) == plain
    lines = (tmp_path / "c.ndjson").read_bytes()
    assert gzip.decompress((tmp_path / "c.jsonl.gz").read_bytes()) == lines

    table = pq.read_table(tmp_path / "c.parquet")
    assert table.schema.equals(SCHEMA)
    records = parsed(plain)[1:]
    assert counts == {len(records)} == {table.num_rows}
    assert [said(json.loads(line)) for line in lines.splitlines()] == records
    assert [said(row) for row in table.to_pylist()] == records


def said(row: dict[str, Any]) -> Record:
    """Write the values of a JSON or Parquet row as CSV has them."""
    return dict(zip(row, map(written, row.values()), strict=True))


def written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}Z"
        case Decimal():
            return f"{value.normalize():f}"
    return str(value)


def test_money_in_json_is_text(warehouse: Warehouse, tmp_path: Path) -> None:
    write(Traffic(calls=20, days=1), warehouse, tmp_path / "calls.ndjson")
    record = json.loads((tmp_path / "calls.ndjson").read_bytes().splitlines()[0])
    assert isinstance(record["customer_charge"], str)
    assert isinstance(record["number"], str)


@pytest.mark.parametrize("name", ["calls.xlsx", "calls", "calls.gz", "calls.parquet.gz"])
def test_an_unknown_suffix_is_refused_and_the_known_ones_are_named(
    warehouse: Warehouse, tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadRequest, match=r"\.csv.*\.ndjson.*\.gz.*\.zst.*\.parquet"):
        write(Traffic(calls=1, days=1), warehouse, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("calls", "days", "seed"), [(-1, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_numbers_that_mean_nothing_are_refused(calls: int, days: int, seed: int) -> None:
    with pytest.raises(BadRequest):
        Traffic(calls=calls, days=days, seed=seed)


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[bytes]:
        yield b"half a record"
        raise ConnectionError

    monkeypatch.setattr(warehouse, "stream", broken)
    (tmp_path / "calls.csv").write_text("older")
    with pytest.raises(ConnectionError):
        write(Traffic(calls=10, days=1), warehouse, tmp_path / "calls.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["calls.csv"]
    assert (tmp_path / "calls.csv").read_text() == "older"


# --- what is counted ---------------------------------------------------------------------------------------


def test_there_are_as_many_calls_as_asked_for(month: list[Record]) -> None:
    assert len({record["call_id"] for record in month}) == MONTH.calls


def test_an_identity_comes_twice_only_as_a_promised_repeat_or_correction(month: list[Record]) -> None:
    told: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in month:
        told[identity(record)].append(record)
    repeats = corrections = 0
    for first, *later in told.values():
        for record in later:
            differing = {field for field in record if record[field] != first[field]}
            assert differing <= {"revision", "customer_rate", "customer_charge"}
            assert bool(differing) == (record["revision"] == "1")
            repeats += not differing
            corrections += "customer_charge" in differing
    assert repeats / len(month) == pytest.approx(0.001, rel=0.4)
    assert corrections / MONTH.calls == pytest.approx(0.001, rel=0.6)


def test_a_call_has_one_final_attempt_the_last(month: list[Record]) -> None:
    calls: dict[tuple[str, str], set[tuple[int, str]]] = defaultdict(set)
    for record in month:
        calls[record["call_id"], record["revision"]].add((int(record["attempt"]), record["is_final"]))
    for (_, revision), attempts in calls.items():
        assert [final for _, final in sorted(attempts)] == ["false"] * (len(attempts) - 1) + ["true"]
        if revision == "0":
            assert {number for number, _ in attempts} == set(range(1, len(attempts) + 1))


def test_only_a_call_lost_on_the_way_tries_another_route(month: list[Record]) -> None:
    codes = {record["sip_code"] for record in month if record["is_final"] == "false"}
    assert codes == {"503", "480", "404", "500", "502", "408"}
    assert not any(record["ring_time"] for record in month if record["is_final"] == "false")


# --- money -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["customer", "provider"])
def test_a_charge_is_rate_times_billed_time_rounded_half_up(answered: list[Record], side: str) -> None:
    rated = [record for record in answered[:8_000] if record[f"{side}_charge"]]
    places: dict[str, int] = defaultdict(lambda: 4)
    for record in rated:
        digits = len(record[f"{side}_charge"].partition(".")[2])
        places[record[side]] = 6 if digits > 4 else places[record[side]]
    assert set(places.values()) == {4, 6}
    for record in rated:
        minimum, pulse = (Decimal(record[f"{side}_{name}"]) for name in ("minimum", "pulse"))
        pulses = (Decimal(record["duration"]) / pulse).to_integral_value(ROUND_CEILING)
        billed = max(minimum, pulses * pulse)
        exact = Decimal(record[f"{side}_rate"]) * billed / 60
        charge = exact.quantize(Decimal(1).scaleb(-places[record[side]]), ROUND_HALF_UP)
        assert (Decimal(record[f"{side}_duration"]), Decimal(record[f"{side}_charge"])) == (billed, charge)


def test_what_nobody_answered_lasts_and_costs_nothing(month: list[Record]) -> None:
    unanswered = [record for record in month if record["sip_code"] != "200"]
    zero = (
        "duration",
        "customer_duration",
        "provider_duration",
        "customer_charge",
        "provider_charge",
        "dtmf",
    )
    assert {record[field] for record in unanswered for field in zero} == {"0"}
    assert {record["answer_time"] + record["customer_rate"] for record in unanswered} == {""}


def test_some_calls_are_unrated_and_some_lose_money(answered: list[Record]) -> None:
    assert 0 < share(answered, "customer_charge", "") < 0.001
    rated = [record for record in answered if record["customer_charge"]]
    losses = [r for r in rated if Decimal(r["customer_charge"]) < Decimal(r["provider_charge"])]
    assert 0.02 < len(losses) / len(rated) < 0.3


@pytest.mark.parametrize("side", ["customer", "provider"])
def test_both_currencies_occur_and_each_party_has_one(month: list[Record], side: str) -> None:
    currencies = {(record[side], record[f"{side}_currency"]) for record in month if record[side]}
    assert {currency for _, currency in currencies} == {"USD", "EUR"}
    assert len(currencies) == len({party for party, _ in currencies})


# --- times -------------------------------------------------------------------------------------------------


def test_everything_begins_within_the_range(month: list[Record]) -> None:
    opening = datetime.combine(MONTH.start, datetime.min.time(), UTC)
    starts = [time(record["start_time"]) for record in month]
    assert opening <= min(starts) < opening + timedelta(hours=1)
    assert opening + timedelta(MONTH.days, hours=-1) <= max(starts) < opening + timedelta(MONTH.days)


def test_a_range_may_be_any_days(warehouse: Warehouse) -> None:
    odd = Traffic(calls=3_000, days=10, start=date(2027, 2, 24))
    days = {record["start_time"][:10] for record in parsed(text(warehouse, odd, 0, odd.calls))}
    assert days == {str(odd.start + timedelta(day)) for day in range(10)}


def test_times_of_a_call_follow_each_other(month: list[Record]) -> None:
    for record in month[:10_000]:
        known = [record[f"{name}_time"] for name in ("start", "ring", "answer", "end") if record[f"{name}_time"]]
        assert known == sorted(known)
        if record["answer_time"]:
            talk = time(record["end_time"]) - time(record["answer_time"])
            assert Decimal(talk // timedelta(milliseconds=1)) == Decimal(record["duration"]) * 1000
        if record["ring_time"]:
            delay = time(record["ring_time"]) - time(record["start_time"])
            assert Decimal(delay // timedelta(milliseconds=1)) == Decimal(record["pdd"]) * 1000


def test_two_to_three_percent_come_late_but_never_by_more_than_two_days(month: list[Record]) -> None:
    firsts = [r for r in month if r["attempt"] == "1" and r["revision"] == "0"]
    newest, late, latest = datetime.min.replace(tzinfo=UTC), 0, timedelta()
    for record in firsts:
        start = time(record["start_time"])
        if newest - start > timedelta(hours=1):
            late += 1
            latest = max(latest, newest - start)
        newest = max(newest, start)
    assert 0.02 < late / len(firsts) < 0.03
    assert timedelta(hours=40) < latest < timedelta(hours=49)


def test_days_are_busier_than_nights_and_weekdays_than_weekends(month: list[Record]) -> None:
    hours = Counter(time(record["start_time"]).hour for record in month)
    days = Counter(time(record["start_time"]).isoweekday() for record in month)
    assert 5 < hours[14] / hours[3] < 12
    assert 1.5 < days[3] / days[7] < 2.2


# --- the shape of a carrier's traffic ----------------------------------------------------------------------


def test_few_customers_carry_most_calls(month: list[Record]) -> None:
    calls = Counter(record["customer"] for record in month)
    assert len(calls) == 150
    assert 0.35 < sum(count for _, count in calls.most_common(10)) / len(month) < 0.6


def test_a_customer_calls_a_few_dozen_destinations(month: list[Record]) -> None:
    called: dict[str, Counter[str]] = defaultdict(Counter)
    for record in month:
        called[record["customer"]][record["customer_destination"]] += 1
    assert len({name for names in called.values() for name in names}) > 400
    (busiest, names), *_ = sorted(called.items(), key=lambda item: -item[1].total())
    assert 20 < len(names) < 60, busiest


def test_routes_range_from_bad_to_good(month: list[Record]) -> None:
    tries = Counter(record["provider_card"] for record in month)
    answers = Counter(record["provider_card"] for record in month if record["sip_code"] == "200")
    ratios = [answers[route] / count for route, count in tries.items() if route and count > 500]
    assert 0.05 < min(ratios) < 0.2
    assert 0.55 < max(ratios) < 0.72
    assert len({record["provider"] for record in month if record["provider"]}) == 40


def test_a_call_takes_one_to_four_attempts(month: list[Record]) -> None:
    assert {record["attempt"] for record in month} == {"1", "2", "3", "4"}
    assert 1.2 < len(month) / MONTH.calls < 1.4


def test_talk_is_mostly_short_and_sometimes_very_long(answered: list[Record]) -> None:
    talk = sorted(Decimal(record["duration"]) for record in answered)
    assert 30 < talk[len(talk) // 2] < sum(talk) / len(talk) < 300
    assert talk[0] > 0
    assert 0.01 < sum(seconds <= 6 for seconds in talk) / len(talk) < 0.15


def test_numbers_prefixes_and_destinations_agree(month: list[Record]) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for record in month:
        assert record["number"].startswith(record["customer_prefix"])
        assert record["dialed"].removeprefix("+").endswith(record["number"])
        assert record["number"].isdecimal()
        assert 7 < len(record["number"]) <= 15
        names[record["customer_prefix"]].add(record["customer_destination"])
    assert all(len(of) == 1 for of in names.values())
    american = [r["number"] for r in month if r["customer_destination"].startswith("USA ")]
    assert 0.2 < len(american) / len(month) < 0.45
    assert {len(number) for number in american} == {11}
    assert not [number for number in american if number[4:7] == "555" or number[5:7] == "11" or number[4] in "01"]


def test_callers_are_sometimes_withheld_and_some_show_a_number_of_ours(month: list[Record]) -> None:
    assert 0.005 < share(month, "cli", "anonymous") < 0.03
    assert 0.002 < share(month, "cli", "") < 0.02
    ours = Counter(r["dest_cli"] for r in month if r["dest_cli"] != r["cli"].removeprefix("+") and r["dest_cli"])
    assert 80 < len(ours) <= 104


def test_tech_prefixes_tell_customers_apart_and_some_have_none_or_two(month: list[Record]) -> None:
    prefixes: dict[str, set[str]] = defaultdict(set)
    for record in month:
        prefixes[record["customer"]].add(record["tech_prefix"])
    assert Counter(map(len, prefixes.values())).keys() == {1, 2}
    assert 0.05 < share(month, "tech_prefix", "") < 0.5


def test_announcements_are_answered_with_digits(answered: list[Record]) -> None:
    calls = Counter(record["customer"] for record in answered)
    pressed = Counter(record["customer"] for record in answered if record["dtmf"] != "0")
    assert 0.01 < pressed.total() / len(answered) < 0.1
    broadcasters = [name for name, count in pressed.items() if calls[name] > 30 and count > 0.3 * calls[name]]
    assert len(broadcasters) == 7


def test_media_is_negotiated_where_somebody_rang_or_answered(month: list[Record]) -> None:
    assert {record["sdp"] for record in month if record["sip_code"] == "200"} == {"true"}
    assert {r["sdp"] for r in month if not r["ring_time"] and r["sip_code"] != "200"} == {"false"}


def test_our_own_switch_refuses_a_few_and_then_no_provider_is_named(month: list[Record]) -> None:
    refused = [record for record in month if not record["provider"]]
    assert 0.003 < len(refused) / len(month) < 0.02
    assert {record["release_side"] for record in refused} == {"switch"}
