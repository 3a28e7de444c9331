"""Words on a command line go in; a month closed or reopened, or those that are closed, come out."""

from typing import Any

import click
import msgspec

from engine.errors import BadRequest
from engine.warehouse.closes import Close


@click.command(epilog="Example: tollhouse close 2026-10 --tz America/New_York")
@click.argument("month", required=False)
@click.option("--tz", help="IANA zone in which the month begins and ends; the site's when left out.")
@click.option("--who", metavar="NAME", help="Who closes it; the user of this machine when left out.")
@click.option("--undo", is_flag=True, help="Reopen it.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def close(where: Any, month: str | None, tz: str | None, who: str | None, undo: bool, form: str) -> None:
    """Close a month for invoicing, or list the months that are closed.

    Its reports can be asked as of the close from then on; what comes later is in the report adjustments.
    """
    for option, given in (("--undo", undo), ("--tz", tz is not None), ("--who", who is not None)):
        if given and month is None:
            raise BadRequest("malformed", f"{option} needs a month", hint="like tollhouse close 2026-10")
    if undo and tz is not None:
        raise BadRequest("malformed", "--undo takes no --tz", hint="a month is reopened in the zone it was closed in")
    if who is not None and where.url:
        raise BadRequest("malformed", "a server knows itself who asks", hint="leave out --who, or --url")
    if month is None:
        _show(_listed(where), form)
        return
    done = _through_server(where, month, tz, undo) if where.url else _here(where, month, tz, who or _user(), undo)
    _show([done], form)


def _show(found: list[Close], form: str) -> None:
    if form == "json":
        for close in found:
            click.echo(msgspec.json.encode(close).decode())
        return
    for close in found:
        click.echo(
            f"{close.month} in {close.zone}, {close.start} to {close.end}: {close.state} at {close.time} "
            f"by {close.who}, commit {close.commit}"
        )
    if not found:
        click.echo("no month is closed")


def _listed(where: Any) -> list[Close]:
    if where.url:
        return msgspec.convert(where.client().call("GET", "/closes")["items"], list[Close])
    with where.site() as site:
        return list(site.closes())


def _here(where: Any, month: str, zone: str | None, who: str, undo: bool) -> Close:
    with where.site(writes=True) as site:
        done: Close = site.reopen_month(month, who) if undo else site.close_month(month, who, zone)
        return done


def _through_server(where: Any, month: str, zone: str | None, undo: bool) -> Close:
    if undo:
        found = where.client().call("DELETE", f"/closes/{month}")
    else:
        asked = {"month": month} | ({"timezone": zone} if zone is not None else {})
        found = where.client().call("POST", "/closes", asked)
    return msgspec.convert(found, Close)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return "unknown"
