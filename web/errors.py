"""An exception goes in, the one error body that every caller gets comes out."""

import logging
import re
import traceback
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from engine.errors import TollhouseError

log = logging.getLogger("tollhouse.web")


class ErrorDetail(Struct, frozen=True):
    """What went wrong: a code for programs, a sentence for people, where, and what to do."""

    code: str
    message: str
    pointer: str | None = None
    hint: str | None = None


class ErrorBody(Struct, frozen=True):
    """The body of every failed request."""

    error: ErrorDetail


_SAID = {
    404: ("not_found", "there is nothing at this address", "GET /schema lists every call"),
    405: ("method_not_allowed", "this address is not for this method", None),
    413: ("too_large", "the body is larger than this call takes", "split it"),
}


def body(status: int, detail: ErrorDetail, headers: dict[str, str] | None = None) -> Response[ErrorBody]:
    """Return the error body as a response."""
    return Response(ErrorBody(detail), status_code=status, media_type=MediaType.JSON, headers=headers)


def ours(_: Request[Any, Any, Any], failure: TollhouseError) -> Response[ErrorBody]:
    """Answer with one of our own errors."""
    if failure.status >= 500:
        # What the engine says may quote the question or a record; the log gets only the engine's number for it.
        number = re.match(r"Code: \d+", failure.message)
        said = failure.message if failure.code != "engine" else number[0] if number else "it gave no number"
        log.error("%s: %s", failure.code, said)
    headers = {"retry-after": "1"} if failure.status == 429 else None
    return body(failure.status, ErrorDetail(failure.code, failure.message, failure.pointer, failure.hint), headers)


def theirs(_: Request[Any, Any, Any], failure: HTTPException) -> Response[ErrorBody]:
    """Answer with an error the web framework raised: no such address, wrong method, a body too large."""
    status = failure.status_code
    code, message, hint = _SAID.get(status, ("malformed" if status == 400 else "http", failure.detail, None))
    headers = {name.lower(): text for name, text in (failure.headers or {}).items()}
    if "allow" in headers:
        hint = f"it takes {headers['allow']}"
    return body(status, ErrorDetail(code, message or "the request failed", None, hint), headers)


def unforeseen(_: Request[Any, Any, Any], failure: Exception) -> Response[ErrorBody]:
    """Answer when something broke that nobody foresaw; the log says where, the caller does not."""
    # An exception's own words may quote a record or a question, so the log gets its kind and its place only.
    place = "".join(traceback.format_tb(failure.__traceback__))
    log.error("unforeseen %s at\n%s", type(failure).__name__, place.rstrip())
    return body(500, ErrorDetail("internal", "something broke on our side; the log of the server says where"))
