"""What the database says of closed months goes in, each with its window and its commit comes out."""

from datetime import datetime

from msgspec import Struct

from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse


class Close(Struct, frozen=True, rename={"zone": "timezone", "start": "from", "end": "to"}):
    """A month closed for invoicing: its zone, its window as instants, [from, to), and the commit that was invoiced.

    `state`, `who` and `time` are the last word on it: that it was closed, or that it was reopened.
    """

    month: str
    zone: str
    start: str
    end: str
    commit: int
    state: str
    who: str
    time: str

    @property
    def first(self) -> int:
        """Its beginning, in seconds."""
        return int(datetime.fromisoformat(self.start).timestamp())

    @property
    def until(self) -> int:
        """Its end, exclusive, in seconds."""
        return int(datetime.fromisoformat(self.end).timestamp())


def words(warehouse: Warehouse) -> list[Close]:
    """Return the last word on every month that was ever closed, the newest month first."""
    return [Close(*row) for row in warehouse.query(Statement(render("admin/closes.sql"))).rows]


def closes(warehouse: Warehouse) -> list[Close]:
    """Return the months that are closed, the newest first."""
    return [close for close in words(warehouse) if close.state == "closed"]
