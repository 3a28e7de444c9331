"""Lists of reference data on the command line go in, or a span of calls to apply them to; what changed comes out."""

from pathlib import Path
from typing import Any

import click
import msgspec

from engine.words import many


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
    from engine.ingest.lists import ListReceipt
    from engine.reference.kinds import kind_of

    kind_of(kind)
    if where.url:
        asked = {"valid_from": valid_from, "origin": str(file)}
        done = where.client().upload(f"/lists/{kind}", file, asked, ListReceipt)
    else:
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


@click.command(epilog="Example: tollhouse reenrich --from 2026-10-01 --to 2026-11-01 --dry-run")
@click.option("--from", "start", metavar="TIME", required=True, help="Date, local time or instant; inclusive.")
@click.option("--to", "end", metavar="TIME", required=True, help="The same; exclusive. All October: --to 2026-11-01.")
@click.option("--tz", help="IANA zone of --from and --to; the site's when left out.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def reenrich(where: Any, start: str, end: str, tz: str | None, dry_run: bool, form: str) -> None:
    """Apply the lists as they are now to calls that were loaded before.

    Only facts change, never what a record says; reports as of an earlier moment stay as they were. What is interrupted
    is simply done again.
    """
    from engine.ingest.reenrichment import Reenriched
    from web.cli import _bar

    with _bar("reenriching", "") as bar:
        if where.url:
            asked = {"from": start, "to": end, "timezone": tz, "dry_run": dry_run}
            told = where.client().watch("/reenrich", asked, lambda name, done, total: bar(done, total, name))
            found = msgspec.convert(told, Reenriched)
        else:
            with where.site(writes=True) as site:
                report = lambda progress: bar(progress.done, progress.total, progress.step)  # noqa: E731
                found = site.reenrich(start, end, tz, dry_run=dry_run, report=report)
    if form == "json":
        click.echo(msgspec.json.encode(found).decode())
        return
    fields = ", ".join(f"{name} {count:,}" for name, count in found.fields.items())
    click.echo(
        f"{found.start} to {found.end}, lists of version {found.reference}: {many(found.changed, 'record')} of "
        f"{found.records:,} {'would change' if dry_run else 'changed'}{f' ({fields})' if fields else ''}"
    )
    if found.after_close:
        click.echo(f"{many(found.after_close, 'record')} of them lie in months that are closed")
