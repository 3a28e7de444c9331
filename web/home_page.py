"""A request for the first page goes in; a day's figures, or how to get some, come out."""

from functools import partial
from typing import Any

import anyio.to_thread
from litestar import Request, get
from litestar.response import Template
from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import BadRequest
from engine.ingest import history
from engine.site import Site
from web.home import Day, Figure, Home, Reader, moved, named
from web.notable import Note, notes
from web.parameters import given, words
from web.rounds import Ask, asked
from web.shell import Shell, shell

LONG_AGO = 400
"""Days back in which the newest day of a customer is looked for."""


class HomePage(Struct, frozen=True, kw_only=True):
    """What a home page shows. `newest` is the newest day that has calls of the caller's, None when there is none."""

    day: str
    label: str
    until: str
    zone: str
    given_zone: str
    today: bool
    earlier: str
    later: str
    newest: str | None
    newest_label: str
    newest_call: str | None
    by: str
    money: str
    home: Home | None
    notes: list[Note]
    operator: bool


def quarter(now: str) -> str:
    """Return the beginning of the quarter of an hour that a local time lies in.

    >>> quarter("2026-10-05T14:37")
    '2026-10-05T14:30'
    """
    return f"{now[:14]}{int(now[14:16]) // 15 * 15:02}"


def chosen_day(text: str, now: str, zone: str) -> Day:
    """Return the day that a request means: today up to the last full quarter of an hour, or another one as a whole.

    Nothing can be said of a day in its first quarter of an hour: when no day is named it is yesterday until then.
    """
    today, until = now[:10], quarter(now)
    young = until.endswith("T00:00")
    try:
        day = moved(text, 0) if text else moved(today, -1 if young else 0)
        end = moved(day, 1)
        moved(day, -8)
    except (ValueError, OverflowError):
        raise BadRequest(
            "bad_value", f"{text!r} is not a day", pointer="day", hint="write it like 2026-10-01"
        ) from None
    return Day(day, end if day != today else f"{today}T00:15" if young else until, zone)


def home_page(said: dict[str, str], site: Site, principal: Principal, ask: Ask) -> HomePage:
    """Ask what the page of a day needs; raises 400 for a day or an order that there is not."""
    zone = said.get("tz") or site.settings.timezone
    now = _now(zone, site, principal)
    day = chosen_day(said.get("day", ""), now, zone)
    operator = principal.audience == "operator"
    money = "profit" if operator else "customer_charge"
    by = said.get("by", "minutes")
    if by not in ("minutes", money):
        known = f"minutes or {money}"
        raise BadRequest("bad_value", f"what moved is not listed by {by!r}", pointer="by", hint=known)
    reader = Reader(day, principal, ask, site.settings.min_calls)
    loaded = site.newest_call(zone)
    figures = reader.figures() if loaded else []
    silent = all(text in ("0", "") for figure in figures[:1] for text in _texts(figure))
    home = None if silent else reader.home(figures, by)
    newest = None if not loaded else loaded[:10] if principal.accounts is None else _newest(day, loaded, ask)
    call = loaded if principal.accounts is None else None
    waiting = history.rejects(site.warehouse, 1).items if operator else []
    return HomePage(
        day=day.date,
        label=named(day.date, full=True),
        until="" if day.whole else day.until[11:],
        zone=zone,
        given_zone=said.get("tz", ""),
        today=day.date == now[:10],
        earlier=moved(day.date, -1),
        later=moved(day.date, 1),
        newest=newest,
        newest_label=named(newest, full=True) if newest else "",
        newest_call=call,
        by=by,
        money=money,
        home=home,
        notes=notes(home, call, now, next(iter(waiting), None)) if home else [],
        operator=operator,
    )


def _texts(figure: Figure) -> list[str]:
    return [figure.text, *(beside.text for beside in figure.besides)]


def _newest(day: Day, loaded: str, ask: Ask) -> str | None:
    """The newest day with calls that the caller may see."""
    last = moved(loaded[:10], 1)
    span = Day(moved(last, -LONG_AGO), last, day.zone)
    rows = ask(span.question(rows=("day",), measures=("attempts",))).rows
    return str(rows[-1][0]) if rows else None


def _now(zone: str, site: Site, principal: Principal) -> str:
    """The local time; a question says best what is wrong with a zone."""
    site.desk.resolve(Day("2000-01-01", "2000-01-02", zone).question(), principal)
    return site.now(zone)


@get("/", include_in_schema=False)
async def home(request: Request[Any, Any, Any], principal: Principal, site: Site) -> Template:
    """The first page."""
    said = words([pair for pair in given(request) if pair[1].strip()], "day", "tz", "by")
    page = await asked(request, site, principal, partial(home_page, said, site, principal))
    around: Shell = await anyio.to_thread.run_sync(partial(shell, site, principal, "/", "Home"))
    return Template("home.html", context={"shell": around, "page": page})
