"""Work for the engine and who wants it go in; its result comes out, worked out once for all who want the same."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Lock, Thread
from typing import Generic, Self, TypeVar

from engine.query.running import Flight, Ticket
from engine.warehouse.errand import Errand, cancelled
from engine.warehouse.gateway import Warehouse

T = TypeVar("T")

AHEAD = 4
"""Pieces of a stream that wait for whoever writes them."""


class _Shared(Flight, Generic[T]):
    """One result for all who wait."""

    result: T | None = None
    failure: BaseException | None = None


class Flights(Generic[T]):
    """Questions under way by what they ask: the same asked again meanwhile waits for the same answer."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._open: dict[bytes, _Shared[T]] = {}
        self._turn = Lock()

    def share(self, key: bytes, ticket: Ticket, errand: Errand, work: Callable[[Errand], T]) -> T:
        """Return what `work` gives; it runs once for everyone who comes with the same key while it does.

        Whoever is cancelled is told so at once. The engine goes on for the others, and stops when there are none.
        """
        with self._turn:
            ticket.check()
            flight = self._open.get(key)
            if flight is None or not flight.board(ticket):
                flight = self._open[key] = _Shared(self._warehouse, errand)
                flight.board(ticket)
                Thread(target=self._fly, args=(key, flight, work), daemon=True, name="question").start()
        try:
            ticket.woken.wait()
        except BaseException:  # Ctrl-C
            ticket.cancel()
            raise
        if ticket.state == "cancelled":
            flight.leave(ticket)  # which may have been before it was aboard
        ticket.check()
        if flight.failure is not None:
            raise flight.failure
        return flight.result  # type: ignore[return-value]  # whoever flew left a failure or a result

    def _fly(self, key: bytes, flight: _Shared[T], work: Callable[[Errand], T]) -> None:
        try:
            flight.result = work(flight.errand)
        except BaseException as failure:  # whoever waits raises it
            flight.failure = failure
        finally:
            with self._turn:
                if self._open.get(key) is flight:
                    del self._open[key]
            flight.land()


class Pump(Flight, Iterator[bytes]):
    """Pieces of a stream, read in a thread of their own a little ahead of whoever takes them."""

    def __init__(self, warehouse: Warehouse, errand: Errand, ticket: Ticket, pieces: Iterator[bytes]) -> None:
        super().__init__(warehouse, errand)
        self._pieces = pieces
        self._ticket = ticket
        self._ready: deque[bytes] = deque()
        self._change = Condition()
        self._failure: BaseException | None = None
        ticket.check()
        self.board(ticket)
        ticket.on_cancel = self._wake
        Thread(target=self._run, daemon=True, name="export").start()

    def _run(self) -> None:
        try:
            for piece in self._pieces:
                with self._change:
                    self._change.wait_for(lambda: len(self._ready) < AHEAD or self.errand.stopped)
                    if self.errand.stopped:
                        break
                    self._ready.append(piece)
                    self._change.notify_all()
        except BaseException as failure:  # whoever takes the pieces raises it
            self._failure = failure
        finally:
            self._pieces.close()  # type: ignore[attr-defined]  # always a generator: its statement ends with it
            self.land()
            self._wake()

    def _wake(self) -> None:
        with self._change:
            self._change.notify_all()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        with self._change:
            self._change.wait_for(lambda: self._ready or self.landed.is_set() or self._ticket.state == "cancelled")
            if self._ticket.state == "cancelled":
                self.leave(self._ticket)
            self._ticket.check()
            if self._ready:
                piece = self._ready.popleft()
                self._change.notify_all()
                return piece
        if self._failure is not None:
            raise self._failure
        if self.errand.stopped:
            raise cancelled()
        raise StopIteration

    def close(self) -> None:
        """Take no more; the engine stops when it is not through."""
        self.leave(self._ticket)
        self._wake()
