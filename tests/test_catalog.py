"""The declarations under schemas/catalog/: a mistake in them is an error at start that points at the line."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.access.principal import ADMIN
from engine.catalog.load import CatalogMistake, catalog, load
from engine.catalog.model import Catalog
from engine.ingest.pipeline import Asked
from engine.ingest.stage import ledger_columns
from engine.query import question
from engine.query.answer import Answer
from engine.query.route import LEDGER
from engine.settings import Settings
from engine.site import Site
from engine.verify.window import Window

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "schemas" / "catalog", tmp_path / "catalog"))


def change(path: Path, old: str, new: str) -> int:
    """Replace `old` by `new` and return the line on which its entry begins."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    before = text[: text.index(old)].splitlines()
    return max(number for number, line in enumerate(before, 1) if line.startswith("["))


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("measures.toml", 'denominator = "base"', 'denominator = "bse"', "'bse'"),
        ("measures.toml", 'value = "attempts"', 'valeu = "attempts"', "valeu"),
        ("measures.toml", 'type = "percent"', 'type = "percnt"', "percnt"),
        ("dimensions.toml", 'column = "customer_card"', "", "either column or bucket"),
        ("rollups.toml", '"seizures"', '"seizure"', "did you mean 'seizures'?"),
        ("rollups.toml", '"provider_card"', '"provider_crad"', "did you mean 'provider_card'?"),
        ("reports.toml", '"customer_charge"', '"customer_chrge"', "did you mean 'customer_charge'?"),
        ("reports.toml", 'rows = ["customer", ', 'rows = ["custmer", ', "did you mean 'customer'?"),
        ("reports.toml", 'field = "country"', 'field = "contry"', "did you mean 'country'?"),
        ("reports.toml", 'op = "not_null"', 'op = "is_not_null"', "is_not_null"),
        ("reports.toml", 'default = "called"', 'default = "caled"', "none of its values: called, calling"),
        ("reports.toml", 'attempts = "Total"', 'atempts = "Total"', "did you mean 'attempts'?"),
        ("reports.toml", "[usa-calls.parameters.type]", "[usa-calls.parameters.tipe]", "tipe"),
        ("reports.toml", 'rows = ["did"]', 'rows = ["account", "did"]', "'account' is not a customer's to see"),
        ("words.toml", 'when.base.seizures = ["seizures"]', 'when.bass.seizures = ["seizures"]', "'base'"),
        ("words.toml", 'parts = ["connected"]', 'parts = ["conected"]', "did you mean 'connected'?"),
        ("words.toml", 'parts = ["{class}_connected"]', 'parts = ["{class}_conected"]', "intrastate_conected"),
        ("words.toml", "count_zero_answers = [", "count_zero_answer = [", "did you mean 'count_zero_answers'?"),
        ("parts.toml", "{short_call_seconds} * 1000", "{short_seconds} * 1000", "'short_call_seconds'"),
        ("parts.toml", 'of = "attempts"', 'of = "attempt"', "did you mean 'attempts'?"),
        ("parts.toml", 'of = "attempts"', 'of = "customer_charge"', "cannot be made of 'customer_charge'"),
        ("parts.toml", 'where = "{class.is}"', "", "needs either value, or of and where"),
        ("measures.toml", 'each = "class"\n', 'each = "clas"\n', "did you mean 'class'?"),
        ("rollups.toml", '"seizures"', '"intrastate"', "keep 'attempts', and jurisdiction as key"),
    ],
)
def test_a_mistake_names_file_line_and_entry(folder: Path, file: str, old: str, new: str, says: str) -> None:
    line = change(folder / file, old, new)
    with pytest.raises(CatalogMistake) as mistake:
        load(folder)
    assert mistake.value.message.startswith(f"{file}:{line}: ["), mistake.value.message
    assert says in mistake.value.message


def test_a_word_that_no_member_says_is_found(folder: Path) -> None:
    line = change(folder / "parts.toml", "{network.help}", "{network.halp}")
    with pytest.raises(CatalogMistake, match=r"parts\.toml:\d+: no member says 'network.halp'") as mistake:
        load(folder)
    assert int(mistake.value.message.split(":")[1]) > line


def test_words_that_go_round_in_a_circle_are_found(folder: Path) -> None:
    line = change(folder / "words.toml", 'parts = ["seer_attempts"]', 'parts = ["seer_base_again"]')
    with (folder / "words.toml").open("a", encoding="utf-8") as file:
        file.write('\n[seer_base_again]\nparts = ["seer_base"]\nhelp = "Back."\n')
    with pytest.raises(CatalogMistake) as mistake:
        load(folder)
    assert mistake.value.message == f"words.toml:{line}: [seer_base] comes back to 'seer_base'"


def test_broken_toml_names_file_and_line(folder: Path) -> None:
    (folder / "parts.toml").write_text("[attempts\n", "utf-8")
    with pytest.raises(CatalogMistake, match=r"parts\.toml: .*line 1"):
        load(folder)


def test_every_column_the_catalog_speaks_of_is_in_the_ledger() -> None:
    columns = {column["name"] for column in ledger_columns()}
    assert {d.column for d in catalog().dimensions.values() if d.column} <= columns
    for rollup in catalog().rollups.values():
        assert set(rollup.keys) <= columns


def test_nothing_summed_is_a_float() -> None:
    assert {part.type for part in catalog().parts.values()} == {"Int64", "Decimal(38, 8)", "Map(UInt16, Int64)"}


def test_everything_has_a_label_and_a_help_line() -> None:
    for entries in (catalog().dimensions, catalog().measures, catalog().reports):
        for name, entry in entries.items():
            assert entry.label, name
            assert entry.help.endswith("."), name


def test_what_costs_or_names_a_provider_is_the_operators_alone() -> None:
    for measure in catalog().measures.values():
        spoken = " ".join(filter(None, (measure.value, measure.numerator, measure.denominator)))
        if "provider" in spoken or measure.money in ("provider", "both"):
            assert measure.audience == "operator", measure.name
    for dimension in catalog().dimensions.values():
        if dimension.column and dimension.column.startswith("provider"):
            assert dimension.audience == "operator", dimension.name


def ask(site: Site, **fields: Any) -> Answer:
    return site.ask(question.of({"from": "2026-10-01", "to": "2026-11-01", **fields}), ADMIN)


@pytest.mark.engine
def test_rollups_keep_the_value_a_database_was_made_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalog()
    day = msgspec.structs.replace(known.rollups["breakout_day"], keys=("customer", "is_final"))
    day = msgspec.structs.replace(day, parts=("standing", "attempts", "connected", "short_calls"))
    with_part = msgspec.structs.replace(known, rollups={"breakout_day": day})
    monkeypatch.setattr("engine.site.catalog", lambda: with_part)
    calls = tmp_path / "calls.csv"
    spoken = [f"{n},2026-10-05T{n % 24:02}:00:00Z,{n % 9 + 1},acme" for n in range(90)]
    calls.write_text("\n".join(["call_id,start_time,duration,customer", *spoken]))
    found = {}
    for seconds in (6, 3):
        made = Settings(database=f"chdb://{tmp_path / 'database'}", short_call_seconds=seconds)
        with Site(made) as site:
            if seconds == 6:
                site.ingest(calls, calls.name, Asked())
            answer = ask(site, rows=["customer"], measures=["connected", "short_calls"])
            found[seconds] = (answer.rows[0][2], LEDGER in answer.source)
            assert ask(site, rows=["customer"], measures=["connected"]).source != (LEDGER,)
            assert site.verify(Window.of(None, None)).exact
    assert found == {6: (60, False), 3: (30, True)}


@pytest.mark.engine
def test_a_rollup_with_the_columns_answers_for_parts_of_some_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = catalog()
    day = msgspec.structs.replace(
        known.rollups["breakout_day"],
        keys=("jurisdiction", "jurisdiction_lata", "network", "is_final"),
        parts=("standing", "attempts", "connected", "duration_ms"),
    )
    monkeypatch.setattr("engine.site.catalog", lambda: msgspec.structs.replace(known, rollups={"breakout_day": day}))
    numbers = ("442079460000", "18002300100", "12122300100")
    file = tmp_path / "calls.csv"
    lines = [f"{n},2026-10-05T{n % 24:02}:00:00Z,{n % 5},{min(n % 3, 1)},{numbers[n % 3]}" for n in range(60)]
    file.write_text("\n".join(["call_id,start_time,duration,is_final,number", *lines]))
    with Site(Settings(database="chdb://memory")) as site:
        site.ingest(file, file.name, Asked())
        for kind, calls in itertools.product(("state", "lata"), ("attempts", "final")):
            fields = {"from": "2026-10-01", "to": "2026-11-01", "report": "usa-calls", "type": kind, "calls": calls}
            routed = site.desk.ask(question.of(fields), ADMIN)
            alone = site.desk.ask(question.of(fields), ADMIN, ledger_only=True)
            assert LEDGER not in routed.source
            assert routed.rows == alone.rows
            found = dict(zip((column.name for column in routed.columns), routed.rows[0], strict=True))
            assert found["total_duration"] == 120
            assert found["toll_free"] == 20
            assert found["international"] == (20 if calls == "attempts" else 0)


NEW = {
    "parts": """
[long_calls]
value = "connected AND duration_ms > 3600000"
counts = true
help = "Over an hour."
""",
    "measures": """
[long_calls]
label = "Long Calls"
type = "integer"
value = "long_calls"
help = "Over an hour."
""",
    "dimensions": """
[revision]
label = "Revision"
column = "revision"
type = "integer"
help = "Which one stands."
""",
    "families": """
[class.personal]
label = "Personal"
is = "jurisdiction = 'personal'"
help = "to a personal number"
""",
    "reports": """
[long-calls]
label = "Long Calls"
help = "Calls of over an hour."
rows = ["customer"]
measures = ["long_calls", "personal_connected"]
where = [{ field = "duration", op = "gt", values = [60] }]
sort = [{ field = "customer" }]
totals = true

[long-calls-by-day]
label = "Long Calls by Day"
help = "What a report may say of its question."
rows = ["revision"]
columns = ["day"]
measures = ["long_calls", "asr"]
base = "seizures"
currency = "EUR"
sort = [{ field = "long_calls|2026-10-05", descending = true }]
limit = 5
parts = true
fill = true
compare = "week"
top = [{ field = "revision", count = 3, by = "long_calls" }]
""",
    "rollups": """
[long_day]
label = "Long calls by day"
version = 3
grain = "day"
keys = ["customer", "revision", "is_final"]
parts = ["standing", "attempts", "connected", "seizures", "long_calls"]
""",
}


@pytest.mark.engine
def test_a_new_measure_dimension_report_or_rollup_is_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(shutil.copytree(ROOT / "schemas" / "catalog", tmp_path / "catalog"))
    for name, entry in NEW.items():
        with (folder / f"{name}.toml").open("a", encoding="utf-8") as file:
            file.write(entry)
    extended: Catalog = load(folder).at(msgspec.structs.asdict(Settings()))
    monkeypatch.setattr("engine.site.catalog", lambda: extended)
    calls = tmp_path / "calls.csv"
    calls.write_text(
        "call_id,start_time,duration,customer\n"
        "a,2026-10-05T00:00:00Z,3601,zed\nb,2026-10-05T00:00:00Z,3600,acme\nc,2026-10-05T00:00:00Z,60,few\n"
        + "".join(f"d{number},2026-10-05T00:00:00Z,1,many\n" for number in range(40))
    )
    with Site(Settings(database="chdb://memory")) as site:
        site.ingest(calls, calls.name, Asked())
        answer = ask(site, report="long-calls")
        assert answer.rows == [("acme", 0, 0), ("zed", 1, 0)]
        assert answer.totals == (None, 1, 0)
        assert ask(site, report="long-calls", rows=["revision"], sort=[{"field": "revision"}]).rows == [(0, 1, 0)]
        by_day = ask(site, report="long-calls-by-day", to="2026-10-07")
        assert by_day.question.limit == 5
        names = [column.name for column in by_day.columns]
        assert "asr.denominator|2026-10-06" in names
        assert dict(zip(names, by_day.rows[0], strict=True))["long_calls.change|2026-10-05"] == 1
        rolled = ask(site, rows=["revision", "customer"], measures=["long_calls", "asr"], calls="final")
        assert rolled.source == ("long_day_v3_utc",)
        assert [row[:3] for row in rolled.rows] == [(0, "zed", 1), (0, "acme", 0), (0, "few", 0), (0, "many", 0)]
        assert site.verify(Window.of(None, None)).exact
