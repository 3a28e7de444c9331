"""Work for the engine and who wants it go in; its result comes out, worked out once for all who want the same."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sized
from contextlib import closing
from threading import Condition, Lock, Thread
from typing import Generic, Self, TypeVar

from engine.query.running import Flight, Ticket
from engine.warehouse.allocator import giving_back
from engine.warehouse.errand import Errand, cancelled
from engine.warehouse.gateway import Warehouse

T = TypeVar("T")
P = TypeVar("P")

AHEAD = 4
"""Pieces of a stream that wait for whoever writes them."""


class _Shared(Generic[T]):
    """One result for all who wait; their tickets are remembered for longer than it, and know the flight alone."""

    result: T | None = None
    failure: BaseException | None = None

    def __init__(self, flight: Flight) -> None:
        self.flight = flight


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
            shared = self._open.get(key)
            if shared is None or not shared.flight.board(ticket):
                shared = self._open[key] = _Shared(Flight(self._warehouse, errand))
                shared.flight.board(ticket)
                Thread(target=self._fly, args=(key, shared, work), daemon=True, name="question").start()
        try:
            ticket.woken.wait()
        except BaseException:  # Ctrl-C
            ticket.cancel()
            raise
        if ticket.state == "cancelled":
            shared.flight.leave(ticket)  # which may have been before it was aboard
        ticket.check()
        if shared.failure is not None:
            raise shared.failure
        return shared.result  # type: ignore[return-value]  # whoever flew left a failure or a result

    def _fly(self, key: bytes, shared: _Shared[T], work: Callable[[Errand], T]) -> None:
        try:
            shared.result = work(shared.flight.errand)
        except BaseException as failure:  # whoever waits raises it
            shared.failure = failure
        finally:
            with self._turn:
                if self._open.get(key) is shared:
                    del self._open[key]
            shared.flight.land()


class Pump(Flight, Iterator[P], Generic[T, P]):
    """A stream that is begun, and read a little ahead of whoever takes its pieces, in a thread of its own."""

    def __init__(
        self, warehouse: Warehouse, errand: Errand, ticket: Ticket, begin: Callable[[], tuple[T, Generator[P]]]
    ) -> None:
        """`begin` returns what must be known before the first piece, and the pieces."""
        super().__init__(warehouse, errand)
        self._begin = begin
        self._ticket = ticket
        self._begun: list[T] = []
        self._ready: deque[P] = deque()
        self._change = Condition()
        self._failure: BaseException | None = None
        ticket.check()
        self.board(ticket)
        Thread(target=self._run, daemon=True, name="export").start()

    def _run(self) -> None:
        try:
            with giving_back(self._warehouse, busy=self._wanted):
                begun, pieces = self._begin()
                # Its statement ends with it, at once: who gives memory back may wait for a line that waits for this.
                with closing(pieces):
                    self._begun.append(begun)
                    self.stopping()
                    self._read(pieces)
        except BaseException as failure:  # whoever takes the pieces raises it
            self._failure = failure
        finally:
            if self.errand.stopped:
                self._ready.clear()  # for the ticket is remembered
            self.land()
            self.stopping()

    def _read(self, pieces: Generator[P]) -> None:
        for piece in pieces:
            with self._change:
                self._change.wait_for(lambda: self._wanted() or self.errand.stopped)
                if self.errand.stopped:
                    return
                self._ready.append(piece)
                self._change.notify_all()

    def _wanted(self) -> bool:
        """Whether another piece may be read: whoever takes them is not far behind."""
        return len(self._ready) < AHEAD

    def stopping(self) -> None:
        """Wake whoever waits for a piece to be taken, or to be there."""
        with self._change:
            self._change.notify_all()

    def head(self) -> T:
        """Return what is known before the first piece."""
        self._wait(self._begun)
        return self._begun[0]

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> P:
        if not self._wait(self._ready):
            raise StopIteration
        with self._change:
            self._change.notify_all()
            return self._ready.popleft()

    def _wait(self, wanted: Sized) -> bool:
        """Wait until there is something in it; return False when there never will be."""
        with self._change:
            self._change.wait_for(lambda: wanted or self.landed.is_set() or self._ticket.state == "cancelled")
        if self._ticket.state == "cancelled":
            self.leave(self._ticket)
        self._ticket.check()
        if wanted:
            return True
        if self._failure is not None:
            raise self._failure
        if self.errand.stopped:
            raise cancelled()
        return False
