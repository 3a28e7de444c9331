"""Pieces of a body go in, a response that sends them while they are made comes out; when it breaks off, that shows."""

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol, TypeVar

import anyio
import anyio.to_thread
from litestar import Request, Response
from litestar.enums import CompressionEncoding
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Message, Receive, Scope, Send

from engine.errors import TollhouseError
from engine.query.running import Ticket
from engine.warehouse.errand import cancelled

log = logging.getLogger("tollhouse.web")

STALL = 60
"""Seconds a client may take nothing of what it asked for; the engine does not wait longer."""

SENT = 1 << 16
"""Bytes sent at once: a slow client takes so many in time, and is not given up."""

T = TypeVar("T")

_asking = anyio.CapacityLimiter(256)
"""Threads of their own for questions, so that whoever looks at one, or ends it, need not wait for them."""


class Endable(Protocol):
    """What somebody waits for, and may stop waiting for."""

    def cancel(self) -> None:
        """Wait no more."""


async def attended(request: Request[Any, Any, Any], ticket: Endable, work: Callable[[], T]) -> T:
    """Return what `work` gives, in a thread of its own; when the client goes away, its question is cancelled."""
    failure: BaseException | None = None
    result: list[T] = []

    async def listen() -> None:
        await _gone(request.receive)
        await anyio.to_thread.run_sync(ticket.cancel)

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        try:
            result.append(await anyio.to_thread.run_sync(work, limiter=_asking))
        except Exception as raised:
            failure = raised  # outside of the group, which would wrap it
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result[0]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Flowing(Response[None]):
    """A body that is sent piece by piece, each made in a thread.

    When making one fails, or its question is cancelled, or the client takes none for `STALL` seconds, the connection
    is closed without the last chunk, so that the client knows.
    """

    def __init__(
        self,
        first: bytes,
        rest: Iterator[bytes],
        media_type: str,
        ticket: Ticket | None = None,
        *,
        tells: bool = False,
    ) -> None:
        """`ticket` is that of the question whose answer it is: done once it is sent, cancelled when it is not.

        Pieces that `tells` are sent to their end also when it is cancelled, for they say so themselves.
        """
        headers = {"query-id": ticket.id} if ticket else {}
        super().__init__(None, media_type=media_type, status_code=200, headers=headers)
        self._first, self._rest, self._ticket, self._tells = first, rest, ticket, tells

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Return the application that sends it."""
        return self._send

    async def _send(self, _: Scope, receive: Receive, send: Send) -> None:
        told = {"content-type": str(self.media_type), **{name.lower(): text for name, text in self.headers.items()}}
        headers = [(name.encode(), text.encode()) for name, text in told.items()]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async with anyio.create_task_group() as group:
                group.start_soon(self._listen, receive)
                whole = await self._pass_on(send)
                group.cancel_scope.cancel()
            if whole:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                if self._ticket:
                    self._ticket.done(self._ticket.rows_read)
        finally:
            await self._end()

    async def _listen(self, receive: Receive) -> None:
        await _gone(receive)
        await self._end()

    async def _end(self) -> None:
        if self._ticket:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._ticket.cancel)

    async def _pass_on(self, send: Send) -> bool:
        """Send every piece; return whether that could be done."""
        piece: bytes | None = self._first
        while piece is not None:
            for place in range(0, len(piece), SENT):
                body = piece[place : place + SENT]
                with anyio.move_on_after(STALL) as patience:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                if patience.cancelled_caught:
                    log.error("an answer broke off: nobody took it for %s seconds", STALL)
                    return False
            try:
                piece = await anyio.to_thread.run_sync(self._next, limiter=_asking)
            except TollhouseError as failure:
                log.error("an answer broke off: %s", failure.code)
                return False
            except Exception as failure:
                log.error("an answer broke off: unforeseen %s", type(failure).__name__)
                return False
        return True

    def _next(self) -> bytes | None:
        """The next piece, of an answer that was cancelled what its format has to say of that, None at the end."""
        if self._ticket and self._ticket.state == "cancelled" and not self._tells:
            if isinstance(self._rest, Generator):
                piece: bytes = self._rest.throw(cancelled())
                return piece
            raise cancelled()
        return next(self._rest, None)


class Packing(CompressionMiddleware):
    """Packs what is sent as a whole, once. What flows is sent as it is: packing keeps pieces back, and is slow."""

    def create_compression_send_wrapper(
        self, send: Send, compression_encoding: CompressionEncoding | str, scope: Scope
    ) -> Send:
        """Return what sends a response, packed or not."""
        packed = super().create_compression_send_wrapper(send, compression_encoding, scope)
        chosen = send

        async def either(message: Message) -> None:
            nonlocal chosen
            if message["type"] == "http.response.start":
                said = {name.lower() for name, _ in message["headers"]}
                chosen = packed if b"content-length" in said and b"content-encoding" not in said else send
            await chosen(message)

        return either
