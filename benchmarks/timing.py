"""Calls go in, how long they take comes out: medians, and pairs timed in alternation."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")

_SPREAD: dict[str, Callable[[list[float]], float]] = {"median": statistics.median, "min": min, "max": max}


def seconds(call: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def alternated(
    first: Callable[[], _Result], second: Callable[[], _Result], runs: int
) -> tuple[list[_Result], list[_Result]]:
    """Call both in turn, after one of each that does not count, and return what each gave.

    Whatever else the machine is doing slows both alike; so does who comes first, which changes every turn.
    """
    first(), second()
    found: tuple[list[_Result], list[_Result]] = ([], [])
    for run in range(runs):
        for which in (0, 1) if run % 2 else (1, 0):
            found[which].append((first, second)[which]())
    return found


def spread(times: list[float]) -> dict[str, float]:
    """Return median, least and greatest of seconds, in milliseconds."""
    return {name: round(1000 * how(times), 2) for name, how in _SPREAD.items()}
