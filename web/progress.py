"""Long work goes in, its result comes out; whoever accepts lines of progress is told meanwhile how far it has come."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import anyio.to_thread
import msgspec
from litestar import Request, Response
from litestar.response import Stream

from engine.errors import TollhouseError
from engine.ingest.reading import Progress
from engine.verify.window import Watch
from web import errors

PROGRESS = "application/vnd.tollhouse.progress+ndjson"
"""Accept this to be told how far the work has come: lines of progress, then one with the result or the error."""

Work = Callable[[Watch | None], Any]


class Gone(Exception):
    """Whoever asked listens no more."""


def tell(watch: Watch, progress: Progress) -> None:
    """Pass on how far a change has come: it is carried to its end, whether anybody listens or not."""
    with suppress(Gone):
        watch(progress.step, progress.done, progress.total)


async def answer(request: Request[Any, Any, Any], work: Work) -> Response[Any]:
    """Answer with the result of `work`, or with lines of progress and then the result.

    What `work` is given to tell its progress raises `Gone` once nobody listens: work that may end early lets it.
    """
    if request.headers.get("accept", "") == PROGRESS:
        return Stream(_told(request, work), media_type=PROGRESS, status_code=200)
    return Response(await anyio.to_thread.run_sync(work, None))


def _told(request: Request[Any, Any, Any], work: Work) -> Iterator[bytes]:
    """Yield a line for each piece of work done, then one with the result or the error."""
    lines: SimpleQueue[bytes | None] = SimpleQueue()
    gone = Event()

    def watch(step: str, done: int, total: int) -> None:
        if gone.is_set():
            raise Gone
        lines.put(msgspec.json.encode({"progress": {"step": step, "done": done, "total": total}}))

    def run() -> None:
        try:
            lines.put(msgspec.json.encode({"result": work(watch)}))
        except TollhouseError as failure:
            lines.put(msgspec.json.encode(errors.ours(request, failure).content))
        except Gone:
            pass
        except Exception as failure:
            lines.put(msgspec.json.encode(errors.unforeseen(request, failure).content))
        finally:
            lines.put(None)

    Thread(target=run, daemon=True, name="long work").start()
    try:
        while (line := lines.get()) is not None:
            yield line + b"\n"
    finally:
        gone.set()
