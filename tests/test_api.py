"""What the HTTP API promises to programs: one error body, answers that agree, loads that are visible at once."""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.exports.formats import shown
from tests.clickhouse_process import ClickHouseProcess
from tests.conftest import fresh_database
from tests.server import Server
from web import api, schema

pytestmark = pytest.mark.engine

OCTOBER = {"from": "2026-10-01", "to": "2026-11-01"}
HEADER = (
    "call_id,start_time,duration,customer,customer_destination,provider,customer_charge,provider_charge,sip_code,cli"
)
CALLS = f"""{HEADER}
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",carrier-a,1.2,1,200,12125550101
b,2026-10-05T12:00:00Z,0,acme,"UK, Mobile",carrier-a,,,486,12125550102
c,2026-10-06T00:00:00Z,30.5,acme,India,carrier-b,0.5,0.75,200,12125550103
d,2026-10-07T08:00:00Z,10,zenith,India,carrier-b,0.30000001,0.1,200,12125550104
e,2026-10-08T08:00:00Z,0,zenith,Peru,carrier-a,,,503,12125550105
"""
SECURITY = {
    "content-security-policy": re.compile(r"default-src 'none';.*script-src 'self'.*frame-ancestors 'none'"),
    "x-content-type-options": re.compile("nosniff"),
    "referrer-policy": re.compile("same-origin"),
    "cross-origin-resource-policy": re.compile("same-origin"),
    "cache-control": re.compile("no-store"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The program on an embedded database, with five calls in it."""
    with Server(f"chdb://{tmp_path_factory.mktemp('database')}") as running:
        with running.client() as client:
            receipt(load(client, CALLS))
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


@pytest.fixture(scope="module")
def loading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The program on an empty embedded database, to be loaded."""
    with Server(f"chdb://{tmp_path_factory.mktemp('loading')}") as running, running.client() as found:
        yield found


@pytest.fixture(scope="module")
def loading_on_a_server(clickhouse: ClickHouseProcess) -> Iterator[httpx.Client]:
    """The same on a ClickHouse server."""
    with Server(fresh_database(clickhouse)) as running, running.client() as found:
        yield found


@pytest.fixture(params=["loading", "loading_on_a_server"])
def anywhere(request: pytest.FixtureRequest) -> httpx.Client:
    """The program on either kind of database."""
    found: httpx.Client = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def strict() -> Iterator[httpx.Client]:
    """A site that takes little and answers little."""
    with Server("chdb://memory", max_upload_bytes="2000", max_rows="2") as running, running.client() as found:
        receipt(load(found, CALLS))
        yield found


def load(client: httpx.Client, body: str | bytes, kind: str = "text/csv", **headers: str) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    return client.post("/api/v1/cdrs", content=content, headers={"content-type": kind, **headers})


def receipt(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def ask(client: httpx.Client, **fields: Any) -> httpx.Response:
    return client.post("/api/v1/query", json={**OCTOBER, **fields})


def breakout(client: httpx.Client, *pairs: tuple[str, str]) -> httpx.Response:
    return client.get("/api/v1/reports/breakout", params=[*OCTOBER.items(), *pairs])


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that it is the one error body, and return what it says."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["code", "message", "pointer", "hint"]
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    found: dict[str, Any] = body["error"]
    return found


def attempts(client: httpx.Client, **where: str) -> int:
    clauses = [{"field": field, "values": [value]} for field, value in where.items()]
    response = ask(client, measures=["attempts"], where=clauses)
    assert response.status_code == 200, response.text
    count: int = response.json()["rows"][0][0]
    return count


class TestErrors:
    @pytest.mark.parametrize("body", ["", "{", "nonsense", '{"from": "2026-10-01",}', "[1]"])
    def test_a_body_that_is_no_question_is_malformed(self, client: httpx.Client, body: str) -> None:
        said = refused(
            client.post("/api/v1/query", content=body, headers={"content-type": "application/json"}), 400, "malformed"
        )
        assert said["pointer"] == "$"

    @pytest.mark.parametrize(
        ("fields", "pointer", "hint"),
        [
            ({"rowz": []}, "$", "'rows'"),
            ({"where": [{"feild": "customer"}]}, "$.where[0]", "'field'"),
            ({"where": [{"field": "customer", "op": "not_inn", "values": ["x"]}]}, "$.where[0].op", "'not_in'"),
            ({"limit": "5"}, "$.limit", ""),
            ({"totals": "yes"}, "$.totals", ""),
        ],
    )
    def test_a_misspelt_question_is_malformed(
        self, client: httpx.Client, fields: dict[str, Any], pointer: str, hint: str
    ) -> None:
        said = refused(ask(client, **fields), 400, "malformed")
        assert said["pointer"] == pointer
        assert hint in (said["hint"] or "")

    @pytest.mark.parametrize(
        ("fields", "status", "code", "pointer", "hint"),
        [
            ({"rows": ["custmer"]}, 422, "unknown_field", "$.rows[0]", "'customer'"),
            ({"measures": ["atempts"]}, 422, "unknown_field", "$.measures[0]", "'attempts'"),
            ({"where": [{"field": "provder", "values": ["x"]}]}, 422, "unknown_field", "$.where[0].field", "provider"),
            ({"where": [{"field": "asr", "op": "lt", "values": ["x"]}]}, 422, "bad_value", "$.where[0].values[0]", ""),
            ({"from": "yesterday"}, 422, "bad_value", "$.from", "2026-10-01"),
            ({"to": "2026-10-01"}, 422, "bad_value", "$.to", "exclusive"),
            ({"timezone": "Mars/Base"}, 422, "unknown_zone", "$.timezone", "IANA"),
            ({"report": "brekout"}, 404, "unknown_report", "$.report", "'breakout'"),
            ({"limit": 1_000_001}, 413, "too_many_rows", "$.limit", "max_rows"),
        ],
    )
    def test_what_cannot_be_answered_is_refused_with_place_and_hint(
        self, client: httpx.Client, fields: dict[str, Any], status: int, code: str, pointer: str, hint: str
    ) -> None:
        for path in ("/api/v1/query", "/api/v1/query/explain"):
            said = refused(client.post(path, json={**OCTOBER, **fields}), status, code)
            assert said["pointer"] == pointer
            assert hint in (said["hint"] or "")

    @pytest.mark.parametrize(
        ("pairs", "status", "code", "pointer"),
        [
            ([("custmer", "acme")], 400, "unknown_parameter", "custmer"),
            ([("customer.inn", "acme")], 400, "malformed", "customer"),
            ([("customer", '"acme')], 400, "malformed", "customer"),
            ([("limit", "many")], 400, "malformed", "limit"),
            ([("format", "xml")], 400, "malformed", "format"),
            ([("labels", "banana")], 400, "malformed", "labels"),
            ([("format", "csv"), ("format", "json")], 400, "malformed", "format"),
            ([("customer", "")], 422, "bad_value", "$.where[0].values"),
        ],
    )
    def test_a_report_is_as_strict_with_its_parameters(
        self, client: httpx.Client, pairs: list[tuple[str, str]], status: int, code: str, pointer: str
    ) -> None:
        assert refused(breakout(client, *pairs), status, code)["pointer"] == pointer

    @pytest.mark.parametrize("missing", ["from", "to"])
    def test_half_a_window_is_no_window(self, client: httpx.Client, missing: str) -> None:
        half = {name: text for name, text in OCTOBER.items() if name != missing}
        response = client.get("/api/v1/reports/breakout", params=half)
        assert refused(response, 400, "malformed")["pointer"] == missing

    @pytest.mark.parametrize(
        ("method", "path", "word", "hint"),
        [
            ("POST", "/api/v1/query", "fromat", "'format'"),
            ("POST", "/api/v1/query/explain", "format", "none"),
            ("POST", "/api/v1/cdrs", "sorce", "'source'"),
            ("GET", "/api/v1/reports", "limit", "none"),
            ("GET", "/api/v1/catalog", "limit", "none"),
        ],
    )
    def test_a_parameter_the_call_does_not_have_is_refused_and_not_ignored(
        self, client: httpx.Client, method: str, path: str, word: str, hint: str
    ) -> None:
        headers = {"content-type": "text/csv"}
        response = client.request(method, path, params={word: "x"}, content=CALLS, headers=headers)
        said = refused(response, 400, "unknown_parameter")
        assert said["pointer"] == word
        assert hint in said["hint"]

    def test_there_is_nothing_elsewhere(self, client: httpx.Client) -> None:
        for path in ("/nothing", "/api/v1/nothing", "/static/old/tokens.css", "/schema/nothing"):
            refused(client.get(path), 404, "not_found")

    def test_a_wrong_method_names_the_right_one(self, client: httpx.Client) -> None:
        response = client.put("/api/v1/query")
        assert "POST" in refused(response, 405, "method_not_allowed")["hint"]
        assert "POST" in response.headers["allow"]

    def test_a_question_has_a_largest_size(self, client: httpx.Client) -> None:
        refused(ask(client, rows=["x" * api.QUESTION_BYTES]), 413, "too_large")

    def test_an_answer_over_the_cap_is_an_error_and_not_a_shorter_answer(self, strict: httpx.Client) -> None:
        refused(ask(strict, rows=["customer_destination"]), 413, "too_many_rows")
        assert ask(strict, rows=["customer"]).status_code == 200

    def test_a_database_that_is_gone_is_told_and_not_guessed_at(self, tmp_path: Path) -> None:
        with ClickHouseProcess(tmp_path) as clickhouse, Server(clickhouse.dsn) as running, running.client() as client:
            assert client.get("/readyz").status_code == 200
            clickhouse.stop()
            refused(ask(client), 503, "database_unreachable")
            refused(load(client, CALLS), 503, "database_unreachable")
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
            page = client.get("/", params={"day": "2026-10-05"})
            assert page.status_code == 503
            assert page.headers["content-type"].startswith("text/html")
            assert "No ClickHouse answers" in page.text
            assert "database_unreachable" in running.said
            clickhouse.start()
            assert attempts(client) == 0  # and when it is back, so are we


@pytest.fixture(scope="module")
def stranger() -> Iterator[httpx.Client]:
    """A site that does not trust this machine."""
    with Server("chdb://memory", trusted_networks="10.0.0.0/8") as running, running.client() as found:
        yield found


class TestWhoMayAsk:
    def test_a_peer_outside_the_trusted_networks_is_nobody(self, stranger: httpx.Client) -> None:
        page = stranger.get("/")  # a page says so as a page
        assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
        for method, path in (
            ("GET", "/api/v1/catalog"),
            ("GET", "/api/v1/reports"),
            ("GET", "/api/v1/reports/breakout?from=2026-10-01&to=2026-11-01"),
            ("POST", "/api/v1/query"),
            ("POST", "/api/v1/query/explain"),
            ("POST", "/api/v1/cdrs"),
        ):
            said = refused(stranger.request(method, path, json=OCTOBER), 401, "unauthorized")
            assert "trusted_networks" in said["hint"]

    def test_it_may_know_that_the_server_is_alive(self, stranger: httpx.Client) -> None:
        assert stranger.get("/healthz").text == "ok\n"

    @pytest.mark.parametrize("header", ["X-Forwarded-For: 10.1.2.3", "Forwarded: for=10.1.2.3"])
    def test_a_forwarding_header_gives_it_no_rights(self, stranger: httpx.Client, header: str) -> None:
        name, _, value = header.partition(": ")
        refused(stranger.get("/api/v1/catalog", headers={name: value}), 401, "unauthorized")

    @pytest.mark.parametrize(
        "header",
        [
            "X-Forwarded-For: 203.0.113.9",
            "X-Forwarded-For: 127.0.0.1, 203.0.113.9",
            'Forwarded: for="203.0.113.9:4711"',
        ],
    )
    def test_behind_a_proxy_whom_it_speaks_for_must_be_trusted_too(self, client: httpx.Client, header: str) -> None:
        name, _, value = header.partition(": ")
        refused(client.get("/api/v1/catalog", headers={name: value}), 401, "unauthorized")
        near = "for=127.0.0.1" if "=" in value else "127.0.0.1"
        assert client.get("/api/v1/catalog", headers={name: near}).status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
    def test_another_name_for_this_server_is_refused(self, client: httpx.Client, host: str) -> None:
        refused(client.get("/api/v1/catalog", headers={"host": host}), 400, "unknown_host")
        refused(client.get("/", headers={"host": host}), 400, "unknown_host")

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_a_page_elsewhere_may_not_post(self, client: httpx.Client, site: str) -> None:
        before = attempts(client)
        refused(load(client, CALLS.replace("a,", "new,"), **{"sec-fetch-site": site}), 403, "cross_site")
        assert attempts(client) == before

    @pytest.mark.parametrize("site", ["same-origin", "none"])
    def test_our_own_page_may_ask(self, client: httpx.Client, site: str) -> None:
        assert client.post("/api/v1/query", json=OCTOBER, headers={"sec-fetch-site": site}).status_code == 200


def table() -> pa.Table:
    start = datetime(2026, 10, 9, tzinfo=UTC)
    return pa.table(
        {
            "call_id": ["p1", "p2"],
            "start_time": pa.array([start, start + timedelta(seconds=1)], pa.timestamp("ms", "UTC")),
            "duration": pa.array([Decimal("12.5"), Decimal(0)], pa.decimal128(10, 3)),
            "customer": ["acme", "acme"],
            "customer_charge": pa.array([Decimal("0.12345678"), None], pa.decimal128(18, 8)),
            "sip_code": pa.array([200, 486], pa.int32()),
        }
    )


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink)
    return sink.getvalue()


def arrow() -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(table())
    return sink.getvalue()


AS_CSV = b"""call_id,start_time,duration,customer,customer_charge,sip_code
p1,2026-10-09T00:00:00Z,12.5,acme,0.12345678,200
p2,2026-10-09T00:00:01Z,0,acme,,486
"""
AS_NDJSON = b"".join(json.dumps(row).encode() + b"\n" for row in csv.DictReader(io.StringIO(AS_CSV.decode())))
FORMS = {
    "csv": (AS_CSV, "text/csv; charset=utf-8", ""),
    "ndjson": (AS_NDJSON, "application/x-ndjson", ""),
    "json": (AS_NDJSON, "application/json", ""),
    "parquet": (parquet(), "application/vnd.apache.parquet", ""),
    "arrow": (arrow(), "application/vnd.apache.arrow.stream", ""),
    "csv-gzip": (gzip.compress(AS_CSV, mtime=0), "text/csv", "gzip"),
    "csv-zstd": (pa.compress(AS_CSV, "zstd", asbytes=True), "text/csv", "zstd"),
    "ndjson-gzip-without-saying-so": (gzip.compress(AS_NDJSON, mtime=0), "application/x-ndjson", ""),
}


class TestLoading:
    @pytest.mark.parametrize(
        ("database", "form"),
        [
            *(("loading", form) for form in FORMS),
            *(("loading_on_a_server", form) for form in ("ndjson", "arrow", "csv-gzip")),
        ],
    )
    def test_every_form_of_a_body_is_read(self, request: pytest.FixtureRequest, database: str, form: str) -> None:
        anywhere: httpx.Client = request.getfixturevalue(database)
        body, kind, packed = FORMS[form]
        source = {"source": f"switch-{form}"}
        headers = {"content-type": kind} | ({"content-encoding": packed} if packed else {})
        found = receipt(anywhere.post("/api/v1/cdrs", content=body, headers=headers, params=source))
        batch = found.pop("batch")
        assert batch > 0
        assert found == {
            "origin": "POST /cdrs",
            "dialect": "canonical",
            "received": 2,
            "accepted": 2,
            "duplicates": 0,
            "stale": 0,
            "corrections": 0,
            "withdrawn": 0,
            "rejected": 0,
            "after_close": 0,
            "skipped": 0,
            "limits": [],
        }
        answer = ask(
            anywhere,
            rows=["source"],
            measures=["attempts", "connected", "duration", "customer_charge"],
            where=[{"field": "source", "values": [source["source"]]}],
        ).json()
        assert answer["rows"] == [[source["source"], 2, 1, 12.5, "0.12345678"]]

    @pytest.mark.parametrize(("database", "posts"), [("loading", 8), ("loading_on_a_server", 3)])
    def test_posts_in_a_row_are_each_in_the_next_answer(
        self, request: pytest.FixtureRequest, database: str, posts: int
    ) -> None:
        anywhere: httpx.Client = request.getfixturevalue(database)
        for number in range(posts):
            body = f"{HEADER}\n" + "".join(
                f"r{number}-{call},2026-10-{call % 2 + 1:02}T10:00:00Z,6,row,Peru,carrier-a,0.01,0.005,200,\n"
                for call in range(15)
            )
            assert receipt(load(anywhere, body))["accepted"] == 15
            answer = breakout(anywhere, ("customer", "row"), ("rows", "customer")).json()
            assert answer["rows"][0][:2] == ["row", 15 * (number + 1)]
            assert Decimal(answer["rows"][0][5]) == Decimal("0.15") * (number + 1)

    def test_posters_at_the_same_time_lose_nothing(self, anywhere: httpx.Client) -> None:
        def post(poster: int) -> int:
            accepted = 0
            for number in range(5):
                rows = (f"w{poster}-{number}-{n},2026-10-11T10:00:00Z,6,both,,,,,200,\n" for n in range(50))
                accepted += receipt(load(anywhere, f"{HEADER}\n" + "".join(rows)))["accepted"]
            return accepted

        seen = []
        with ThreadPoolExecutor(2) as posters:
            running = [posters.submit(post, poster) for poster in range(2)]
            while not all(future.done() for future in running):
                seen.append(attempts(anywhere, customer="both"))
            assert sum(future.result() for future in running) == 500
        assert seen == sorted(seen)
        assert all(count % 50 == 0 for count in seen), "a reader saw half a body"
        assert attempts(anywhere, customer="both") == 500

    def test_the_same_body_again_changes_nothing(self, loading: httpx.Client) -> None:
        body = f"{HEADER}\nagain,2026-10-12T10:00:00Z,6,again,,,,,200,\n"
        assert receipt(load(loading, body))["accepted"] == 1
        assert receipt(load(loading, body))["duplicates"] == 1
        assert attempts(loading, customer="again") == 1

    def test_a_record_that_cannot_be_read_is_counted_and_the_others_are_taken(self, loading: httpx.Client) -> None:
        body = f"{HEADER}\ngood,2026-10-12T10:00:00Z,6,part,,,,,200,\nbad,never,6,part,,,,,200,\n"
        found = receipt(load(loading, body))
        assert (found["received"], found["accepted"], found["rejected"]) == (2, 1, 1)
        assert attempts(loading, customer="part") == 1

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"", "text/csv"),
            (b"garbage", "text/csv"),
            (b"\x00\xff\xfe" * 500, "text/csv"),
            (b"call_id,start_time\nx,never\n", "text/csv"),
            (b'{"call_id": "x"', "application/x-ndjson"),
            (b"PAR1 but no more", "application/vnd.apache.parquet"),
            (b"no arrow", "application/vnd.apache.arrow.stream"),
            (gzip.compress(AS_CSV * 50, mtime=0)[:60], "text/csv"),
            (parquet()[:-20], "application/vnd.apache.parquet"),
        ],
    )
    def test_garbage_leaves_nothing_behind(self, loading: httpx.Client, body: bytes, kind: str) -> None:
        before = ask(loading, rows=["source", "customer"], totals=True).json()
        response = load(loading, body, kind)
        refused(response, 400, response.json()["error"]["code"])
        after = ask(loading, rows=["source", "customer"], totals=True).json()
        assert (after["rows"], after["totals"], after["as_of"]) == (before["rows"], before["totals"], before["as_of"])

    def test_what_it_cannot_read_is_named(self, client: httpx.Client) -> None:
        said = refused(load(client, CALLS, "text/html"), 400, "unknown_content")
        assert said["pointer"] == "Content-Type"
        assert "text/csv" in said["hint"]
        said = refused(load(client, CALLS, **{"content-encoding": "br"}), 400, "unknown_content")
        assert said["pointer"] == "Content-Encoding"

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_body_over_the_limit_is_refused(self, strict: httpx.Client, chunked: bool) -> None:
        before = attempts(strict)
        body = f"{HEADER}\n" + "big,2026-10-12T10:00:00Z,6,big,,,,,200,\n" * 100
        content = iter([body[:1500].encode(), body[1500:].encode()]) if chunked else body.encode()
        response = strict.post("/api/v1/cdrs", content=content, headers={"content-type": "text/csv"})
        assert "2000 bytes" in refused(response, 413, "too_large")["message"]
        assert attempts(strict) == before


class TestReports:
    def test_a_report_and_the_same_question_get_the_same_answer(self, client: httpx.Client) -> None:
        got = breakout(client, ("totals", "true"), ("customer", "acme"), ("tz", "Europe/Paris")).json()
        where = [{"field": "customer", "op": "in", "values": ["acme"]}]
        posted = ask(client, report="breakout", totals=True, where=where, timezone="Europe/Paris").json()
        assert got["rows"]
        for part in ("columns", "rows", "totals", "question", "total_rows", "as_of", "warnings"):
            assert got[part] == posted[part]

    def test_the_numbers_are_those_of_the_calls(self, client: httpx.Client) -> None:
        answer = breakout(client, ("rows", "customer"), ("sort", "customer"), ("totals", "true")).json()
        names = [column["name"] for column in answer["columns"]]
        found = [dict(zip(names, row, strict=True)) for row in [*answer["rows"], answer["totals"]]]
        assert [row["customer"] for row in found] == ["acme", "zenith", None]
        assert [row["attempts"] for row in found] == [3, 2, 5]
        assert [row["connected"] for row in found] == [2, 1, 3]
        assert [row["duration"] for row in found] == [90.5, 10, 100.5]
        assert [row["customer_charge"] for row in found] == ["1.70", "0.30000001", "2.00000001"]
        assert [row["profit"] for row in found] == ["-0.05", "0.20000001", "0.15000001"]
        assert [row["asr"] for row in found] == [pytest.approx(200 / 3), 50, 60]

    @pytest.mark.parametrize(
        ("pairs", "calls"),
        [
            ([("customer", "acme")], 3),
            ([("customer", "acme,zenith")], 5),
            ([("customer", "acme"), ("customer", "zenith")], 5),
            ([("customer_destination", '"UK, Mobile",India')], 4),
            ([("customer_destination.eq", '"UK, Mobile"')], 2),
            ([("customer_destination.contains", "mobile")], 2),
            ([("customer_destination.not_in", "India,Peru")], 2),
            ([("customer", "acme"), ("provider.ne", "carrier-a")], 1),
            ([("connected.ge", "1")], 4),
            ([("customer", "nobody")], 0),
        ],
    )
    def test_filters_are_fields_with_lists(
        self, client: httpx.Client, pairs: list[tuple[str, str]], calls: int
    ) -> None:
        answer = breakout(client, *pairs).json()
        assert sum(row[2] for row in answer["rows"]) == calls

    def test_filters_keep_the_order_in_which_they_were_given(self, client: httpx.Client) -> None:
        pairs = [("provider", "carrier-a"), ("customer", "acme"), ("asr.ge", "0"), ("customer_destination.ne", "x")]
        fields = [clause["field"] for clause in breakout(client, *pairs).json()["question"]["where"]]
        assert fields == [name.partition(".")[0] for name, _ in pairs]

    def test_every_format_has_the_same_numbers(self, client: httpx.Client) -> None:
        answer = breakout(client).json()
        response = breakout(client, ("format", "csv"))
        assert response.headers["content-type"].startswith("text/csv; charset=utf-8")
        header, *lines = csv.reader(io.StringIO(response.text, newline=""))
        assert header == [*(column["name"] for column in answer["columns"]), "currency"]
        assert len(lines) == answer["row_count"] == 4
        for line, row in zip(lines, answer["rows"], strict=True):
            assert line.pop() == "USD"
            for text, value in zip(line, row, strict=True):
                assert text == ("" if value is None else value) or float(text) == value

        drawn = breakout(client, ("format", "table")).text.splitlines()[2:]
        kinds = [column["type"] for column in answer["columns"]]
        for drawn_row, row in zip(drawn, answer["rows"], strict=False):
            cells = [shown(value, kind) for value, kind in zip(row, kinds, strict=True)]
            assert re.split(r"\s{2,}", drawn_row) == [cell for cell in cells if cell]

    def test_labels_are_the_catalogs(self, client: httpx.Client) -> None:
        found = client.get("/api/v1/catalog").json()
        labels = {field["name"]: field["label"] for field in found["dimensions"] + found["measures"]}
        first = breakout(client, ("format", "csv"), ("labels", "true")).text.split("\r\n")[0]
        names = [column["name"] for column in breakout(client).json()["columns"]]
        assert first.split(",") == [*(labels[name] for name in names), "currency"]

    def test_without_a_window_it_is_the_preset_with_the_changes_asked_for(self, client: httpx.Client) -> None:
        preset = client.get("/api/v1/reports/breakout").json()
        assert preset["rows"] == ["customer", "customer_destination"]
        assert "from" not in preset
        changed = client.get("/api/v1/reports/breakout", params={"rows": "day", "customer": "acme"}).json()
        clause = {"field": "customer", "op": "in", "values": ["acme"]}
        assert changed == preset | {"rows": ["day"], "where": [clause]}
        for question in (preset, changed):
            assert ask(client, **question).status_code == 200
        response = client.get("/api/v1/reports/breakout", params={"custmer": "acme"})
        refused(response, 400, "unknown_parameter")

    def test_reports_and_catalog_say_what_can_be_asked(self, client: httpx.Client) -> None:
        listed = client.get("/api/v1/reports").json()
        assert listed["next_cursor"] is None
        assert "breakout" in [item["name"] for item in listed["items"]]
        found = client.get("/api/v1/catalog").json()
        assert all(field["help"] and field["label"] for field in found["dimensions"] + found["measures"])
        assert ask(client, rows=[], measures=[field["name"] for field in found["measures"]]).status_code == 200

    def test_explain_says_from_where(self, client: httpx.Client) -> None:
        found = client.post("/api/v1/query/explain", json={**OCTOBER, "report": "breakout"}).json()
        assert found["source"]
        assert "acme" not in found["sql"]


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    """The OpenAPI document as it is served."""
    with server.client() as client:
        response = client.get("/schema")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


class TestSchema:
    def test_the_committed_one_is_the_one_served(self, document: dict[str, Any]) -> None:
        committed = schema.FILE.read_text("utf-8")
        assert committed == schema.text(), "run `make schema` and read the difference"
        assert json.loads(committed) == document

    def test_it_is_openapi_3_1(self, document: dict[str, Any]) -> None:
        assert document["openapi"] == "3.1.0"
        assert set(document) <= {"openapi", "info", "servers", "paths", "components"}
        assert {"title", "version"} <= set(document["info"])
        for path, calls in document["paths"].items():
            named = set(re.findall(r"{(\w+)}", path))
            for call in calls.values():
                parameters = call.get("parameters", [])
                assert named == {found["name"] for found in parameters if found["in"] == "path"}
                assert len({(found["name"], found["in"]) for found in parameters}) == len(parameters)
                (done,) = {"200", "201"} & call["responses"].keys()
                assert call["responses"][done]["description"]

    def test_every_reference_leads_somewhere(self, document: dict[str, Any]) -> None:
        references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))
        assert references
        for reference in references:
            found: Any = document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]

    def test_it_has_every_call_the_server_has_and_no_other(self, document: dict[str, Any]) -> None:
        served = {
            (f"{api.router.path}{re.sub(':(str|int)', '', path)}", str(method).lower())
            for route in api.router.routes
            for path in [route.path.removeprefix(api.router.path)]
            for method in route.methods
            if str(method) != "OPTIONS"
        }
        described = {(path, method) for path, calls in document["paths"].items() for method in calls}
        assert described == served

    def test_every_call_parameter_and_failure_is_described(self, document: dict[str, Any]) -> None:
        for calls in document["paths"].values():
            for call in calls.values():
                assert call["summary"]
                assert len(call["description"]) > 10
                assert all(parameter["description"] for parameter in call.get("parameters", []))
                assert {"401", "400"} <= set(call["responses"])
        failure = document["components"]["schemas"]["ErrorDetail"]["properties"]
        assert set(failure) == {"code", "message", "pointer", "hint"}
        for response in document["components"]["responses"].values():
            assert response["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")

    def test_a_question_is_described_field_by_field(self, document: dict[str, Any]) -> None:
        question = document["components"]["schemas"]["Question"]
        assert question["required"] == ["from", "to"]
        assert question["additionalProperties"] is False
        names = {found["name"] for found in document["paths"]["/api/v1/reports/{name}"]["get"]["parameters"]}
        assert set(question["properties"]) - {"report", "where"} <= names


class TestTransport:
    def test_every_response_carries_the_security_headers(self, client: httpx.Client) -> None:
        style = re.search(r"/packs/\w+/tokens[\w+]*\.css", client.get("/").text)
        assert style
        responses = [
            client.get("/"),
            client.get("/?day=never"),
            client.get("/nothing"),
            client.get("/healthz"),
            client.get("/readyz"),
            client.get("/schema"),
            client.get("/api/v1/catalog"),
            breakout(client, ("format", "csv")),
            ask(client, rows=["custmer"]),
            client.get("/", headers={"host": "evil.example"}),
            client.put("/api/v1/query"),
            client.get("/static/old/tokens.css"),
            client.get(style[0]),
        ]
        assert [response.status_code for response in responses] == [
            200, 400, 404, 200, 200, 200, 200, 200, 422, 400, 405, 404, 200,
        ]  # fmt: skip
        for response in responses:
            for name, wanted in SECURITY.items():
                if name != "cache-control" or response is not responses[-1]:
                    assert wanted.search(response.headers[name]), f"{response.url}: {name}"
            assert "server" not in response.headers

    def test_static_files_are_kept_for_a_year_and_everything_else_not_at_all(self, client: httpx.Client) -> None:
        page = client.get("/").text
        files = set(re.findall(r'"(/(?:static|packs)/[^"]+)"', page))
        assert len(files) >= 4  # styles, what runs first, modules, the drawing of the tab
        for file in files:
            assert re.match(r"/(static|packs)/[0-9a-f]{12}/", file)
            control = client.get(file).headers["cache-control"].split(", ")
            assert sorted(control) == ["immutable", "max-age=31536000", "public"]

    def test_long_answers_are_packed_when_asked(self, client: httpx.Client) -> None:
        for path in ("/", "/schema", "/api/v1/catalog"):
            assert client.get(path, headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
            assert "content-encoding" not in client.get(path, headers={"accept-encoding": "identity"}).headers

    def test_it_says_that_it_is_alive_and_ready(self, client: httpx.Client) -> None:
        assert client.get("/healthz").text == "ok\n"
        assert re.fullmatch(r"ready at commit \d+\n", client.get("/readyz").text)


def test_the_log_holds_neither_numbers_nor_questions() -> None:
    number = "12125559876"
    with Server("chdb://memory") as running, running.client() as client:
        receipt(load(client, f"{HEADER}\na,2026-10-05T00:30:00Z,60,acme,,,,,200,{number}\n"))
        clause = {"field": "cli", "values": [number]}
        assert ask(client, rows=["cli"], where=[clause]).json()["rows"] == [[number, 1]]
        breakout(client, ("cli", number), ("rows", "cli"))
        breakout(client, ("cli", f'"{number}'))
        breakout(client, (number, "x"))
        breakout(client, ("from", number))
        client.get("/", params={"day": number, "tz": number})
        client.get(f"/{number}")
        load(client, f'{HEADER}\n"{number}')
        load(client, f"{HEADER}\na,{number}x,60,acme,,,,,200,{number}\n")
        load(client, f'{{"cli": "{number}", "call_id": }}', "application/x-ndjson")
        client.post("/api/v1/query", content=f'{{"from": "{number}')
        client.post("/api/v1/query/explain", json={**OCTOBER, "where": [clause]})
        running.end()
        assert number[:7] not in running.said
        assert not re.search("SELECT|INSERT|/api/v1|acme", running.said)
        assert "Tollhouse is at" in running.said
