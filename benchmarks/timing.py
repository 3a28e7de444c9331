"""Calls go in, how long they take comes out: medians, and rivals timed in alternation."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

_Result = TypeVar("_Result")

_SPREAD: dict[str, Callable[[Sequence[float]], float]] = {"median": statistics.median, "min": min, "max": max}


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def rivals(calls: Mapping[str, Callable[[], _Result]], runs: int) -> dict[str, list[_Result]]:
    """Call all of them in turn, `runs` times after one of each that does not count, and return what each gave.

    Whatever else the machine is doing slows all alike; so does who comes first, which changes every turn.
    """
    for call in calls.values():
        call()
    found: dict[str, list[_Result]] = {name: [] for name in calls}
    names = list(calls)
    for run in range(runs):
        for name in names[run % len(names) :] + names[: run % len(names)]:
            found[name].append(calls[name]())
    return found


def alternated(
    first: Callable[[], _Result], second: Callable[[], _Result], runs: int
) -> tuple[list[_Result], list[_Result]]:
    """Call both in turn, after one of each that does not count, and return what each gave."""
    found = rivals({"first": first, "second": second}, runs)
    return found["first"], found["second"]


def timed(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Return how long each of the rivals took, in seconds."""
    return rivals({name: partial(seconds, call) for name, call in calls.items()}, runs)


def spread(times: Sequence[float]) -> dict[str, float]:
    """Return median, least and greatest of seconds, in milliseconds."""
    return {name: round(1000 * how(times), 2) for name, how in _SPREAD.items()}


def percentile(values: Iterable[float], per_cent: float) -> float:
    """Return the least value that so many per cent of them do not exceed.

    >>> percentile([5, 1, 4, 2, 3], 50), percentile(range(1, 101), 95)
    (3, 95)
    """
    found = sorted(values)
    return found[max(0, math.ceil(len(found) * per_cent / 100) - 1)]


def geometric_mean(values: Iterable[float]) -> float:
    """Return the mean of ratios: ten times faster once and ten times slower once is no gain."""
    return statistics.geometric_mean(values)
