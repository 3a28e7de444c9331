"""Series of numbers go in, a small SVG with logarithmic axes comes out, light enough to lie in the repository."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 40, 50
_INK, _GRID = "#5b6470", "#d5d9de"
_COLORS = ("#2c6fbb", "#c4501b", "#2f8f5b", "#8a4fb0", "#b8860b", "#0f8b9d", "#a83254", "#66707a")

Point = tuple[float, float]


class _Axis(NamedTuple):
    """Powers of ten from `low` to `high`, drawn from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def lines(title: str, across: str, up: str, series: Mapping[str, Sequence[Point]]) -> str:
    """Return a line through the points of each series; all numbers are greater than 0.

    >>> lines("t", "x", "y", {"one": [(1, 1), (10, 100)]}).count("<polyline")
    1
    """
    points = [point for some in series.values() for point in some]
    x = _Axis.over([point[0] for point in points], _LEFT, _WIDTH - _RIGHT)
    y = _Axis.over([point[1] for point in points], _HEIGHT - _BOTTOM, _TOP)
    drawn = [_text(_LEFT, 22, title, "bold 14px"), _text(_LEFT, _HEIGHT - 8, across), _text(6, _TOP - 8, up)]
    for tick in x.ticks:
        drawn += [_line(x.at(tick), y.start, x.at(tick), y.end), _text(x.at(tick) - 8, y.start + 18, _short(tick))]
    for tick in y.ticks:
        drawn += [_line(x.start, y.at(tick), x.end, y.at(tick)), _text(8, y.at(tick) + 4, _short(tick))]
    for place, (name, some) in enumerate(series.items()):
        color = _COLORS[place % len(_COLORS)]
        path = " ".join(f"{x.at(a)},{y.at(b)}" for a, b in some)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x.at(a)}" cy="{y.at(b)}" r="3" fill="{color}"/>' for a, b in some]
        drawn.append(_text(_WIDTH - _RIGHT + 14, _TOP + 14 + 18 * place, name, fill=color))
    return _svg(drawn, _HEIGHT)


def _svg(drawn: list[str], height: int) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>', *drawn, "</svg>\n"])


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_GRID}"/>'


def _text(x: float, y: float, words: str, font: str = "12px", fill: str = _INK) -> str:
    return f'<text x="{x}" y="{y}" fill="{fill}" style="font:{font} sans-serif">{escape(words)}</text>'


def _short(value: float) -> str:
    """Return a power of ten as people write it.

    >>> [_short(value) for value in (0.1, 1.0, 1000.0, 1e7, 1e9)]
    ['0.1', '1', '1 k', '10 M', '1 G']
    """
    for size, sign in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"
