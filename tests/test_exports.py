"""All rows, in every format, whatever their number: the same as JSON's, in flat memory, exact while loading goes on."""

import csv
import io
import json
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.access.principal import ADMIN
from engine.exports import formats
from engine.exports.blocks import NULL, read, text
from engine.query import flow, question
from engine.query.answer import Answer, Stream
from engine.query.question import Question
from engine.site import Site
from engine.statement import Statement
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
}
each_question = pytest.mark.parametrize("fields", QUESTIONS.values(), ids=QUESTIONS.keys())


def written(found: Answer | Stream, form: formats.Format) -> bytes:
    return b"".join(formats.write(found, form))


@each_question
def test_rows_that_are_read_while_they_are_written_are_those_of_the_whole_answer(
    filled: Site, fields: dict[str, Any]
) -> None:
    whole = filled.ask(asked(**fields), ADMIN)
    assert bool(whole.rows) != (fields is QUESTIONS["no rows"])
    for form in ROW_FORMATS:
        streamed = filled.stream(asked(**fields), ADMIN)
        assert isinstance(streamed, Stream) != ("limit" in fields or "offset" in fields)
        if form == "xlsx":  # which notes the time it was made
            assert written(streamed, form)
        else:
            assert written(streamed, form) == written(whole, form)


def count(form: formats.Format, content: bytes) -> int:
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


@each_question
def test_the_number_of_rows_is_the_same_in_all_formats(filled: Site, fields: dict[str, Any]) -> None:
    rows = filled.ask(asked(**fields), ADMIN).row_count
    for form in ROW_FORMATS:
        assert count(form, written(filled.stream(asked(**fields), ADMIN), form)) == rows


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
    first, again = flow.opened(iter([b"".join(pieces)[:3], b"".join(pieces)[3:]]))
    assert first == ["acme", "acme"]
    assert b"".join(again) == b"".join(pieces)
