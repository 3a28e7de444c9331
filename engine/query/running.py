"""Questions under way go in; who asked them, how far they are, and their end when nobody waits any more, come out."""

import time
from collections import Counter, deque
from contextlib import suppress
from itertools import chain, repeat
from threading import Event, Lock, Thread
from typing import Literal
from uuid import uuid4

from msgspec import Struct

from engine.errors import Conflict, NotFound, TollhouseError, TooMany
from engine.warehouse import processes
from engine.warehouse.errand import Errand, cancelled
from engine.warehouse.gateway import Warehouse

State = Literal["running", "done", "failed", "cancelled"]

REMEMBERED = 1000
"""Questions that are over and can still be looked at."""

PATIENCE = 5
"""Seconds the engine may take to end questions that nobody waits for, when it is let go of."""

_AGAIN = (*[0.1] * 10, 1)
"""Seconds until an end is told to the engine once more: the statement may just have been about to begin."""


class Progress(Struct, frozen=True):
    """How far a question is. `rows_total` is what the engine expects to read, as far as it knows."""

    query_id: str
    state: State
    elapsed_ms: float
    rows_read: int
    rows_total: int


class Flight:
    """Work of the engine that callers wait for; it ends with the last of them."""

    def __init__(self, warehouse: Warehouse, errand: Errand) -> None:
        self.errand = errand
        self.landed = Event()
        """Set when no statement of it runs, or will."""
        self._warehouse = warehouse
        self._waiting: set[Ticket] = set()
        self._turn = Lock()

    def board(self, ticket: "Ticket") -> bool:
        """Wait for it too; False when it is over or about to be."""
        with self._turn:
            if self.landed.is_set() or self.errand.stopped:
                return False
            self._waiting.add(ticket)
            ticket.flight = self
            return True

    def leave(self, ticket: "Ticket") -> None:
        """Wait no more; the last one's leaving stops the engine."""
        with self._turn:
            self._waiting.discard(ticket)
            if self._waiting or self.landed.is_set() or self.errand.stopped:
                return
            self.errand.stop()
        self.stopping()
        Thread(target=self._end, daemon=True, name="ending").start()

    def stopping(self) -> None:
        """Be told that nobody waits any more."""

    def land(self) -> None:
        """Say that it is over, to everyone who waits."""
        with self._turn:
            self.landed.set()
            waiting = list(self._waiting)
        for ticket in waiting:
            ticket.woken.set()

    def _end(self) -> None:
        for wait in chain(_AGAIN, repeat(_AGAIN[-1])):
            with suppress(TollhouseError):
                processes.end(self._warehouse, self.errand.tag)
            if self.landed.wait(wait):
                return

    def seen(self) -> processes.Reading:
        """Return how far the engine is."""
        return processes.seen(self._warehouse, self.errand.tag)


class Ticket:
    """One caller's question, from the moment it is asked until its answer is delivered."""

    def __init__(self, board: "Board", caller: str, name: str) -> None:
        self.id = name
        self.caller = caller
        self.woken = Event()
        self.flight: Flight | None = None
        self.state: State = "running"
        self.rows_read = 0
        self._board = board
        self._began = time.perf_counter()
        self._took = 0.0

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since it was asked, or until it was over."""
        return round(1000 * (self._took or time.perf_counter() - self._began), 3)

    def check(self) -> None:
        """Raise `Conflict` cancelled once it is."""
        if self.state == "cancelled":
            raise cancelled()

    def cancel(self) -> None:
        """Answer it no more. What is over stays as it is."""
        if self._over("cancelled"):
            if self.flight:
                self.flight.leave(self)
            self.woken.set()

    def done(self, rows_read: int) -> None:
        """Note that its answer is delivered."""
        self.rows_read = rows_read
        self._over("done")

    def failed(self) -> None:
        """Note that there is no answer."""
        if self._over("failed") and self.flight:
            self.flight.leave(self)

    def _over(self, state: State) -> bool:
        return self._board.close(self, state)

    def finish(self, state: State) -> None:
        """Set the state it ends in; for the board, which knows that it has not ended yet."""
        self._took = time.perf_counter() - self._began
        self.state = state

    def progress(self) -> Progress:
        """Return how far it is, as the engine tells."""
        seen = processes.Reading()
        if self.state == "running" and self.flight:
            seen = self.flight.seen()
            self.rows_read = max(self.rows_read, seen.rows)
        return Progress(self.id, self.state, self.elapsed_ms, self.rows_read, max(self.rows_read, seen.total_rows))


class Board:
    """Every question under way, and the last ones that are over, each seen by its own caller only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tickets: dict[tuple[str, str], Ticket] = {}
        self._over: deque[tuple[str, str]] = deque()
        self._under_way: Counter[str] = Counter()
        self._turn = Lock()

    def open(self, caller: str, name: str | None = None) -> Ticket:
        """Return a ticket, under a name of the caller's choice or one made up.

        Raises `TooMany` when the caller has as many under way as a caller may, `Conflict` for a name in use.
        """
        ticket = Ticket(self, caller, name or uuid4().hex)
        with self._turn:
            if self._under_way[caller] >= self._most:
                raise TooMany(
                    "too_many_questions",
                    f"{self._most} questions of yours are under way, as many as max_questions allows",
                    hint="wait for one of them, or cancel it with DELETE /api/v1/queries/{id}",
                )
            if (caller, ticket.id) in self._tickets:
                raise Conflict("query_id_taken", f"a question has the id {ticket.id!r} already", hint="choose another")
            self._tickets[caller, ticket.id] = ticket
            self._under_way[caller] += 1
        return ticket

    def close(self, ticket: Ticket, state: State) -> bool:
        """End a ticket, once; return whether this was what ended it."""
        with self._turn:
            if ticket.state != "running":
                return False
            ticket.finish(state)
            self._under_way[ticket.caller] -= 1
            self._over.append((ticket.caller, ticket.id))
            if len(self._over) > REMEMBERED:
                del self._tickets[self._over.popleft()]
            return True

    def clear(self) -> None:
        """Cancel all of them, and wait until the engine is done with them, `PATIENCE` seconds at most."""
        with self._turn:
            everyone = list(self._tickets.values())
        for ticket in everyone:
            ticket.cancel()
        deadline = time.monotonic() + PATIENCE
        for ticket in everyone:
            if ticket.flight:
                ticket.flight.landed.wait(max(0, deadline - time.monotonic()))

    def find(self, caller: str, name: str) -> Ticket:
        """Return a question of this caller's; raises `NotFound` for one that is nobody's or somebody else's."""
        with self._turn:
            ticket = self._tickets.get((caller, name))
        if ticket is None:
            raise NotFound("unknown_query", f"no question of yours has the id {name[:100]!r}", hint="see Query-Id")
        return ticket
