"""A request's body goes in, the file it was becomes one on disk; what cannot be read, or is too large, is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
from litestar import Request

from engine.errors import BadRequest, TooLarge

CONTENT = {
    "text/csv": ".csv",
    "application/x-ndjson": ".ndjson",
    "application/json": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.stream": ".arrows",
    "application/zip": ".zip",
}
"""What a body of call records may be, and the suffix of a file of it."""
PACKED = ("identity", "gzip", "zstd")
"""Content encodings that are read; we look at the bytes, the header may be left out."""


def suffix(request: Request[Any, Any, Any]) -> str:
    """Return the suffix of a file of the body's kind; raises `BadRequest` for what cannot be read."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in CONTENT:
        hint = f"one of {', '.join(CONTENT)}"
        raise BadRequest("unknown_content", f"cannot read {kind!r}", pointer="Content-Type", hint=hint)
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in PACKED:
        hint = f"one of {', '.join(PACKED)}"
        raise BadRequest("unknown_content", f"cannot unpack {packed!r}", pointer="Content-Encoding", hint=hint)
    return CONTENT[kind]


async def save(request: Request[Any, Any, Any], path: Path, most: int) -> None:
    """Write the body to `path` as it comes; raises `TooLarge` beyond `most` bytes."""
    failure = TooLarge("too_large", f"the body is larger than {most} bytes", hint="split it, or raise max_upload_bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise failure
    size = 0
    pieces: AsyncIterator[bytes] = request.stream()
    async with await anyio.open_file(path, "wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > most:
                raise failure
            await file.write(piece)
