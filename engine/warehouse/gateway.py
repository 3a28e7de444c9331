"""A DSN goes in, an open warehouse that runs statements on the embedded engine or a server comes out.

Both are the same clickhouse-connect calls. One client is one lane (a second statement on it waits), so the
gateway keeps a small pool and every statement borrows a client for as long as it runs.
"""

import logging
import os
import re
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC
from functools import partial
from pathlib import Path
from queue import LifoQueue
from threading import Lock
from typing import Any, BinaryIO, Self
from urllib.parse import SplitResult, unquote, urlsplit

# The embedded engine takes the process's zone for its session; it must be UTC before its library loads.
os.environ["TZ"] = "UTC"

import clickhouse_connect
from clickhouse_connect.driver import _backendclient
from clickhouse_connect.driver.binding import bind_query
from msgspec import Struct
from urllib3.exceptions import HTTPError

from engine.errors import BadRequest, Unavailable
from engine.statement import Statement
from engine.template import quoted
from engine.warehouse.connections import ANSWER_SECONDS, CONNECT_SECONDS, wait_while_sending
from engine.warehouse.errand import Errand, cancelled
from engine.warehouse.failures import broken_off, translated
from engine.warehouse.holder import Holder
from engine.warehouse.piece import Piece, descriptor, opened

time.tzset()
# What the client would warn about reaches the caller as one of our errors; once is enough.
for library in ("clickhouse_connect", "urllib3"):
    logging.getLogger(library).setLevel(logging.CRITICAL)

_READING = re.compile(r"(?:\s|--[^\n]*\n)*(?:SELECT|WITH|EXPLAIN|DESCRIBE)\b")


def _only_reads(query: str | bytes) -> bool:
    return _READING.match(query if isinstance(query, str) else query.decode(errors="replace")) is not None


# To know whether it may send a statement again the client takes it apart letter by letter, in Python: half a
# millisecond for a thousand letters. Those that only read begin with one of these words; no other of ours does.
setattr(_backendclient, "_query_is_read_only", _only_reads)  # noqa: B010 - mypy knows it as private

PINNED: dict[str, str] = {
    # Inserts: one statement is acknowledged when its rows are readable, and nothing is dropped as a repeat
    # behind our back (26.2 changed three of these defaults at once).
    "async_insert": "0",
    "deduplicate_insert": "disable",
    "deduplicate_blocks_in_dependent_materialized_views": "0",
    "materialized_views_ignore_errors": "0",
    "parallel_view_processing": "0",
    "max_insert_threads": "1",
    "max_partitions_per_insert_block": "0",
    "min_insert_block_size_rows": "1048576",
    "min_insert_block_size_bytes": "0",
    "max_insert_block_size": "1048576",
    # Names and nulls mean in every statement what they mean in the templates.
    "prefer_column_name_to_alias": "1",
    "join_use_nulls": "0",
    "group_by_use_nulls": "0",
    "transform_null_in": "0",
    "cast_keep_nullable": "0",
    # Decimal arithmetic on 18 digits fails rather than wraps; sums have 38 digits, far beyond any carrier.
    "decimal_check_overflow": "1",
    "session_timezone": "UTC",
    "date_time_output_format": "simple",
    "enable_extended_results_for_datetime_functions": "0",
    "short_circuit_function_evaluation": "enable",
    # Deriving comparisons from chains of them hashes whole statements over and over: it was two fifths of what
    # analysing a load's statement took, and nothing of ours is pruned by it.
    "optimize_and_compare_chain": "0",
    # Compiling expressions to machine code costs every process tens of milliseconds for each new shape of statement,
    # and made neither loads nor scans of the ledger measurably faster.
    "compile_expressions": "0",
    "compile_aggregate_expressions": "0",
    "compile_sort_description": "0",
    # A limit that is reached is an error, never a shorter answer.
    "timeout_overflow_mode": "throw",
    "read_overflow_mode": "throw",
    "group_by_overflow_mode": "throw",
    "sort_overflow_mode": "throw",
    "result_overflow_mode": "throw",
    "join_overflow_mode": "throw",
    "set_overflow_mode": "throw",
    # Caches that have given stale answers in released engines.
    "use_query_cache": "0",
    "use_query_condition_cache": "0",
    "use_cache_for_count_from_files": "0",
    # Reading files: every field is text until a dialect says otherwise; a JSON number keeps its own digits.
    "input_format_json_read_numbers_as_strings": "1",
    "input_format_json_read_bools_as_strings": "1",
    "input_format_json_read_objects_as_strings": "1",
    "input_format_json_read_arrays_as_strings": "1",
    "input_format_csv_empty_as_default": "0",
    "input_format_csv_allow_variable_number_of_columns": "1",
    "input_format_csv_detect_header": "0",
    "input_format_csv_trim_whitespaces": "1",
    "format_csv_delimiter": ",",
    "format_csv_null_representation": "\x01N",
    # In the JSON it writes numbers are numbers, whole and exact, and what has parts is an array of them.
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_decimals": "0",
    "output_format_json_named_tuples_as_objects": "0",
    "input_format_null_as_default": "1",
    "input_format_skip_unknown_fields": "1",
    # Files come through a pipe, which has no places to read from.
    "storage_file_read_method": "read",
}
"""Every engine setting that an answer or a load depends on; set on each client and read back at start."""

LANES = 8
"""Clients kept open; more statements than this at once wait for one to come back."""

STREAMS = 4
"""The same for streams, which take as long as whoever reads them."""

PIECE = 1 << 20
"""The most bytes of a stream held at a time."""


class Rows(Struct, frozen=True):
    """What one statement returned: column names, rows, and how many rows the engine read for it."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    rows_read: int


class Warehouse:
    """An open database: runs statements, streams results, takes files."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._idle: LifoQueue[Any] = LifoQueue()
        for _ in range(LANES):
            self._idle.put(None)  # a lane whose client is yet to be opened
        # Whoever takes a stream slowly must not keep the others' statements waiting, nor what looks after them.
        self._streaming: LifoQueue[Any] = LifoQueue()
        for _ in range(STREAMS):
            self._streaming.put(None)
        self._aside: LifoQueue[Any] = LifoQueue()
        self._aside.put(None)
        self._opened: list[Any] = []
        self._broken: list[Any] = []
        self._turn, self._opening, self._counting = Lock(), Lock(), Lock()
        self.writes = 0
        """How many statements of this process that change something are over, whatever became of them."""
        self._closed = False
        self._holder: Holder | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._arguments: dict[str, Any] = {}
        try:
            parts = urlsplit(dsn)
            port = parts.port
        except ValueError:
            raise _bad(dsn) from None
        self.embedded = parts.scheme == "chdb"
        self.database = "default"
        try:
            if self.embedded and parts.netloc + parts.path:
                self._use_directory(parts.netloc + parts.path)
            elif parts.scheme in ("http", "https") and parts.hostname:
                self._use_server(parts, port)
            else:
                raise _bad(dsn)
            self._assert_pinned()
        except BaseException:
            self.close()
            raise

    def _use_directory(self, path: str) -> None:
        if path == "memory":
            self._scratch = tempfile.TemporaryDirectory(prefix="tollhouse-")
            path = self._scratch.name
        try:
            directory = Path(path).resolve()
            directory.mkdir(parents=True, exist_ok=True)
            self._holder = Holder.take(directory)
        except OSError as failure:
            raise Unavailable(
                "database_unreachable",
                f"cannot use {self.dsn}: {failure.strerror}",
                hint="choose a directory this user may write, with --database chdb:///path/to/dir",
            ) from failure
        self._arguments = {"interface": "chdb", "path": str(directory / "engine")}

    def _use_server(self, parts: SplitResult, port: int | None) -> None:
        self._arguments = {
            "interface": parts.scheme,
            "host": parts.hostname,
            "port": port or (8443 if parts.scheme == "https" else 8123),
            "username": unquote(parts.username or "default"),
            "password": unquote(parts.password or ""),
            "connect_timeout": CONNECT_SECONDS,
            "send_receive_timeout": ANSWER_SECONDS,
            "autogenerate_session_id": False,
            "dedicated_pool": True,
        }
        self.database = unquote(parts.path.strip("/")) or "default"
        # A user who may not create databases can still use one that exists.
        with translated(self.dsn), closing(self._connect()) as client:
            known = "SELECT count() FROM system.databases WHERE name = {name:String}"
            if not client.query(known, parameters={"name": self.database}).first_row[0]:
                client.command(f"CREATE DATABASE IF NOT EXISTS {_identifier(self.database)}")
        self._arguments["database"] = self.database

    def _assert_pinned(self) -> None:
        found = self.query(
            Statement(
                "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}",
                {"names": list(PINNED)},
            )
        )
        actual: dict[str, str] = {row[0]: row[1] for row in found.rows}
        wrong = [f"{name}={actual.get(name)!r}" for name in PINNED if actual.get(name) != PINNED[name]]
        if wrong:
            raise Unavailable(
                "engine_settings",
                f"the engine does not hold the settings Tollhouse relies on: {', '.join(sorted(wrong))}",
                hint="allow this user to change settings, or use the engine version in the lock file",
            )

    @contextmanager
    def _lane(self, idle: LifoQueue[Any] | None = None, errand: Errand | None = None) -> Iterator[Any]:
        idle = idle or self._idle
        with self._turn if idle is self._idle else nullcontext():  # whoever waits comes before who was just served
            client = idle.get()
        if errand and errand.stopped:  # while it waited
            idle.put(client)
            raise cancelled()
        try:
            client = client or self._open()
            self._assert_open()
            yield client
        except BaseException as failure:
            # The embedded engine (26.9) puts the rows of a failed statement in front of the same client's
            # next answer, so a client whose statement did not end well is never used again.
            self._broken.append(client)
            client = None
            if isinstance(failure, Exception):
                self._assert_open()  # what close() broke off says so
            raise
        finally:
            idle.put(client)

    def _open(self) -> Any:
        with self._opening, translated(self.dsn):
            self._assert_open()
            self._opened.append(self._connect())
            # Closed only now, for the embedded engine stops with its last client.
            while self._broken:
                self._retire(self._broken.pop())
            return self._opened[-1]

    def _retire(self, client: Any) -> None:
        if client in self._opened:
            self._opened.remove(client)
            client.close()

    def _connect(self) -> Any:
        client: Any = clickhouse_connect.get_client(settings=PINNED, show_clickhouse_errors="scrub", **self._arguments)
        # The client writes parameters in the server's zone, but the pinned session reads them in UTC.
        client.server_tz = UTC
        if self.embedded:
            # chDB's `rows_read` are the rows of the result; what the engine read is told by another name.
            client._backend._summary = _embedded_summary
        else:
            # urllib3 would send a request again when TLS fails after it was sent, a file included. The client
            # itself sends only reads again; nothing may ever be written twice.
            client.http_retries = 0
            wait_while_sending(client.http)
        return client

    def _assert_open(self) -> None:
        if self._closed:
            raise Unavailable("database_closed", "the database has been closed")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with translated(self.dsn, writing=True):
                yield
        finally:
            with self._counting:
                self.writes += 1

    def query(self, statement: Statement, errand: Errand | None = None, *, aside: bool = False) -> Rows:
        """Run a statement that returns rows, on an errand or `aside` of all others."""
        with self._lane(self._aside if aside else None, errand) as client, translated(self.dsn):
            result = client.query(_on(errand, statement), parameters=dict(statement.parameters))
            read = int(result.summary.get("read_rows", 0))
            return Rows(result.column_names, result.result_rows, read)

    def value(self, statement: Statement) -> Any:
        """Run a statement that returns one row and give back its first column."""
        return self.query(statement).rows[0][0]

    def command(self, statement: Statement, *, aside: bool = False) -> None:
        """Run a statement that changes something.

        It is sent once. When the server is lost on the way, `Unavailable` with the code `outcome_unknown` says
        that it may have been done, and may still be running: end it, and look, before writing anything else.
        """
        with self._lane(self._aside if aside else None) as client, self._writing():
            client.command(statement.sql, parameters=dict(statement.parameters))

    def stream(self, statement: Statement, encoding: str, errand: Errand | None = None) -> Generator[bytes]:
        """Run a statement and yield its rows in one of ClickHouse's formats, with flat memory."""
        with self._lane(self._streaming, errand) as client, translated(self.dsn):
            stream = client.raw_stream(_on(errand, statement), parameters=dict(statement.parameters), fmt=encoding)
            pieces = iter(partial(stream.read, PIECE), b"") if self.embedded else _received(stream)
            try:
                for piece in pieces:
                    yield piece
                    self._assert_open()
            finally:
                stream.close()

    def insert_file(self, statement: Statement, piece: Piece, encoding: str, structure: str) -> None:
        """Run an `INSERT INTO … SELECT … FROM {source}` that reads a piece of a file.

        The embedded engine opens it itself; to a server the bytes are sent along with the statement.
        `{source}` in the text is replaced by the relation to read; `structure` names its columns and types.
        Like a command it is sent once, and a server that is lost on the way leaves the outcome unknown.
        """
        with self._lane() as client, self._writing():
            if self.embedded:
                # By a descriptor: the engine takes * ? { } and :: in a name for a pattern or an archive. And a file
                # that shrinks while the engine itself reads it would end the process, or go unnoticed.
                with descriptor(piece) as number:
                    source = f"file('/dev/fd/{number}', {quoted(encoding)}, {quoted(structure)}, 'none')"
                    sql = statement.sql.replace("{source}", source)
                    client.command(sql, parameters=dict(statement.parameters))
            else:
                sql = statement.sql.replace("{source}", f"input({quoted(structure)})")
                with opened(piece) as content:
                    self._send(client, sql, statement.parameters, content, encoding)

    def _send(self, client: Any, sql: str, parameters: Mapping[str, Any], content: BinaryIO, encoding: str) -> None:
        # raw_insert takes no parameters and refuses them as settings; what is in the client's own `params`
        # goes with every request, and nobody else has this client now.
        text, bound = bind_query(sql, dict(parameters), UTC)
        client.params.update(bound)
        try:
            # It says `INSERT INTO {table} FORMAT {fmt}`: what stands between is ours to write.
            _, _, rest = str(text).partition("INSERT INTO ")
            # An open file, not its bytes: those it would send again when the connection breaks.
            client.raw_insert(table=rest, insert_block=content, fmt=encoding)
        finally:
            for name in bound:
                del client.params[name]

    @property
    def login(self) -> tuple[str, str]:
        """User and password at the server; empty when the engine is embedded."""
        return str(self._arguments.get("username", "")), str(self._arguments.get("password", ""))

    def table(self, name: str) -> str:
        """Return a table's name with its database, for what the engine runs by itself."""
        return f"{_identifier(self.database)}.{name}"

    def announce(self, url: str) -> None:
        """Tell whoever finds the database held how to reach this process."""
        if self._holder:
            self._holder.announce(url)

    def close(self) -> None:
        """Close every client and let go of the directory.

        Open streams end. The embedded engine finishes the statements it is running first.
        """
        with self._opening:
            self._closed = True
            for client in self._opened:
                client.close()
            self._opened.clear()
            for idle in (self._idle, self._streaming, self._aside):
                idle.put(None)  # wakes whoever waits
        if self._holder:
            self._holder.release()
        if self._scratch:
            self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


def _on(errand: Errand | None, statement: Statement) -> str:
    # In the text, for a stream of the embedded engine takes no settings beside it.
    return f"{statement.sql}\nSETTINGS {errand.clause()}" if errand else statement.sql


def _received(response: Any) -> Iterator[bytes]:
    # A server that fails half-way says why in a last piece and breaks off, so one piece is kept back.
    last = b""
    try:
        for piece in response.stream(PIECE):
            if last:
                yield last
            last = piece
    except HTTPError as failure:
        raise broken_off(last) from failure
    if last:
        yield last


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _bad(dsn: str) -> BadRequest:
    return BadRequest(
        "bad_dsn",
        f"--database {_without_password(dsn)!r} is not a database",
        hint="use chdb:///path/to/dir, chdb://memory or http://user:password@host:8123/database",
    )


def _embedded_summary(result: Any) -> dict[str, str]:
    return {"read_rows": str(result.storage_rows_read())}


def _without_password(dsn: str) -> str:
    return re.sub(r"(//[^/@:]*):.*@", r"\1:…@", dsn)
