"""A file of records goes in, bodies of so many calls for `POST /cdrs` come out, in the order of the file."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks.serving import Client


def bodies(sample: Path, records: int) -> Iterator[bytes]:
    """Yield bodies of so many records of a CSV, each with its header; the last may have fewer."""
    with sample.open("rb") as file:
        head = next(file)
        while lot := list(islice(file, records)):
            yield head + b"".join(lot)


def post(client: Client, body: bytes) -> dict[str, int]:
    """Load a body; returns once its records are durable and count in every report."""
    told: dict[str, int] = msgspec.json.decode(client.send("POST", "/api/v1/cdrs", body, "text/csv"))
    return told
