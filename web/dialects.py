"""Words on a command line go in; the formats that can be read, and what one of them makes of a sample, come out."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.words import many
from web.inventory import _FORMAT, _print

_LONGEST = 40


@click.group(epilog="Example: tollhouse dialects", invoke_without_command=True)
@_FORMAT
@click.pass_context
def dialects(context: click.Context, form: str) -> None:
    """List the formats that can be read; `check` shows what one makes of a sample."""
    if context.invoked_subcommand is None:
        from engine.ingest import dialects as known

        if context.obj.url:
            from web.reference import DialectPage

            found: Iterable[Any] = context.obj.client().page("/dialects", DialectPage, {}).items
        else:
            found = known.known(context.obj.settings().dialects_folder).values()
        _print(found, lambda _: ("name", "label", "help"), form, "")


@dialects.command(epilog="Example: tollhouse dialects check Master.csv --dialect asterisk --tz America/New_York")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dialect", help="Which system wrote the file; found out when it is unmistakable.")
@click.option("--tz", help="Zone of times that carry none.")
@_FORMAT
@click.pass_obj
def check(where: Any, file: Path, dialect: str | None, tz: str | None, form: str) -> None:
    """Show how a sample maps, column by column, with its first values and rejects; nothing is loaded."""
    from engine.ingest.check import Check
    from engine.ingest.pipeline import Asked
    from engine.site import Site

    if where.url:
        asked = {"dialect": dialect, "tz": tz, "origin": str(file)}
        found = where.client().upload("/dialects/check", file, asked, Check)
    else:
        settings = msgspec.structs.replace(where.settings(), database="chdb://memory")
        with Site(settings) as site:
            found = site.check(file, str(file), Asked(dialect, None, tz))
    if form == "json":
        click.echo(msgspec.json.encode(found).decode())
    else:
        _show(found)


def _show(found: Any) -> None:
    told = f"{many(found.readable, 'record')} can be read, {found.rejected:,} cannot"
    click.echo(f"{found.origin} as {found.dialect} ({found.label}): {told}")
    for column, words in found.only.items():
        click.echo(f"only rows whose {column} is {' or '.join(words)}")
    rows = [(f.field, " / ".join(f.columns), f.read, _first(f.values)) for f in found.fields]
    _table("field", "from", "read as", "first values", rows=rows)
    others = [("meta", name, _first(values)) for name, values in found.meta.items()]
    if others:
        click.echo()
        _table("kept in", "column", "first values", rows=others)
    if found.missing:
        click.echo(f"\nno column for: {', '.join(found.missing)}")
    for limit in found.limits:
        click.echo(f"limit: {limit}")
    for reject in found.rejects:
        click.echo(f"record {reject.record}: {reject.field or 'the line'}: {reject.reason}")


def _first(values: list[str]) -> str:
    return " | ".join(value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…" for value in values)


def _table(*heads: str, rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    Console(width=400).print(table, crop=False)
