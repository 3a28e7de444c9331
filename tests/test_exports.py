"""All rows, in every format, whatever their number: the same as JSON's, in flat memory, exact while loading goes on."""

import csv
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from itertools import chain, count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.access.principal import ADMIN
from engine.errors import TollhouseError
from engine.exports import formats
from engine.exports.blocks import NULL, read, text
from engine.exports.lines import RISKY
from engine.query import flow, question, search
from engine.query.answer import Answer, Stream
from engine.query.calls import Calls
from engine.query.question import Question
from engine.query.run import Desk
from engine.query.streams import Streams
from engine.site import Site
from engine.statement import Statement
from engine.warehouse.gateway import STREAMS
from tests.clickhouse_process import ClickHouseProcess
from tests.loading import load

pytestmark = pytest.mark.engine

OCTOBER = {"from": "2026-10-01", "to": "2026-11-01"}
HEADER = "call_id,start_time,duration,customer,customer_destination,provider,customer_charge,customer_currency,sip_code"
TEXTS = (
    "acme",
    "",
    '=say ""no""',
    "back\\slash",
    "two\nlines",
    "comma, tab\t",
    "é漢🙂",
    "'quoted'",
    "\\N",
    "NULL",
    "-1",
)
ROW_FORMATS: tuple[formats.Format, ...] = ("csv", "ndjson", "arrow", "parquet", "xlsx")


@pytest.fixture(scope="module")
def filled(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Calls of customers with names that are easily written wrong."""
    lines = [HEADER]
    for place, name in enumerate(TEXTS * 3):
        charge = ("", "1.5", "0.00000001", "-12.50", "0", "123456789.12345678")[place % 6]
        code = 200 if place % 4 else 486
        lines.append(
            f'{place},2026-10-{1 + place % 28:02}T{place % 24:02}:30:00Z,{place / 8},"{name}",'
            f"D{place % 5},p,{charge},{'EUR' if place % len(TEXTS) == 3 else 'USD'},{code}"
        )
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert load(site, path, "switch").rejected == 0
    return site


def asked(**fields: Any) -> Question:
    return question.of({**OCTOBER, **fields})


MEASURES = ["attempts", "asr", "acd", "duration", "customer_charge"]
QUESTIONS: dict[str, dict[str, Any]] = {
    "text": {"rows": ["customer", "customer_destination"], "measures": MEASURES},
    "time": {"rows": ["day", "hour", "is_final", "sip_code"], "measures": MEASURES, "timezone": "America/New_York"},
    "parts": {"rows": ["customer"], "measures": ["asr", "customer_rate"], "parts": True},
    "native": {"rows": ["customer"], "measures": MEASURES, "currency": "native"},
    "one row": {"rows": [], "measures": MEASURES},
    "no rows": {"rows": ["customer"], "where": [{"field": "customer", "values": ["nobody"]}]},
    "limit": {"rows": ["customer"], "limit": 3},
    "offset": {"rows": ["customer"], "offset": 3},
    "limit and offset": {"rows": ["customer"], "measures": MEASURES, "limit": 3, "offset": 9},
    "beyond the last": {"rows": ["customer"], "offset": 99},
    "none of them": {"rows": ["customer"], "limit": 0},
    "native from the middle": {"rows": ["customer"], "measures": MEASURES, "currency": "native", "offset": 2},
    "across": {"rows": ["customer_destination"], "columns": ["customer"], "measures": MEASURES},
    "across, of one row": {"rows": [], "columns": ["customer_destination", "sip_code"], "measures": ["asr"]},
    "across, native": {
        "rows": ["customer"], "columns": ["sip_code"], "measures": ["attempts", "customer_charge"],
        "currency": "native", "limit": 9, "offset": 1,
    },
    "across, of nothing": {
        "rows": ["customer"], "columns": ["day"], "where": [{"field": "customer", "values": ["nobody"]}],
    },
    "filled": {"rows": ["day", "customer_destination"], "measures": MEASURES, "fill": True, "offset": 20},
    "filled across": {"rows": ["customer"], "columns": ["week"], "measures": ["attempts", "duration"], "fill": True},
    "compared": {"rows": ["customer"], "measures": MEASURES, "compare": "week", "parts": True, "to": "2026-10-15"},
    "top": {"rows": ["customer", "sip_code"], "measures": MEASURES, "top": [{"field": "customer", "count": 3}]},
    "top across": {
        "rows": ["sip_code"], "columns": ["customer"], "measures": ["attempts", "customer_charge"],
        "top": [{"field": "customer", "count": 2}], "sort": [{"field": "attempts|\\other", "descending": True}],
        "where": [{"field": "attempts", "op": "gt", "values": [1]}],
    },
}  # fmt: skip
each_question = pytest.mark.parametrize("name", QUESTIONS)
IN_ALL_FORMATS = ("text", "native", "no rows", "limit and offset", "across, native", "top across")
"""A value has one text, so the other questions are compared in CSV."""


def written(found: Answer | Stream, form: formats.Format) -> bytes:
    return b"".join(formats.write(found, form))


@each_question
def test_rows_that_are_read_while_they_are_written_are_those_of_the_whole_answer(filled: Site, name: str) -> None:
    fields = QUESTIONS[name]
    whole = filled.ask(asked(**fields), ADMIN)
    assert bool(whole.rows) != (name in ("no rows", "beyond the last", "none of them", "across, of nothing"))
    for form in ROW_FORMATS if name in IN_ALL_FORMATS else ROW_FORMATS[:1]:
        streamed = filled.stream(asked(**fields), ADMIN)
        if form == "xlsx":  # which notes the time it was made
            assert written(streamed, form)
        else:
            assert written(streamed, form) == written(whole, form)


def test_a_refused_export_leaves_no_statement_open(filled: Site) -> None:
    """What was asked is remembered for a while, and how it failed with it; there are few lanes for streams."""
    for _ in range(STREAMS + 1):
        with pytest.raises(TollhouseError, match="currenc"):
            list(filled.stream(asked(rows=[], measures=["customer_charge"], currency="native"), ADMIN).text)
    assert list(filled.stream(asked(rows=["customer"]), ADMIN).text)


def number_of_rows(form: formats.Format, content: bytes) -> int:
    if form == "csv":
        return len(list(csv.reader(io.StringIO(content.decode(), newline="")))) - 1
    if form == "ndjson":
        *rows, last = content.splitlines()
        assert json.loads(last) == {"end": {"rows": len(rows)}}
        return len(rows)
    if form == "arrow":
        return int(pa.ipc.open_stream(content).read_all().num_rows)
    if form == "parquet":
        return int(pq.read_table(io.BytesIO(content)).num_rows)
    from tests.test_formats import cells

    return len(cells(content)) - 1


@pytest.mark.parametrize("name", IN_ALL_FORMATS)
def test_the_number_of_rows_is_the_same_in_all_formats(filled: Site, name: str) -> None:
    question_ = asked(**QUESTIONS[name])
    rows = filled.ask(question_, ADMIN).row_count
    for form in ROW_FORMATS:
        assert number_of_rows(form, written(filled.stream(question_, ADMIN), form)) == rows


@pytest.mark.parametrize("value", [0.1, 1e-7, 1.5e-9, 1e21, 123456789012345680.0, 1e300, 100 / 3, 12.0, -0.001, 5e-324])
def test_a_number_has_the_text_the_engine_gives_it(site: Site, value: float) -> None:
    sql = "SELECT toString(arrayJoin({values:Array(Float64)}))"
    assert site.warehouse.value(Statement(sql, {"values": [value]})) == text(value)


def test_the_engines_text_is_read_as_it_was_written(site: Site) -> None:
    values = [*TEXTS, "a,b", '"', "\r\n", NULL, None]
    sql = "SELECT arrayJoin({values:Array(Nullable(String))}) AS a, a AS b"
    pieces = list(site.warehouse.stream(Statement(sql, {"values": values}), "CSV"))
    blocks = list(read(iter(pieces), 2))
    assert list(chain.from_iterable(block.column(1).to_pylist() for block in blocks)) == values
    first, again = flow.opened(iter([b"".join(pieces)[:3], b"".join(pieces)[3:]]), ["a", "b"])
    assert first == {"a": "acme", "b": "acme"}
    assert b"".join(again) == b"".join(pieces)


def test_a_limit_that_is_met_is_named(filled: Site) -> None:
    for changed, fields, code, setting in (
        ({"max_rows": 2}, {}, "too_many_rows", "max_rows"),
        ({"max_rows": 2}, {"limit": 3}, "too_many_rows", "max_rows"),
        ({"max_export_rows": 2}, {}, "too_many_rows", "max_export_rows"),
        ({"max_rows": 1, "max_export_rows": 2}, {"limit": 3}, "too_many_rows", "max_export_rows"),
        ({"max_rows_read": 1}, {}, "reads_too_much", "max_rows_read"),
    ):
        settings = msgspec.structs.replace(filled.settings, **changed)
        desk = Desk(filled.warehouse, filled.catalog, settings, {})
        streams = Streams(filled.warehouse, filled.catalog, settings, desk)
        question_ = asked(rows=["cli", "day", "hour"], **fields)
        tell = streams.open if "max_export_rows" in changed else desk.ask
        with pytest.raises(TollhouseError, match=f"{setting}\\b") as failure:
            tell(question_, ADMIN)
        assert failure.value.code == code
        assert failure.value.status == 413


def test_calls_have_the_limits_of_exports(filled: Site) -> None:
    everyone = search.of(
        {**OCTOBER, "where": [{"field": "customer_destination", "op": "starts_with", "values": ["D"]}]}
    )
    for changed, setting in ({"max_export_rows": 2}, "max_export_rows"), ({"max_rows_read": 1}, "max_rows_read"):
        settings = msgspec.structs.replace(filled.settings, **changed)
        desk = Desk(filled.warehouse, filled.catalog, settings, {})
        calls = Calls(filled.warehouse, filled.catalog, settings, desk)
        ticket = desk.board.open(ADMIN.name)
        with pytest.raises(TollhouseError, match=f"{setting}\\b") as failure:
            list(calls.every(everyone, ADMIN, ticket=ticket).rows)
        assert (failure.value.status, ticket.state) == (413, "failed")
    assert len(list(filled.calls.every(everyone, ADMIN).rows)) == len(TEXTS) * 3


@pytest.mark.parametrize("fields", [QUESTIONS["across"], {"rows": ["customer"], "columns": ["sip_code"]}])
def test_a_spreadsheet_runs_no_header_and_no_value_of_a_pivot(filled: Site, fields: dict[str, Any]) -> None:
    for labels in (False, True):
        text = b"".join(formats.write(filled.stream(asked(**fields), ADMIN), "csv", labels=labels)).decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        assert "=say" in text
        assert not [cell for cell in [*header, *(row[0] for row in rows)] if re.match(RISKY, cell)]
        book = b"".join(formats.write(filled.stream(asked(**fields), ADMIN), "xlsx", labels=labels))
        with zipfile.ZipFile(io.BytesIO(book)) as parts:
            assert not [name for name in parts.namelist() if b"<f>" in parts.read(name)]


def test_a_question_that_takes_too_long_is_told_so_by_the_name_of_the_limit(filled: Site) -> None:
    settings = msgspec.structs.replace(filled.settings, max_seconds=0.000001)
    with pytest.raises(TollhouseError, match="max_seconds allows") as failure:
        Desk(filled.warehouse, filled.catalog, settings, {}).ask(asked(rows=["cli", "hour"]), ADMIN)
    assert failure.value.code == "too_slow"


def test_an_export_is_exact_while_loading_goes_on(site: Site, tmp_path: Path) -> None:
    """Each load brings one call of each customer, so that whatever is read at one commit, all have as many."""
    customers = [f"even-{place:03}" for place in range(300)]
    ended = Event()
    failures: list[BaseException] = []

    def go_on() -> None:
        try:
            for number in count():
                path = tmp_path / f"{number}.csv"
                # Days before, and days of several months, so that one load takes several parts.
                lines = [
                    f"{number}-{name},2026-{9 + number % 3:02}-{1 + number % 28:02}T10:00:00Z,6,{name},D,p,1.5,USD,200"
                    for name in customers
                ]
                path.write_text("\n".join([HEADER, *lines]) + "\n")
                load(site, path, "even")
                if ended.is_set():
                    return
        except BaseException as failure:
            failures.append(failure)

    loading = Thread(target=go_on)
    loading.start()
    seen: set[str] = set()
    try:
        where = [{"field": "customer", "op": "starts_with", "values": ["even-"]}]
        window = {"from": "2026-09-01", "to": "2026-12-01"}
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline or len(seen) < 3:
            streamed = site.stream(
                question.of({**window, "rows": ["customer"], "measures": ["attempts"], "where": where}), ADMIN
            )
            rows = list(csv.reader(io.StringIO(written(streamed, "csv").decode())))[1:]
            counts = {row[1] for row in rows}
            assert len(counts) <= 1, "some customers have calls of a load that others lack"
            assert len(rows) in (0, len(customers))
            seen |= counts
    finally:
        ended.set()
        loading.join()
    assert not failures
    assert len(seen) > 1, "nothing was loaded meanwhile"


MOST = 200
"""MB that an export may add, however many rows it has."""

MEMORY = """
import os, re, sys
from pathlib import Path
from engine.access.principal import ADMIN
from engine.exports import formats, listings
from engine.query import question, search
from engine.settings import Settings
from engine.site import Site

dsn, what, form, *others = sys.argv[1:]
processes = ['self', *others]

def resident(process):
    return int(Path(f'/proc/{process}/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')

def peak(process):
    return int(re.search(r'VmHWM:\\s+(\\d+)', Path(f'/proc/{process}/status').read_text())[1]) << 10

window = {'from': '2026-10-01', 'to': '2026-11-01'}
groups = {**window, 'rows': ['cli'], 'measures': ['attempts', 'asr', 'duration']}
asked = {
    'groups': groups,
    'charges': {**groups, 'measures': ['attempts', 'customer_charge', 'profit']},
    'pivot': {**groups, 'columns': ['is_final'], 'offset': 1000},
}

def pieces(site, some):
    where = [{'field': 'cli', 'values': ['20000000001']}] if some else []
    if what == 'calls':
        where = where or [{'field': 'customer', 'op': 'starts_with', 'values': ['c']}]
        return listings.write(site.calls.every(search.of({**window, 'where': where}), ADMIN), form)
    return formats.write(site.stream(question.of({**asked[what], 'where': where}), ADMIN), form)

with Site(Settings(database=dsn), writes=False) as site:
    assert list(pieces(site, True))
    before = [resident(process) for process in processes]
    for process in processes:
        Path(f'/proc/{process}/clear_refs').write_text('5')  # the peak from here on, not that of opening
    size = sum(len(piece) for piece in pieces(site, False))
    print(sum(peak(process) - was for process, was in zip(processes, before)) >> 20, size >> 20)
"""


def python(*words: str) -> str:
    root = Path(__file__).resolve().parents[1]
    return subprocess.run(
        [sys.executable, "-c", *words], check=True, cwd=root, stdout=subprocess.PIPE, text=True
    ).stdout


def added(dsn: str, what: str, form: str, *processes: int) -> tuple[int, int]:
    """How many MB a process, and others with it, grow by while it exports, and how many it writes."""
    grown, size = python(MEMORY, dsn, what, form, *map(str, processes)).split()
    return int(grown), int(size)


def filled_with(dsn: str, rows: int) -> str:
    python(f"from tests.test_under_way import fill; fill({dsn!r}, {rows})")
    return dsn


def test_a_big_export_takes_little_memory(tmp_path: Path) -> None:
    grown, size = added(filled_with(f"chdb://{tmp_path}", 1_000_000), "groups", "csv")
    assert size > 15
    assert grown < MOST


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_ten_million_rows_take_no_more(tmp_path: Path) -> None:
    dsn = filled_with(f"chdb://{tmp_path}", 10_000_000)
    for form in ("csv", "arrow", "parquet", "ndjson"):
        assert added(dsn, "groups", form)[0] < MOST, form


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_ten_million_rows_take_no_more_of_a_server_and_its_client() -> None:
    with ClickHouseProcess() as server:
        dsn = filled_with(server.dsn, 10_000_000)
        server.stop()
        server.start()
        for form in ("csv", "arrow"):
            assert added(dsn, "groups", form, server.pid)[0] < MOST, form


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", ["charges", "pivot", "calls"])
def test_other_exports_take_little_memory_too(tmp_path: Path, what: str) -> None:
    assert added(filled_with(f"chdb://{tmp_path}", 3_000_000), what, "csv")[0] < MOST
