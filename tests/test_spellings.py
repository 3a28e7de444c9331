"""What the browser takes a pasted number for is what the engine takes it for: one rule, in SQL and in a script."""

import pytest
from playwright.sync_api import Browser

from engine.site import Site
from engine.statement import Statement
from engine.template import render
from tests.browser import opened
from tests.portal import Portal
from web import assets

pytestmark = [pytest.mark.browser, pytest.mark.engine]

TEXTS = (
    "+44 20 7946 0000",
    "0044-20-7946-0000",
    "020 7946 0000",
    "442079460000",
    "(212) 555-0100",
    "12125550100",
    "1125550100",
    "011 44 20 7946 0000",
    "tel:+1-212-555-0100",
    "sip:+442079460000@switch.example;user=phone",
    "+1.212.555.0100",
    "SIP:2125550100",
    "911",
    "0",
    "00",
    "+0",
    "*98",
    "anonymous",
    "+44 20 CALL",
)
SPELLINGS = """([address, texts, code]) => import(address).then(({ spellings }) =>
    texts.map((text) => [spellings(text, code, false), spellings(text, code, true)]))"""


@pytest.mark.parametrize("dsn", ["embedded"], indirect=True)
@pytest.mark.parametrize("code", ["1", "44", "91"])
def test_a_pasted_number_is_spelled_as_records_hold_it(site: Site, portal: Portal, browser: Browser, code: str) -> None:
    sql = render("query/wanted_numbers.sql.j2")
    with opened(browser, portal.url) as page:
        page.goto("/help")
        found = page.evaluate(SPELLINGS, [f"{assets.address()}/numbers.js", TEXTS, code])
    for text, (whole, received) in zip(TEXTS, found, strict=True):
        row = site.warehouse.query(Statement(sql, {"numbers": [text], "home_code": code})).rows[0]
        wanted, at_home = {*row[0]} - {""}, {*row[1]} - {""}
        if any(number.isdecimal() for number in wanted):
            assert set(whole) == wanted, text
            # Callers are kept as received: those at home, and with what stands before a number of elsewhere.
            assert set(received) >= wanted | at_home, text
        else:
            assert (whole, set(received)) == ([], wanted), text
