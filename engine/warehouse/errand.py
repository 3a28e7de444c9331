"""What a question's statements run under: a tag to find them by, limits of the engine, and a word to stop."""

from collections.abc import Mapping
from threading import Event
from uuid import uuid4

from engine.errors import Conflict


class Errand:
    """One piece of work of the engine, which may be several statements, told to stop from any thread."""

    def __init__(self, settings: Mapping[str, int | float] | None = None) -> None:
        self.tag = uuid4().hex
        """What the engine knows its statements by."""
        self.settings = dict(settings or {})
        self._stopped = Event()

    @property
    def stopped(self) -> bool:
        """Whether nobody wants it any more."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Begin no more statements; `processes.end` ends those that run."""
        self._stopped.set()

    def clause(self) -> str:
        """Return the settings as they stand at the end of a statement: our own names and numbers, no caller's."""
        return ", ".join(
            [f"log_comment = '{self.tag}'", *(f"{name} = {value}" for name, value in self.settings.items())]
        )


def cancelled() -> Conflict:
    """What whoever waits for work that was stopped is told."""
    return Conflict("cancelled", "the question was cancelled before it was answered")
