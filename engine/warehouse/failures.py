"""An exception of the database client goes in, one of our own errors with a way out of it comes out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from clickhouse_connect.driver.exceptions import Error as DriverError
from clickhouse_connect.driver.exceptions import OperationalError, scrub_error_details
from urllib3.exceptions import ConnectTimeoutError, HTTPError

from engine.errors import Conflict, TollhouseError, TooLarge, Unavailable, Unprocessable
from engine.warehouse.errand import cancelled


class EngineFailure(TollhouseError):
    """The engine refused or broke a statement of ours; the message names its error code."""


@contextmanager
def translated(dsn: str, *, writing: bool = False) -> Iterator[None]:
    """Raise our errors for whatever clickhouse-connect raises inside the block.

    A block that is `writing` and loses the server after the statement was sent raises `outcome_unknown`: the
    statement may have been done, not, or in part, and the server may still be at it.
    """
    try:
        yield
    except DriverError as failure:
        translation = _translate(failure, dsn)
        if writing and translation.code == "database_unreachable" and not _never_sent(failure):
            translation = _outcome_unknown(dsn)
        raise translation from failure
    except (HTTPError, ConnectionError, TimeoutError) as failure:
        raise (_outcome_unknown(dsn) if writing and not _never_sent(failure) else _unreachable(dsn)) from failure


def _never_sent(failure: BaseException) -> bool:
    """Whether no connection came about, so that the server cannot have heard of the statement."""
    cause: BaseException | None = failure
    while cause is not None and not isinstance(cause, ConnectTimeoutError):
        cause = getattr(cause, "reason", None) or cause.__cause__
    return cause is not None


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
    if code in (158, 307):
        return TooLarge("reads_too_much", "the question reads more than allowed", hint="narrow it")
    if code == 396:
        return TooLarge("too_many_rows", "the answer has more rows than allowed", hint="narrow the question")
    if code == 243:
        return Unavailable("disk_full", "the database has no room for what the question keeps on disk meanwhile")
    if code == 394:
        return cancelled()
    if code in (159, 160):
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
    return Unavailable(
        "database_unreachable",
        f"{what} at {_place(dsn)}",
        hint="start it, or name another with --database",
    )


def _outcome_unknown(dsn: str) -> Unavailable:
    return Unavailable(
        "outcome_unknown",
        f"the connection to {_place(dsn)} broke while a statement was writing; whether it was done is not known",
        hint="what was begun is finished before the next load; check that the server is up, then load again",
    )


def _place(dsn: str) -> str:
    return urlsplit(dsn).netloc.rpartition("@")[2] or dsn
