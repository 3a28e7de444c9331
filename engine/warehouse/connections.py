"""A pool of connections to a server goes in; it makes them quickly or not at all, and then waits for the server."""

from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

CONNECT_SECONDS = 1
"""How long a server may take to answer a connection."""

ANSWER_SECONDS = 1800
"""How long it may say nothing, or take nothing of what is sent: an insert says nothing until it is done."""


# A request is sent under the timeout its connection was made with, so a server that takes nothing of a file for a
# second, because it is writing a part, would be given up. `timeout` is what a new connection has to answer in; one
# that is made is given longer.
class _Patient(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(ANSWER_SECONDS)

    def request(self, *told: Any, **more: Any) -> None:
        self.timeout = ANSWER_SECONDS if self.sock else self.timeout
        super().request(*told, **more)


class _PatientSecure(_Patient, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Patient


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _PatientSecure


def wait_while_sending(pool: PoolManager) -> None:
    """Have connections that are made from now on wait for the server while a request is sent."""
    pool.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    pool.clear()
