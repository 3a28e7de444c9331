"""Nothing goes in, a fresh database with realistic calls and a server on top of it come out."""

import shutil
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import click

from engine.errors import BadRequest
from engine.ingest import history
from engine.ingest.pipeline import Asked
from engine.settings import load
from engine.site import Site
from engine.traffic import Traffic, write
from engine.words import many
from web import sample as sample_lists
from web.server import run as serve

ORIGIN = "demo calls"
MARK = "demo"
"""The name of the file that tells a demonstration's directory from one with real calls in it."""


def run(database: str | None, calls: int, days: int, first: date, host: str, port: int, bar: Any) -> None:
    """Generate, load and serve; refuses a directory that holds anything but an earlier demonstration."""
    dsn = database or f"chdb://{Path('data/demo').resolve()}"
    _emptied(dsn)
    with Site(load(None, database=dsn)) as site:
        with TemporaryDirectory(prefix="tollhouse-demo-") as scratch:
            sample = Path(scratch) / "calls.csv"
            with bar("generating", "calls") as report:
                # One currency: a first look should not begin with exchange rates.
                traffic = Traffic(calls, days, 1, first, euro=False)
                write(traffic, site.warehouse, sample, lambda done: report(done, calls))
            sample_lists.load(site, Path(scratch))
            with bar("reading", "calls") as report:
                receipt = site.ingest(sample, ORIGIN, Asked(), lambda p: report(p.done, p.total, f"{p.step} calls"))
        told = f"{many(receipt.accepted, 'record')} of {many(calls, 'call')} over {many(days, 'day')}"
        click.echo(f"{told} are loaded.")
        serve(site, host, port)


def _refuse_what_was_loaded(dsn: str, directory: Path) -> None:
    """Somebody may have loaded calls of their own into a demonstration: those are not ours to delete."""
    if not (directory / "engine").exists():
        return
    with Site(load(None, database=dsn), writes=False) as site:
        foreign = [batch for batch in history.every_batch(site.warehouse) if batch.origin not in ("", ORIGIN)]
    if foreign:
        raise BadRequest(
            "not_a_demo",
            f"the demonstration in {directory} also holds {foreign[0].origin}; it stays untouched",
            hint="serve it with tollhouse serve --database, or choose another directory",
        )


def _emptied(dsn: str) -> None:
    parts = urlsplit(dsn)
    if parts.scheme != "chdb":
        raise BadRequest(
            "bad_dsn", "the demonstration wants an embedded database", hint="chdb:///path or chdb://memory"
        )
    if parts.netloc == "memory":
        return
    directory = Path(parts.netloc + parts.path)
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARK).exists():
            raise BadRequest(
                "not_a_demo",
                f"{directory} holds a database that is not a demonstration; it stays untouched",
                hint="choose another with --database chdb:///path",
            )
        # Whoever still serves the earlier demonstration keeps it: taking the lock tells.
        from engine.warehouse.holder import Holder

        Holder.take(directory).release()
        _refuse_what_was_loaded(dsn, directory)
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARK).touch()
