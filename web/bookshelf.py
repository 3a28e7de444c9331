"""Words on a command line go in; reports, saved questions and values of dimensions come out."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.access.principal import ADMIN
from engine.errors import BadRequest, NotFound

_FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)


@click.group(invoke_without_command=True, epilog="Example: tollhouse reports save late-calls question.json")
@_FORMAT
@click.pass_context
def reports(context: click.Context, form: str) -> None:
    """List the reports there are, saved questions among them; or save and delete questions."""
    if context.invoked_subcommand is None:
        _list(context.obj, form)


def _list(where: Any, form: str) -> None:
    from web.catalog import report_views

    if where.url:
        client = where.client()
        found = client.call("GET", "/reports")["items"]
        saved = client.call("GET", "/views")["items"]
    else:
        with where.site() as site:
            found = msgspec.to_builtins(report_views(site.catalog, ADMIN, site.shelf.every(ADMIN)))
            saved = msgspec.to_builtins(site.shelf.every(ADMIN))
    known = {view["name"]: view for view in saved}
    found += [{**view, "problem": view["problem"]} for view in saved if view.get("problem")]
    if form == "json":
        for each in found:
            click.echo(msgspec.json.encode({**each, **known.get(each["name"], {})}).decode())
        return
    width = max(len(each["name"]) for each in found)
    for each in found:
        told = each.get("problem") or f"{each['label']}: {each['help']}".removesuffix(": ")
        kept = f" ({known[each['name']]['origin']})" if each["name"] in known else ""
        click.echo(f"{each['name'].ljust(width)}  {told}{kept}")


@reports.command(epilog="Example: tollhouse reports save late-calls question.json --label 'Late Calls'")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--label", help="What people call it; the name when left out.")
@click.option("--help-text", "about", metavar="TEXT", help="What it tells.")
@click.option("--audience", type=click.Choice(["operator", "all"]), help="Whether customers may ask it, too.")
@click.option("--replace", is_flag=True, help="Change the one of that name.")
@_FORMAT
@click.pass_obj
def save(
    where: Any,
    /,
    name: str,
    file: Path,
    label: str | None,
    about: str | None,
    audience: str | None,
    replace: bool,
    form: str,
) -> None:
    """Save a question written as JSON (- for standard input) under NAME. Its window is given when it is asked."""
    from engine.query.saved import Draft, Saved

    said = {"label": label, "help": about, "audience": audience}
    body: dict[str, Any] = {"name": name, "question": _read(file)}
    body |= {word: value for word, value in said.items() if value is not None}
    if where.url:
        method, path = ("PUT", f"/views/{name}") if replace else ("POST", "/views")
        done = msgspec.convert(where.client().call(method, path, body), Saved)
    else:
        try:
            draft = msgspec.convert(body, Draft)
        except msgspec.ValidationError as mistake:
            raise BadRequest("malformed", str(mistake)) from mistake
        with where.site(writes=True) as site:
            done = site.save(draft, _user(), anew=not replace)
    _told(done, form, f"saved: tollhouse report {done.name} --from … --to …")


@reports.command(epilog="Example: tollhouse reports delete late-calls")
@click.argument("name")
@_FORMAT
@click.pass_obj
def delete(where: Any, name: str, form: str) -> None:
    """Delete a saved question."""
    from engine.query.saved import Saved

    if where.url:
        done = msgspec.convert(where.client().call("DELETE", f"/views/{name}"), Saved)
    else:
        with where.site(writes=True) as site:
            done = site.unsave(name, _user())
    _told(done, form, f"deleted: {done.name}")


def _told(done: Any, form: str, text: str) -> None:
    click.echo(msgspec.json.encode(done).decode() if form == "json" else text)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return msgspec.json.decode(content, type=dict[str, Any])
    except OSError as failure:
        raise NotFound("no_such_file", f"cannot read {file}: {failure.strerror}") from failure
    except msgspec.DecodeError as mistake:
        raise BadRequest("malformed", f"{file}: {mistake}") from mistake


def _user() -> str:
    from web.month_end import _user as user

    return user()


@click.command(epilog="Example: tollhouse values customer_destination --search mobile")
@click.argument("dimension")
@click.option("--search", default="", help="Only values that hold this; upper and lower case are one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--from", "start", help="Only of calls from then on; date, local time or instant.")
@click.option("--to", "end", help="Only of calls before then.")
@_FORMAT
@click.pass_obj
def values(
    where: Any, /, dimension: str, search: str, limit: int, start: str | None, end: str | None, form: str
) -> None:
    """List the values of a dimension, those with the most calls first."""
    from engine.query.values import ValuePage

    if where.url:
        asked = {"search": search, "limit": limit, "from": start, "to": end}
        found = where.client().page(f"/values/{dimension}", ValuePage, asked)
    else:
        with where.site() as site:
            found = site.values(dimension, ADMIN, search=search, limit=limit, start=start, end=end)
    for value in found.items:
        click.echo(msgspec.json.encode(value).decode() if form == "json" else str(value))
