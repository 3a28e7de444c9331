"""A number of calls, days and a seed go in, a file of records that looks like a carrier's traffic comes out.

The engine computes the records from each call's number (`sql/generate/calls.sql.j2`), so the same traffic
gives the same bytes on every machine, and any slice of it can be made without the others.
"""

import datetime
import gzip
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import BadRequest
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse

SLICE = 250_000
"""Calls made by one statement: a quarter of a second before its first record, then about 125 MB of text."""

LANES = 2
"""Statements that run at once, each on one thread of the engine."""

_TEXT, _SHORT, _SECONDS = pa.string(), pa.int32(), pa.decimal128(18, 3)
_TIME, _MONEY = pa.timestamp("ms", "UTC"), pa.decimal128(18, 8)

SCHEMA = pa.schema(
    [
        ("source", _TEXT),
        ("call_id", _TEXT),
        ("attempt", _SHORT),
        ("is_final", pa.bool_()),
        ("revision", _SHORT),
        ("start_time", _TIME),
        ("ring_time", _TIME),
        ("answer_time", _TIME),
        ("end_time", _TIME),
        ("duration", _SECONDS),
        ("customer_duration", _SECONDS),
        ("provider_duration", _SECONDS),
        ("pdd", _SECONDS),
        ("customer", _TEXT),
        ("customer_card", _TEXT),
        ("customer_prefix", _TEXT),
        ("customer_destination", _TEXT),
        ("provider", _TEXT),
        ("provider_card", _TEXT),
        ("provider_prefix", _TEXT),
        ("provider_destination", _TEXT),
        ("tech_prefix", _TEXT),
        ("cli", _TEXT),
        ("dest_cli", _TEXT),
        ("dialed", _TEXT),
        ("number", _TEXT),
        ("sip_code", _SHORT),
        ("release_side", _TEXT),
        ("customer_charge", _MONEY),
        ("customer_currency", _TEXT),
        ("provider_charge", _MONEY),
        ("provider_currency", _TEXT),
        ("customer_rate", _MONEY),
        ("customer_minimum", _SHORT),
        ("customer_pulse", _SHORT),
        ("provider_rate", _MONEY),
        ("provider_minimum", _SHORT),
        ("provider_pulse", _SHORT),
        ("dtmf", _SHORT),
        ("sdp", pa.bool_()),
    ]
)
"""The fields of a generated record in their order, with their types in Parquet (durations in seconds)."""

_TEXTS = {
    ".csv": ("CSV", ",".join(SCHEMA.names) + "\n"),
    ".ndjson": ("JSONEachRow", ""),
    ".jsonl": ("JSONEachRow", ""),
}


class Traffic(msgspec.Struct, frozen=True):
    """`calls` distinct calls that begin within `days` days (UTC) from `start`; each has one to four records.

    About one call in a thousand is repeated word for word later on, and about one in a thousand is corrected
    (revision 1); those records come on top. The accounts, routes and prices are the same for every `seed`.
    """

    calls: int
    days: int
    seed: int = 1
    start: datetime.date = datetime.date(2026, 10, 1)
    euro: bool = True
    """Whether a few accounts are in euro; with False all money is in US dollars."""

    def __post_init__(self) -> None:
        for name, value, least in (("calls", self.calls, 0), ("days", self.days, 1), ("seed", self.seed, 0)):
            if value < least:
                raise BadRequest("bad_value", f"{name} is {value}", hint=f"give at least {least}")


def numbers_of_ours(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Return the DIDs that the sample's retail accounts show, and whose each is."""
    rows = warehouse.query(Statement(render("generate/did_list.sql.j2"), {"euro": 0})).rows
    return [(str(number), str(account)) for number, account in rows]


def slice_of(traffic: Traffic, first: int, last: int) -> Statement:
    """Return the statement for the records of the calls numbered `first` (the first is 0) to before `last`.

    Its rows come in the stream's order. A repeat or correction belongs to the slice in which it is told, a
    few hundred calls after the call itself.
    """
    return Statement(
        render("generate/calls.sql.j2"),
        {
            "first": first,
            "last": last,
            "calls": traffic.calls,
            "days": traffic.days,
            "seed": traffic.seed,
            "euro": int(traffic.euro),
            "start": traffic.start,
        },
    )


def write(traffic: Traffic, warehouse: Warehouse, out: Path, progress: Callable[[int], None] | None = None) -> int:
    """Write the whole traffic to `out` and return how many records that are.

    The suffix chooses the form: `.csv`, `.ndjson` or `.jsonl`, each also with `.gz` or `.zst` behind it, or
    `.parquet`. The file gets its name once complete. `progress` is told the number of calls done so far.
    """
    form, compression = out.suffix.lower(), ""
    if form in (".gz", ".zst"):
        form, compression = Path(out.stem).suffix.lower(), form
    if form not in _TEXTS and (form != ".parquet" or compression):
        raise BadRequest(
            "unknown_suffix",
            f"the suffix of {out.name!r} names no form to write",
            hint="use .csv, .ndjson or .jsonl, each also with .gz or .zst behind it, or .parquet",
        )
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    told = progress or (lambda _calls: None)
    try:
        with partial.open("wb") as file:
            if form == ".parquet":
                records = _write_parquet(traffic, warehouse, file, told)
            else:
                records = _write_text(traffic, warehouse, file, *_TEXTS[form], compression, told)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return records


def _write_text(
    traffic: Traffic,
    warehouse: Warehouse,
    file: IO[bytes],
    encoding: str,
    header: str,
    compression: str,
    told: Callable[[int], None],
) -> int:
    records = 0
    with _sink(file, compression) as sink, closing(_slices(traffic, warehouse, encoding)) as slices:
        sink.write(header.encode())
        for done, pieces in slices:
            for piece in pieces:
                sink.write(piece)
                records += piece.count(b"\n")  # no field of ours holds a line break
            told(done)
    return records


def _sink(file: IO[bytes], compression: str) -> AbstractContextManager[Any]:
    if compression == ".gz":  # neither a name nor a time in it, or the same traffic would differ
        return gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=file, mtime=0)
    if compression == ".zst":
        stream: AbstractContextManager[Any] = pa.CompressedOutputStream(file, "zstd")
        return stream
    return nullcontext(file)


def _write_parquet(traffic: Traffic, warehouse: Warehouse, file: IO[bytes], told: Callable[[int], None]) -> int:
    records = 0
    with (
        pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
        closing(_slices(traffic, warehouse, "ArrowStream")) as slices,
    ):
        for done, pieces in slices:
            with pa.ipc.open_stream(b"".join(pieces)) as stream:
                table = stream.read_all().cast(SCHEMA)
            writer.write_table(table)
            records += table.num_rows
            told(done)
    return records


def _slices(
    traffic: Traffic, warehouse: Warehouse, encoding: str
) -> Generator[tuple[int, Iterator[bytes]], None, None]:
    """Yield the slices in order, each as its pieces and the number of calls done after it.

    The first one's pieces pass as they come; what waits in memory is the look-ahead of the other lanes.
    """

    def make(first: int, last: int, pieces: SimpleQueue[bytes | None]) -> None:
        try:
            for piece in warehouse.stream(slice_of(traffic, first, last), encoding):
                pieces.put(piece)
        finally:
            pieces.put(None)

    def taken(pieces: SimpleQueue[bytes | None], making: Future[None]) -> Iterator[bytes]:
        while (piece := pieces.get()) is not None:
            yield piece
        making.result()  # raises what the lane raised

    firsts = iter(range(0, traffic.calls, SLICE))
    begun: deque[tuple[int, Iterator[bytes], Future[None]]] = deque()
    with ThreadPoolExecutor(LANES) as lanes:
        try:
            while True:
                for first in islice(firsts, LANES + 1 - len(begun)):
                    last, pieces = min(first + SLICE, traffic.calls), SimpleQueue[bytes | None]()
                    making = lanes.submit(make, first, last, pieces)
                    begun.append((last, taken(pieces, making), making))
                if not begun:
                    return
                last, arriving, _ = begun.popleft()
                yield last, arriving
        finally:
            for _, _, making in begun:
                making.cancel()
