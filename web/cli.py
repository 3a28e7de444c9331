"""Words on a command line go in, files, questions and a server come out; exit 0 done, 1 partly, 2 not.

The command line is a face like the page: `serve` and `--url` speak HTTP, so it stands outside the engine.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from engine import __version__
from engine.access.principal import ADMIN
from engine.errors import BadRequest, NotFound, TollhouseError
from engine.settings import Settings, load
from engine.words import many

FORMATS = ("table", "csv", "ndjson", "json", "arrow", "parquet", "xlsx")
"""As in engine/exports/formats.py, which is not loaded to show a help text."""
BINARY = ("arrow", "parquet", "xlsx")
"""Those that would only make a mess of a screen."""
SUFFIXES = {f".{name}": name for name in FORMATS} | {".arrows": "arrow", ".jsonl": "ndjson", ".txt": "table"}
"""The format a file's name speaks of."""


_HELP = """Call analytics for voice carriers: exact to the call and the cent.

\b
Examples:
  tollhouse demo
  tollhouse ingest calls.csv
  tollhouse ingest Master.csv --dialect asterisk --tz America/New_York
  tollhouse report breakout --from 2026-10-01 --to 2026-11-01
"""


class _Program(click.Group):
    """Turns every failure into one line on standard error and exit 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except TollhouseError as failure:
            _fail(str(failure))
        except BrokenPipeError:
            sys.exit(2)
        except OSError as failure:
            _fail(f"{failure.filename or 'a file'}: {failure.strerror or failure}")
        except KeyboardInterrupt:
            # 128 + SIGINT, as shells have it. The loader cleans up, now or when the database is opened next.
            _fail("interrupted; a load that had begun to post is finished by the next command, others are not", 130)

    def main(self, *words: Any, **options: Any) -> Any:
        options |= {"standalone_mode": False, "prog_name": "tollhouse"}
        try:
            status = super().main(*words, **options)
        except click.UsageError as failure:
            said = failure.format_message().removesuffix(".")
            if "\n" in said:  # no words at all: the help
                click.echo(said, err=True)
                sys.exit(2)
            _fail(f"{said} (see {failure.ctx.command_path if failure.ctx else 'tollhouse'} --help)")
        except click.ClickException as failure:
            _fail(failure.format_message())
        except click.Abort:
            _fail("interrupted", 130)
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int = 2) -> NoReturn:
    click.echo(f"tollhouse: {message}", err=True)
    sys.exit(status)


@click.group(
    cls=_Program, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--database", metavar="DSN", help="chdb:///path, chdb://memory or http(s)://user:password@host:8123/db")
@click.option("--url", metavar="URL", envvar="TOLLHOUSE_URL", help="Use a running server instead of a database.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file; tollhouse.toml here when left out.")
@click.version_option(__version__, prog_name="tollhouse")
@click.pass_context
def main(context: click.Context, database: str | None, url: str | None, config: Path | None) -> None:
    """Remember which database or server is meant; the commands below do the rest."""
    context.obj = _Where(database, url, config)


class _Where:
    """Which database or server the command is about; each command may name it too."""

    def __init__(self, database: str | None, url: str | None, config: Path | None) -> None:
        self.database = database
        self.url = url
        self.config = config

    def settings(self, **options: Any) -> Settings:
        return load(self.config, database=self.database, **options)

    def client(self) -> Any:
        import os

        from web.client import Client

        client = Client(self.url or "", os.environ.get("TOLLHOUSE_KEY"))
        click.get_current_context().call_on_close(client.close)
        return client

    def site(self, *, writes: bool = False) -> Any:
        from engine.site import Site

        return Site(self.settings(), writes=writes)


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let --database and --url stand after the command too."""

    def keep(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            setattr(context.obj, parameter.name or "", value)

    for name, metavar in (("url", "URL"), ("database", "DSN")):
        option = click.option(f"--{name}", metavar=metavar, expose_value=False, callback=keep, help="As above.")
        command = option(command)
    return command


@main.command(epilog="Example: tollhouse generate --calls 1000000 --days 30 --seed 1 --out calls.csv")
@click.option("--calls", type=click.IntRange(1), default=100_000, show_default=True, help="Distinct calls.")
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="Days they are spread over.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same calls.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day, UTC; default: so that they end today.")
@click.option("--euro/--no-euro", default=True, show_default=True, help="Whether a few accounts are in euro.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help=".csv, .ndjson or .parquet; text also .gz, .zst",
)
def generate(calls: int, days: int, seed: int, start: datetime | None, euro: bool, out: Path) -> None:
    """Write deterministic sample calls that look like a carrier's traffic."""
    from engine.traffic import Traffic, write
    from engine.warehouse.gateway import Warehouse

    first = start.date() if start else _first_day(days)
    with Warehouse("chdb://memory") as warehouse, _bar("generating", "calls") as report:
        records = write(Traffic(calls, days, seed, first, euro), warehouse, out, lambda done: report(done, calls))
    told = f"{many(calls, 'call')} in {many(records, 'record')}, {many(days, 'day')} from {first}"
    click.echo(f"wrote {out}: {told}, seed {seed}")


def _first_day(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days - 1)


class _bar:  # noqa: N801 - reads as the verb it is
    """A progress bar on standard error when that is a terminal, silence otherwise."""

    def __init__(self, step: str, unit: str) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task(f"{step} {unit}", total=None)

    def __enter__(self) -> Callable[..., None]:
        self._progress.start()
        return self.show

    def show(self, done: int, total: int, description: str | None = None) -> None:
        self._progress.update(self._task, completed=done, total=total or None, description=description)

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()


_QUESTION = [
    click.option("--from", "start", required=True, help="Date, local time or instant; inclusive."),
    click.option("--to", "end", required=True, help="The same; exclusive. All October: --to 2026-11-01."),
    click.option("--tz", help="IANA zone of filter and buckets; the site's when left out."),
    click.option("--type", help="Of usa-calls: state or lata."),
    click.option("--side", help="Of usa-rate-center: called or calling; of per-number: any, called, cli or dest_cli."),
    click.option("--bucket", help="Of asr-per-route: minute15, hour, day, week or month."),
    click.option("--rows", help="Dimensions to group by, comma-separated; '' for one row."),
    click.option("--columns", help="Dimensions across, comma-separated: a column for each of their values."),
    click.option("--measures", help="Measures, comma-separated."),
    click.option("--where", multiple=True, metavar="'FIELD OP LIST'", help="A filter, repeatable: 'asr lt 20'."),
    click.option("--calls", metavar="VIEW", help="Count every attempt (attempts), or one per call (final)."),
    click.option("--base", metavar="BASE", help="What ratios are over: attempts, or seizures, without refused ones."),
    click.option("--currency", help="Report currency, or native."),
    click.option("--sort", multiple=True, metavar="COLUMN[:desc]", help="Also 'attempts|2026-10-01:desc'."),
    click.option("--limit", metavar="N", help="Rows; all when left out."),
    click.option("--offset", metavar="N", help="Rows to leave out first."),
    click.option("--totals/--no-totals", default=None, help="Add the grand total."),
    click.option("--subtotals/--no-subtotals", default=None, help="Add subtotals at every level."),
    click.option("--parts/--no-parts", default=None, help="Numerator and denominator beside each ratio."),
    click.option("--fill/--no-fill", default=None, help="List time buckets without calls, too."),
    click.option(
        "--compare",
        metavar="PERIOD",
        help="Beside each measure the period before (previous), or a week or a year earlier.",
    ),
    click.option("--top", multiple=True, metavar="DIMENSION[:N[:MEASURE]]", help="Its N largest, the rest as other."),
    click.option("--as-of", help="As it was: an instant or local time, batch:ID or close:2026-10."),
    click.option("--since", help="Only what changed since then, written in the same way."),
    click.option("--number", multiple=True, help="Of per-number: whose calls; repeatable."),
    click.option("--match", type=click.Choice(["exact", "prefix"]), help="Of per-number: how they are compared."),
]
_OUTPUT = [
    click.option(
        "--format", "form", type=click.Choice(FORMATS), help="What --out ends in when left out, a table on the screen."
    ),
    click.option("--labels", is_flag=True, help="CSV and XLSX headed by labels instead of names."),
    click.option("--raw", is_flag=True, help="Text in CSV and XLSX as it is, also what a spreadsheet would run."),
    click.option("--out", type=click.Path(path_type=Path), help="Write here; the name appears when complete."),
]


def _with(options: list[Callable[..., Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@main.command(epilog="Example: tollhouse report breakout --from 2026-10-01 --to 2026-11-01 --where 'customer in acme'")
@click.argument("name")
@_with(_QUESTION)
@_with(_OUTPUT)
@_shared
@click.pass_obj
def report(
    at: _Where, /, name: str, form: str | None, labels: bool, raw: bool, out: Path | None, **options: Any
) -> None:
    """Answer a report."""
    from web import lookup

    kept: dict[str, Any] | None = {} if name == "per-number" else None
    for option in ("number", "match"):
        if kept is None and options[option]:
            kept = lookup.saved(at, name)
            if kept is None:
                raise BadRequest("malformed", f"--{option} is for the report per-number", hint="filter with --where")
    if kept is None:
        try:
            _answer(at, _question(name, options), form, labels, raw, out)
            return
        except TollhouseError as refusal:
            # Which saved questions look for single calls is known only where they are kept.
            kept = lookup.saved(at, name) if refusal.pointer in ("$.report", "--side") else None
            if kept is None:
                raise
    _deliver(lookup.of_report(at, kept, options, _chosen(form, out), labels=labels, raw=raw), out)


def _question(name: str, options: dict[str, Any]) -> Any:
    """The question that options ask: they are the parameters of a URL, but for `--where`."""
    from engine.query import parameters

    given = {"from": options["start"], "to": options["end"], **options}
    listed = [(word, said if isinstance(said, tuple) else (said,)) for word, said in given.items()]
    pairs = [
        (word, str(each).lower() if isinstance(each, bool) else each)
        for word, said in listed
        for each in said
        if each is not None and word in parameters.WORDS
    ]
    try:
        return parameters.question(name, pairs, clauses=[parameters.where(text) for text in options["where"]])
    except BadRequest as mistake:
        if mistake.pointer in parameters.WORDS:
            mistake.pointer = f"--{mistake.pointer.replace('_', '-')}"
        raise


@main.command(epilog="Example: tollhouse query question.json --format csv --out answer.csv")
@click.argument("file", type=click.Path(path_type=Path))
@_with(_OUTPUT)
@_shared
@click.pass_obj
def query(where: _Where, file: Path, form: str | None, labels: bool, raw: bool, out: Path | None) -> None:
    """Answer a question written as JSON (- for standard input)."""
    _answer(where, _read_question(file), form, labels, raw, out)


@main.command(epilog="Example: tollhouse explain question.json")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_shared
@click.pass_obj
def explain(where: _Where, file: Path, form: str) -> None:
    """Say why a question is answered from where."""
    from engine.query.run import Explanation

    asked = _read_question(file)
    if where.url:
        found = msgspec.json.decode(where.client().explain(asked), type=Explanation)
    else:
        with where.site() as site:
            found = site.explain(asked, ADMIN)
    if form == "json":
        click.echo(msgspec.json.encode(found).decode())
        return
    size = many(found.estimated_rows, "row")
    click.echo(f"answered from {' + '.join(found.source)}, about {size}, at commit {found.as_of.commit}")
    for refusal in found.refusals:
        click.echo(f"not from {refusal.table}: {refusal.reason} ({refusal.detail})")
    click.echo(f"\n{found.sql}")


def _read_question(file: Path) -> Any:
    from engine.query import question

    if str(file) == "-":
        return question.read(sys.stdin.buffer.read())
    try:
        return question.read(file.read_bytes())
    except OSError as failure:
        raise NotFound("no_such_file", f"cannot read {file}: {failure.strerror}") from failure


def _chosen(form: str | None, out: Path | None) -> str:
    """The format asked for: by name, by the file's suffix, or a table."""
    form = form or (SUFFIXES.get(out.suffix.lower(), "table") if out else "table")
    if form in BINARY and out is None and sys.stdout.isatty():
        raise BadRequest("cannot_write", f"{form} is not for a screen", hint="say --out FILE, or send it into a pipe")
    return form


def _answer(where: _Where, asked: Any, form: str | None, labels: bool, raw: bool, out: Path | None) -> None:
    from engine.exports import formats

    form = _chosen(form, out)
    if where.url:
        options = {"labels": str(labels).lower(), "raw": str(raw).lower()}
        _deliver(where.client().ask(asked, form, **options), out)
    else:
        with where.site() as site:
            found = site.ask(asked, ADMIN) if form in formats.WHOLE else site.stream(asked, ADMIN)
            _deliver(formats.write(found, form, labels=labels, raw=raw), out)  # type: ignore[arg-type]


def _deliver(pieces: Iterator[bytes], out: Path | None) -> None:
    if out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    # The file gets its name only when it is whole: a failed export leaves none that looks complete.
    partial = out.with_name(f".{out.name}.part")
    try:
        with partial.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        partial.rename(out)
    except OSError as failure:
        raise BadRequest("cannot_write", f"cannot write {out}: {failure.strerror}") from failure
    finally:
        partial.unlink(missing_ok=True)


@main.command(epilog="Example: tollhouse serve --port 8321")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0 for any free one.")
@_shared
@click.pass_obj
def serve(where: _Where, host: str, port: int) -> None:
    """Serve the HTTP API and the pages; prints the URL."""
    from web.server import run

    with where.site(writes=True) as site:
        run(site, host, port)


@main.command(epilog="Example: tollhouse demo --calls 500000 --days 14")
@click.option("--calls", type=click.IntRange(1), default=200_000, show_default=True)
@click.option("--days", type=click.IntRange(1), default=30, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="0 for any free one.")
@_shared
@click.pass_obj
def demo(where: _Where, calls: int, days: int, host: str, port: int) -> None:
    """Generate realistic calls into a fresh embedded database and serve it."""
    from web.demo import run

    run(where.database, calls, days, _first_day(days), host, port, _bar)


def _listings() -> None:
    from web.bookshelf import reports, values
    from web.dialects import dialects
    from web.inventory import batches, rejects, rollback
    from web.lists import load as load_list
    from web.lists import reenrich
    from web.loading import ingest, spool
    from web.lookup import calls
    from web.month_end import close
    from web.retention import retain
    from web.verification import rebuild, verify

    data = (
        calls,
        values,
        ingest,
        spool,
        batches,
        rejects,
        rollback,
        verify,
        rebuild,
        retain,
        close,
        load_list,
        reenrich,
    )
    for command in (*data, dialects, dialects.commands["check"], reports, *reports.commands.values()):
        _shared(command)
    for command in (*data, dialects, reports):
        main.add_command(command)


_listings()
