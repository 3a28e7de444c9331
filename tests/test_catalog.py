"""The declarations under schemas/catalog/: a mistake in them is an error at start that points at the line."""

import shutil
from pathlib import Path

import pytest

from engine.catalog.load import CatalogMistake, catalog, load
from engine.ingest.stage import ledger_columns

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
    ],
)
def test_a_mistake_names_file_line_and_entry(folder: Path, file: str, old: str, new: str, says: str) -> None:
    line = change(folder / file, old, new)
    with pytest.raises(CatalogMistake) as mistake:
        load(folder)
    assert mistake.value.message.startswith(f"{file}:{line}: ["), mistake.value.message
    assert says in mistake.value.message


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
