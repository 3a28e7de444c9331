"""A list of reference data on the command line goes in; what it changed comes out."""

from pathlib import Path
from typing import Any

import click
import msgspec

from engine.errors import BadRequest


@click.command(epilog="Example: tollhouse load dids dids.csv --valid-from 2026-11-01")
@click.argument("kind")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--valid-from", metavar="DATE", help="What was loaded before stays valid for calls before this day.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def load(where: Any, kind: str, file: Path, valid_from: str | None, form: str) -> None:
    """Load a list of reference data; it tells facts about calls that are loaded from then on.

    KIND is npanxx, npa, rate_centers, dids, customers, providers, cards, fx or outcomes. FILE is CSV with a
    header, or a list as NANPA, the Canadian administrator or LERG6 write it; also .zip and .gz. The list replaces
    the one before it as a whole. When one row of it cannot be, nothing is loaded.
    """
    from engine.reference.kinds import kind_of

    kind_of(kind)
    if where.url:
        raise BadRequest(
            "not_through_server",
            "lists are not loaded through a server yet",
            hint="stop it and leave out --url and TOLLHOUSE_URL",
        )
    with where.site(writes=True) as site:
        done = site.load_list(kind, file, str(file), valid_from)
    if form == "json":
        click.echo(msgspec.json.encode(done).decode())
        return
    since = f" from {done.valid_from} on" if done.valid_from else ""
    click.echo(
        f"version {done.version}: {kind} from {done.origin} as {done.layout}, {done.rows:,} rows{since}: "
        f"{done.added:,} added, {done.changed:,} changed, {done.removed:,} removed, {done.kept:,} kept"
    )
