"""Results go in as JSON; the newest of every part and size is kept, and the tables and plots of README.md come out.

python -m benchmarks.table benchmarks/results/2026-11-21T184704.json
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import plots, targets
from benchmarks.parts import PARTS
from benchmarks.targets import TARGETS, shown

HERE = Path(__file__).parent
KEPT = HERE / "measured.json"
README = HERE / "README.md"
_BEGIN, _END = "<!-- what follows is written by python -m benchmarks.table -->", "<!-- to here -->"
_RUN = ("version", "date", "machine", "calls", "days", "runs")


def main(words: list[str] | None = None) -> None:
    """Keep results and write the tables anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("results", nargs="*", type=Path, help="JSON that python -m benchmarks has written")
    parser.add_argument("--kept", type=Path, default=KEPT, help="the file that holds what is in the tables")
    parser.add_argument("--readme", type=Path, default=README)
    options = parser.parse_args(words)
    kept: dict[str, Any] = json.loads(options.kept.read_text("utf-8")) if options.kept.exists() else {}
    for path in options.results:
        kept = merged(kept, json.loads(path.read_text("utf-8")))
    options.kept.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    text = options.readme.read_text("utf-8")
    before, after = text.split(_BEGIN)[0], text.split(_END)[1]
    options.readme.write_text(f"{before}{_BEGIN}\n\n{written(kept)}\n{_END}{after}", "utf-8")
    for name, svg in drawn(kept).items():
        (options.readme.parent / f"{name}.svg").write_text(svg, "utf-8")


def merged(kept: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept, with the parts of a result in place of older ones of the same size."""
    told = {name: result[name] for name in _RUN}
    found = {f"{name} {result['calls']}": {**told, "part": name, **one} for name, one in result["parts"].items()}
    return dict(sorted((kept | found).items()))


def written(kept: dict[str, Any]) -> str:
    """Return the table of targets, the plots and every part's figures as Markdown."""
    rows = ["| what | against | target | measured | | calls | of it |", "|---|---|---|---|---|---|---|"]
    for name, target in TARGETS.items():
        for one in _in_order(kept):
            for figure in one["targets"]:
                if figure["target"] == name:
                    met = targets.verdict(figure, one["calls"])
                    value = shown(figure["value"], target.unit)
                    cells = (
                        target.what,
                        target.against,
                        target.told,
                        value,
                        f"**{met}**" if met == "missed" else met,
                        f"{one['calls']:,}",
                        figure["beside"],
                    )
                    rows.append(f"| {' | '.join(cells)} |")
    measured = {figure["target"] for one in kept.values() for figure in one["targets"]}
    rows += [
        f"| {target.what} | {target.against} | {target.told} | not yet | | | |"
        for name, target in TARGETS.items()
        if name not in measured
    ]
    images = [f"![{name}]({name}.svg)\n" for name in drawn(kept)]
    return "\n".join([*rows, "", *images, *(_figures(one) for one in _in_order(kept))])


def _in_order(kept: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(kept.values(), key=lambda one: (list(PARTS).index(one["part"]), one["calls"]))


def _figures(one: dict[str, Any]) -> str:
    part = PARTS[one["part"]]
    how = f"{one['calls']:,} calls in {one['days']} days; {one['machine']}; {one['date']}; load {one['load']}"
    return "\n".join([f"**{one['part']}**: {part.about}. {how}.", "", "```", *part.lines(one), "```", ""])


def drawn(kept: dict[str, Any]) -> dict[str, str]:
    """Return the plots, by name: how the time of each report and the rows read for it grow with the calls."""
    sizes: dict[int, dict[str, Any]] = {}
    for one in _in_order(kept):
        if one["part"] == "growth":
            sizes |= {int(calls): reports for calls, reports in one["sizes"].items()}
    if len(sizes) < 2:
        return {}
    reports = list(sizes[min(sizes)])
    figures: dict[str, tuple[str, str, Callable[[dict[str, Any]], float]]] = {
        "growth-time": ("Time of a month's report", "ms", lambda one: one["ms"]["median"]),
        "growth-rows": ("Rows read for a month's report", "rows", lambda one: max(1, one["rows_read"])),
        "growth-bytes": ("Bytes of the tables that answer", "bytes", lambda one: max(1, one["table_bytes"])),
    }
    return {
        name: plots.lines(
            title,
            "calls",
            unit,
            {report: [(calls, figure(sizes[calls][report])) for calls in sorted(sizes)] for report in reports},
        )
        for name, (title, unit, figure) in figures.items()
    }


if __name__ == "__main__":
    main()
