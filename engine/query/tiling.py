"""A window and a rollup's tiles in it go in; which pieces of time it can answer for, and what is left, come out."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct


class Span(Struct, frozen=True):
    """A piece of time, [start, end) in milliseconds."""

    start: int
    end: int


class Within(Struct, frozen=True):
    """What a tile must not cross: time buckets of the question's zone, and days of the zone of exchange rates."""

    zone: str
    buckets: tuple[str, ...]
    rate_zone: str | None = None


class Run(Struct, frozen=True):
    """Tiles that follow each other: where each begins, and where the last one ends, in seconds."""

    starts: Sequence[int]
    end: int


class Tiles(Struct, frozen=True):
    """The tiles of a rollup that lie wholly in a window and, each of them, within one time bucket of the question.

    `count` counts also those that cross a bucket's end.
    """

    count: int
    runs: tuple[Run, ...]


def every(first: int, last: int, seconds: int) -> Run:
    """Return the run of tiles of equal length from `first` to `last`."""
    return Run(range(first, last, seconds), last)


def joined(tiles: Iterable[tuple[int, int]]) -> tuple[Run, ...]:
    """Return tiles, [start, end) and in order, as runs."""
    runs: list[tuple[list[int], int]] = []
    for start, end in tiles:
        if runs and runs[-1][1] == start:
            starts = runs.pop()[0]
            starts.append(start)
            runs.append((starts, end))
        else:
            runs.append(([start], end))
    return tuple(Run(starts, end) for starts, end in runs)


def covered(runs: Sequence[Run], gaps: Sequence[Span]) -> tuple[Span, ...]:
    """Return the pieces of `gaps` that whole tiles fill."""
    found = []
    for gap in gaps:
        opening, closing = -(-gap.start // 1000), gap.end // 1000
        for run in runs:
            first = bisect_left(run.starts, opening)
            if first == len(run.starts):
                continue
            last = bisect_right(run.starts, closing) - 1
            start, end = run.starts[first], run.end if run.end <= closing else run.starts[last] if last > first else 0
            if end > start:
                found.append(Span(start * 1000, end * 1000))
    return tuple(found)


def left(gaps: Sequence[Span], spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return what remains of `gaps` without `spans`, each of which lies within one of them; both are in order."""
    rest = []
    for gap in gaps:
        at = gap.start
        for span in spans:
            if gap.start <= span.start and span.end <= gap.end:
                if at < span.start:
                    rest.append(Span(at, span.start))
                at = span.end
        if at < gap.end:
            rest.append(Span(at, gap.end))
    return tuple(rest)


def estimate(months: dict[int, int], spans: Iterable[Span]) -> int:
    """Return how many rows lie in `spans`, taking each month's rows (yyyymm) as evenly spread."""
    total = 0.0
    spans = tuple(spans)
    for month, rows in months.items():
        start = _month_ms(month)
        end = _month_ms(month + 1 if month % 100 < 12 else month + 89)
        inside = sum(max(0, min(end, span.end) - max(start, span.start)) for span in spans)
        total += rows * inside / (end - start)
    return round(total)


def _month_ms(month: int) -> int:
    return int(datetime(month // 100, month % 100, 1, tzinfo=UTC).timestamp() * 1000)
