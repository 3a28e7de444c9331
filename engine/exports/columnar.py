"""Blocks of text go in, an Arrow stream or a Parquet file with typed columns comes out, piece by piece."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.exports.blocks import Flow
from engine.query.answer import Column

MONEY = pa.decimal128(38, 8)
"""Amounts, exact."""

GROUP = 122_880
"""Most rows of a Parquet row group."""

GROUP_BYTES = 32 << 20
"""About as many bytes of values make one, too: with many columns it has fewer rows."""

_TYPES = {"string": pa.string(), "date": pa.date32(), "boolean": pa.bool_(), "integer": pa.int64(), "money": MONEY}


def schema(flow: Flow) -> pa.Schema:
    """Return the types: text, dates, instants of the asked zone, whole numbers, decimals for money, else doubles."""
    return pa.schema([_field(column, flow.zone) for column in flow.columns])


def _field(column: Column, zone: str) -> pa.Field:
    kind = pa.timestamp("ms", zone) if column.type == "instant" else _TYPES.get(column.type, pa.float64())
    about = {"label": column.label} | ({"unit": column.unit} if column.unit else {})
    return pa.field(column.name, kind, metadata=about)


def typed(block: pa.RecordBatch, kinds: pa.Schema) -> pa.RecordBatch:
    """Return a block with its values in their types."""
    arrays = [pc.cast(texts, field.type) for texts, field in zip(block.columns, kinds, strict=True)]
    return pa.record_batch(arrays, schema=kinds)


def stream(flow: Flow) -> Iterator[bytes]:
    """Yield an Arrow IPC stream."""
    kinds, sink = schema(flow), _Sink()
    with pa.ipc.new_stream(sink, kinds) as writer:
        for block in flow.blocks:
            writer.write_batch(typed(block, kinds))
            yield sink.taken()
    yield sink.taken()


def parquet(flow: Flow) -> Iterator[bytes]:
    """Yield a Parquet file; it can be read once its last piece is there."""
    kinds, sink = schema(flow), _Sink()
    waiting: list[pa.RecordBatch] = []
    with pq.ParquetWriter(sink, kinds, compression="zstd") as writer:
        for block in flow.blocks:
            waiting.append(typed(block, kinds))
            rows, size = (sum(getattr(each, what) for each in waiting) for what in ("num_rows", "nbytes"))
            if rows >= GROUP or size >= GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(waiting, kinds))
                waiting.clear()
                yield sink.taken()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, kinds))
    yield sink.taken()


class _Sink(io.RawIOBase):
    """What was written and not yet taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._size += len(self._pieces[-1])
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        pieces = b"".join(self._pieces)
        self._pieces.clear()
        return pieces
