"""An exception of the database client goes in, one of our own errors with a way out of it comes out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from clickhouse_connect.driver.exceptions import Error as DriverError
from clickhouse_connect.driver.exceptions import OperationalError, scrub_error_details
from urllib3.exceptions import HTTPError

from engine.errors import Conflict, TollhouseError, TooLarge, Unavailable, Unprocessable


class EngineFailure(TollhouseError):
    """The engine refused or broke a statement of ours; the message names its error code."""


@contextmanager
def translated(dsn: str) -> Iterator[None]:
    """Raise our errors for whatever clickhouse-connect raises inside the block."""
    try:
        yield
    except DriverError as failure:
        raise _translate(failure, dsn) from failure
    except (HTTPError, ConnectionError, TimeoutError) as failure:
        raise _unreachable(dsn) from failure


def broken_off(last: bytes) -> DriverError:
    """What the client would have raised for an answer that broke off after these bytes."""
    message = last.decode(errors="replace")
    found = re.search(r"Code: (\d+)\. DB::Exception: ", message)
    if not found:
        return OperationalError("the answer broke off")
    return DriverError(message[found.start() :], code=int(found[1]))


def _translate(failure: DriverError, dsn: str) -> TollhouseError:
    code = failure.code
    # Over HTTP the engine's words, "Code: 60. DB::Exception: …", come after some of the client's.
    message = scrub_error_details(re.sub(r"^.*?(?=Code: \d+\. )", "", str(failure)).split("\n")[0])
    if str(failure).startswith("Unable to open the chdb engine"):
        return Conflict(
            "database_held",
            f"the embedded engine cannot open {dsn}: {message}",
            hint="a process opens one directory at a time, and a directory is open in one process",
        )
    if code == 241:
        return TooLarge("out_of_memory", "the question needs more memory than allowed", hint="narrow it")
    if code in (158, 396):
        return TooLarge("too_many_rows", "the question reads or returns more than allowed", hint="narrow it")
    if code == 159:
        return TooLarge("too_slow", "the question ran longer than allowed", hint="narrow it")
    if code == 395 and "lease_lost" in message:
        return lease_lost()
    if code == 407:
        return Unprocessable("overflow", "a sum is larger than 38 digits can hold")
    if code in (None, 1000) and "too long" in message:
        return TooLarge("too_many_values", "a list in the question is longer than the server takes")
    if code in (192, 194, 516):
        return Unavailable(
            "database_login", "the database refuses this user", hint="check user and password in --database"
        )
    if code in (210, 279) or (code is None and type(failure) is OperationalError):
        return _unreachable(dsn)
    if code is None and message.startswith("HTTP driver received"):
        return _unreachable(dsn, "no ClickHouse but something else answers")
    return EngineFailure("engine", message[:1000])


def lease_lost() -> Conflict:
    """What a writer is told once another process has taken over."""
    return Conflict(
        "lease_lost", "another process has become the writer of this database", hint="start again through it"
    )


def _unreachable(dsn: str, what: str = "no ClickHouse answers") -> Unavailable:
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2] or dsn
    return Unavailable(
        "database_unreachable",
        f"{what} at {place}",
        hint="start it, or name another with --database",
    )
