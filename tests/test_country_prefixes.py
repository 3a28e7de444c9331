"""The shipped country prefixes are well formed, complete, and agree with NANPA's report."""

import csv
import re
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "schemas" / "reference" / "country_prefixes.csv"
NPA_REPORT = Path(__file__).parents[2] / "shared" / "data" / "nanp" / "npa_report_raw.csv"

# ISO 3166-1 alpha-2, all officially assigned codes.
ISO_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES
    ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE
    IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU
    NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM
    SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE
    VG VI VN VU WF WS YE YT ZA ZM ZW
"""
ISO_3166 = frozenset(ISO_CODES.split())

# Uninhabited, or reached by numbers of a neighbour that no prefix tells apart.
WITHOUT_A_PREFIX = frozenset({"BL", "BV", "GS", "HM", "MF", "PN", "TF", "UM"})

# XK is user-assigned; 001 stands for international services.
BEYOND_ISO_3166 = frozenset({"XK", "001"})

# Three-digit beginnings with no country or international service in use: spare, reserved or given up.
SPARE = frozenset(
    {
        *(210, 214, 215, 217, 219, 259, *range(280, 290), *range(292, 297)),
        *(384, 388, 422, *range(424, 430), 671, 684, *range(693, 700)),
        *(*range(801, 808), 809, *range(830, 840), 851, 854, 857, 858, 859, *range(871, 878), 879),
        *(884, 885, 887, 889, *range(890, 900), 969, 978, 990, 991, 997, 999),
    }
)

# NANPA's names of countries, and of the US territories that have an ISO code of their own.
NANPA_COUNTRIES = {
    "": "US",  # toll-free, 700 and 900 lie in no country and stay with the default
    "US": "US",
    "ANGUILLA": "AI",
    "ANTIGUA/BARBUDA": "AG",
    "BAHAMAS": "BS",
    "BARBADOS": "BB",
    "BERMUDA": "BM",
    "BRITISH VIRGIN ISLANDS": "VG",
    "CANADA": "CA",
    "CAYMAN ISLANDS": "KY",
    "DOMINICA": "DM",
    "DOMINICAN REPUBLIC": "DO",
    "GRENADA": "GD",
    "JAMAICA": "JM",
    "MONTSERRAT": "MS",
    "SINT MAARTEN": "SX",
    "ST. KITTS & NEVIS": "KN",
    "ST. VINCENT & GRENADINES": "VC",
    "ST.LUCIA": "LC",
    "TRINIDAD & TOBAGO": "TT",
    "TURKS & CAICOS ISLANDS": "TC",
}
US_TERRITORIES = {"AS": "AS", "CNMI": "MP", "GU": "GU", "PR": "PR", "VI": "VI"}

NUMBERS = [
    ("12125550123", "US"),
    ("18005550123", "US"),
    ("15005550123", "US"),
    ("16045550123", "CA"),
    ("18675550123", "CA"),
    ("16005550123", "CA"),
    ("17875550123", "PR"),
    ("13405550123", "VI"),
    ("16715550123", "GU"),
    ("16845550123", "AS"),
    ("16705550123", "MP"),
    ("12425550123", "BS"),
    ("18765550123", "JM"),
    ("16585550123", "JM"),
    ("18495550123", "DO"),
    ("17215550123", "SX"),
    ("442079460123", "GB"),
    ("447700900123", "GB"),
    ("447911012345", "GB"),
    ("447911123456", "GG"),
    ("441481256789", "GG"),
    ("447797712345", "JE"),
    ("447624123456", "IM"),
    ("33142685300", "FR"),
    ("493012345678", "DE"),
    ("390612345678", "IT"),
    ("390669812345", "VA"),
    ("390549886377", "SM"),
    ("378886377", "SM"),
    ("4721234567", "NO"),
    ("4779123456", "SJ"),
    ("358401234567", "FI"),
    ("3581812345", "AX"),
    ("74951234567", "RU"),
    ("77271234567", "KZ"),
    ("76301234567", "KZ"),
    ("38338123456", "XK"),
    ("212522123456", "MA"),
    ("212528812345", "EH"),
    ("262262123456", "RE"),
    ("262269123456", "YT"),
    ("262639123456", "YT"),
    ("24761234", "SH"),
    ("29022222", "SH"),
    ("264611234567", "NA"),
    ("5511912345678", "BR"),
    ("525512345678", "MX"),
    ("59997181234", "CW"),
    ("5997151234", "BQ"),
    ("590590123456", "GP"),
    ("61291234567", "AU"),
    ("61891621234", "CC"),
    ("61891641234", "CX"),
    ("672106123", "AQ"),
    ("672322123", "NF"),
    ("81312345678", "JP"),
    ("8613812345678", "CN"),
    ("85221234567", "HK"),
    ("886212345678", "TW"),
    ("850212345678", "KP"),
    ("821012345678", "KR"),
    ("970221234567", "PS"),
    ("97221234567", "IL"),
    ("919812345678", "IN"),
    ("80012345678", "001"),
    ("870773123456", "001"),
    ("881612345678", "001"),
    ("883510012345", "001"),
]


def read() -> list[tuple[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        assert next(rows) == ["prefix", "country"]
        return [(prefix, country) for prefix, country in rows]


ROWS = read()
PREFIXES = dict(ROWS)


def country_of(number: str) -> str | None:
    """The country of the longest prefix that starts the number."""
    for length in range(len(number), 0, -1):
        if found := PREFIXES.get(number[:length]):
            return found
    return None


def npa_report() -> list[dict[str, str]]:
    if not NPA_REPORT.parents[1].is_dir():
        pytest.skip("the public reference data is not beside the repository")
    with NPA_REPORT.open(encoding="utf-8-sig", newline="") as lines:
        next(lines)  # the file's date
        return list(csv.DictReader(lines))


def nanpa_country(row: dict[str, str]) -> str:
    country = NANPA_COUNTRIES[row["COUNTRY"]]
    return US_TERRITORIES.get(row["LOCATION"], country) if country == "US" else country


def test_bytes_are_plain() -> None:
    content = FILE.read_bytes()
    assert content.endswith(b"\n")
    assert not content.endswith(b"\n\n")
    assert re.fullmatch(rb"[ -~\n]+", content)  # no CR, no byte order mark, nothing beyond ASCII


def test_lines_are_well_formed() -> None:
    for prefix, country in ROWS:
        assert re.fullmatch(r"[1-9][0-9]{0,14}", prefix), prefix
        assert country in (ISO_3166 | BEYOND_ISO_3166), (prefix, country)


def test_prefixes_are_sorted_and_unique() -> None:
    prefixes = [prefix for prefix, _ in ROWS]
    assert prefixes == sorted(set(prefixes))


def test_no_line_repeats_what_a_shorter_prefix_says() -> None:
    for prefix, country in ROWS:
        assert country_of(prefix[:-1]) != country, prefix


def test_every_country_with_a_telephone_code_occurs() -> None:
    assert {country for _, country in ROWS} == (ISO_3166 - WITHOUT_A_PREFIX) | BEYOND_ISO_3166


def test_every_assigned_code_and_no_spare_one_has_a_country() -> None:
    spare = {code for code in range(100, 1000) if country_of(f"{code}") is None}
    assert spare == SPARE


def test_area_codes_in_service_map_to_their_country() -> None:
    in_service = [row for row in npa_report() if row["IN_SERVICE"] == "Y"]
    assert len(in_service) >= 485
    found = {row["NPA_ID"]: country_of(f"1{row['NPA_ID']}5550123") for row in in_service}
    assert found == {row["NPA_ID"]: nanpa_country(row) for row in in_service}


def test_listed_area_codes_are_assigned_to_their_country() -> None:
    assigned = {f"1{row['NPA_ID']}": nanpa_country(row) for row in npa_report() if row["ASSIGNED"] == "Yes"}
    listed = {prefix: country for prefix, country in ROWS if len(prefix) > 1 and prefix.startswith("1")}
    assert listed == {prefix: assigned.get(prefix) for prefix in listed}


@pytest.mark.parametrize(("number", "country"), NUMBERS)
def test_number_lies_in_its_country(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize("number", ["", "0", "011442079460123", "2101234567", "999123"])
def test_number_outside_every_code_has_no_country(number: str) -> None:
    assert country_of(number) is None
