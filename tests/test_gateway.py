"""What a warehouse promises, said once and checked on the embedded engine and on a real server over HTTP."""

import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import BadRequest, Conflict, TollhouseError, TooLarge, Unavailable, Unprocessable
from engine.statement import Statement
from engine.warehouse.failures import EngineFailure
from engine.warehouse.gateway import LANES, PINNED, Warehouse, _only_reads
from engine.warehouse.piece import Piece
from tests.clickhouse_process import ClickHouseProcess

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parent.parent
FIELDS = "a Nullable(String), b Nullable(String), c Nullable(String)"
ENDLESS = Statement("SELECT number FROM numbers(100000000000)")


@pytest.fixture(scope="module")
def server() -> Iterator[ClickHouseProcess]:
    # A server in another zone than ours, with daylight saving: nothing may depend on it.
    with ClickHouseProcess(zone="Europe/Berlin") as process:
        yield process


@pytest.fixture(scope="class", params=["embedded", "http"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    dsn = "chdb://memory" if request.param == "embedded" else request.getfixturevalue("server").dsn
    with Warehouse(dsn) as opened:
        yield opened


@pytest.fixture
def over_http(server: ClickHouseProcess) -> Iterator[Warehouse]:
    with Warehouse(server.dsn) as opened:
        yield opened


def value(warehouse: Warehouse, sql: str, **parameters: Any) -> Any:
    return warehouse.value(Statement(sql, parameters))


def rows(warehouse: Warehouse, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in warehouse.query(Statement(sql, parameters)).rows]


def run(warehouse: Warehouse, sql: str, **parameters: Any) -> None:
    warehouse.command(Statement(sql, parameters))


def still_works(warehouse: Warehouse) -> bool:
    return [value(warehouse, "SELECT {n:UInt8}", n=n) for n in range(20)] == list(range(20))


class TestOpening:
    def test_the_pinned_settings_hold_on_every_client(self, warehouse: Warehouse) -> None:
        sql = "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)}"
        streams = [warehouse.stream(ENDLESS, "CSV") for _ in range(3)]
        for stream in streams:
            next(stream)  # holds a client, so that the next statement opens another
            assert dict(rows(warehouse, sql, names=list(PINNED))) == PINNED

    def test_the_database_is_made_when_it_lacks(self, server: ClickHouseProcess) -> None:
        dsn = server.dsn.replace("tollhouse", "odd%20`name%25")
        for _ in range(2):
            with Warehouse(dsn) as warehouse:
                assert value(warehouse, "SELECT currentDatabase()") == "odd `name%"

    @pytest.mark.parametrize(
        "dsn",
        [
            "",
            "data",
            "chdb://",
            "http:///tollhouse",
            "http://host:port/tollhouse",
            "http://[::1/tollhouse",
            "postgres://me:secret@host/tollhouse",
            "http://me:sec/ret@host/tollhouse",
        ],
    )
    def test_a_dsn_that_is_none_is_refused_without_showing_its_password(self, dsn: str) -> None:
        with pytest.raises(BadRequest) as refusal:
            Warehouse(dsn)
        assert "chdb:///path" in str(refusal.value)
        assert "sec" not in str(refusal.value)

    def test_a_place_that_is_no_directory_is_unavailable(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Unavailable, match="cannot use"):
            Warehouse(f"chdb://{tmp_path}/file")


class TestValues:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            'O\'Brien "& Sons"',
            "tab\tnew\nline\r\nreturn",
            "back\\slash\\",
            "{name:String} {{x}} {% y %}",
            "'; DROP TABLE cdr; --",
            "%s %(text)s 100%",
            "\\N",
            "NULL",
            "\x01N",
            "\\x41\\t",
            "`tick`",
            "nul\0byte",
            "é漢字🙂",
        ],
    )
    def test_a_text_arrives_as_it_is(self, warehouse: Warehouse, text: str) -> None:
        sql = "SELECT {text:String}, {texts:Array(String)}"
        assert rows(warehouse, sql, text=text, texts=[text, "b"]) == [(text, [text, "b"])]
        run(warehouse, "CREATE OR REPLACE TABLE texts (text String) ENGINE = MergeTree ORDER BY text")
        run(warehouse, "INSERT INTO texts SELECT {text:String}", text=text)
        assert value(warehouse, "SELECT text FROM texts WHERE text = {text:String}", text=text) == text

    @pytest.mark.parametrize(
        ("kind", "given", "expected"),
        [
            ("UInt64", 2**64 - 1, 2**64 - 1),
            ("Int64", -(2**63), -(2**63)),
            (
                "Decimal(38, 8)",
                Decimal("123456789012345678.12345678"),
                Decimal("123456789012345678.12345678"),
            ),
            ("Bool", True, True),
            ("Nullable(String)", None, None),
            ("Date", date(2026, 2, 28), date(2026, 2, 28)),
            ("Array(Date)", [date(2026, 2, 28)], [date(2026, 2, 28)]),
            ("Array(UInt32)", [], []),
            # 02:30 does not exist in Berlin on this day, where the server is.
            ("DateTime64(3)", "2026-03-29 02:30:00.123", datetime(2026, 3, 29, 2, 30, 0, 123000)),
            ("DateTime64(3, 'UTC')", "2026-03-29 02:30:00.123", datetime(2026, 3, 29, 2, 30, 0, 123000)),
            ("DateTime", datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 2, 30)),
            ("DateTime", datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 1, 12)),
            (
                "DateTime64(3)",
                datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=5.5))),
                datetime(2026, 7, 1, 6, 30),
            ),
        ],
    )
    def test_a_value_keeps_its_last_digit_and_instants_are_utc(
        self, warehouse: Warehouse, kind: str, given: object, expected: object
    ) -> None:
        assert value(warehouse, f"SELECT {{given:{kind}}}", given=given) == expected

    def test_rows_come_with_their_columns_and_what_was_read(self, warehouse: Warehouse) -> None:
        found = warehouse.query(Statement("SELECT number AS n, 'x' AS text FROM numbers(3)"))
        assert (list(found.columns), [tuple(row) for row in found.rows]) == (
            ["n", "text"],
            [(0, "x"), (1, "x"), (2, "x")],
        )
        assert found.rows_read == 3

    def test_a_list_of_thousands_fits(self, warehouse: Warehouse) -> None:
        numbers = [f"+49301{n:06}" for n in range(5000)]
        assert value(warehouse, "SELECT length({numbers:Array(String)})", numbers=numbers) == 5000

    def test_a_list_longer_than_a_server_takes_says_so(self, over_http: Warehouse) -> None:
        numbers = [f"+49301{n:06}" for n in range(20_000)]
        for ask in (value, run):
            with pytest.raises(TooLarge, match="longer than the server takes"):
                ask(over_http, "SELECT length({numbers:Array(String)})", numbers=numbers)


class TestStreaming:
    def test_a_long_answer_arrives_whole_in_flat_memory(self, warehouse: Warehouse) -> None:
        sql = "SELECT number, toString(number), 'a text of some length' FROM numbers(3000000)"
        lines = size = peak = 0
        before = resident()
        for piece in warehouse.stream(Statement(sql), "CSV"):
            lines, size, peak = lines + piece.count(b"\n"), size + len(piece), max(peak, resident())
        assert lines == 3_000_000
        assert peak - before < 64 << 20 < size

    def test_an_answer_without_rows_has_no_bytes(self, warehouse: Warehouse) -> None:
        assert list(warehouse.stream(Statement("SELECT 1 WHERE 0"), "CSV")) == []

    def test_parameters_and_settings_hold_in_a_stream(self, warehouse: Warehouse) -> None:
        sql = "SELECT {text:String}, NULL, '' SETTINGS format_csv_null_representation = ''"
        pieces = warehouse.stream(Statement(sql, {"text": 'a "b",\n'}), "CSV")
        assert b"".join(pieces) == b'"a ""b"",\n",,""\n'

    def test_an_answer_that_breaks_half_way_is_an_error_with_the_engines_reason(self, warehouse: Warehouse) -> None:
        sql = "SELECT throwIf(number = 3000000, 'no more') FROM numbers(10000000)"
        with pytest.raises(EngineFailure, match=r"^Code: 395\. DB::Exception: no more") as failure:
            for piece in warehouse.stream(Statement(sql), "CSV"):
                assert b"no more" not in piece
        assert "version" not in str(failure.value)
        assert still_works(warehouse)

    def test_rows_of_a_broken_answer_never_show_in_the_next(self, warehouse: Warehouse) -> None:
        # chDB 26.9 does that on the connection that failed.
        broken = Statement("SELECT number, throwIf(number = 300000) FROM numbers(1000000)")
        whole = Statement("SELECT number, throwIf(number = 300000) FROM numbers(3)")
        for fail in (warehouse.query, lambda statement: list(warehouse.stream(statement, "CSV"))):
            for _ in range(LANES):
                with pytest.raises(EngineFailure):
                    fail(broken)
                assert rows(warehouse, whole.sql) == [(0, 0), (1, 0), (2, 0)]
                with pytest.raises(EngineFailure):
                    fail(broken)
                assert b"".join(warehouse.stream(whole, "CSV")) == b"0,0\n1,0\n2,0\n"

    def test_a_stream_left_half_way_leaves_the_warehouse_usable(self, warehouse: Warehouse) -> None:
        for _ in range(LANES + 1):
            stream = warehouse.stream(ENDLESS, "CSV")
            assert next(stream)
            assert still_works(warehouse)
            del stream  # nobody closes it
        assert still_works(warehouse)

    def test_a_stream_may_move_between_threads(self, warehouse: Warehouse) -> None:
        stream = warehouse.stream(Statement("SELECT number FROM numbers(2000000)"), "CSV")
        size = [len(next(stream))]
        thread = threading.Thread(target=lambda: size.append(sum(map(len, stream))))
        thread.start()
        thread.join()
        assert sum(size) == sum(len(f"{n}\n") for n in range(2_000_000))


class TestFiles:
    @pytest.fixture
    def load(self, warehouse: Warehouse) -> Callable[..., list[tuple[Any, ...]]]:
        run(
            warehouse,
            "CREATE OR REPLACE TABLE loaded (line UInt64, batch String, a Nullable(String),"
            " b Nullable(String), c Nullable(String)) ENGINE = MergeTree ORDER BY line",
        )

        def load(path: Path, encoding: str, settings: str = "") -> list[tuple[Any, ...]]:
            batch = "it's\tbatch\n{1} \\"
            insert = "INSERT INTO loaded SELECT rowNumberInAllBlocks(), {batch:String}, a, b, c FROM {source}"
            warehouse.insert_file(Statement(insert + settings, {"batch": batch}), Piece.whole(path), encoding, FIELDS)
            assert rows(warehouse, "SELECT DISTINCT batch FROM loaded") == [(batch,)]
            return rows(warehouse, "SELECT a, b, c FROM loaded ORDER BY line")

        return load

    @pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
    def test_in_csv_an_empty_field_is_empty_and_a_missing_one_is_null(
        self, load: Callable[..., Any], tmp_path: Path, delimiter: str
    ) -> None:
        lines = [
            "1,,3",
            "1",  # short
            "1,2,3,4",  # long
            ",,",
            '"","say ""no""","two\nlines"',
            r"\N,NULL,null",  # text, not nulls
            "trimmed  ,\u00a0 x,y",
        ]
        path = tmp_path / "calls.csv"
        path.write_text("\n".join(lines).replace(",", delimiter) + "\n", newline="")
        settings = f" SETTINGS format_csv_delimiter = '{delimiter}'"
        if delimiter == "\t":
            settings += ", input_format_csv_allow_whitespace_or_tab_as_delimiter = 1"
        assert load(path, "CSV", settings) == [
            ("1", "", "3"),
            ("1", None, None),
            ("1", "2", "3"),
            ("", "", ""),
            ("", 'say "no"', "two\nlines"),
            ("\\N", "NULL", "null"),
            ("trimmed", "\u00a0 x", "y"),
        ]

    def test_in_json_every_value_is_its_own_text(self, load: Callable[..., Any], tmp_path: Path) -> None:
        path = tmp_path / "calls.json"
        path.write_text(
            '{"a": 1.10, "b": 123456789012345678.123456789012345678, "unknown": 1}\n'
            '{"b": true, "a": null, "c": {"x": [1, "y"]}}\n'
            '{"a": "\\\\N", "b": "\\u00e9", "c": ""}\n'
        )
        assert load(path, "JSONEachRow") == [
            ("1.10", "123456789012345678.123456789012345678", None),
            (None, "true", '{"x": [1, "y"]}'),
            ("\\N", "é", ""),
        ]

    def test_parquet_is_read_by_column_name(self, load: Callable[..., Any], tmp_path: Path) -> None:
        path = tmp_path / "calls.parquet"
        pq.write_table(pa.table({"b": [1, 2], "extra": [0.5, 0.5], "a": ["", None]}), path)
        assert load(path, "Parquet") == [("", "1", None), (None, "2", None)]

    @pytest.mark.parametrize("name", ["*.csv", "{1,2}?[x].csv", "it's.csv", "a.zip :: b.csv", "é \\.csv.gz"])
    def test_a_file_name_is_only_a_name(self, load: Callable[..., Any], tmp_path: Path, name: str) -> None:
        (tmp_path / "1.csv").write_text("not this one\n")
        (tmp_path / name).write_text("1,2,3\n")
        assert load(tmp_path / name, "CSV") == [("1", "2", "3")]

    def test_a_refused_file_says_why_and_leaves_the_warehouse_usable(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        path = tmp_path / "calls.csv"
        path.write_text("1,2,3\n" * 2_000_000)  # more than sockets buffer, so the refusal comes while it is sent
        for target, select, code in (
            ("nowhere", "a", 60),
            ("loaded", "nothing", 47),
            ("loaded", "toUInt8(throwIf({yes:Bool}, 'no'))", 395),
        ):
            run(warehouse, "CREATE OR REPLACE TABLE loaded (a String) ENGINE = MergeTree ORDER BY a")
            insert = Statement(f"INSERT INTO {target} SELECT {select} FROM {{source}}", {"yes": True})
            with pytest.raises(EngineFailure, match=f"^Code: {code}. DB::Exception"):
                warehouse.insert_file(insert, Piece.whole(path), "CSV", FIELDS)
            assert still_works(warehouse)
        with pytest.raises(FileNotFoundError):
            warehouse.insert_file(insert, Piece(tmp_path / "missing.csv", 0, 1), "CSV", FIELDS)


class TestFailures:
    @pytest.mark.parametrize(
        ("sql", "kind", "words"),
        [
            ("SELECT * FROM nowhere", EngineFailure, "^Code: 60. DB::Exception: Unknown table"),
            ("SELEC 1", EngineFailure, "^Code: 62. DB::Exception: Syntax error"),
            ("SELECT throwIf(1, 'as told')", EngineFailure, "as told"),
            (
                "SELECT sleepEachRow(0.1) FROM numbers(9) SETTINGS max_execution_time = 0.1, max_block_size = 1",
                TooLarge,
                "longer",
            ),
            ("SELECT 1 FROM numbers(9) SETTINGS max_rows_to_read = 2", TooLarge, "more than allowed"),
            (
                "SELECT groupArray(number) FROM numbers(9000000) SETTINGS max_memory_usage = 1000000",
                TooLarge,
                "more memory",
            ),
            (
                "SELECT toDecimal64('9999999999', 8) * toDecimal64('9999999999', 8)",
                Unprocessable,
                "38 digits",
            ),
        ],
    )
    def test_an_engine_error_is_one_of_ours_in_one_line(
        self, warehouse: Warehouse, sql: str, kind: type[TollhouseError], words: str
    ) -> None:
        for attempt in (warehouse.query, warehouse.command):
            with pytest.raises(kind, match=words) as failure:
                attempt(Statement(sql))
            assert "\n" not in str(failure.value)
        assert still_works(warehouse)

    def test_a_port_where_nothing_listens_is_told_quickly(self, capfd: pytest.CaptureFixture[str]) -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            unreachable(holder.getsockname()[1])
        assert capfd.readouterr() == ("", "")

    def test_a_host_that_does_not_answer_is_told_quickly(self) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
            place = silent.getsockname()
            with socket.create_connection(place):  # the queue is full, so the next hears nothing
                unreachable(place[1])

    def test_something_that_is_no_clickhouse_is_told(self) -> None:
        with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as other:
            thread = threading.Thread(target=other.serve_forever)
            thread.start()
            try:
                unreachable(other.server_port, "something else answers")
            finally:
                other.shutdown()
                thread.join()

    def test_a_wrong_password_is_told_and_not_shown(self, server: ClickHouseProcess) -> None:
        for user in ("default", "nobody"):
            with pytest.raises(Unavailable, match="refuses this user") as failure:
                Warehouse(server.dsn.replace("//", f"//{user}:secret@"))
            assert "secret" not in str(failure.value)

    def test_a_server_that_dies_is_told_and_used_again_once_it_is_back(self) -> None:
        with ClickHouseProcess() as server, Warehouse(server.dsn) as warehouse:
            run(warehouse, "CREATE TABLE kept ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n")
            stream = warehouse.stream(ENDLESS, "CSV")
            next(stream)
            server.kill()
            with pytest.raises(Unavailable, match="no ClickHouse answers"):
                list(stream)
            with pytest.raises(Unavailable, match="no ClickHouse answers"):
                still_works(warehouse)
            server.start()
            assert still_works(warehouse)
            assert rows(warehouse, "SELECT n FROM kept") == [(1,)]


class TestThreads:
    def test_more_threads_than_clients_get_their_own_answers(self, warehouse: Warehouse) -> None:
        wrong: list[object] = []

        def ask(thread: int) -> None:
            for turn in range(20):
                try:
                    answer = value(warehouse, "SELECT {text:String}", text=f"{thread} {turn}")
                    if answer != f"{thread} {turn}":
                        wrong.append(answer)
                except TollhouseError as failure:
                    wrong.append(failure)

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(3 * LANES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert wrong == []
        assert not any(thread.is_alive() for thread in threads)

    def test_statements_run_beside_each_other(self, warehouse: Warehouse) -> None:
        def sleep() -> None:
            value(warehouse, "SELECT sleep(0.5)")

        start = time.monotonic()
        threads = [threading.Thread(target=sleep) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - start < 1.5


class TestClosing:
    def test_closing_ends_what_runs_and_whoever_waits(self, warehouse: Warehouse) -> None:
        ended: list[str] = []

        def stream() -> None:
            try:
                for _ in warehouse.stream(ENDLESS, "CSV"):
                    pass
            except Unavailable as failure:
                ended.append(failure.code)

        def ask() -> None:
            try:
                while True:
                    value(warehouse, "SELECT sum(number) FROM numbers(1000000)")
            except Unavailable as failure:
                ended.append(failure.code)

        threads = [threading.Thread(target=work) for work in [stream] * 2 + [ask] * (LANES + 4)]
        for thread in threads:
            thread.start()
        idle = warehouse.stream(ENDLESS, "CSV")
        next(idle)
        start = time.monotonic()
        warehouse.close()
        assert time.monotonic() - start < 5
        for thread in threads:
            thread.join(10)
        assert ended == ["database_closed"] * len(threads)
        for late in (lambda: list(idle), lambda: still_works(warehouse)):
            with pytest.raises(Unavailable, match="has been closed"):
                late()
        warehouse.close()


class TestOneProcessPerDirectory:
    def test_who_comes_second_is_told_who_has_it_and_where(self, tmp_path: Path) -> None:
        with Warehouse(f"chdb://{tmp_path}") as first:
            with pytest.raises(Conflict, match=f"held by process {os.getpid()} ") as conflict:
                Warehouse(first.dsn)
            assert "stop it" in str(conflict.value)
            first.announce("http://127.0.0.1:8000")
            second = f"Warehouse('{first.dsn}')"
            told = subprocess.run(
                [sys.executable, "-c", f"from engine.warehouse.gateway import Warehouse; {second}"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            ).stderr.splitlines()[-1]
            assert f"held by process {os.getpid()} " in told
            assert "--url http://127.0.0.1:8000" in told

    def test_after_a_kill_the_directory_opens_again(self, tmp_path: Path) -> None:
        dsn = f"chdb://{tmp_path}"
        script = (
            "import time; from engine.statement import Statement;"
            "from engine.warehouse.gateway import Warehouse;"
            f"w = Warehouse('{dsn}');"
            "w.command(Statement('CREATE TABLE kept ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n'));"
            "print('open', flush=True); time.sleep(60)"
        )
        holder = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
        with holder:
            assert holder.stdout
            assert holder.stdout.readline() == b"open\n"
            with pytest.raises(Conflict, match=f"held by process {holder.pid} "):
                Warehouse(dsn)
            holder.send_signal(signal.SIGKILL)
        with Warehouse(dsn) as warehouse:
            assert rows(warehouse, "SELECT n FROM kept") == [(1,)]

    def test_one_directory_after_the_other(self, tmp_path: Path) -> None:
        for name in ("a", "b", "a"):
            with Warehouse(f"chdb://{tmp_path}/{name}") as warehouse:
                run(warehouse, "CREATE TABLE IF NOT EXISTS t (n UInt8) ENGINE = MergeTree ORDER BY n")
                run(warehouse, "INSERT INTO t VALUES (1)")
                count = value(warehouse, "SELECT count() FROM t")
        assert count == 2

    def test_two_directories_at_once_are_refused_in_words(self, tmp_path: Path) -> None:
        with Warehouse(f"chdb://{tmp_path}/a") as first:
            with pytest.raises(Conflict, match="one directory at a time"):
                Warehouse(f"chdb://{tmp_path}/b")
            assert still_works(first)
        with Warehouse(f"chdb://{tmp_path}/b") as second:
            assert still_works(second)


class TestTheServerOfTheTests:
    def test_it_ends_with_the_process_that_started_it(self) -> None:
        script = (
            "import json, os, signal; from tests.clickhouse_process import ClickHouseProcess;"
            "s = ClickHouseProcess(); s.start(); print(json.dumps([s.port, str(s.directory)]), flush=True);"
            "os.kill(os.getpid(), signal.SIGKILL)"
        )
        died = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
        assert died.returncode == -signal.SIGKILL
        port, directory = json.loads(died.stdout)
        deadline = time.monotonic() + 10
        while listens(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not listens(port)
        subprocess.run(["rm", "-r", directory], check=True)

    def test_it_says_why_it_does_not_come_up(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("a file where the engine wants a directory")
        server = ClickHouseProcess(tmp_path)
        with pytest.raises(RuntimeError, match=r"did not come up; it said:\n.*File exists"), server:
            pass


class Refusing(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass


def unreachable(port: int, words: str = "no ClickHouse answers") -> None:
    start = time.monotonic()
    with pytest.raises(Unavailable, match=f"{words} at 127.0.0.1:{port} ") as failure:
        Warehouse(f"http://me:secret@127.0.0.1:{port}/tollhouse")
    assert time.monotonic() - start < 3
    assert "\n" not in str(failure.value)
    assert "secret" not in str(failure.value)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_what_begins_like_a_question_only_reads() -> None:
    """The client may send such a statement twice, so nothing of ours that writes may begin that way."""
    reading = ("SELECT 1", " -- why\n-- and how\nWITH a AS (SELECT 1) SELECT 1", "DESCRIBE (SELECT 1)")
    assert all(map(_only_reads, reading))
    writes = re.compile(r"^\s*(INSERT INTO|ALTER|CREATE|DROP|DELETE|TRUNCATE|OPTIMIZE)\b", re.MULTILINE)
    macros = re.compile(r"\{%-? macro .*?endmacro -?%\}|\{#.*?#\}|\{%.*?%\}", re.DOTALL)
    texts = {path.name: path.read_text("utf-8") for path in (ROOT / "sql").rglob("*.*")}
    found = {name: macros.sub("", text) for name, text in texts.items() if writes.search(text)}
    assert len(found) > 20
    assert [name for name, text in found.items() if _only_reads(text)] == []
