"""Words on a command line go in; figures proven, repaired or made anew come out, as text or JSON."""

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click
import msgspec

from engine.verify.proof import TableProof
from engine.verify.report import Rebuild, Verification
from engine.verify.window import Watch, Window
from engine.words import many

_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
Result = TypeVar("Result", Verification, Rebuild)


@click.command(epilog="Example: tollhouse verify --from 2026-10-01 --to 2026-11-01")
@click.option("--from", "start", metavar="DAY", help="First day, UTC; from the beginning when left out.")
@click.option("--to", "end", metavar="DAY", help="Exclusive. All October: --to 2026-11-01.")
@click.option("--repair", is_flag=True, help="Make exact what differs.")
@click.option("--strict", is_flag=True, help="Exit 1 also when an audit finds something.")
@click.option(
    "--limit", type=click.IntRange(0, 10_000), default=10, show_default=True, help="Examples of each finding."
)
@_FORMAT
@click.pass_obj
def verify(at: Any, /, start: str | None, end: str | None, repair: bool, strict: bool, limit: int, form: str) -> None:
    """Prove that the rollups say what the ledger says, and look for calls that are charged wrongly.

    Exit 0: they do, or do again after --repair. Exit 1: they do not.
    """
    window = Window.of(start, end)
    asked = {"from": window.start, "to": window.end, "repair": repair, "limit": limit}
    found = _done(
        at,
        "verify",
        asked,
        Verification,
        lambda site, watch: site.verify(window, repair=repair, limit=limit, watch=watch),
        writes=repair,
    )
    _print(found, form, _told(found, limit))
    sys.exit(0 if found.exact and (found.clean or not strict) else 1)


@click.command(epilog="Example: tollhouse rebuild --from 2026-10-01 --to 2026-11-01")
@click.option("--from", "start", metavar="DAY", required=True, help="First day, UTC.")
@click.option("--to", "end", metavar="DAY", required=True, help="Exclusive. All October: --to 2026-11-01.")
@_FORMAT
@click.pass_obj
def rebuild(at: Any, /, start: str, end: str, form: str) -> None:
    """Make the rollups of some days anew from the ledger, while everybody goes on reading."""
    window = Window.of(start, end)
    asked = {"from": window.start, "to": window.end}
    found = _done(at, "rebuild", asked, Rebuild, lambda site, watch: site.rebuild(window, watch), writes=True)
    lines = (
        f"{table.table}: {many(table.tiles, 'day')} of {table.zone}, {many(table.mended, 'group')} mended"
        for table in found.tables
    )
    _print(found, form, lines)


def _done(
    at: Any, step: str, asked: dict[str, Any], kind: type[Result], work: Callable[[Any, Watch], Result], *, writes: bool
) -> Result:
    """Do it here or let the server do it, with a bar that shows how far it has come."""
    from web.cli import _bar

    with _bar(step, "") as bar:

        def watch(name: str, done: int, total: int) -> None:
            bar(done, total, f"{step} {name}")

        if at.url:
            return msgspec.convert(at.client().watch(f"/{step}", asked, watch), kind)
        with at.site(writes=writes) as site:
            return work(site, watch)


def _print(found: Verification | Rebuild, form: str, lines: Iterator[str]) -> None:
    if form == "json":
        click.echo(msgspec.json.encode(found).decode())
        return
    for line in lines:
        click.echo(line)


def _told(found: Verification, limit: int) -> Iterator[str]:
    for table in found.tables:
        yield from _of_table(table, limit)
    for name in found.uncovered:
        yield f"{name}: not in use yet, its days are still to be made"
    for audit in found.audits:
        yield f"{audit.name}: {audit.found:,} ({audit.about})" if audit.found else f"{audit.name}: none"
        for example in audit.examples:
            amounts = ", ".join(f"{name} {amount}" for name, amount in example.amounts.items())
            yield (f"  {example.source} {example.call_id} attempt {example.attempt} at {example.start_time}: {amounts}")
    if not found.exact:
        yield "the rollups do not say what the ledger says: tollhouse verify --repair makes them exact"
    elif found.repaired:
        yield "repaired: the rollups say again what the ledger says"
    else:
        yield "proven: the rollups say what the ledger says"


def _of_table(table: TableProof, limit: int) -> Iterator[str]:
    said = "equal"
    if table.differing:
        mended = f", {many(table.mended, 'group')} mended" if table.mended else ""
        said = f"different on {many(table.differing, 'day')}{mended}"
    yield f"{table.table}: {many(table.tiles, 'day')} of {table.zone}, {many(table.groups, 'group')}: {said}"
    days = list(dict.fromkeys(difference.day for difference in table.differences))
    for difference in table.differences:
        if difference.day not in days[:limit]:
            break
        worst = ", ".join(f"{column}={text!r}" for column, text in difference.worst.items())
        yield (
            f"  {difference.day} {difference.part}: ledger {difference.ledger}, rollup {difference.rollup}; "
            f"in {many(difference.groups, 'group')}, most in {worst}"
        )
    if days[limit:]:
        yield f"  and {many(len(days[limit:]), 'more day')} (--limit, or --format json for all)"
    for day in table.unsettled:
        yield f"  {day}: holds sums of commits that are not complete"
