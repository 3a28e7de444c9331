"""The calls of the API and the types they speak go in, their OpenAPI document comes out.

`python -m web.schema` writes it to schemas/openapi.json, where a change of the interface shows in review.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get

from engine import __version__
from engine.catalog.load import catalog
from engine.catalog.preset import PARAMETERS
from engine.exports import formats
from engine.ingest.check import Check
from engine.ingest.history import MOST, STATES, Batch, BatchPage, RejectPage
from engine.ingest.lists import ListReceipt
from engine.ingest.pipeline import Receipt, Reenriched, Undone
from engine.query.answer import Answer
from engine.query.question import OPERATORS, Question
from engine.query.run import Explanation
from engine.query.running import Progress
from engine.verify.report import Rebuild, Verification
from engine.warehouse.closes import Close
from web import schema_calls
from web.batches import PAGE, RetriedPage, RetryAsked
from web.bodies import CONTENT, PACKED
from web.catalog import CatalogView, ReportView
from web.closes import CloseAsked
from web.errors import ErrorBody
from web.operation import TEXT, as_json, call, parameter, ref
from web.progress import PROGRESS
from web.reference import DialectPage, ReenrichAsked
from web.schema_queries import NAMED, UNDER_WAY, queries
from web.schema_upkeep import reference, upkeep
from web.upkeep import RebuildAsked, VerifyAsked

FILE = Path(__file__).resolve().parent.parent / "schemas" / "openapi.json"

_ABOUT = """Call analytics for voice carriers: exact to the call and the cent.

Money is text, exact to its last digit; durations are seconds; ratios are full doubles, percent from 0 to 100;
null is null. Windows are half open. A field or parameter that a call does not have is refused, never ignored.
Every failure answers with one body: a code for programs, a sentence for people, a pointer to the place, a hint.
While there are no users, whoever asks from a trusted network (loopback by default) is the administrator."""

_FAILURES = {
    "400": "Malformed, or a field, parameter or operator that does not exist; the hint names the nearest that does.",
    "401": "Nobody is known at this address.",
    "403": "Not yours to ask for or to do (`forbidden_field`), or sent by a page of another site.",
    "404": "No such thing.",
    "413": "A body larger, or an answer longer, than the site allows (`too_large`, `too_many_rows`).",
    "409": "Cannot be done now: the thing exists, is busy, or is not in the state it would need.",
    "422": "Well-formed, but it cannot be answered (`unknown_field`, `bad_value`, `mixed_currency` …).",
    "429": "Too much at once (`loads_waiting`, `too_many_questions`): the same is taken after `Retry-After` seconds.",
    "500": "Something broke on our side; the log of the server says where.",
    "503": "The database cannot be reached.",
}

_TYPES = (
    Question,
    Answer,
    Explanation,
    CatalogView,
    ReportView,
    Receipt,
    Batch,
    BatchPage,
    RejectPage,
    RetriedPage,
    RetryAsked,
    Undone,
    Verification,
    VerifyAsked,
    Rebuild,
    RebuildAsked,
    Close,
    CloseAsked,
    ListReceipt,
    Reenriched,
    ReenrichAsked,
    DialectPage,
    Check,
    Progress,
    *schema_calls.TYPES,
    ErrorBody,
)


_DELIVERY = [
    parameter(
        "format",
        "How the answer is written: JSON, or its rows alone as CSV (RFC 4180), NDJSON (one object per row, then "
        '`{"end": {"rows": N}}`, or `{"error": …}` when not all could be written), an Arrow stream, Parquet or XLSX; '
        "or a table to read in a terminal.",
        {"type": "string", "enum": list(formats.MEDIA), "default": "json"},
    ),
    parameter("labels", "Head CSV and XLSX with labels instead of names.", {"type": "boolean", "default": False}),
    parameter(
        "raw",
        "Write text in CSV and XLSX as it is, also what a spreadsheet would run; otherwise it is marked with a leading "
        "apostrophe.",
        {"type": "boolean", "default": False},
    ),
]


def _choices() -> list[dict[str, Any]]:
    """The parameters that reports have of their own."""
    found = []
    for name in PARAMETERS:
        takes = [
            f"of {report.name}: {' or '.join(report.parameters[name].values)}"
            for report in catalog().reports.values()
            if name in report.parameters
        ]
        found.append(parameter(name, f"A parameter {'; '.join(takes)}."))
    return found


def _window() -> list[dict[str, Any]]:
    """The fields of a question as parameters; a filter is any field's name."""
    flag, whole = {"type": "boolean"}, {"type": "integer", "minimum": 0}
    return [
        parameter("from", "Date, local time or instant; inclusive.", example="2026-10-01"),
        parameter("to", "The same; exclusive: all October is to=2026-11-01.", example="2026-11-01"),
        parameter("timezone", "IANA zone of the window and its buckets, also as `tz`; the site's when left out."),
        parameter("tz", "The same as `timezone`, shorter."),
        *_choices(),
        parameter("rows", "Dimensions to group by, as one CSV line.", example="customer,day"),
        parameter(
            "columns",
            "Dimensions across, as one CSV line: each measure once for each of their values, headed `measure|v1|v2` "
            "with `|` and `\\` in a value escaped by `\\`, and under its own name over all of them.",
            example="day",
        ),
        parameter("measures", "Measures, as one CSV line.", example="attempts,asr,profit"),
        parameter("calls", "Count every attempt, or one per call.", {"type": "string", "enum": ["attempts", "final"]}),
        parameter(
            "base", "What ratios are over: seizures leave refused attempts out.", {"enum": ["attempts", "seizures"]}
        ),
        parameter("currency", "Report currency (ISO 4217), or `native`.", example="USD"),
        parameter(
            "sort",
            "Columns of the answer, as one CSV line; `:desc` behind one turns it around. Also a pivoted one: "
            "`attempts|2026-10-01:desc`.",
            example="profit:desc",
        ),
        parameter("limit", "Rows; all when left out, and when left empty where the report has a limit.", whole),
        parameter("offset", "Rows to leave out first.", whole),
        parameter("totals", "Add the grand total.", flag),
        parameter("subtotals", "Add subtotals at every level.", flag),
        parameter("parts", "Numerator and denominator beside each ratio.", flag),
        parameter("fill", "List the time buckets of the window that hold no calls, too.", flag),
        parameter(
            "compare",
            "Beside each measure its value in the period before (`previous`), or a `week` or a `year` earlier, the "
            "change and the change in percent. Left empty, nothing, where the report compares.",
            {"type": "string", "enum": ["previous", "week", "year", ""]},
        ),
        parameter(
            "top",
            "`dimension:count:measure`, as one CSV line: only its largest values, the rest as one.",
            example="provider:10:profit",
        ),
        parameter(
            "as_of",
            "Answer as it was: an instant or local time (everything complete by then), `batch:ID` or `close:YYYY-MM`.",
            example="close:2026-10",
        ),
        parameter("since", "Answer only with what changed since then, written in the same way.", example="batch:12"),
        parameter(
            "filters",
            "`field=list` or `field.op=list` for any dimension or measure of GET /catalog; a list is one CSV line "
            f'(`"UK, Mobile",India`), repeats add values. Operators: {", ".join(OPERATORS)}.',
            {"type": "object", "additionalProperties": TEXT},
            style="form",
            explode=True,
            example={"customer": "acme-telecom", "asr.lt": "20"},
        ),
    ]


def _paths() -> dict[str, Any]:
    written = {media.split(";")[0]: {"schema": TEXT} for media in formats.MEDIA.values()}
    answered = written | as_json(ref(Answer)) | {PROGRESS: {"schema": TEXT}}
    preset = written | as_json({"anyOf": [ref(Answer), {"type": "object", "description": "the preset as a question"}]})
    listed = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": ref(ReportView)},
            "next_cursor": {"type": ["string", "null"]},
        },
        "required": ["items", "next_cursor"],
    }
    name = {"name": "name", "in": "path", "required": True, "description": "The report's name.", "schema": TEXT}
    question = as_json(ref(Question))
    refusals = ("400", "403", "404", "409", "413", "422", "429")
    return {
        "/api/v1/query": {
            "post": call(
                "Answer a question",
                "Any dimensions, measures and filters of the catalog over any window. Only `from` and `to` are "
                "required; `report` supplies defaults for what is left out. Without `limit` the answer has all rows. "
                f"{UNDER_WAY}",
                answered,
                parameters=[*_DELIVERY, NAMED],
                body=question,
                failures=refusals,
            )
        },
        "/api/v1/query/explain": {
            "post": call(
                "Why a question is answered from where",
                "The tables that would answer, why the others do not, the statement and its parameters. Nothing is "
                "read but sizes.",
                as_json(ref(Explanation)),
                body=question,
                failures=refusals,
            )
        },
        "/api/v1/reports": {
            "get": call("Every report", "The presets by name.", as_json(listed), failures=("400",)),
        },
        "/api/v1/reports/{name}": {
            "get": call(
                "A report",
                "With `from` and `to` its answer, the same as POST /query gives. Without them the preset as a "
                "question, changed by the parameters given.",
                preset,
                parameters=[name, *_window(), *_DELIVERY, NAMED],
                failures=refusals,
            )
        },
        "/api/v1/catalog": {
            "get": call(
                "What can be asked",
                "The dimensions, measures, operators and reports the caller may use.",
                as_json(ref(CatalogView)),
                failures=("400",),
            )
        },
        "/api/v1/cdrs": {
            "post": call(
                "Load call records",
                "One body is one batch. It answers once the records are durable and visible in every report. Records "
                "that cannot be read are rejected and counted; a body that cannot be taken as a whole leaves nothing "
                f"behind. Content-Encoding may be {', '.join(PACKED)}; the header may be left out. Sending the same "
                "records again changes nothing. Bodies that wait share a commit; with too many waiting it answers 429.",
                as_json(ref(Receipt)),
                parameters=[
                    parameter("source", "The switch's name, kept with every record."),
                    parameter("dialect", "Which system wrote the records; found out when it is unmistakable."),
                    parameter("tz", "Zone of times that carry none."),
                    parameter("origin", "What people call the file, for lists of batches and rejects."),
                    parameter(
                        "force",
                        "What this body says stands until something newer comes, also where its content was replaced.",
                        {"type": "boolean", "default": False},
                    ),
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "Makes a repeat safe: the same key with the same body is answered as the first "
                        "time and loads nothing; with another body or `force` it is refused (`key_reused`).",
                        "schema": {"type": "string", "maxLength": 200},
                    },
                ],
                body={kind: {"schema": {"type": "string", "format": "binary"}} for kind in CONTENT},
                failures=("400", "403", "409", "413", "429"),
            )
        },
        **queries(),
        **schema_calls.paths(_DELIVERY),
        **_closes(),
        **_history(),
        **upkeep(),
        **reference(),
    }


def _closes() -> dict[str, Any]:
    listed = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": ref(Close)}, "next_cursor": {"type": "null"}},
        "required": ["items", "next_cursor"],
    }
    month = {"name": "month", "in": "path", "required": True, "description": "Like 2026-10.", "schema": TEXT}
    return {
        "/api/v1/closes": {
            "get": call("Closed months", "The newest first.", as_json(listed), failures=("400", "403")),
            "post": call(
                "Close a month",
                "What is complete now is what was invoiced: `as_of=close:2026-10` gives it from then on, and the "
                "report `adjustments` what came later. A month can be closed when it is over in its zone.",
                as_json(ref(Close)),
                body=as_json(ref(CloseAsked)),
                failures=("400", "403", "409", "422"),
                done="201",
            ),
        },
        "/api/v1/closes/{month}": {
            "delete": call(
                "Reopen a month",
                "Takes its close back, so that it can be closed anew. Answers with the close.",
                as_json(ref(Close)),
                parameters=[month],
                failures=("400", "403", "404", "409"),
            )
        },
    }


def _history() -> dict[str, Any]:
    number = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The batch's number, as its receipt has it.",
        "schema": {"type": "integer", "minimum": 0},
    }
    pages = [
        parameter(
            "limit",
            "The most items of one answer.",
            {"type": "integer", "minimum": 1, "maximum": MOST, "default": PAGE},
        ),
        parameter("cursor", "`next_cursor` of the page before; the first page when left out."),
    ]
    changed = as_json(ref(Undone)) | {PROGRESS: {"schema": TEXT}}
    about = (
        "Counted in records. It answers once every report shows it; what was begun is finished also when nobody waits "
        f"for the answer. Refused (`batch_state`) unless the batch is %s. With `Accept: {PROGRESS}` lines of progress "
        "come first, as for POST /verify."
    )
    return {
        "/api/v1/batches": {
            "get": call(
                "What was loaded",
                "Newest first. A page begins where the last one ended, whatever is loaded meanwhile. Counts are those "
                "of the load; `from` and `to` are the first and the last start of a call.",
                as_json(ref(BatchPage)),
                parameters=[
                    *pages,
                    parameter("state", "Only batches in this state.", {"type": "string", "enum": list(STATES)}),
                    parameter("source", "Only batches of this source."),
                    parameter("origin", "Only batches whose origin has this text somewhere, in capitals or not."),
                ],
                failures=("400", "403"),
            )
        },
        "/api/v1/batches/{id}": {
            "get": call(
                "One batch",
                "What was loaded.",
                as_json(ref(Batch)),
                parameters=[number],
                failures=("400", "403", "404"),
            )
        },
        "/api/v1/batches/{id}/rollback": {
            "post": call(
                "Take a batch back",
                f"Afterwards every report is as if it had never been loaded. {about % 'loaded'}",
                changed,
                parameters=[number],
                failures=("400", "403", "404", "409"),
            )
        },
        "/api/v1/batches/{id}/restore": {
            "post": call(
                "Give a batch again",
                f"Undoes its rollback. {about % 'rolled back'}",
                changed,
                parameters=[number],
                failures=("400", "403", "404", "409"),
            )
        },
        "/api/v1/rejects": {
            "get": call(
                "What could not be taken",
                "Newest batch first, in the order of its file, without those that were read since. `raw` is the record "
                "as it was read, and may hold telephone numbers.",
                as_json(ref(RejectPage)),
                parameters=[
                    parameter("batch", "Only of this batch.", {"type": "integer", "minimum": 0}),
                    *pages,
                ],
                failures=("400", "403", "404"),
            )
        },
        "/api/v1/rejects/retry": {
            "post": call(
                "Read rejects again",
                "After a dialect was mended: what can be read now is loaded, as a new batch for each batch, and the "
                "rest stays as it is. They are read with the dialect and zone of their batch, unless others are named. "
                f"Doing it again changes nothing more. With `Accept: {PROGRESS}` lines of progress come first.",
                as_json(ref(RetriedPage)) | {PROGRESS: {"schema": TEXT}},
                body=as_json(ref(RetryAsked)),
                failures=("400", "403", "404", "409", "429"),
            )
        },
    }


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    _, components = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    failure = as_json(ref(ErrorBody))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tollhouse", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": {
                status: {"description": about, "content": failure} for status, about in sorted(_FAILURES.items())
            },
        },
    }


def text() -> str:
    """Return the document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


@get("/schema", include_in_schema=False, media_type="application/vnd.oai.openapi+json")
async def schema() -> Response[bytes]:
    """Serve the document, as it is committed."""
    return Response(text().encode(), media_type="application/json")


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
