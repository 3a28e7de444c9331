"""What every test may ask for: real engines, real loaded sites, and what CI must not skip."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page

from engine.catalog.load import catalog
from engine.settings import Settings
from engine.site import Site
from engine.traffic import Traffic, write
from engine.warehouse.gateway import Warehouse
from tests import axe
from tests.browser import chromium, opened
from tests.clickhouse_process import ClickHouseProcess
from tests.portal import Portal, odd_accounts
from tests.report_page import Open
from tests.server import Server

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Public samples that lie beside the checkout; nothing of them is committed."""

LONGEST = ("test_crashes", "test_histories", "test_moments", "test_differential", "test_verify", "test_reading")
"""The files that take minutes come first, so that no worker is left alone with one of them at the end."""

_databases = count(1)


def required(what: str) -> bool:
    """Whether CI insists that `what` is tested here."""
    return what in os.environ.get("CI_REQUIRE", "").split(",")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files from what is produced")


@pytest.hookimpl(tryfirst=True)  # before what is nightly is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {path: index for index, path in enumerate(dict.fromkeys(item.path for item in items))}
    longest = {name: index - len(LONGEST) for index, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (longest.get(item.path.stem, place[item.path]), _shares_a_database(item)))
    for item in items:
        if item.get_closest_marker("server_nightly") and _on_a_server(item):
            item.add_marker(pytest.mark.nightly)
    browser = shutil.which("chromium")
    if browser is None and not required("browser"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="no chromium here; apt-get install chromium"))


def _shares_a_database(item: pytest.Item) -> bool:
    """Whether a test uses the database of its module: those with one of their own come before that is opened."""
    return (
        isinstance(item, pytest.Function)
        and item.get_closest_marker("server_nightly") is not None
        and "dsn" in item.fixturenames
    )


def _on_a_server(item: pytest.Item) -> bool:
    """Whether this is the run of a test on a server, of those on either kind of database."""
    return isinstance(item, pytest.Function) and hasattr(item, "callspec") and "http" in item.callspec.params.values()


@pytest.fixture(autouse=True)
def no_engine_unless_marked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that is not marked cannot open a database, so the fast ones stay fast."""
    if not any(request.node.get_closest_marker(name) for name in ("engine", "browser")):

        def refuse(self: Warehouse, dsn: str) -> None:
            pytest.fail(f"{request.node.name} opens {dsn} without the marker `engine`")

        monkeypatch.setattr(Warehouse, "__init__", refuse)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have the samples at {SHARED}")
        pytest.skip(f"the samples are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[ClickHouseProcess]:
    """A real ClickHouse server; every module that uses it gets a database of its own."""
    with ClickHouseProcess() as process:
        yield process


@pytest.fixture(scope="module", params=["embedded", "http"])
def dsn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A fresh, empty database: once in this process and once on a server."""
    if request.param == "embedded":
        return f"chdb://{tmp_path_factory.mktemp('database')}"
    process: ClickHouseProcess = request.getfixturevalue("clickhouse")
    return fresh_database(process)


def fresh_database(process: ClickHouseProcess) -> str:
    """Return the DSN of a database of the server that nobody has used."""
    parts = urlsplit(process.dsn)
    return f"{parts.scheme}://{parts.netloc}/tollhouse_{next(_databases)}"


@pytest.fixture(scope="module")
def site(dsn: str) -> Iterator[Site]:
    """An empty site on either kind of database, shared by the tests of a module."""
    with Site(Settings(database=dsn)) as opened:
        yield opened


@pytest.fixture(scope="module")
def few_rollups(request: pytest.FixtureRequest) -> Iterator[None]:
    """Sites opened in this process keep one rollup by day and one finer one; all of them in the long profile."""
    shipped = catalog()
    kept = {name: shipped.rollups[name] for name in ("breakout_day", "route_minute15")}
    with pytest.MonkeyPatch.context() as patch:
        if "not nightly" in request.config.getoption("markexpr"):
            patch.setattr("engine.site.catalog", lambda: replace(shipped, rollups=kept))
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all pages; every test opens a context of its own in it."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def traffic_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program serving generated calls of five days of October 2026, the same every time; nobody changes them."""
    folder = tmp_path_factory.mktemp("traffic")
    with Server(f"chdb://{folder / 'database'}") as server, server.client() as client:
        with Warehouse("chdb://memory") as warehouse:
            write(Traffic(6000, 5, seed=7, start=date(2026, 10, 1), euro=False), warehouse, folder / "calls.csv")
        body = (folder / "calls.csv").read_bytes()
        client.post("/api/v1/cdrs", content=body, headers={"content-type": "text/csv"}).raise_for_status()
        yield server


@pytest.fixture
def client(traffic_server: Server) -> Iterator[httpx.Client]:
    """Asks the API of the server that `page` is on."""
    with traffic_server.client() as found:
        yield found


@pytest.fixture
def open_page(browser: Browser, traffic_server: Server) -> Open:
    """Opens pages on the server with generated calls, each in a context of its own."""
    return partial(opened, browser, traffic_server.url)


@pytest.fixture
def page(open_page: Open) -> Iterator[Page]:
    """A page on the server with generated calls."""
    with open_page() as found:
        yield found


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The same calls, some of accounts with odd ids, a list of names, and customers who ask: see tests.portal."""
    folder = tmp_path_factory.mktemp("portal")
    with Portal(f"chdb://{folder / 'database'}") as server, server.client() as client:
        with Warehouse("chdb://memory") as warehouse:
            write(Traffic(6000, 5, seed=7, start=date(2026, 10, 1), euro=False), warehouse, folder / "calls.csv")
        names = b"id,name\nacme-telecom,Acme Telecommunications plc\nbirch-voice,Birch & Voice\n"
        for path, body in (
            ("cdrs", (folder / "calls.csv").read_bytes()),
            ("cdrs", odd_accounts().encode()),
            ("lists/customers", names),
        ):
            response = client.post(f"/api/v1/{path}", content=body, headers={"content-type": "text/csv"})
            response.raise_for_status()
        yield server


@pytest.fixture(scope="session")
def violations() -> Callable[[Page], list[str]]:
    """What axe-core finds on a page."""
    try:
        axe.source()
    except (OSError, subprocess.SubprocessError) as failure:
        if required("axe"):
            raise
        pytest.skip(f"no axe-core: npm cannot fetch it here ({type(failure).__name__})")
    return axe.violations


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    """An embedded engine with nothing in it."""
    with Warehouse("chdb://memory") as opened:
        yield opened
