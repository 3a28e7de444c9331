"""Nothing goes in, what the API says of single calls comes out: their part of the OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from engine.exports import formats
from engine.query.question import OPERATORS
from engine.query.search import LONGEST_PAGE, Page, Search
from web.operation import TEXT, as_json, call, parameter, ref

_REFUSALS = ("400", "403", "404", "409", "422")


def paths(delivery: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the calls; `delivery` are the parameters that say how an answer is written."""
    written = {media.split(";")[0]: {"schema": TEXT} for media in formats.MEDIA.values()}
    found = written | as_json(ref(Page))
    about = (
        "Those of some numbers, or those that pass filters, the newest first; a number or a filter is required. What "
        "is listed stands: of a corrected call its newest content, of a withdrawn one nothing. JSON and a table hold "
        "one page; `next_cursor` asks for the next one, which is read at the same commit, so pages do not move while "
        "loading goes on. The other formats hold all calls."
    )
    return {
        "/api/v1/calls": {
            "get": call("Single calls", about, found, parameters=[*_search(), *delivery], failures=_REFUSALS),
            "post": call(
                "Single calls, asked in JSON",
                about,
                found,
                parameters=list(delivery),
                body=as_json(ref(Search)),
                failures=(*_REFUSALS, "413"),
            ),
        }
    }


def _search() -> list[dict[str, Any]]:
    whole = {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": 100}
    return [
        parameter("from", "Date, local time or instant; inclusive.", example="2026-10-01", required=True),
        parameter("to", "The same; exclusive. With numbers at most six calendar months later.", required=True),
        parameter("timezone", "IANA zone of the window and of call times, also as `tz`; the site's when left out."),
        parameter("tz", "The same as `timezone`, shorter."),
        parameter("number", "Whose calls, as one CSV line; repeats add numbers. With `+`, `00` or as at home."),
        parameter("side", "Where numbers are looked for.", {"enum": ["any", "called", "cli", "dest_cli"]}),
        parameter("match", "Whole numbers, or how they begin.", {"enum": ["exact", "prefix"]}),
        parameter("calls", "Every attempt, or the last of each call.", {"enum": ["attempts", "final"]}),
        parameter("currency", "Charges in other currencies are left empty; `native` or nothing: all as charged."),
        parameter("as_of", "As it was: an instant or local time, `batch:ID` or `close:YYYY-MM`."),
        parameter("limit", "Calls of a page.", whole),
        parameter("cursor", "`next_cursor` of the page before, with the same question."),
        parameter(
            "filters",
            "`field=list` or `field.op=list` for any dimension of GET /catalog; the number as sent on is "
            f"`number.in`. Operators: {', '.join(OPERATORS)}.",
            {"type": "object", "additionalProperties": TEXT},
            style="form",
            explode=True,
            example={"customer": "acme-telecom", "sip_code.ge": "500"},
        ),
    ]
