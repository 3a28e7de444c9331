"""One file per oddity lies in tests/bad; here stands what becomes of each, and that a refused one leaves nothing."""

import gzip
import json
import zipfile
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest

from engine.errors import BadRequest, TooLarge
from engine.ingest.pipeline import Asked
from engine.site import Site
from tests.loading import assert_books_agree, assert_nothing_is_left, load, rejected, rows, standing

pytestmark = pytest.mark.engine

FOLDER = Path(__file__).parent / "bad"

NO_TIME = "not a time: ISO 8601 with Z or an offset, or epoch seconds; without a zone only with --tz"
NO_SUCH_DAY = "outside 2000 and tomorrow"
NO_DURATION = "not a duration in seconds, 0 to 4000000"
NO_MONEY = "not a decimal with at most 10 digits before the point and 8 after it"
NO_TEXT = "not text: NUL bytes, or not UTF-8"
TOO_FEW = "fewer fields than columns: the line is cut off"
NO_RECORD = "not a record: quotes inside quotes, or bytes that are no text"
NO_JSON = "not a JSON object"
NO_NUMBER = "not a whole number from 0 to 999999999"
CONFLICT = "identity_conflict: two different contents under one identity and revision"

# Files in which some records cannot be taken: row, field and reason of each. The others are.
REJECTED: dict[str, tuple[int, str, str]] = {
    "bad_date.csv": (2, "start_time", NO_TIME),
    "date_without_zone.csv": (2, "start_time", NO_TIME),
    "hour_25.csv": (2, "start_time", NO_TIME),
    "february_30.csv": (2, "start_time", NO_TIME),
    "month_00.csv": (2, "start_time", NO_TIME),
    "year_0000.csv": (2, "start_time", NO_TIME),
    "offset_of_25_hours.csv": (2, "start_time", NO_TIME),
    "epoch_milliseconds.csv": (2, "start_time", NO_TIME),
    "start_missing.csv": (2, "start_time", "missing"),
    "year_1970.csv": (2, "start_time", NO_SUCH_DAY),
    "year_2110.csv": (2, "start_time", NO_SUCH_DAY),
    "year_2200.csv": (2, "start_time", NO_SUCH_DAY),
    "negative_duration.csv": (2, "duration", NO_DURATION),
    "absurd_duration.csv": (2, "duration", NO_DURATION),
    "absurd_duration_with_exponent.csv": (2, "duration", NO_DURATION),
    "money_with_9_decimals.csv": (2, "customer_charge", NO_MONEY),
    "absurd_charge.csv": (2, "customer_charge", NO_MONEY),
    "money_nan.csv": (2, "provider_charge", NO_MONEY),
    "money_with_sign.csv": (2, "provider_charge", NO_MONEY),
    "unknown_currency.csv": (2, "customer_currency", "not an ISO 4217 code"),
    "lower_case_currency.csv": (2, "provider_currency", "not an ISO 4217 code"),
    "unknown_release_side.csv": (2, "release_side", "not one of caller, callee, provider, switch, unknown"),
    "boolean_yes.csv": (2, "sdp", "not one of true, false, 1, 0"),
    "sip_code_word.csv": (2, "sip_code", NO_NUMBER),
    "call_id_empty.csv": (2, "call_id", "missing"),
    "attempt_0.csv": (2, "attempt", "attempts count from 1"),
    "attempt_2_is_final_empty.csv": (2, "is_final", "needed when attempt is above 1"),
    "too_few_fields.csv": (1, "", TOO_FEW),
    "too_many_fields.csv": (1, "", "more fields than columns"),
    "cut_off_in_mid_line.csv": (2, "", TOO_FEW),
    "latin_1.csv": (2, "customer", NO_TEXT),
    "latin_1.ndjson": (2, "customer", NO_TEXT),
    "nul_bytes.csv": (2, "call_id", NO_TEXT),
    "nul_bytes_at_the_end.csv": (2, "", TOO_FEW),
    # what other systems and people write
    "absurd_rate.csv": (2, "customer_rate", NO_MONEY),
    "absurd_sip_code.csv": (2, "sip_code", NO_NUMBER),
    "negative_pdd.csv": (2, "pdd", NO_DURATION),
    "decimal_comma.csv": (2, "customer_charge", NO_MONEY),
    "thousands_separator.csv": (2, "customer_charge", NO_MONEY),
    "money_with_currency_sign.csv": (2, "customer_charge", NO_MONEY),
    "minus_sign_of_typography.csv": (2, "customer_charge", NO_MONEY),
    "non_breaking_space.csv": (2, "duration", NO_DURATION),
    "number_too_large.ndjson": (2, "customer_charge", NO_MONEY),
    "word_null.csv": (2, "sip_code", NO_NUMBER),
    "backslash_n.csv": (2, "sip_code", NO_NUMBER),
    "two_digit_year.csv": (2, "start_time", NO_TIME),
    "american_date.csv": (2, "start_time", NO_TIME),
    "leap_second.csv": (2, "start_time", NO_TIME),
    "columns_swapped_in_one_line.csv": (2, "start_time", NO_TIME),
    "trailing_delimiter_in_lines_only.csv": (2, "", "more fields than columns"),
    # files appended to one another, and what exports add at the end
    "header_again_in_the_middle.csv": (2, "start_time", NO_TIME),
    "footer_with_a_total.csv": (2, "", TOO_FEW),
    "footer_of_a_database.csv": (2, "", TOO_FEW),
    "ends_with_ctrl_z.csv": (2, "", TOO_FEW),
    # records that cannot be taken apart: the engine's readers give the file up, and it is mended
    "unescaped_quote.csv": (1, "", NO_RECORD),
    "unescaped_quotes_in_pairs.csv": (2, "", NO_RECORD),
    "text_after_quote.csv": (2, "", NO_RECORD),
    "nan_without_quotes.ndjson": (2, "", NO_JSON),
    "infinity_without_quotes.ndjson": (2, "", NO_JSON),
    "trailing_comma.ndjson": (2, "", NO_JSON),
    "single_quotes.ndjson": (2, "", NO_JSON),
    "unescaped_quote.ndjson": (2, "", NO_JSON),
    "line_break_in_text.ndjson": (2, "", NO_JSON),
    "lone_surrogate.ndjson": (2, "", NO_JSON),
    "two_objects_in_one_line.ndjson": (2, "", NO_JSON),
    "array_among_objects.ndjson": (2, "", NO_JSON),
    "log_line_among_objects.ndjson": (2, "", NO_JSON),
    "nul_bytes_between_records.ndjson": (2, "", NO_JSON),
    "broken_line.ndjson": (1, "", NO_JSON),
    "cut_off.ndjson": (2, "", NO_JSON),
}

# The same, but not with one good record and one bad one: rejects, and how many are taken.
OTHERS: dict[str, tuple[list[tuple[int, str, str]], int]] = {
    "broken_late.ndjson": ([(1002, "", NO_JSON)], 1001),
    "identity_twice_and_different.csv": ([(2, "identity", CONFLICT), (3, "identity", CONFLICT)], 1),
    "bom_in_the_middle.csv": ([(2, "start_time", NO_TIME)], 2),
}

# Files that are refused whole: the error's code and what it says.
REFUSED: dict[str, tuple[str, str]] = {
    "call_id_column_missing.csv": ("unknown_dialect", "it has no columns call_id and start_time"),
    "semicolons.csv": ("unknown_dialect", "it has no columns call_id and start_time"),
    # its first attempts would count as calls of their own
    "attempt_2_no_is_final.csv": ("is_final_missing", "attempts above 1 and no column is_final"),
    # what follows the quote cannot be told from what is in it: none of it may be lost without a word
    "cut_off_in_quotes.csv": ("unreadable_file", "a quote in line 3 of cut_off_in_quotes.csv is never closed"),
    "quote_never_closed.csv": ("unreadable_file", "a quote in line 3 of quote_never_closed.csv is never closed"),
    "empty.csv": ("empty_file", "not even a header line"),
    "empty.ndjson": ("empty_file", "holds no record"),
    "header_only.csv": ("empty_file", "holds no record"),
    "header_only.csv.gz": ("empty_file", "holds no record"),
    "no_rows.parquet": ("empty_file", "holds no record"),
    "header_twice.csv": ("bad_header", "names the column 'call_id' twice"),
    "column_twice.parquet": ("bad_header", "names the column 'call_id' twice"),
    "utf_16.csv": ("unreadable_file", "does not begin with UTF-8 text"),
    "utf_16_le_without_bom.csv": ("unreadable_file", "is no text"),
    "utf_16.ndjson": ("unreadable_file", "line 1 of utf_16.ndjson is not a JSON object"),
    "only_nul_bytes.csv": ("unreadable_file", "is no text"),
    "archive.tar.gz": ("unreadable_file", "is no text"),
    "only_blank_lines.csv": ("empty_file", "not even a header line"),
    "error_page.csv": ("unknown_dialect", "it has no columns call_id and start_time"),
    "tabs.csv": ("unknown_dialect", "it has no columns call_id and start_time"),
    "columns_swapped.csv": ("nothing_readable", "2 tried; the first: start_time not a time"),
    "lines_end_with_cr.csv": ("unreadable_file", "ends its lines with CR alone"),
    "latin_1_key.ndjson": ("unreadable_file", "line 1 of latin_1_key.ndjson is not a JSON object"),
    "key_twice.ndjson": ("unreadable_file", "not readable as ndjson at record 1"),
    "one_array.json": ("unreadable_file", "line 1 of one_array.json is not a JSON object"),
    "ends_early.csv.gz": ("unreadable_file", "cannot be unpacked: it is cut off or damaged"),
    "damaged.csv.gz": ("unreadable_file", "cannot be unpacked: it is cut off or damaged"),
    "ends_early.csv.zst": ("unreadable_file", "cannot be unpacked: it is cut off or damaged"),
    "not_a_parquet.parquet": ("unreadable_file", "is not a parquet file"),
    "ends_early.parquet": ("unreadable_file", "cannot be read as parquet"),
    "ends_early.arrows": ("unreadable_file", "cannot be read as arrow"),
    "float_money.parquet": ("float_money", "customer_charge as binary floating point"),
    "time_without_zone.parquet": ("nothing_readable", "--tz"),
}

# Of these it is the engine that finds out, so a server is asked as well.
FOUND_BY_THE_ENGINE = (
    "attempt_2_no_is_final.csv", "header_only.csv", "key_twice.ndjson", "no_rows.parquet",
    "time_without_zone.parquet",
)  # fmt: skip

# Files that look odd and are not.
LOADED: dict[str, dict[str, str]] = {
    "bom_and_crlf.csv": {"good": "acme"},
    "newline_in_quotes.csv": {"good": "ac\nme", "good2": 'a "b", c'},
    "blank_lines.csv": {"good": "", "good2": ""},
    "inch_mark.csv": {"good": '5" pipes', "good2": "acme"},
    "bom.csv": {"good": "acme"},
    "bom.ndjson": {"good": "acme"},
    "crlf.csv": {"good": "acme", "good2": "acme"},
    "crlf_in_some_lines.csv": {"good": "acme", "good2": "acme"},
    "ends_without_line_end.csv": {"good": "acme", "good2": "acme"},
    "quote_in_plain_text.csv": {"good": "acme", "good2": 'the "best" one'},
    "blanks_around_values.csv": {"good": "acme", "good2": "acme"},
    "trailing_delimiter.csv": {"good": "acme", "good2": "acme"},
    "charge_of_minus_zero.csv": {"good": "acme", "good2": "acme"},
    "excel_number.csv": {"good": "acme", "good2": "acme"},  # the number is lost before it comes to us
    "answered_before_start.csv": {"good": "acme"},  # clocks are set: it is the switch's word
    "identity_twice_and_the_same.csv": {"good": "acme", "good2": "acme"},
    "identity_twice_of_two_revisions.csv": {"good": "acme", "good2": "birch"},
}


KEPT = (
    "SELECT (SELECT count() FROM cdr), (SELECT count() FROM commit_log), (SELECT count() FROM rejects), "
    "(SELECT count() FROM batch_log WHERE state = 'loaded')"
)
"""Everything of a load that stays."""


@pytest.fixture
def source(request: pytest.FixtureRequest) -> str:
    """The test's own name: no other test's records are duplicates of its."""
    return str(request.node.name)


def test_every_file_has_its_outcome() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"README.md"}
    assert files == {*REJECTED, *OTHERS, *REFUSED, *LOADED}
    assert len(files) == len(REJECTED) + len(OTHERS) + len(REFUSED) + len(LOADED)


# What a text means is said in SQL that is the same on a server; how files reach it is tried on both below.
@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
@pytest.mark.parametrize("name", REJECTED)
def test_a_record_that_cannot_be_read_is_rejected_and_the_good_one_beside_it_is_not(
    site: Site, source: str, name: str
) -> None:
    receipt = load(site, FOLDER / name, source)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert rejected(site, receipt.batch) == [REJECTED[name]]
    assert [row["call_id"] for row in standing(site, source)] == ["good"]
    [(line, raw)] = rows(site, "SELECT line, base64Encode(raw) FROM rejects WHERE batch = {b:UInt32}", b=receipt.batch)
    assert b64decode(raw) == (FOLDER / name).read_bytes().splitlines()[line - 1]
    assert_nothing_is_left(site)


@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
@pytest.mark.parametrize("name", OTHERS)
def test_whatever_is_wrong_with_a_record_costs_that_record_only(site: Site, source: str, name: str) -> None:
    rejects, taken = OTHERS[name]
    receipt = load(site, FOLDER / name, source)
    assert (rejected(site, receipt.batch), receipt.accepted) == (rejects, taken)


# Records that cannot be taken apart are kept as their text: a line for every reject, in its place.
KEPT_LINES = {
    "unescaped_quote.csv": 'bad,2026-10-01T12:00:00Z,"ac"me"',
    "nan_without_quotes.ndjson": '{"call_id":"bad","start_time":"2026-10-01T12:00:00Z","mos":nan}',
    "cut_off.ndjson": '{"call_id":"bad","start_time":"20',
}


@pytest.mark.parametrize("name", KEPT_LINES)
def test_what_cannot_be_taken_apart_is_kept_as_its_text(site: Site, source: str, name: str) -> None:
    receipt = load(site, FOLDER / name, source)
    [(raw,)] = rows(site, "SELECT raw FROM rejects WHERE batch = {b:UInt32}", b=receipt.batch)
    assert raw == KEPT_LINES[name]
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert site.retry(receipt.batch)[0].loaded == 0, "it is no record, however it is read"


@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_taken_leaves_nothing_behind(site: Site, source: str, name: str) -> None:
    code, told = REFUSED[name]
    before = rows(site, KEPT)
    with pytest.raises(BadRequest) as refusal:
        site.ingest(FOLDER / name, name, Asked(source=source))
    assert refusal.value.code == code
    assert name in refusal.value.message
    assert told in refusal.value.message
    assert "44207946" not in str(refusal.value), "a message holds no phone number"
    assert "\n" not in str(refusal.value)
    assert rows(site, KEPT) == before
    assert_nothing_is_left(site)


@pytest.mark.parametrize("dsn", ["http"], indirect=True, scope="module")
@pytest.mark.parametrize("name", FOUND_BY_THE_ENGINE)
def test_nor_does_it_on_a_server(site: Site, source: str, name: str) -> None:
    test_a_file_that_cannot_be_taken_leaves_nothing_behind(site, source, name)


@pytest.mark.parametrize("name", LOADED)
def test_a_file_that_only_looks_odd_loads(site: Site, source: str, name: str) -> None:
    receipt = load(site, FOLDER / name, source)
    assert receipt.rejected == 0
    assert receipt.accepted + receipt.duplicates + receipt.corrections == receipt.received
    assert {row["call_id"]: row["customer"] for row in standing(site, source)} == LOADED[name]


# --- too large to be committed --------------------------------------------------------------------------

GOOD = "good,2026-10-01T12:00:00Z,acme\n"
HEADER = "call_id,start_time,customer\n"


@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
@pytest.mark.parametrize(
    "line",
    [
        f"bad,2026-10-01T12:00:00Z,{'x' * 10_000_000},one more\n",
        f'bad,2026-10-01T12:00:00Z,"{"x" * 10_000_000}" one more\n',
        f"{'x' * 10_000_000}\n",
    ],
    ids=["one field too many", "text behind quotes", "one field"],
)
def test_a_line_of_10_megabytes_costs_itself(site: Site, source: str, tmp_path: Path, line: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(HEADER + line + GOOD)
    receipt = load(site, path, source)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert [row["call_id"] for row in standing(site, source)] == ["good"]
    [(size,)] = rows(site, "SELECT length(raw) FROM rejects WHERE batch = {b:UInt32}", b=receipt.batch)
    assert size == len(line) - 1, "nothing of it is lost"


@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
def test_a_line_of_10_megabytes_that_is_right_is_taken(site: Site, source: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.ndjson"
    call = {"call_id": "good", "start_time": "2026-10-01T12:00:00Z", "more": "x" * 10_000_000}
    path.write_text(json.dumps(call) + "\n")
    assert load(site, path, source).accepted == 1
    assert len(standing(site, source)[0]["meta"]["more"]) == 10_000_000


@pytest.mark.parametrize("dsn", ["embedded"], indirect=True, scope="module")
@pytest.mark.parametrize("packed", ["gz", "zip"])
def test_a_file_that_would_fill_the_disk_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: str
) -> None:
    most = 1 << 20
    monkeypatch.setattr(
        site.loader._reading, "_settings", msgspec.structs.replace(site.settings, max_unpacked_bytes=most)
    )
    bomb = tmp_path / f"calls.csv.{packed}"
    text = (HEADER + GOOD).encode() + bytes(50 * most)
    if packed == "gz":
        bomb.write_bytes(gzip.compress(text))
    else:
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("calls.csv", text)
    before = rows(site, KEPT)
    with pytest.raises(TooLarge, match="is more than 1048576 bytes when unpacked") as refusal:
        site.ingest(bomb, bomb.name, Asked())
    assert "max_unpacked_bytes" in str(refusal.value)
    assert rows(site, KEPT) == before


def test_a_required_column_is_missed_also_when_the_dialect_is_named(site: Site) -> None:
    with pytest.raises(BadRequest, match="has no column for call_id") as refusal:
        site.ingest(FOLDER / "call_id_column_missing.csv", "calls.csv", Asked("canonical"))
    assert refusal.value.code == "missing_column"
    assert_nothing_is_left(site)


def test_after_all_of_it_the_books_agree(site: Site) -> None:
    assert_books_agree(site)
