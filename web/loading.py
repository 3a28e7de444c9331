"""Files, folders, archives and standard input named on a command line go in, receipts of batches come out."""

import atexit
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import msgspec

from engine.errors import BadRequest, NotFound, TollhouseError, TooLarge
from engine.words import many

_NOT_THE_FILE = ("unknown_zone", "zone_needed", "read_only")
"""What is wrong with the command and not with one of its files: the others would fail alike."""


@click.command(epilog="Example: tollhouse ingest Master.csv --dialect asterisk --tz America/New_York")
@click.argument("files", nargs=-1, required=True)
@click.option("--dialect", help="Which system wrote the files; found out when it is unmistakable.")
@click.option("--source", help="The switch's name, kept with every record.")
@click.option("--tz", help="Zone of times that carry none.")
@click.option("--force", is_flag=True, help="What these files say stands, also where newer content replaced it.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def ingest(
    where: Any,
    files: tuple[str, ...],
    dialect: str | None,
    source: str | None,
    tz: str | None,
    force: bool,
    form: str,
) -> None:
    """Load call records: files and folders, also packed (.gz, .zst, .zip), - for standard input.

    One batch per file, also per file in an archive. A record that cannot be read is rejected and counted (exit 1);
    a file that cannot be taken as a whole leaves nothing behind, and the others are loaded (exit 2).
    """
    from engine.ingest import dialects
    from engine.ingest.pipeline import Asked

    asked = Asked(dialect, source, tz, force)
    if dialect and not where.url:
        dialects.find(dialect, where.settings().dialects_folder)
    paths = list(_files(files))
    if where.url:
        client = where.client()
        status = _each(paths, where.settings().max_unpacked_bytes, lambda *it: client.ingest(it[0], asked, it[1]), form)
    else:
        with where.site(writes=True) as site:
            most = site.settings.max_unpacked_bytes
            status = _each(paths, most, lambda path, origin, report: site.ingest(path, origin, asked, report), form)
    sys.exit(status)


@click.command(epilog="Example: tollhouse spool --once")
@click.option("--once", is_flag=True, help="Take what is whole now and end, for example from cron.")
@click.pass_obj
def spool(where: Any, once: bool) -> None:
    """Load what switches drop into the folders of the setting `spool`, until Ctrl-C; `serve` does it too."""
    from engine.ingest.spool import Spool, Watcher

    settings = where.settings()
    if not settings.spool:
        raise BadRequest("bad_setting", "no folder is watched", hint="write a [[spool]] table into tollhouse.toml")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with ExitStack() as open_:
        if where.url:
            client = where.client()
            spools = [
                Spool(folder, settings, lambda path, origin, asked, key: client.ingest(path, asked, origin, key.key))
                for folder in settings.spool
            ]
        else:
            spools = open_.enter_context(where.site(writes=True)).spools
        if not once:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            with Watcher(spools, settings.spool_settle_seconds), suppress(KeyboardInterrupt):
                while True:
                    signal.pause()
            return
        for each in spools:
            each.look()
        time.sleep(settings.spool_settle_seconds)
        for each in spools:
            each.look()
        taken = [each.taken for each in spools]
    done, failed, rejected = (sum(getattr(each, name) for each in taken) for name in ("done", "failed", "rejected"))
    waiting = sum(each.waiting for each in spools)
    click.echo(f"{many(done, 'file')} done, {failed} failed, {waiting} waiting")
    sys.exit(1 if failed or rejected else 0)


def _each(paths: list[tuple[Path, str]], most: int, load: Callable[..., Any], form: str) -> int:
    """Load one file after the other, and what is in archives; return the exit status."""
    from engine.ingest import packing
    from web.cli import _bar

    rejected = refused = 0
    limits: dict[str, tuple[str, ...]] = {}

    def refuse(failure: TollhouseError) -> None:
        nonlocal refused
        if failure.code in _NOT_THE_FILE:
            raise failure
        refused += 1
        click.echo(f"tollhouse: {failure}", err=True)

    for number, (path, origin) in enumerate(paths, 1):
        place = f" ({number} of {len(paths)})" if len(paths) > 1 else ""
        try:
            with packing.members(path, origin, most) as inside:
                for member in inside:
                    try:
                        with member.file() as file, _bar("reading", member.origin + place) as bar:
                            receipt = load(file, member.origin, partial(_show, bar, member.origin + place))
                        rejected += told(receipt, member.origin, form)
                        limits[receipt.dialect] = receipt.limits
                    except (BadRequest, TooLarge) as failure:
                        refuse(failure)
        except (BadRequest, TooLarge) as failure:
            refuse(failure)
    for dialect, says in limits.items() if form == "table" else ():
        for limit in says:
            click.echo(f"limit of {dialect}: {limit}")
    return 2 if refused else 1 if rejected else 0


def _show(bar: Callable[..., None], origin: str, progress: Any) -> None:
    bar(progress.done, progress.total, f"{progress.step} {origin}")


def _files(names: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    from engine.ingest.packing import called, is_whole

    for name in names:
        path = Path(name)
        if name == "-":
            yield _standard_input(), "stdin"
        elif path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and is_whole(file.name))
            if not inside:
                raise NotFound("no_such_file", f"the folder {name} holds no file")
            yield from ((file, called(str(file))) for file in inside)
        elif path.is_file():
            yield path, called(name)
        else:
            raise NotFound("no_such_file", f"there is no file {name}", hint="check the path")


def _standard_input() -> Path:
    """Keep what comes in a file: it is looked at more than once."""
    scratch = TemporaryDirectory(prefix="tollhouse-stdin-")
    atexit.register(scratch.cleanup)
    path = Path(scratch.name) / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def told(receipt: Any, origin: str, form: str) -> int:
    """Write down what became of a file; return how many of its records were rejected."""
    if form == "json":
        click.echo(msgspec.json.encode(receipt).decode())
    else:
        counts = [
            (receipt.received, "record", "records"),
            (receipt.accepted, "accepted", "accepted"),
            (receipt.duplicates, "duplicate", "duplicates"),
            (receipt.stale, "stale", "stale"),
            (receipt.corrections, "correction", "corrections"),
            (receipt.withdrawn, "withdrawn", "withdrawn"),
            (receipt.rejected, "rejected", "rejected"),
            (receipt.after_close, "after close", "after close"),
            (receipt.skipped, "row skipped", "rows skipped"),
        ]
        words = ", ".join(many(count, one, several) for count, one, several in counts if count)
        words = words or "no record yet: ends of calls, which wait for their calls"
        click.echo(f"batch {receipt.batch}: {origin} as {receipt.dialect}: {words}")
    return int(receipt.rejected)
