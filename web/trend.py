"""Two series of hours go in; where their points lie in a picture 240 wide and 100 high comes out."""

from collections.abc import Sequence

from msgspec import Struct

from engine.exports.formats import shown

WIDTH, HEIGHT = 240, 100


class Bar(Struct, frozen=True):
    """One hour of the day: where its bar stands, and what it says."""

    x: float
    y: float
    width: float
    height: float
    told: str


class Trend(Struct, frozen=True):
    """A picture: bars of the day, a line of the day it is compared with, and the value at the top."""

    bars: list[Bar]
    line: str
    top: str
    hours: int
    href: str
    before: str
    before_label: str
    total: str
    total_before: str


def trend(now: Sequence[float], then: Sequence[float], href: str, before: str, before_label: str) -> Trend:
    """Return the picture; a day has 23 to 25 hours."""
    hours = max(24, len(now), len(then))
    top = _round(max([*now, *then], default=0))
    step = WIDTH / hours
    bars = [
        Bar(
            round(place * step + 0.8, 2),
            round(HEIGHT - HEIGHT * value / top, 2),
            round(step - 1.6, 2),
            round(HEIGHT * value / top, 2),
            f"{place:02}:00: {shown(value, 'real')} min",
        )
        for place, value in enumerate(now)
    ]
    points = [f"{(place + 0.5) * step:.2f},{HEIGHT - HEIGHT * value / top:.2f}" for place, value in enumerate(then)]
    total, total_before = (shown(sum(series), "real") for series in (now, then))
    return Trend(
        bars, " ".join(points), shown(int(top), "integer"), hours, href, before, before_label, total, total_before
    )


def _round(value: float) -> float:
    """The next number that begins with 1, 2, 4, 5 or 8 and goes on with zeros.

    >>> [_round(value) for value in (0, 3, 4321, 5.5)]
    [1.0, 4.0, 5000.0, 8.0]
    """
    size = 1.0
    while size * 10 <= value:
        size *= 10
    return next(float(size * times) for times in (1, 2, 4, 5, 8, 10) if size * times >= value)
