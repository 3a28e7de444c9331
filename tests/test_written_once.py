"""Whatever happens to the connection, a statement that writes is sent once, and its caller learns what is not known."""

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import Unavailable
from engine.statement import Statement
from engine.template import render
from engine.warehouse.gateway import Warehouse
from engine.warehouse.piece import Piece
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.proxy import Break, Proxy

pytestmark = pytest.mark.engine

HOW: tuple[Break, ...] = ("close", "reset", "garble")
Write = Callable[[Warehouse, Path], None]


def by_command(warehouse: Warehouse, file: Path) -> None:
    warehouse.command(Statement("INSERT INTO kept SELECT {n:UInt64}", {"n": 1}))


def by_file(warehouse: Warehouse, file: Path) -> None:
    warehouse.insert_file(Statement("INSERT INTO kept SELECT n FROM {source}"), Piece.whole(file), "CSV", "n UInt64")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A certificate for this machine, made for these tests."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    asked = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    made = subprocess.run(["openssl", *asked.split(), "-keyout", key, "-out", certificate], capture_output=True)
    assert made.returncode == 0, made.stderr
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


@pytest.fixture(params=["http", "https"])
def proxy(
    request: pytest.FixtureRequest,
    clickhouse: ClickHouseProcess,
    tls: tuple[ssl.SSLContext, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Proxy]:
    secure = request.param == "https"
    if secure:
        monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    with Proxy(clickhouse.port, tls[0] if secure else None) as opened:
        yield opened


@pytest.fixture
def lossy(proxy: Proxy, clickhouse: ClickHouseProcess, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """A warehouse behind the proxy, with one table and keep-alive connections that have been used."""
    scheme = request.node.callspec.params["proxy"]
    dsn = fresh_database(clickhouse).replace(f":{clickhouse.port}", f":{proxy.port}").replace("http:", f"{scheme}:")
    with Warehouse(dsn) as warehouse:
        warehouse.command(Statement("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n"))
        yield warehouse


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.csv"
    path.write_text("1\n")
    return path


def kept(warehouse: Warehouse) -> int:
    return int(warehouse.value(Statement("SELECT count() FROM kept")))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("write", [by_command, by_file])
def test_a_write_whose_answer_is_lost_is_not_sent_again(
    lossy: Warehouse, proxy: Proxy, one: Path, write: Write, how: Break
) -> None:
    proxy.breaking = how
    with pytest.raises(Unavailable, match="whether it was done is not known") as failure:
        write(lossy, one)
    assert failure.value.code == "outcome_unknown"
    assert proxy.broken == 1
    assert kept(lossy) == 1


def test_a_read_whose_answer_is_lost_may_be_asked_again(lossy: Warehouse, proxy: Proxy) -> None:
    proxy.breaking = "close"
    assert kept(lossy) == 0
    assert proxy.broken == 1


@pytest.mark.parametrize("write", [by_command, by_file])
def test_a_write_that_reached_nobody_is_known_not_to_have_happened(one: Path, write: Write) -> None:
    with ClickHouseProcess() as server, Warehouse(server.dsn) as warehouse:
        warehouse.command(Statement("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n"))
        server.kill()
        with pytest.raises(Unavailable) as failure:
            write(warehouse, one)
        assert failure.value.code == "database_unreachable"
        server.start()
        assert kept(warehouse) == 0


@pytest.mark.parametrize("proxy", ["http"], indirect=True)
def test_a_server_goes_on_writing_for_a_client_that_is_gone_until_it_is_told_to_end(
    lossy: Warehouse, proxy: Proxy
) -> None:
    # Why whoever gets `outcome_unknown` ends its inserts before it looks at what is there.
    slow = Statement(
        "INSERT INTO kept SELECT number FROM numbers(30) WHERE sleepEachRow(0.1) = 0 "
        "SETTINGS max_block_size = 1, min_insert_block_size_rows = 1"
    )
    proxy.breaking, proxy.after = "close", b"sleepEachRow"
    with pytest.raises(Unavailable) as failure:
        lossy.command(slow)
    assert failure.value.code == "outcome_unknown"
    before = kept(lossy)
    deadline = time.monotonic() + 10
    while kept(lossy) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert kept(lossy) > before, "the server had stopped by itself"
    lossy.command(Statement(render("admin/end_inserts.sql")))
    ended = kept(lossy)
    time.sleep(0.5)
    assert kept(lossy) == ended < 30


def test_a_server_that_takes_nothing_for_a_while_is_waited_for(lossy: Warehouse, proxy: Proxy, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("1234567890\n" * 3_000_000)  # more than sockets hold
    proxy.pausing = 1 << 20
    by_file(lossy, path)
    assert proxy.paused == 1 and kept(lossy) == 3_000_000
