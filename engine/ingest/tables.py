"""A Parquet or Arrow file goes in, the same columns as text come out, by Arrow's own kernels, never row by row."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.errors import BadRequest
from engine.record import FIELDS, Kind

Format = Literal["parquet", "arrow"]

_NOTHING = pa.scalar("", pa.large_string())
_MINUTE = 60_000
_YEAR_10000 = 253_402_300_800_000
"""Milliseconds: a minute, and from 1970 to the year whose number has five digits."""


def columns(path: Path, origin: str, form: Format) -> list[str]:
    """Return the names of a file's columns. Raises `BadRequest` when it is no file of that form."""
    with _refused(origin, form):
        return list(_batches(path, form)[1].names)


def write_as_text(path: Path, origin: str, form: Format, out: Path) -> None:
    """Write a file as a stream of columns c1, c2 … of text.

    Raises `BadRequest` for what cannot be read and for money that cannot be exact.
    """
    with _refused(origin, form):
        batches, schema = _batches(path, form)
        for declared in schema:
            _refuse_float_money(declared, origin)
        text = pa.schema([(f"c{position}", pa.large_string()) for position in range(1, len(schema) + 1)])
        with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_stream(sink, text) as writer:
            for batch in batches:
                writer.write_batch(pa.record_batch([_as_text(column) for column in batch.columns], schema=text))


@contextmanager
def _refused(origin: str, form: Format) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as failure:
        raise BadRequest("unreadable_file", f"{origin} cannot be read as {form}: {failure}") from failure


def _batches(path: Path, form: Format) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    if form == "parquet":
        file = pq.ParquetFile(path)
        return file.iter_batches(batch_size=65536), file.schema_arrow
    with path.open("rb") as head:
        streamed = head.read(6) != b"ARROW1"
    if streamed:
        stream = pa.ipc.open_stream(pa.OSFile(str(path)))
        return iter(stream), stream.schema
    table = pa.ipc.open_file(pa.memory_map(str(path)))
    return (table.get_batch(number) for number in range(table.num_record_batches)), table.schema


def _refuse_float_money(declared: pa.Field, origin: str) -> None:
    field = FIELDS.get(declared.name)
    if field and field.kind is Kind.MONEY and pa.types.is_floating(declared.type):
        raise BadRequest(
            "float_money",
            f"{origin} holds {declared.name} as binary floating point, which cannot be exact",
            hint="write it as a decimal or as decimal text",
        )


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        zoned = column.type.tz is not None
        return _moments(column.cast(pa.timestamp("ms", "UTC" if zoned else None), safe=False), "Z" if zoned else "")
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.large_string())
    return column.cast(pa.large_string())


def _moments(column: pa.Array, zone: str) -> pa.Array:
    """Return instants in milliseconds as ISO 8601, each minute that occurs and each second of a minute written once."""
    instants = column.cast(pa.int64())
    least, most = pc.min_max(instants).as_py().values()
    if least is None or least < 0 or most >= _YEAR_10000:
        return pc.strftime(column, format=f"%Y-%m-%dT%H:%M:%S{zone}").cast(pa.large_string())
    minutes = pc.divide(instants, _MINUTE)
    seconds = pc.subtract(instants, pc.multiply(minutes, _MINUTE))
    told = minutes.dictionary_encode()
    begun = pc.multiply(told.dictionary, 60).cast(pa.timestamp("s"))
    texts = pc.strftime(begun, format="%Y-%m-%dT%H:%M:").cast(pa.large_string())
    return pc.binary_join_element_wise(texts.take(told.indices), _seconds_of_a_minute(zone).take(seconds), _NOTHING)


@cache
def _seconds_of_a_minute(zone: str) -> pa.Array:
    texts = [f"{second:02}.{part:03}{zone}" for second in range(60) for part in range(1000)]
    return pa.array(texts, pa.large_string())
