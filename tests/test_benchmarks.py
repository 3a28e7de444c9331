"""The benchmarks are run at a size that says nothing, to see that every part works and that every peer agrees."""

import doctest
import json
import re
from pathlib import Path
from typing import Any

import pytest

import benchmarks.__main__ as program
from benchmarks import duck, plots, postgres, presets, table, targets, timing
from benchmarks.answers import Differs, agree
from benchmarks.parts import PARTS
from engine.catalog.load import catalog
from tests.conftest import required

MISSING = duck.MISSING or postgres.missing()
"""What the benchmarks cannot compare with here."""

pytestmark = pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")


def run(folder: Path, *parts: str) -> dict[str, Any]:
    only = [word for part in parts for word in ("--only", part)]
    words = ["--calls", "2000", "--runs", "1", "--seconds", "1", "--keep", str(folder / "kept"), "--out", str(folder)]
    program.main([*words, *only])
    newest = max(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    found: dict[str, Any] = json.loads(newest.read_text("utf-8"))
    return found


@pytest.mark.parametrize("module", [plots, targets, timing], ids=lambda module: module.__name__)
def test_examples_hold(module: Any) -> None:
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_every_target_has_a_part_that_measures_it() -> None:
    told = "".join(path.read_text("utf-8") for path in table.HERE.glob("*.py") if path.stem != "targets")
    for name in targets.TARGETS:
        assert f'"{name}"' in told or name.startswith("reports_"), f"nothing measures {name}"


def test_every_part_is_explained() -> None:
    told = (table.HERE / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE) == list(PARTS)


def test_every_preset_of_sums_is_compared() -> None:
    presets_of_sums = {name for name, report in catalog().reports.items() if not (report.records or report.since_close)}
    assert set(presets.REPORTS) == presets_of_sums


def test_answers_that_differ_are_found() -> None:
    columns = [{"name": "customer", "type": "string"}, {"name": "asr", "type": "percent"}]
    columns += [{"name": "charge", "type": "money"}]
    ours = [("a", 50.0, "1.50"), ("b", None, "0.00")]
    agree("a peer", columns, ours, [["b", None, "0"], ["a", "50.00000000000001", "1.50000000"]])
    for theirs in (
        ours[:1],
        [("a", 50.0, "1.51"), ours[1]],
        [("a", 50.1, "1.50"), ours[1]],
        [ours[0], ("c", None, "0")],
    ):
        with pytest.raises(Differs):
            agree("a peer", columns, ours, theirs)


def test_a_bound_is_met_or_missed() -> None:
    assert targets.judged("loading_bulk", 0.7, "")["met"]
    assert not targets.judged("loading_bulk", 0.69, "")["met"]
    assert targets.judged("memory_rest", 600, "")["met"]
    assert not targets.judged("memory_rest", 601, "")["met"]


@pytest.mark.engine
@pytest.mark.skipif(MISSING is not None and not required("peers"), reason=MISSING or "")
def test_peers_give_the_same_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(tmp_path, "reports", "asking", "questions", "disk")
    reports = found["parts"]["reports"]
    assert set(reports["means"]) == {"parquet", "table", "postgresql"}
    assert set(reports["reports"]) == set(presets.REPORTS)
    assert reports["reports"]["breakout"]["tollhouse"]["rows"] > 500
    shown = capsys.readouterr().out
    assert "geometric mean" in shown

    readme, kept = tmp_path / "README.md", tmp_path / "measured.json"
    readme.write_text((table.HERE / "README.md").read_text("utf-8"), "utf-8")
    path = next(tmp_path.glob("20*.json"))
    table.main([str(path), "--kept", str(kept), "--readme", str(readme)])
    once = readme.read_text("utf-8")
    assert "**reports**: every preset" in once
    assert once.count("| not yet |") == len(targets.TARGETS) - len(
        [figure for part in found["parts"].values() for figure in part["targets"]]
    )
    table.main(["--kept", str(kept), "--readme", str(readme)])
    assert readme.read_text("utf-8") == once


@pytest.mark.engine
@pytest.mark.nightly
def test_every_part_works(tmp_path: Path) -> None:
    found = run(tmp_path, *PARTS)
    assert list(found["parts"]) == list(PARTS)
    assert {"time", "rows", "bytes"} == {name.split("-")[1] for name in table.drawn(table.merged({}, found))}
