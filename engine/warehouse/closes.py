"""What the database says of closed months goes in, each with its window and its commit comes out."""

from msgspec import Struct

from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse


class Close(Struct, frozen=True, rename={"zone": "timezone"}):
    """A month closed for invoicing: its window in seconds, [first, until), and the commit that was invoiced."""

    month: str
    zone: str
    first: int
    until: int
    commit: int
    who: str
    time: str


def closes(warehouse: Warehouse) -> list[Close]:
    """Return the months that are closed, the newest first."""
    return [Close(*row) for row in warehouse.query(Statement(render("admin/closes.sql"))).rows]
