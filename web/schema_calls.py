"""The calls for single calls, values and saved questions go in, their part of the OpenAPI document comes out."""

from collections.abc import Sequence
from typing import Any

from engine.exports import formats
from engine.query.question import OPERATORS
from engine.query.saved import Change, Draft, Saved
from engine.query.search import LONGEST_PAGE, Page, Search
from engine.query.values import MOST, ValuePage
from web.operation import TEXT, as_json, call, parameter, ref
from web.views import SavedPage

TYPES = (Search, Page, ValuePage, Draft, Change, Saved, SavedPage)
"""What these calls speak."""
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
        },
        **_values(),
        **_views(),
    }


def _values() -> dict[str, Any]:
    dimension = {"name": "dimension", "in": "path", "required": True, "description": "Its name.", "schema": TEXT}
    whole = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100}
    return {
        "/api/v1/values/{dimension}": {
            "get": call(
                "Values of a dimension",
                "For a selector: those with the most calls first, as a filter takes them. Of all calls there are "
                "unless a window is given. Times have no list.",
                as_json(ref(ValuePage)),
                parameters=[
                    dimension,
                    parameter("search", "Only values that hold this; upper and lower case are one."),
                    parameter("limit", "The most values.", whole),
                    parameter("from", "Only of calls from then on: date, local time or instant."),
                    parameter("to", "Only of calls before then."),
                ],
                failures=("400", "403", "422"),
            )
        }
    }


def _views() -> dict[str, Any]:
    name = {"name": "name", "in": "path", "required": True, "description": "Its name.", "schema": TEXT}
    saved = as_json(ref(Saved))
    about = (
        "A question without its window, under a name: it is a report from then on, beside those that come with the "
        "program. It is checked when it is saved."
    )
    return {
        "/api/v1/views": {
            "get": call(
                "Saved questions",
                "By name. `problem` says why one in a file cannot be asked.",
                as_json(ref(SavedPage)),
                failures=("400",),
            ),
            "post": call(
                "Save a question",
                about,
                saved,
                body=as_json(ref(Draft)),
                failures=("400", "403", "404", "409", "422"),
                done="201",
            ),
        },
        "/api/v1/views/{name}": {
            "get": call(
                "A saved question",
                "Its words as they were saved.",
                saved,
                parameters=[name],
                failures=("400", "404", "422"),
            ),
            "put": call(
                "Save another question under a name",
                about,
                saved,
                parameters=[name],
                body=as_json(ref(Draft)),
                failures=("400", "403", "404", "409", "422"),
            ),
            "patch": call(
                "Change a saved question",
                "What is left out stays as it is.",
                saved,
                parameters=[name],
                body=as_json(ref(Change)),
                failures=("400", "403", "404", "409", "422"),
            ),
            "delete": call(
                "Delete a saved question",
                "Answers with what it was. One in a file goes with its file.",
                saved,
                parameters=[name],
                failures=("400", "403", "404", "409", "422"),
            ),
        },
    }


def _search() -> list[dict[str, Any]]:
    whole = {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE}
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
        parameter("limit", "Calls of a page, 100 when left out; other formats than JSON then hold all.", whole),
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
