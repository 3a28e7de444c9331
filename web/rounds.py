"""The questions of one page go in, one after the other, their answers come out; they end together."""

from collections.abc import Callable
from typing import Any, TypeVar

from litestar import Request

from engine.access.principal import Principal
from engine.query.answer import Answer
from engine.query.question import Question
from engine.query.running import Ticket
from engine.site import Site
from engine.warehouse.errand import cancelled
from web.flowing import attended

T = TypeVar("T")
Ask = Callable[[Question], Answer]


class Round:
    """Who asks, and the one question of theirs that is under way."""

    def __init__(self, site: Site, principal: Principal) -> None:
        self._site = site
        self._principal = principal
        self._ticket: Ticket | None = None
        self._over = False

    def ask(self, question: Question) -> Answer:
        """Answer one; raises `Conflict` once nobody waits any more."""
        self._ticket = ticket = self._site.board.open(self._principal.name)
        if self._over:
            ticket.cancel()
            raise cancelled()
        try:
            return self._site.ask(question, self._principal, ticket)
        finally:
            ticket.failed()  # unless it was answered

    def cancel(self) -> None:
        """End the question under way, and begin no other."""
        self._over = True
        if self._ticket:
            self._ticket.cancel()


async def asked(request: Request[Any, Any, Any], site: Site, principal: Principal, work: Callable[[Ask], T]) -> T:
    """Return what `work` makes of the answers it asks for; when the client goes away, its question is cancelled."""
    questions = Round(site, principal)
    return await attended(request, questions, lambda: work(questions.ask))
