"""Words on a command line go in; the batches and rejects there are come out; batches are taken back."""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

import click
import msgspec
from rich.console import Console
from rich.table import Table

from engine.words import many

_WIDEST = 400
_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
_CALLED = {"from": "start", "to": "end"}
"""Columns that Python does not let us call what they are called outside."""


def _print(items: Iterable[Any], names: Callable[[list[Any]], tuple[str, ...]], form: str, nothing: str) -> None:
    found = list(items)
    if form == "json":
        for item in found:
            click.echo(msgspec.json.encode(item).decode())
        return
    if not found:
        click.echo(nothing)
        return
    table = Table(box=None, pad_edge=False)
    shown = [(name, _CALLED.get(name, name)) for name in names(found)]
    for name, field in shown:
        numeric = type(getattr(found[0], field)) is int
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", no_wrap=True)
    for item in found:
        table.add_row(*[_cell(getattr(item, field)) for _, field in shown])
    # As wide as it needs to be: a line that is cut off hides what it was asked for.
    Console(width=_WIDEST).print(table, crop=False)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _paged(find: Callable[[int, str | None], Any], limit: int) -> Iterator[Any]:
    """Yield the first `limit` items of a list that comes in pages."""
    from engine.ingest.history import MOST

    after: str | None = None
    while limit > 0:
        page = find(min(limit, MOST), after)
        yield from page.items
        limit -= len(page.items)
        if not (after := page.next_cursor):
            return


def _listed(
    where: Any, path: str, limit: int, asked: dict[str, Any], kind: type, find: Callable[..., Any]
) -> list[Any]:
    """Ask the server, or look into the database here."""
    if where.url:
        client = where.client()
        return list(
            _paged(lambda most, after: client.page(path, kind, {**asked, "limit": most, "cursor": after}), limit)
        )
    with where.site() as site:
        return list(_paged(lambda most, after: find(site.warehouse, most, after, *asked.values()), limit))


@click.command(epilog="Example: tollhouse batches --limit 5")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--state", help="Only batches in this state, for example rolled_back.")
@click.option("--source", help="Only batches of this source.")
@click.option("--origin", metavar="TEXT", help="Only batches whose file name has this text.")
@_FORMAT
@click.pass_obj
def batches(where: Any, limit: int, state: str | None, source: str | None, origin: str | None, form: str) -> None:
    """List what was loaded, newest first."""
    from engine.ingest import history

    asked = {"state": state, "source": source, "origin": origin}
    found = _listed(where, "/batches", limit, asked, history.BatchPage, history.batches)
    _print(found, _of_interest, form, "no batch is like that" if any(asked.values()) else "nothing is loaded yet")


def _of_interest(found: list[Any]) -> tuple[str, ...]:
    """The columns of the table: some only when there is something in them."""
    stale, corrections, withdrawn, forced, after_close, skipped, problem = (
        (name,) if any(getattr(batch, name) for batch in found) else ()
        for name in ("stale", "corrections", "withdrawn", "forced", "after_close", "skipped", "problem")
    )
    about = ("id", "time", "origin", "source", "dialect", "state", "received", "accepted", "duplicates")
    return (
        *about,
        *stale,
        *corrections,
        *withdrawn,
        "rejected",
        *skipped,
        *forced,
        *after_close,
        "from",
        "to",
        *problem,
    )


@click.command(epilog="Example: tollhouse rejects --retry --batch 3")
@click.option("--batch", type=click.IntRange(0), help="Only of this batch.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--retry", is_flag=True, help="Read them again, and load what can be read now.")
@click.option("--dialect", help="With --retry: another dialect than that of the batch.")
@click.option("--tz", help="With --retry: another zone than that of the batch.")
@_FORMAT
@click.pass_obj
def rejects(
    where: Any, batch: int | None, limit: int, retry: bool, dialect: str | None, tz: str | None, form: str
) -> None:
    """List records that could not be taken, with the field and the reason; or read them again."""
    from engine.ingest import history

    if retry:
        _retry(where, {"batch": batch, "dialect": dialect, "timezone": tz}, form)
    found = _listed(where, "/rejects", limit, {"batch": batch}, history.RejectPage, history.rejects)
    _print(found, lambda _: ("batch", "origin", "line", "record", "field", "reason"), form, "nothing was rejected")


def _retry(where: Any, asked: dict[str, Any], form: str) -> NoReturn:
    from engine.ingest.pipeline import Retried

    if where.url:
        items = where.client().call("POST", "/rejects/retry", asked)["items"]
        found = msgspec.convert(items, list[Retried])
    else:
        with where.site(writes=True) as site:
            found = site.retry(*asked.values())
    for each in found:
        if form == "json":
            click.echo(msgspec.json.encode(each).decode())
            continue
        taken = f"{each.loaded:,} loaded as batch {each.receipt.batch}" if each.receipt else "none can be read"
        told = each.problem or f"{taken}, {each.stayed:,} stayed"
        click.echo(f"rejects of batch {each.batch} ({each.origin}): {told}")
    if not found and form != "json":
        click.echo("nothing was rejected")
    sys.exit(1 if any(each.stayed for each in found) else 0)


@click.command(epilog="Example: tollhouse rollback 7")
@click.argument("batch", type=click.IntRange(0))
@click.option("--undo", is_flag=True, help="Give a batch again that was taken back.")
@_FORMAT
@click.pass_obj
def rollback(where: Any, batch: int, undo: bool, form: str) -> None:
    """Take a load back: afterwards everything is as if it had never been loaded."""
    from engine.ingest.rollback import Undone
    from web.cli import _bar

    with _bar("restoring" if undo else "rolling back", f"batch {batch}") as bar:

        def watch(step: str, done: int, total: int) -> None:
            bar(done, total, f"{step} batch {batch}")

        if where.url:
            path = f"/batches/{batch}/{'restore' if undo else 'rollback'}"
            found = msgspec.convert(where.client().watch(path, {}, watch), Undone)
        else:
            with where.site(writes=True) as site:
                found = site.rollback(batch, undo=undo, report=lambda p: watch(p.step, p.done, p.total))
    click.echo(msgspec.json.encode(found).decode() if form == "json" else told(found, undo=undo))


def told(found: Any, *, undo: bool) -> str:
    """Return in words what taking a batch back, or giving it again, changed."""
    went, came = (found.went, "went"), (found.came, "came back")
    other = (found.fell_back, "took another content" if undo else "fell back to another load")
    order = (came, went) if undo else (went, came)
    (first, what), *more = [part for part in (*order, other, (found.stayed, "stayed")) if part[0]] or [(0, "changed")]
    words = [f"{many(first, 'record')} {what}", *(f"{count:,} {what}" for count, what in more)]
    closed = f" ({found.after_close:,} of them in a closed month)" if found.after_close else ""
    return f"batch {found.batch} {'restored' if undo else 'rolled back'}: {', '.join(words)}{closed}"
