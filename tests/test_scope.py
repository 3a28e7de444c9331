"""What is not a customer's does not exist for it: in no field, through no door, in no branch of a statement."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Request
from litestar.testing import TestClient

from engine.access.principal import ADMIN, Principal
from engine.catalog.load import catalog
from engine.errors import TollhouseError
from engine.query import question, search
from engine.settings import Settings
from engine.site import Site
from tests.loading import load
from web.app import create

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:.*inferred:DeprecationWarning")]

OCTOBER = {"from": "2026-10-01", "to": "2026-11-01"}
PORTAL = Principal("acme's", accounts=("acme",), audience="customer")
CALLS = """call_id,start_time,duration,customer,customer_destination,provider,customer_charge,provider_charge,sip_code,number
a,2026-10-05T00:30:00Z,60,acme,"UK, Mobile",carrier-a,1.2,1,200,447700900001
b,2026-10-05T12:00:00Z,0,acme,"UK, Mobile",carrier-a,,,486,447700900001
c,2026-10-06T00:00:00Z,30.5,zenith,India,carrier-b,0.5,0.75,200,447700900001
d,2026-10-07T08:00:00Z,10,zenith,Peru,carrier-b,0.3,0.1,200,5112345678
"""  # noqa: E501
KNOWN = catalog()
DIMENSIONS, MEASURES = KNOWN.dimensions, KNOWN.measures
HIDDEN = {
    field.name for fields in (DIMENSIONS, MEASURES, KNOWN.calls) for field in fields.values() if field.audience != "all"
}
WORDS = {"source", "account", "attempt", "batch"}
"""Hidden names that are words of English, too: an answer has a `source`."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    path.write_text(CALLS, "utf-8")
    with Site(Settings(database=f"chdb://{tmp_path_factory.mktemp('database')}")) as opened:
        load(opened, path, "sw")
        yield opened


@pytest.fixture(scope="module")
def door(shop: Site) -> Iterator[TestClient[Any]]:
    def who(request: Request[Any, Any, Any]) -> Principal:
        return ADMIN if "x-admin" in request.headers else PORTAL

    with TestClient(create(shop, who), base_url="http://127.0.0.1") as client:
        yield client


def asks(name: str) -> Iterator[dict[str, Any]]:
    """Every place of a question in which a field can be named."""
    yield {"where": [{"field": name, "op": "not_null"}]}
    if name in DIMENSIONS:
        yield {"rows": [name]}
        yield {"columns": [name]}
        yield {"rows": ["customer", name], "report": "explore"}
        yield {"rows": ["day"], "top": [{"field": name, "count": 3}]}
    if name in MEASURES:
        yield {"measures": ["attempts", name]}
        yield {"rows": ["customer"], "top": [{"field": "customer", "count": 3, "by": name}]}


@pytest.mark.parametrize("name", sorted(HIDDEN & {*DIMENSIONS, *MEASURES}))
def test_a_hidden_field_is_refused_wherever_it_is_named(shop: Site, name: str) -> None:
    tried = 0
    for asked in asks(name):
        try:
            parsed = question.of({**OCTOBER, **asked})
        except TollhouseError:
            continue  # not how that part of a question is written
        with pytest.raises(TollhouseError) as failure:
            shop.desk.resolve(parsed, PORTAL)
        assert failure.value.code in ("forbidden_field", "unknown_field"), asked
        assert not spoken(failure.value.hint or "") - {name}
        tried += 1
    assert tried >= 2
    with pytest.raises(TollhouseError) as failure:
        shop.calls.every(search.of({**OCTOBER, "where": [{"field": name, "op": "not_null"}]}), PORTAL)
    assert failure.value.code == "forbidden_field"


def spoken(text: str) -> set[str]:
    """The hidden names in a text."""
    return (HIDDEN - WORDS) & set(re.findall(r"[a-z][a-z0-9_]*", text))


def test_no_door_speaks_of_what_is_hidden(door: TestClient[Any]) -> None:
    calls = {**OCTOBER, "number": "447700900001"}
    paths: list[tuple[str, dict[str, str]]] = [
        ("catalog", {}),
        ("reports", {}),
        ("views", {}),
        *((f"reports/{name}", params) for name in KNOWN.reports for params in ({}, OCTOBER)),
        *(("calls", {**calls, "format": form}) for form in ("json", "csv", "ndjson", "table")),
        *(("reports/breakout", {**OCTOBER, "format": form, "labels": "true"}) for form in ("csv", "table")),
        *((f"values/{name}", {}) for name in sorted(DIMENSIONS) if DIMENSIONS[name].column),
    ]
    for path, params in paths:
        answer = door.get(f"/api/v1/{path}", params=params)
        asked = {path.rpartition("/")[2]} if answer.status_code >= 400 else set()
        text = answer.text.replace("callee, provider, switch", "callee, switch")  # who may end a call
        assert not spoken(text) - asked, (path, params, answer.text[:300])
        for foreign in ("zenith", "carrier", "Peru"):
            assert foreign not in answer.text, (path, params)
    assert "carrier" in door.get("/api/v1/calls", params=calls, headers={"x-admin": "1"}).text


def test_what_is_told_of_a_field_or_a_report_speaks_of_nothing_hidden(door: TestClient[Any]) -> None:
    """In words of people, too: of what is bought, and of what is earned."""
    told: dict[str, str] = {}

    def read(said: Any, name: str = "") -> None:
        if isinstance(said, list):
            for each in said:
                read(each, name)
        elif isinstance(said, dict):
            name = said.get("name", name)
            told[name] = " ".join([told.get(name, ""), str(said.get("help", "")), str(said.get("label", ""))])
            for each in said.values():
                read(each, name)

    for path in ("catalog", "reports"):
        read(door.get(f"/api/v1/{path}").json())
    told["release_side"] = ""  # a provider is one of those who may have ended a call
    for name, text in told.items():
        assert not re.search("profit|provider|margin|cost|carrier", text, re.IGNORECASE), (
            name,
            text,
        )
    assert len(told) > 60


def test_how_answers_are_found_is_the_operators(door: TestClient[Any]) -> None:
    asked = {**OCTOBER, "rows": ["customer"]}
    assert door.post("/api/v1/query/explain", json=asked).status_code == 403
    assert door.post("/api/v1/query/explain", json=asked, headers={"x-admin": "1"}).status_code == 200


def test_the_scope_stands_in_every_branch_of_every_statement(shop: Site) -> None:
    dice = random.Random(5)
    dimensions = [name for name, field in DIMENSIONS.items() if field.audience == "all"]
    measures = [name for name, field in MEASURES.items() if field.audience == "all"]
    windows = [
        OCTOBER,
        {"from": "2026-10-01T05:30", "to": "2026-10-20"},
        {"from": "2026-10-05T01:00Z", "to": "2026-10-06"},
    ]
    for _ in range(40):
        asked = {
            **dice.choice(windows),
            "rows": dice.sample(dimensions, dice.randint(0, 2)),
            "measures": dice.sample(measures, dice.randint(1, 3)),
            "timezone": dice.choice(("UTC", "America/New_York", "Asia/Kolkata")),
            "calls": dice.choice(("attempts", "final")),
            "as_of": dice.choice((None, "batch:1")),
            "compare": dice.choice((None, "week")),
        }
        sql = shop.desk.statement(question.of(asked), PORTAL).sql
        reads = re.findall(r"FROM \w+ AS t\b", sql)
        assert reads, sql
        assert sql.count("{scope:Array(String)}") == len(reads), asked
        assert not {"provider_charge", "provider_currency", "provider_card"} & spoken(sql), asked


def test_a_customer_of_no_account_sees_nothing(shop: Site) -> None:
    nobody = Principal("nobody", accounts=(), audience="customer")
    assert shop.ask(question.of({**OCTOBER, "rows": ["customer"]}), nobody).rows == []
    assert shop.calls.page(search.of({**OCTOBER, "number": "447700900001"}), nobody).rows == []
    assert shop.values("customer", nobody).items == []


def test_an_operator_of_some_accounts_sees_their_calls_with_their_cost(shop: Site, tmp_path: Path) -> None:
    some = Principal("one of ours", accounts=("zenith",))
    found = shop.calls.page(search.of({**OCTOBER, "number": "447700900001"}), some)
    assert [row[2] for row in found.rows] == ["c"]
    assert "provider_charge" in [column.name for column in found.columns]
    assert shop.values("provider", some).items == ["carrier-b"]


@pytest.mark.parametrize("name", sorted(KNOWN.reports))
def test_pages_know_of_nothing_hidden(door: TestClient[Any], name: str) -> None:
    response = door.get(f"/reports/{name}")
    if name not in KNOWN.reports_for("customer"):
        assert response.status_code == 404
        return
    told = re.search(r'<script type="application/json" id="page">(.*?)</script>', response.text)
    assert told
    page = json.loads(told[1])
    if KNOWN.reports[name].records:
        asked = {*page["usual"], *(column["name"] for column in page["columns"])}
        assert asked & {"customer_charge", "number"}, "columns are told by these names"
    else:
        asked = {*page["preset"]["rows"], *page["preset"]["measures"], *(clause["field"] for clause in page["fixed"])}
    known = {field["name"] for kind in ("dimensions", "measures") for field in page["catalog"][kind]}
    assert not (asked | known) & HIDDEN
    assert not page["site"]["operator"]
