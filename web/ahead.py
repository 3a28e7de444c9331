"""The first question of a page goes in while the page is sent; its answer comes out once the page asks for it.

A page can ask only when it has come and its head has run. What it will ask is known before.
"""

import asyncio
from concurrent.futures import Future
from threading import Thread
from uuid import uuid4

from msgspec import Struct

from engine.access.principal import Principal
from engine.errors import TollhouseError
from engine.query import question as questions
from engine.query.answer import Answer
from engine.query.question import Question
from engine.query.running import Ticket
from engine.site import Site

PATIENCE = 10
"""Seconds until a question that no page has asked for is ended. An older page asks anew, as ahead.js knows."""

MOST = 32
"""Questions that may wait for their pages; a page beyond that asks as if nothing were under way."""


class Begun(Struct, frozen=True, eq=False):
    """A question that is under way for a page."""

    question: Question
    principal: Principal
    ticket: Ticket
    answer: Future[Answer]

    def run(self, site: Site) -> None:
        """Ask it; whoever takes the answer is told what went wrong."""
        try:
            self.answer.set_result(site.ask(self.question, self.principal, self.ticket))
        except BaseException as failure:
            self.answer.set_exception(failure)


class Ahead:
    """The questions under way that their pages have not asked yet. Only the server's event loop may call it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._waiting: dict[str, Begun] = {}

    def begin(self, said: str, principal: Principal) -> str:
        """Ask what a page will ask; return the Query-Id to ask it by, or nothing when there are too many."""
        if len(self._waiting) >= MOST:
            return ""
        name = uuid4().hex
        try:
            begun = Begun(
                questions.read(said.encode()), principal, self._site.board.open(principal.name, name), Future()
            )
        except TollhouseError:
            return ""  # the page will be told
        self._waiting[name] = begun
        asyncio.get_running_loop().call_later(PATIENCE, self._give_up, name)
        Thread(target=begun.run, args=(self._site,), daemon=True, name="ahead").start()
        return name

    def take(self, name: str | None, question: Question, principal: Principal) -> Begun | None:
        """Return what was begun under this name, once, if it is this question of this caller."""
        begun = self._waiting.get(name or "")
        if begun is None or (begun.question, begun.principal) != (question, principal):
            return None
        return self._waiting.pop(begun.ticket.id)

    def _give_up(self, name: str) -> None:
        if begun := self._waiting.pop(name, None):
            Thread(target=begun.ticket.cancel, daemon=True, name="ahead").start()
