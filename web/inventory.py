"""Words on a command line go in; the batches, rejects and dialects there are come out."""

from collections.abc import Iterable
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from engine.errors import BadRequest

_WIDEST = 400
_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)


def _print(items: Iterable[Any], names: tuple[str, ...], form: str, nothing: str) -> None:
    found = list(items)
    if form == "json":
        for item in found:
            click.echo(msgspec.json.encode(item).decode())
        return
    if not found:
        click.echo(nothing)
        return
    table = Table(box=None, pad_edge=False)
    for name in names:
        numeric = isinstance(getattr(found[0], name), int)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", no_wrap=True)
    for item in found:
        values = [getattr(item, name) for name in names]
        table.add_row(*["" if v is None else f"{v:,}" if isinstance(v, int) else str(v) for v in values])
    # As wide as it needs to be: a line that is cut off hides what it was asked for.
    Console(width=_WIDEST).print(table, crop=False)


def _refuse_server(where: Any) -> None:
    # Without this the answer would come from whatever database lies here, and look like the server's.
    if where.url:
        raise BadRequest(
            "not_through_server",
            "a running server cannot be asked for its batches and rejects yet",
            hint="stop it and leave out --url and TOLLHOUSE_URL",
        )


@click.command(epilog="Example: tollhouse batches --limit 5")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@_FORMAT
@click.pass_obj
def batches(where: Any, limit: int, form: str) -> None:
    """List what was loaded, newest first."""
    from engine.ingest import history

    _refuse_server(where)
    with where.site() as site:
        names = (
            "id",
            "time",
            "origin",
            "dialect",
            "state",
            "received",
            "accepted",
            "duplicates",
            "rejected",
            "after_close",
        )
        _print(history.batches(site.warehouse, limit), names, form, "nothing is loaded yet")


@click.command(epilog="Example: tollhouse rejects --batch 3")
@click.option("--batch", type=int, help="Only of this batch.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@_FORMAT
@click.pass_obj
def rejects(where: Any, batch: int | None, limit: int, form: str) -> None:
    """List records that could not be taken, with the field and the reason."""
    from engine.ingest import history

    _refuse_server(where)
    with where.site() as site:
        names = ("batch", "origin", "record", "field", "reason")
        _print(history.rejects(site.warehouse, batch, limit), names, form, "nothing was rejected")


@click.command()
@_FORMAT
def dialects(form: str) -> None:
    """List the formats that can be read."""
    from engine.ingest import dialects as known

    _print(known.known().values(), ("name", "label", "help"), form, "")
