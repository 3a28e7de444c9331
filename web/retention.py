"""A month on the command line goes in; what the ledger holds from before it goes, after saying what that is."""

from typing import Any

import click
import msgspec

from engine.errors import BadRequest


@click.command(epilog="Example: tollhouse retain 2025-01 --yes")
@click.argument("month")
@click.option("--yes", is_flag=True, help="Do it; without this it only says what would go.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def retain(where: Any, month: str, yes: bool, form: str) -> None:
    """Keep single calls from MONTH on, and of older ones only the sums by day.

    This cannot be undone: what is gone can only be loaded again, and calls from before MONTH are rejected.
    """
    if where.url:
        raise BadRequest(
            "not_through_server",
            "calls are not dropped through a server",
            hint="stop it and leave out --url and TOLLHOUSE_URL",
        )
    with where.site(writes=True) as site:
        kept = site.retain(month, really=yes)
    if form == "json":
        click.echo(msgspec.json.encode(kept).decode())
        return
    gone = f"{kept.postings:,} ledger rows of {', '.join(kept.months)}" if kept.months else "no ledger rows yet"
    click.echo(
        f"calls are kept from {kept.horizon} on; {gone} dropped"
        if yes
        else f"would keep calls from {kept.horizon} on and drop {gone}; say --yes to do it"
    )
