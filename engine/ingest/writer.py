"""Templates go in, statements run that write only while this process is the writer of the database."""

from collections.abc import Mapping
from typing import Any

from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse
from engine.warehouse.lease import Lease
from engine.warehouse.piece import Piece


class Writer:
    """The way to write: on a server every statement carries a fence, for a lease may be lost between two of them."""

    def __init__(self, warehouse: Warehouse, lease: Lease | None) -> None:
        self.warehouse = warehouse
        self.holds = render("admin/holds.sql") if lease else "true"
        self._lease = lease

    def run(self, template: str, parameters: Mapping[str, Any], **structure: Any) -> None:
        """Run a template of sql/ that ends in `holds`; raises `Conflict` lease_lost when another writer took over."""
        self.warehouse.command(self._fenced(render(template, holds=self.holds, **structure), parameters))

    def insert_file(self, statement: Statement, piece: Piece, encoding: str, structure: str) -> None:
        """Run an insert that reads a piece of a file, as `Warehouse.insert_file` does."""
        fenced = self._fenced(statement.sql, statement.parameters)
        self.warehouse.insert_file(fenced, piece, encoding, structure)

    def _fenced(self, sql: str, parameters: Mapping[str, Any]) -> Statement:
        said = dict(parameters) | ({"writer": self._lease.token} if self._lease else {})
        return Statement(sql, {name: value for name, value in said.items() if f"{{{name}:" in sql})

    def drop(self, table: str, *partitions: int) -> None:
        """Drop partitions of a scratch table. They are numbered, so another writer's would be hit: ask first."""
        if partitions:
            self.check()
            dropped = ", ".join(f"DROP PARTITION {int(partition)}" for partition in partitions)
            self.warehouse.command(Statement(f"ALTER TABLE {table} {dropped}"))

    def check(self) -> None:
        """Raise `Conflict` lease_lost when another writer took over."""
        if self._lease:
            self._lease.check()

    def end_commits(self) -> None:
        """End what a commit sent and did not hear of again: it may still be running on the server."""
        if self._lease:
            self.check()
            self.warehouse.command(Statement(render("admin/end_commits.sql")))
