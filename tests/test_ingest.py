"""What becomes of a canonical file: the same records from every container, each field read, each record counted."""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import BadRequest, Unavailable
from engine.ingest.ledger import Ledger
from engine.ingest.pipeline import Loader
from engine.site import Site
from tests.loading import assert_books_agree, counts, load, rejected, rows, standing

pytestmark = pytest.mark.engine

D = Decimal
NOON = "2026-10-01T12:00:00Z"

_names = count(1)

# What a text means is said in SQL that is the same on a server; how files get there is tried on both.
embedded = pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")


@pytest.fixture
def source() -> str:
    """A switch nobody has heard of, so that no other test's records are duplicates."""
    return f"switch-{next(_names)}"


@pytest.fixture(autouse=True)
def books(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that loaded something the ledger and its rollup agree."""
    yield
    if "site" in request.fixturenames:
        assert_books_agree(request.getfixturevalue("site"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def csv_of(*records: dict[str, Any]) -> str:
    """CSV with every key of the records in its header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for record in records for name in record)))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


# --- the same twelve records from every container ----------------------------------------------------------

COLUMNS: dict[str, pa.DataType] = {
    "call_id": pa.string(),
    "attempt": pa.int64(),
    "is_final": pa.bool_(),
    "revision": pa.uint8(),
    "start_time": pa.timestamp("ms", "America/New_York"),
    "ring_time": pa.timestamp("us", "UTC"),
    "answer_time": pa.timestamp("ns", "UTC"),
    "end_time": pa.timestamp("s", "UTC"),
    "duration": pa.decimal128(18, 8),
    "customer_duration": pa.decimal128(12, 3),
    "provider_duration": pa.float64(),
    "pdd": pa.decimal128(9, 3),
    "answered": pa.bool_(),
    "customer": pa.dictionary(pa.int32(), pa.string()),
    "customer_destination": pa.large_string(),
    "provider": pa.string(),
    "provider_card": pa.string(),
    "tech_prefix": pa.string(),
    "cli": pa.string(),
    "number": pa.string(),
    "sip_code": pa.int16(),
    "q850": pa.int32(),
    "release_side": pa.string(),
    "customer_charge": pa.decimal128(18, 8),
    "provider_charge": pa.decimal128(38, 20),
    "customer_currency": pa.string(),
    "customer_rate": pa.string(),
    "customer_minimum": pa.int64(),
    "dtmf": pa.int64(),
    "sdp": pa.bool_(),
    "mos": pa.decimal128(5, 4),
    "withdrawn": pa.bool_(),
    "trunk": pa.string(),
    "hops": pa.int64(),
}
"""Every column of the files, with a type that Parquet may well have for it. The last two nobody knows."""

RECORDS: list[dict[str, Any]] = [
    {"call_id": "minimal", "start_time": at("2026-10-01T12:00:00+00:00")},
    {
        "call_id": "full", "attempt": 2, "is_final": True, "revision": 3,
        "start_time": at("2026-10-01T23:59:59.999+00:00"), "ring_time": at("2026-10-02T00:00:01.250+00:00"),
        "answer_time": at("2026-10-02T00:00:03.500+00:00"), "end_time": at("2026-10-02T00:01:10+00:00"),
        "duration": D("66.5"), "customer_duration": D("72"), "provider_duration": 67.0, "pdd": D("1.251"),
        "answered": True, "customer": "acme", "customer_destination": "UK, Mobile", "provider": "carrier-a",
        "provider_card": "gold", "tech_prefix": "99#", "cli": "+1 (212) 555-0100", "number": "+44 20 7946 0000",
        "sip_code": 200, "q850": 16, "release_side": "caller", "customer_charge": D("0.0798"),
        "provider_charge": D("0.06"), "customer_currency": "EUR", "customer_rate": "0.0665",
        "customer_minimum": 60, "dtmf": 4, "sdp": True, "mos": D("4.1234"), "trunk": "t-1", "hops": 3,
    },
    {"call_id": "rerouted", "attempt": 1, "is_final": False, "start_time": at("2026-10-01T12:00:00.001+00:00"),
     "sip_code": 503, "provider": "carrier-b"},
    {"call_id": "rerouted", "attempt": 2, "is_final": True, "start_time": at("2026-10-01T12:00:02.001+00:00"),
     "sip_code": 486, "provider": "carrier-a"},
    {"call_id": "tiny money", "start_time": at("2026-10-01T12:00:00+00:00"), "duration": D("1"),
     "customer_charge": D("0.00000001"), "provider_charge": D("0.00000001")},
    {"call_id": "great money", "start_time": at("2026-10-01T12:00:00+00:00"), "duration": D("1"),
     "customer_charge": D("1234567890.12345678"), "provider_charge": D("9999999999.99999999")},
    {"call_id": "given back", "start_time": at("2026-10-01T12:00:00+00:00"), "duration": D("0.001"),
     "customer_charge": D("-12.5"), "provider_charge": D("0")},
    {"call_id": "no talk", "start_time": at("2026-10-01T12:00:00+00:00"), "sip_code": 200, "duration": D("0")},
    {"call_id": "told no", "start_time": at("2026-10-01T12:00:00+00:00"), "answered": False, "q850": 17},
    {"call_id": "named callee", "start_time": at("2026-10-01T12:00:00+00:00"), "number": "sip:alice@example.net"},
    {"call_id": "Zürich ☎ \"quoted\"", "start_time": at("2026-10-01T12:00:00+00:00"), "customer": "o'brien \\ co",
     "trunk": "a\tb"},
    {"call_id": "long ago", "start_time": at("2000-01-01T00:00:00+00:00"), "dtmf": 999_999_999},
]  # fmt: skip

# What the ledger holds of them where it is not simply what the file says.
DERIVED: dict[tuple[str, int], dict[str, Any]] = {
    ("full", 2): {"connected": True, "outcome": "answered", "country": "GB", "orig_country": "US",
                  "orig_npanxx": "212555", "jurisdiction": "international", "jurisdiction_lata": "international",
                  "network": "international", "number": "442079460000", "meta": {"trunk": "t-1", "hops": "3"}},
    ("rerouted", 1): {"outcome": "failed"},
    ("rerouted", 2): {"outcome": "busy"},
    ("tiny money", 1): {"connected": True, "outcome": "answered"},
    ("great money", 1): {"connected": True, "outcome": "answered"},
    ("given back", 1): {"connected": True, "outcome": "answered"},
    ("no talk", 1): {"outcome": "answered_zero"},
    ("told no", 1): {"outcome": "busy"},
    ("Zürich ☎ \"quoted\"", 1): {"meta": {"trunk": "a\tb"}},
}  # fmt: skip

DEFAULTS: dict[str, Any] = {
    "attempt": 1, "is_final": True, "revision": 0, "ring_time": None, "answer_time": None, "end_time": None,
    "duration_ms": 0, "pdd_ms": None, "answered": None, "customer": "", "customer_card": "", "customer_prefix": "",
    "customer_destination": "", "provider": "", "provider_card": "", "provider_prefix": "",
    "provider_destination": "", "tech_prefix": "", "cli": "", "dest_cli": "", "dialed": "", "number": "", "lrn": "",
    "sip_code": None, "sip_reason": "", "q850": None, "release_side": "unknown", "customer_charge": None,
    "provider_charge": None, "customer_currency": "USD", "provider_currency": "USD", "customer_rate": None,
    "customer_connect_fee": None, "customer_minimum_ms": None, "customer_pulse_ms": None, "provider_rate": None,
    "provider_connect_fee": None, "provider_minimum_ms": None, "provider_pulse_ms": None, "dtmf": 0, "sdp": False,
    "mos": None, "jitter": None, "packet_loss": None, "codec": "", "source_jurisdiction": "", "withdrawn": False,
    "replaces_start_time": None,
    "meta": {}, "connected": False, "outcome": "unknown", "country": "", "orig_country": "",
    "orig_npanxx": "", "state": "", "lata": "", "rate_center": "", "orig_state": "", "orig_lata": "",
    "orig_rate_center": "", "jurisdiction": "indeterminate", "jurisdiction_lata": "indeterminate",
    "network": "unknown", "did": "", "account": "",
}  # fmt: skip
"""What the ledger holds where the file says nothing."""

_SECONDS = ("duration", "customer_duration", "provider_duration", "pdd", "customer_minimum")


def expected(record: dict[str, Any], source: str) -> dict[str, Any]:
    """The ledger's row of a record, field by field."""
    row: dict[str, Any] = {**DEFAULTS, "source": source}
    for name, value in record.items():
        if name in _SECONDS:
            row[f"{name}_ms"] = round(value * 1000)
        elif isinstance(value, datetime):
            row[name] = value.astimezone(UTC).replace(tzinfo=None)
        elif name not in ("trunk", "hops"):
            row[name] = value
    for side in ("customer", "provider"):
        row.setdefault(f"{side}_duration_ms", row["duration_ms"])
    if row["customer_rate"] is not None:
        row["customer_rate"] = D(row["customer_rate"])
    row["leg"] = str(row["attempt"])
    return row | DERIVED.get((record["call_id"], row["attempt"]), {})


def text_of(name: str, value: Any) -> str | None:
    """A value as a text file has it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def as_csv() -> bytes:
    def cell(text: str | None) -> str:
        return "" if text is None else '"' + text.replace('"', '""') + '"'

    lines = [",".join(COLUMNS)]
    lines += [",".join(cell(text_of(name, record.get(name))) for name in COLUMNS) for record in RECORDS]
    return ("\r\n".join(lines) + "\r\n").encode()


def as_ndjson() -> bytes:
    def literal(name: str, value: Any) -> str:
        if isinstance(value, (bool, int, float, Decimal)):
            return text_of(name, value) or ""  # a bare JSON number keeps its own digits
        return msgspec.json.encode(text_of(name, value)).decode()

    lines = [
        "{" + ", ".join(f'"{name}": {literal(name, value)}' for name, value in record.items()) + "}"
        for record in RECORDS
    ]
    return ("\n".join(lines) + "\n").encode()


def as_table() -> pa.Table:
    return pa.table({name: pa.array([r.get(name) for r in RECORDS], kind) for name, kind in COLUMNS.items()})


def as_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(as_table(), sink, row_group_size=5)
    return bytes(sink.getvalue())


def as_arrow_stream() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, as_table().schema) as writer:
        writer.write_table(as_table(), max_chunksize=5)
    return bytes(sink.getvalue())


def as_arrow_file() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, as_table().schema) as writer:
        writer.write_table(as_table(), max_chunksize=5)
    return bytes(sink.getvalue())


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


CONTAINERS = {
    "calls.csv": as_csv,
    "calls.ndjson": as_ndjson,
    "calls.parquet": as_parquet,
    "calls.arrows": as_arrow_stream,
    "calls.arrow": as_arrow_file,
    "calls.csv.gz": lambda: gzip.compress(as_csv()),
    "calls.jsonl.zst": lambda: zstd(as_ndjson()),
    "calls": as_ndjson,  # no suffix says what it is, its first byte does
}


# The hash of a record's content is stored with every posting. Were it to change, every record that is loaded
# again after an upgrade would count as a correction of itself. So these two numbers stay: a new field must not
# move them (a field at its default adds nothing), and neither may new reference data or another container.
MINIMAL_CONTENT = 2405466553676733395
FULL_CONTENT = 14171607438065345463


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_gives_the_same_records_to_the_last_field(
    site: Site, source: str, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(CONTAINERS[name]())
    receipt = load(site, path, source)
    assert counts(receipt) == {"accepted": 12}
    assert receipt.dialect == "canonical"
    wanted = sorted((expected(r, source) for r in RECORDS), key=lambda row: (row["call_id"], row["start_time"]))
    found = standing(site, source)
    contents = {row["call_id"]: row.pop("content") for row in found}
    assert found == wanted
    assert (contents["minimal"], contents["full"]) == (MINIMAL_CONTENT, FULL_CONTENT)


def test_loading_a_file_again_changes_nothing(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes(as_csv())
    load(site, path, source)
    before = standing(site, source)
    for _ in range(2):
        assert counts(load(site, path, source)) == {"duplicates": 12}
        assert standing(site, source) == before
    assert rows(site, "SELECT sum(sign) FROM cdr WHERE source = {s:String}", s=source) == [(12,)]


# --- fields ---------------------------------------------------------------------------------------------


@embedded
@pytest.mark.parametrize("name", ["money.csv", "money.ndjson"])
def test_money_is_read_from_its_own_digits(site: Site, source: str, tmp_path: Path, name: str) -> None:
    exact = {
        "0.00000001": D("0.00000001"),
        "1234567890.12345678": D("1234567890.12345678"),
        "-1234567890.12345678": D("-1234567890.12345678"),
        "0.1": D("0.1"),
        "-0.005": D("-0.005"),
        "9999999999.99999999": D("9999999999.99999999"),
        "1e-8": D("0.00000001"),
        "1.5E-7": D("0.00000015"),
        "1e2": D("100"),
        "0E-20": D("0"),
        "3.140000000000": D("3.14"),
        "0": D("0"),
    }
    inexact = ["0.000000001", "0.1234567890", "1e-9", "1e-50", "10000000000", "1e10"]
    literals = [*exact, *inexact]
    if name.endswith("csv"):
        exact |= {"+1.5": D("1.5"), ".5": D("0.5"), "7.": D("7")}  # decimal text, though not JSON
        literals = [*exact, *inexact, "1,5", "$1", "NaN", "inf", "0x10", "1 000"]
        text = csv_of(
            *({"call_id": f"c{n:02}", "start_time": NOON, "customer_charge": m} for n, m in enumerate(literals))
        )
    else:
        text = "".join(
            f'{{"call_id": "c{n:02}", "start_time": "{NOON}", "customer_charge": {money}}}\n'
            for n, money in enumerate(literals)
        )
    path = tmp_path / name
    path.write_text(text)
    receipt = load(site, path, source)
    assert [row["customer_charge"] for row in standing(site, source)] == list(exact.values())
    assert [(field, reason) for _, field, reason in rejected(site, receipt.batch)] == [
        ("customer_charge", "not a decimal with at most 10 digits before the point and 8 after it")
    ] * (len(literals) - len(exact))


@embedded
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.float16()])
def test_money_that_was_floating_point_is_refused(site: Site, source: str, tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "calls.parquet"
    charge = pa.array([0.5]).cast(kind)
    pq.write_table(pa.table({"call_id": ["a"], "start_time": [NOON], "provider_charge": charge}), path)
    with pytest.raises(BadRequest, match="provider_charge as binary floating point") as refusal:
        load(site, path, source)
    assert refusal.value.code == "float_money"


@embedded
def test_an_instant_is_iso_8601_with_a_zone_or_epoch_seconds(site: Site, source: str, tmp_path: Path) -> None:
    instants = {
        "2026-10-01T12:00:00Z": "2026-10-01 12:00:00",
        "2026-10-01 12:00:00.5Z": "2026-10-01 12:00:00.500",
        "2026-10-01T12:00Z": "2026-10-01 12:00:00",
        "2026-10-01T12:00:00.123456789Z": "2026-10-01 12:00:00.123",
        "2026-10-01T14:30:00+05:30": "2026-10-01 09:00:00",
        "2026-10-01T00:30:00+0100": "2026-09-30 23:30:00",
        "2026-10-01 12:00:00-03": "2026-10-01 15:00:00",
        "2026-10-01T23:59:59.999-12:00": "2026-10-02 11:59:59.999",
        "2024-02-29T00:00:00Z": "2024-02-29 00:00:00",
        "1790000000": "2026-09-21 14:13:20",
        "1790000000.25": "2026-09-21 14:13:20.250",
        "1790000000.0009": "2026-09-21 14:13:20",
    }
    path = tmp_path / "calls.csv"
    path.write_text(csv_of(*({"call_id": f"c{n:02}", "start_time": text} for n, text in enumerate(instants))))
    load(site, path, source)
    assert [row["start_time"] for row in standing(site, source)] == [at(text) for text in instants.values()]


@embedded
def test_local_times_are_of_the_zone_named_also_in_the_night_the_clocks_go_back(
    site: Site, source: str, tmp_path: Path
) -> None:
    locals_ = {
        "2026-10-31T23:30:00": "2026-11-01 03:30:00",
        "2026-11-01 00:59:59.999": "2026-11-01 04:59:59.999",
        "2026-11-01T01:30:00": "2026-11-01 05:30:00",  # there are two; it is the earlier
        "2026-11-01T01:30:00-05:00": "2026-11-01 06:30:00",  # an offset of its own says which
        "2026-11-01T02:00:00": "2026-11-01 07:00:00",
        "2026-03-08T01:59:59": "2026-03-08 06:59:59",
        "2026-03-08T03:00:00": "2026-03-08 07:00:00",
        "1790000000": "2026-09-21 14:13:20",
    }
    path = tmp_path / "calls.csv"
    path.write_text(csv_of(*({"call_id": f"c{n}", "start_time": text} for n, text in enumerate(locals_))))
    load(site, path, source, zone="America/New_York")
    assert [row["start_time"] for row in standing(site, source)] == [at(text) for text in locals_.values()]


@embedded
def test_a_local_time_without_a_zone_is_rejected(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(csv_of({"call_id": "a", "start_time": NOON}, {"call_id": "b", "start_time": "2026-10-01T12:00:00"}))
    receipt = load(site, path, source)
    assert counts(receipt) == {"accepted": 1, "rejected": 1}
    [(row, field, reason)] = rejected(site, receipt.batch)
    assert (row, field) == (2, "start_time")
    assert "--tz" in reason


@embedded
def test_a_zone_nobody_knows_is_refused(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(csv_of({"call_id": "a", "start_time": NOON}))
    with pytest.raises(BadRequest, match="no time zone 'Mars/Olympus'"):
        load(site, path, source, zone="Mars/Olympus")


@embedded
def test_a_call_may_be_a_day_ahead_of_our_clock_and_no_more(site: Site, source: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    path = tmp_path / "calls.csv"
    path.write_text(
        csv_of(
            {"call_id": "soon", "start_time": (now + timedelta(hours=23, minutes=50)).isoformat()},
            {"call_id": "too soon", "start_time": (now + timedelta(hours=24, minutes=10)).isoformat()},
        )
    )
    receipt = load(site, path, source)
    assert [row["call_id"] for row in standing(site, source)] == ["soon"]
    assert rejected(site, receipt.batch) == [(2, "start_time", "outside 2000 and tomorrow")]


@embedded
def test_durations_are_kept_to_the_millisecond(site: Site, source: str, tmp_path: Path) -> None:
    durations = {"1": 1000, "1.5": 1500, ".25": 250, "0.0004": 0, "0.0005": 1, "61.2345": 61235, "1e2": 100_000}
    path = tmp_path / "calls.csv"
    path.write_text(csv_of(*({"call_id": f"c{n}", "start_time": NOON, "duration": d} for n, d in enumerate(durations))))
    load(site, path, source)
    found = standing(site, source)
    assert [row["duration_ms"] for row in found] == list(durations.values())
    assert [row["customer_duration_ms"] for row in found] == list(durations.values()), "billed = talked when not said"
    assert [row["provider_duration_ms"] for row in found] == list(durations.values())


@embedded
def test_billed_durations_that_are_said_stay(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        csv_of(
            {"call_id": "a", "start_time": NOON, "duration": 7, "customer_duration": 60, "provider_duration": 0},
            {"call_id": "b", "start_time": NOON, "duration": 7},
        )
    )
    load(site, path, source)
    assert [
        (row["duration_ms"], row["customer_duration_ms"], row["provider_duration_ms"]) for row in standing(site, source)
    ] == [(7000, 60_000, 0), (7000, 7000, 7000)]


def test_a_column_nobody_knows_goes_to_meta(site: Site, source: str, tmp_path: Path) -> None:
    # Also one that is called like something inside the program.
    odd = {"row": "1", "c1": "2", "t1": "3", "batch": "4", "content": "5", "raw": "6", "identity": "7", "Customer": "8"}
    for name, text in {
        "calls.csv": csv_of({"call_id": "a", "start_time": NOON, **odd, "said nothing": ""}),
        "calls.ndjson": msgspec.json.encode({"call_id": "a", "start_time": NOON, **odd, "nothing": None}).decode(),
    }.items():
        path = tmp_path / name
        path.write_text(text)
        load(site, path, f"{source}-{name}")
        [row] = standing(site, f"{source}-{name}")
        assert row["meta"] == odd


def test_a_key_that_first_comes_late_in_the_file_is_kept(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.ndjson"
    lines = [f'{{"call_id": "c{n}", "start_time": "{NOON}"}}\n' for n in range(1100)]
    lines[1099] = f'{{"call_id": "late", "start_time": "{NOON}", "region": "north", "customer": "acme"}}\n'
    path.write_text("".join(lines))
    assert counts(load(site, path, source)) == {"accepted": 1100}
    [late] = [row for row in standing(site, source) if row["call_id"] == "late"]
    assert (late["meta"], late["customer"]) == ({"region": "north"}, "acme")


@embedded
def test_the_records_own_source_comes_before_the_one_asked_for(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        csv_of(
            {"call_id": "a", "start_time": NOON, "source": f"{source}-own"},
            {"call_id": "a", "start_time": NOON, "source": ""},
        )
    )
    assert counts(load(site, path, source)) == {"accepted": 2}
    assert len(standing(site, source)) == len(standing(site, f"{source}-own")) == 1


NUMBERS = {
    # as written: (kept as, country)
    "+442079460000": ("442079460000", "GB"),
    "00442079460000": ("442079460000", "GB"),
    "442079460000": ("442079460000", "GB"),
    "+44 20 7946-0000": ("442079460000", "GB"),
    "+1 (212) 555.0100": ("12125550100", "US"),
    "1/416/5550100": ("14165550100", "CA"),
    "sip:+442079460000@10.0.0.1;user=phone": ("442079460000", "GB"),
    "sips:12125550100@example.net:5061": ("12125550100", "US"),
    "tel:+1-212-555-0100": ("12125550100", "US"),
    "sip:alice@example.net": ("sip:alice@example.net", ""),
    "alice": ("alice", ""),
    "*69": ("*69", ""),
    "anonymous": ("anonymous", ""),
    "+": ("+", ""),
    "": ("", ""),
    "+8835100000": ("8835100000", "001"),
    "999999": ("999999", ""),
}


@embedded
def test_numbers_are_e164_digits_and_names_stay_names(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    lines = [f"c{n:02},{NOON},{text},{text}" for n, text in enumerate(NUMBERS)]
    path.write_text("\n".join(["call_id,start_time,number,cli", *lines]) + "\n")
    load(site, path, source)
    found = standing(site, source)
    assert {text: (row["number"], row["country"]) for text, row in zip(NUMBERS, found, strict=True)} == NUMBERS
    assert [row["cli"] for row in found] == list(NUMBERS), "the caller's number is kept as it was received"
    assert [row["orig_country"] for row in found] == [country for _, country in NUMBERS.values()]


OUTCOMES: list[tuple[str, dict[str, Any], bool, str]] = [
    # the source's own word decides
    ("said so, without talk", {"answered": 1, "sip_code": 200}, True, "answered"),
    ("said so, against the code", {"answered": 1, "sip_code": 486}, True, "answered"),
    ("said not, against talk", {"answered": 0, "duration": 5, "sip_code": 200}, False, "unknown"),
    ("said not, busy", {"answered": 0, "sip_code": 486}, False, "busy"),
    # without it the code and the talk
    ("200 with talk", {"sip_code": 200, "duration": 5}, True, "answered"),
    ("200 without talk", {"sip_code": 200}, False, "answered_zero"),
    ("an odd code with talk", {"sip_code": 487, "duration": 0.5}, True, "answered"),
    ("no code, talk", {"duration": 5}, True, "answered"),
    ("no code, answer time", {"answer_time": NOON}, True, "answered"),
    ("a code, answer time, no talk", {"sip_code": 480, "answer_time": NOON}, False, "no_answer"),
    # refused comes before every code
    ("our switch, no provider", {"release_side": "switch", "sip_code": 503}, False, "refused"),
    ("our switch, no code either", {"release_side": "switch"}, False, "refused"),
    ("our switch, busy", {"release_side": "switch", "sip_code": 486}, False, "refused"),
    ("our switch, sent on", {"release_side": "switch", "sip_code": 503, "provider": "p"}, False, "failed"),
    ("our switch, answered", {"release_side": "switch", "sip_code": 200, "duration": 5}, True, "answered"),
    # SIP
    ("486", {"sip_code": 486}, False, "busy"),
    ("600", {"sip_code": 600}, False, "busy"),
    ("480", {"sip_code": 480}, False, "no_answer"),
    ("487 after ringing", {"sip_code": 487, "ring_time": NOON}, False, "no_answer"),
    ("487 after a post-dial delay", {"sip_code": 487, "pdd": 2}, False, "no_answer"),
    ("487 before ringing", {"sip_code": 487}, False, "abandoned"),
    ("408 after ringing", {"sip_code": 408, "ring_time": NOON}, False, "no_answer"),
    ("408 without ringing", {"sip_code": 408}, False, "failed"),
    ("403", {"sip_code": 403}, False, "rejected"),
    ("603", {"sip_code": 603}, False, "rejected"),
    ("607", {"sip_code": 607}, False, "rejected"),
    ("608", {"sip_code": 608}, False, "rejected"),
    ("404", {"sip_code": 404}, False, "bad_number"),
    ("410", {"sip_code": 410}, False, "bad_number"),
    ("484", {"sip_code": 484}, False, "bad_number"),
    ("604", {"sip_code": 604}, False, "bad_number"),
    ("302", {"sip_code": 302}, False, "redirect"),
    ("500", {"sip_code": 500}, False, "failed"),
    ("503", {"sip_code": 503}, False, "failed"),
    ("606", {"sip_code": 606}, False, "failed"),
    ("an unlisted 4xx", {"sip_code": 499}, False, "failed"),
    ("an unlisted 5xx", {"sip_code": 580}, False, "failed"),
    ("an unlisted 6xx", {"sip_code": 699}, False, "failed"),
    ("a code that ends no call", {"sip_code": 183}, False, "unknown"),
    # Q.850 only without a code
    ("cause 17", {"q850": 17}, False, "busy"),
    ("cause 18", {"q850": 18}, False, "no_answer"),
    ("cause 19", {"q850": 19}, False, "no_answer"),
    ("cause 20", {"q850": 20}, False, "no_answer"),
    ("cause 21", {"q850": 21}, False, "rejected"),
    ("cause 1", {"q850": 1}, False, "bad_number"),
    ("cause 22", {"q850": 22}, False, "bad_number"),
    ("cause 28", {"q850": 28}, False, "bad_number"),
    ("cause 34", {"q850": 34}, False, "failed"),
    ("cause 47", {"q850": 47}, False, "failed"),
    ("cause 16 and nothing else", {"q850": 16}, False, "unknown"),
    ("a cause beside a code", {"sip_code": 503, "q850": 17}, False, "failed"),
    ("nothing known", {}, False, "unknown"),
]


@embedded
def test_how_an_attempt_ended(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(csv_of(*({"call_id": name, "start_time": NOON, **said} for name, said, _, _ in OUTCOMES)))
    load(site, path, source)
    found = {row["call_id"]: (row["connected"], row["outcome"]) for row in standing(site, source)}
    assert found == {name: (connected, outcome) for name, _, connected, outcome in OUTCOMES}


# --- what several sayings of one record come to -----------------------------------------------------------

HISTORIES: dict[str, tuple[list[str], list[str], str]] = {
    # name: what was said, in order, as content and revision (W withdraws); what each counts as; what stands
    "the same again": (["A0", "A0"], ["accepted", "duplicates"], "A"),
    "newer content": (["A0", "B1"], ["accepted", "corrections"], "B"),
    "older content": (["B1", "A0"], ["accepted", "stale"], "B"),
    "replaced, said again": (["A0", "B1", "A0"], ["accepted", "corrections", "stale"], "B"),
    "replaced, the new one again": (["A0", "B1", "B1"], ["accepted", "corrections", "duplicates"], "B"),
    "replaced twice": (["A0", "B1", "C2"], ["accepted", "corrections", "corrections"], "C"),
    "between the two": (["A0", "C2", "B1"], ["accepted", "corrections", "stale"], "C"),
    "the same again, newer revision": (["A0", "A1"], ["accepted", "corrections"], "A"),
    "taken back": (["A0", "W1"], ["accepted", "withdrawn"], ""),
    "taken back twice": (["A0", "W1", "W1"], ["accepted", "withdrawn", "duplicates"], ""),
    "said again after it was taken back": (["A0", "W1", "A0"], ["accepted", "withdrawn", "stale"], ""),
    "restored": (["A0", "W1", "B2"], ["accepted", "withdrawn", "corrections"], "B"),
    "taken back before it came": (["W1", "A0"], ["withdrawn", "stale"], ""),
    "taken back before it came, then newer": (["W1", "A0", "B2"], ["withdrawn", "stale", "corrections"], "B"),
    "a withdrawal that comes too late": (["B1", "W0"], ["accepted", "stale"], "B"),
}

EQUAL_REVISIONS: dict[str, tuple[list[str], list[str], str]] = {
    # Between loads the later one wins; within one file nobody can say which came later.
    "the later load": (["A0", "B0"], ["accepted", "corrections"], "B"),
    "and the first one again": (["A0", "B0", "A0"], ["accepted", "corrections", "stale"], "B"),
    "a withdrawal": (["A0", "W0"], ["accepted", "withdrawn"], ""),
    "raised, then other content below": (["A0", "A1", "B0"], ["accepted", "corrections", "stale"], "A"),
    "a withdrawal before its call": (["W0", "A0"], ["withdrawn", "corrections"], "A"),
}


def said(name: str, saying: str) -> dict[str, Any]:
    customer, revision = saying[0], int(saying[1])
    record = {"call_id": name, "start_time": NOON, "revision": revision, "withdrawn": 0, "customer": customer}
    return {**record, "customer": "", "withdrawn": 1} if customer == "W" else {**record, "duration": 10}


def stands(site: Site, source: str) -> dict[str, str]:
    return {row["call_id"]: row["customer"] for row in standing(site, source)}


def what_stands(histories: dict[str, tuple[list[str], list[str], str]]) -> dict[str, str]:
    return {name: last for name, (_, _, last) in histories.items() if last}


def test_what_stands_after_several_loads(site: Site, source: str, tmp_path: Path) -> None:
    histories = HISTORIES | EQUAL_REVISIONS
    path = tmp_path / "calls.csv"
    for step in range(3):
        told = {name: history for name, history in histories.items() if len(history[0]) > step}
        path.write_text(csv_of(*(said(name, sayings[step]) for name, (sayings, _, _) in told.items())))
        assert counts(load(site, path, source)) == Counter(verdicts[step] for _, verdicts, _ in told.values())
    assert stands(site, source) == what_stands(histories)


@pytest.fixture(params=[500_000, 7], ids=["one chunk", "chunks of seven"])
def chunks(request: pytest.FixtureRequest, site: Site, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many records a commit takes; with seven, what is said of one call is split over several."""
    loader: Loader = site._loader  # type: ignore[assignment]
    monkeypatch.setattr(loader, "_settings", msgspec.structs.replace(site.settings, chunk_records=request.param))
    return int(request.param)


def test_one_file_says_the_same_as_several_loads(site: Site, source: str, tmp_path: Path, chunks: int) -> None:
    path = tmp_path / "calls.csv"
    sayings = [
        (step, name, sayings[step]) for name, (sayings, _, _) in HISTORIES.items() for step in range(len(sayings))
    ]
    path.write_text(csv_of(*(said(name, saying) for _, name, saying in sorted(sayings))))
    receipt = load(site, path, source)
    assert counts(receipt) == Counter(verdict for _, verdicts, _ in HISTORIES.values() for verdict in verdicts)
    assert stands(site, source) == what_stands(HISTORIES)
    if chunks > len(sayings):  # a second time nothing is new
        assert counts(load(site, path, source)).keys() == {"duplicates", "stale"}
        assert stands(site, source) == what_stands(HISTORIES)


def test_a_file_that_contradicts_itself_loses_only_what_contradicts(
    site: Site, source: str, tmp_path: Path, chunks: int
) -> None:
    sayings = [("pair", "A0"), ("alone", "A0"), ("triple", "A0"), ("newer", "A0"), ("triple", "A0"), ("pair", "B0"),
               ("newer", "B0"), ("triple", "B0"), ("newer", "C1"), ("taken back", "A0"), ("taken back", "W0"),
               ("twice", "A0"), ("twice", "A0")]  # fmt: skip
    path = tmp_path / "calls.csv"
    path.write_text(csv_of(*(said(name, saying) for name, saying in sayings)))
    receipt = load(site, path, source)
    assert counts(receipt) == {"accepted": 3, "duplicates": 1, "rejected": 9}
    assert stands(site, source) == {"alone": "A", "newer": "C", "twice": "A"}
    assert rejected(site, receipt.batch) == [
        (row, "identity", "identity_conflict: two different contents under one identity and revision")
        for row in (1, 3, 4, 5, 6, 7, 8, 10, 11)
    ]


@embedded
@pytest.mark.parametrize("chunks", [7], indirect=True, ids=["chunks of seven"])
@pytest.mark.parametrize(
    ("died", "failure"),
    [
        ("before it was decided", Unavailable("gone", "the database went away")),
        ("before it was inserted", KeyboardInterrupt()),
        ("before it was complete", Unavailable("gone", "the database went away")),
    ],
)
def test_a_load_that_fails_half_way_is_finished_before_the_next_one(
    site: Site,
    source: str,
    tmp_path: Path,
    chunks: int,
    monkeypatch: pytest.MonkeyPatch,
    died: str,
    failure: BaseException,
) -> None:
    """What was posted is final, so the rest of the file follows; the next load must not take its commit's number."""
    where = {"decided": "commit_chunk", "inserted": "_run", "complete": "_complete"}[died.rsplit(" ", 1)[1]]
    works = getattr(Ledger, where)
    passed = count()

    def fails_at_the_second_commit(self: Ledger, *told: Any, **how: Any) -> Any:
        if (where != "_run" or told[0] == "ingest/postings.sql.j2") and next(passed) == 1:
            raise failure
        return works(self, *told, **how)

    path = tmp_path / "calls.csv"
    path.write_text(csv_of(*({"call_id": f"c{n:02}", "start_time": NOON, "duration": n} for n in range(20))))
    monkeypatch.setattr(Ledger, where, fails_at_the_second_commit)
    with pytest.raises(type(failure)):
        load(site, path, source)
    monkeypatch.setattr(Ledger, where, works)
    assert len(standing(site, source)) < 20

    other = tmp_path / "other.csv"
    other.write_text(csv_of({"call_id": "other", "start_time": NOON}))
    assert counts(load(site, other, source)) == {"accepted": 1}
    assert [row["call_id"] for row in standing(site, source)] == [*(f"c{n:02}" for n in range(20)), "other"]
    assert_books_agree(site)
    assert counts(load(site, path, source)) == {"duplicates": 20}


@embedded
def test_a_load_that_fails_before_anything_is_posted_is_forgotten(
    site: Site, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Ledger, *told: Any, **how: Any) -> None:
        raise Unavailable("gone", "the database went away")

    path = tmp_path / "calls.csv"
    path.write_text(csv_of({"call_id": "a", "start_time": NOON}))
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "commit_chunk", fails)
        with pytest.raises(Unavailable):
            load(site, path, source)
    assert_books_agree(site)
    assert standing(site, source) == []
    assert counts(load(site, path, source)) == {"accepted": 1}


@embedded
def test_another_start_leg_or_source_is_another_record(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    one = {"call_id": "a", "start_time": NOON, "leg": "x", "source": source}
    path.write_text(
        csv_of(
            one,
            {**one, "start_time": "2026-10-01T12:00:00.001Z"},
            {**one, "leg": "y"},
            {**one, "source": f"{source}-2"},
            {**one, "start_time": "2026-10-01T14:00:00+02:00"},  # the same instant, written otherwise
        )
    )
    assert counts(load(site, path, source)) == {"accepted": 4, "duplicates": 1}


def test_what_was_said_of_one_call_does_not_touch_its_neighbours(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    charged = [
        {"call_id": f"c{n}", "start_time": f"2026-10-0{1 + n % 3}T23:59:59Z", "duration": n, "customer_charge": "0.1"}
        for n in range(30)
    ]
    path.write_text(csv_of(*charged))
    load(site, path, source)
    corrected = [{**record, "customer_charge": "0.10000001", "revision": 1} for record in charged[::3]]
    path.write_text(csv_of(*corrected))
    assert counts(load(site, path, source)) == {"corrections": 10}
    total = "SELECT sum(sign * customer_charge), sum(sign * toInt64(duration_ms)) FROM cdr WHERE source = {s:String}"
    assert rows(site, total, s=source) == [(D("3.0000001"), sum(range(30)) * 1000)]
