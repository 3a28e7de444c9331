"""The tag of statements that run goes in; how far they are comes out, or they end."""

from msgspec import Struct

from engine.statement import Statement
from engine.warehouse.gateway import Warehouse


class Reading(Struct, frozen=True):
    """What the engine has read so far for the statement that runs now."""

    rows: int = 0
    total_rows: int = 0
    bytes: int = 0


def seen(warehouse: Warehouse, tag: str) -> Reading:
    """Return how far the statements with this tag are; nothing when none runs."""
    sql = (
        "SELECT sum(read_rows), sum(total_rows_approx), sum(read_bytes) FROM system.processes "
        "WHERE Settings['log_comment'] = {tag:String}"
    )
    rows, total, size = warehouse.query(Statement(sql, {"tag": tag}), aside=True).rows[0]
    return Reading(int(rows), max(int(rows), int(total)), int(size))


def end(warehouse: Warehouse, tag: str) -> None:
    """Tell the engine to end the statements with this tag; they do so within moments, by raising."""
    sql = "KILL QUERY WHERE Settings['log_comment'] = {tag:String} ASYNC FORMAT Null"
    warehouse.command(Statement(sql, {"tag": tag}), aside=True)
