"""Words on a command line go in; the calls they look for come out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from engine.access.principal import ADMIN
from engine.errors import BadRequest, NotFound

FORMATS = ("table", "csv", "ndjson", "json", "arrow", "parquet", "xlsx")
_WHOLE = ("json", "table")
"""Formats that hold one page; the others hold every call."""


@click.command(epilog="Example: tollhouse calls --from 2026-10-01 --to 2026-11-01 --number '+44 20 7946 0000'")
@click.option("--from", "start", required=True, help="Date, local time or instant; inclusive.")
@click.option("--to", "end", required=True, help="The same; exclusive. With numbers at most six months later.")
@click.option("--tz", help="IANA zone of the window and of call times; the site's when left out.")
@click.option("--number", multiple=True, help="Whose calls; repeatable. +, 00, separators or as at home.")
@click.option(
    "--side",
    type=click.Choice(["any", "called", "cli", "dest_cli"]),
    default="any",
    show_default=True,
    help="Where the numbers are looked for.",
)
@click.option(
    "--match",
    type=click.Choice(["exact", "prefix"]),
    default="exact",
    show_default=True,
    help="Whole numbers, or how they begin.",
)
@click.option("--where", multiple=True, metavar="'FIELD OP LIST'", help="A filter, repeatable: 'customer in acme'.")
@click.option("--calls", type=click.Choice(["attempts", "final"]), help="Every attempt, or only the last of each call.")
@click.option("--currency", help="Leave out charges in other currencies; native shows all.")
@click.option("--as-of", help="As it was: an instant or local time, batch:ID or close:2026-10.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), help="Calls; when left out 100, in the formats that hold every call all."
)
@click.option("--cursor", help="What the page before said comes next.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="What --out ends in when left out, a table on the screen. table and json hold a page, others every call "
    "unless --limit says how many.",
)
@click.option("--labels", is_flag=True, help="CSV and XLSX headed by labels instead of names.")
@click.option("--raw", is_flag=True, help="Text in CSV and XLSX as it is, also what a spreadsheet would run.")
@click.option("--out", type=click.Path(path_type=Path), help="Write here; the name appears when complete.")
@click.pass_obj
def calls(where: Any, /, form: str | None, labels: bool, raw: bool, out: Path | None, **options: Any) -> None:
    """Show single calls, the newest first: those of a number, or those behind a cell of a report."""
    from web.cli import _chosen, _deliver

    _deliver(answered(where, asked(options), _chosen(form, out), labels=labels, raw=raw), out)


def asked(options: dict[str, Any], kept: dict[str, Any] | None = None) -> Any:
    """Return the search that options ask, laid over a saved one."""
    from engine.query import parameters, search

    values: dict[str, Any] = {"from": options["start"], "to": options["end"]}
    if options["number"]:
        values["number"] = list(options["number"])
    if options["tz"] is not None:
        values["timezone"] = options["tz"]
    for option in ("side", "match", "calls", "currency", "as_of", "limit", "cursor"):
        if options.get(option) is not None:
            values[option] = options[option]
    values["where"] = [parameters.where(text) for text in options["where"]]
    return search.of(search.laid(values, kept or {}))


_ITS_OWN = ("tz", "where", "number", "side", "match", "calls", "currency", "limit", "as_of")


def saved(where: Any, name: str) -> dict[str, Any] | None:
    """Return the search for single calls that is saved under a name; None when there is none."""
    try:
        if where.url:
            question: dict[str, Any] = where.client().call("GET", f"/views/{quote(name, safe='')}")["question"]
        else:
            with where.site() as site:
                question = site.shelf.find(name, ADMIN).question
    except NotFound:
        return None
    return question if question.get("report") == "per-number" else None


def of_report(
    where: Any, kept: dict[str, Any], options: dict[str, Any], form: str, *, labels: bool, raw: bool
) -> Iterator[bytes]:
    """Answer `tollhouse report per-number`, or what is saved of it; options that calls do not have are refused."""
    for option, given in options.items():
        if given and option not in (*_ITS_OWN, "start", "end"):
            hint = f"it takes {', '.join(f'--{name}' for name in _ITS_OWN).replace('_', '-')}"
            raise BadRequest("malformed", f"per-number has no --{option.replace('_', '-')}", hint=hint)
    return answered(where, asked(options, kept), form, labels=labels, raw=raw)


def answered(where: Any, found: Any, form: str, *, labels: bool, raw: bool) -> Iterator[bytes]:
    """Yield the calls in a format, from the database here or through a server."""
    from engine.exports import listings
    from engine.query.search import Page

    if where.url:
        options = {"labels": str(labels).lower(), "raw": str(raw).lower()}
        wanted = "json" if form in _WHOLE else form
        pieces = where.client().calls(found, wanted, **options)
        if form == "table":
            yield listings.table(msgspec.json.decode(b"".join(pieces), type=Page)).encode()
        else:
            yield from pieces
        return
    with where.site() as site:
        if form == "json":
            yield msgspec.json.encode(site.calls.page(found, ADMIN))
        elif form == "table":
            yield listings.table(site.calls.page(found, ADMIN)).encode()
        else:
            yield from listings.write(site.calls.every(found, ADMIN), form, labels=labels, raw=raw)  # type: ignore[arg-type]
