"""The figures of a home page go in, what somebody who is woken at night must see first comes out."""

from datetime import datetime

from msgspec import Struct

from engine.ingest.history import Reject
from engine.words import many
from web.home import Home, named

QUIET = 60
"""Minutes without a call after which today's silence is news."""
FALLEN = 20
"""Percent by which a figure must have fallen; of ASR, a quarter as many points."""
_GRAVE = ("attempts", "connected", "minutes", "asr")


class Note(Struct, frozen=True):
    """One thing to look at: `bad`, or else worth knowing."""

    text: str
    href: str
    bad: bool


def notes(home: Home, newest: str | None, now: str, rejected: Reject | None = None) -> list[Note]:
    """Return what is wrong with a day. `newest` is the time of the newest call, if it is to be told.

    `rejected` is one of the records that wait to be read again: their calls are in no figure.
    """
    found = []
    if rejected:
        text = f"Records could not be taken, the last ones from {rejected.origin} (batch {rejected.batch})"
        found.append(Note(text, "/rejects", bad=True))
    silent = minutes(newest, now) if newest and not home.day.whole else 0
    if newest and silent > QUIET:
        ago = f"{silent // 60} h {silent % 60} min" if silent < 48 * 60 else many(silent // 1440, "day")
        text = f"The newest call began {named(newest[:10], full=False)} at {newest[11:]}, {ago} ago"
        found.append(Note(text, home.hours.href, bad=True))
    found += _fallen(home)
    for place, listing in enumerate(home.worst):
        dead = [row for row in listing.rows if place == 0 and row.cells[1][0] == "0.00"]
        found += [
            Note(f"{row.name} connects none of {row.cells[0][0]} attempts", row.href, bad=True) for row in dead[:2]
        ]
    for figure in home.figures:
        if figure.negative:
            found.append(Note(f"{figure.label} is {figure.text} {figure.unit}", figure.href, bad=True))
    if len(home.worst) > 1 and home.worst[1].rows:
        worst = home.worst[1].rows[0]
        money = next((figure.unit for figure in home.figures if figure.name == "profit"), "")
        found.append(Note(f"{worst.name} loses money: {worst.cells[-1][0]} {money}", worst.href, bad=False))
    return sorted(found, key=lambda note: not note.bad)


def _fallen(home: Home) -> list[Note]:
    """What is far below the same weekday, or below yesterday where there was no call a week ago."""
    figures = {figure.name: figure for figure in home.figures}
    told: list[Note] = []
    for name in ("minutes", "attempts", "asr", "acd", "profit", "customer_charge"):
        figure = figures.get(name)
        if figure is None or figure.few or (name == "attempts" and told) or figure.negative:
            continue
        beside = next((each for each in reversed(figure.besides) if each.change.text), None)
        limit = FALLEN / 4 if name == "asr" else FALLEN
        if beside is None or beside.change.size > -limit:
            continue
        how = beside.change.text.removeprefix("-")
        text = f"{figure.label} {figure.text}{f' {figure.unit}' if figure.unit else ''}: {how} below {beside.label}"
        told.append(Note(text, figure.href, bad=name in _GRAVE))
    return told


def minutes(earlier: str, later: str) -> int:
    """Return the minutes between two local times.

    >>> minutes("2026-10-05T23:30", "2026-10-06T01:00")
    90
    """
    return int((datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() // 60)
