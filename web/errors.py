"""An exception goes in, the one error body that every caller gets comes out."""

import logging
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from engine.errors import TollhouseError
from engine.query.question import described

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


_CODES = {
    400: "malformed",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


def body(status: int, detail: ErrorDetail, headers: dict[str, str] | None = None) -> Response[ErrorBody]:
    """Return the error body as a response."""
    return Response(ErrorBody(detail), status_code=status, media_type=MediaType.JSON, headers=headers)


def ours(_: Request[Any, Any, Any], failure: TollhouseError) -> Response[ErrorBody]:
    """Answer with one of our own errors."""
    if failure.status >= 500:
        log.error("%s: %s", failure.code, failure.message)
    return body(failure.status, ErrorDetail(failure.code, failure.message, failure.pointer, failure.hint))


def theirs(_: Request[Any, Any, Any], failure: HTTPException) -> Response[ErrorBody]:
    """Answer with an error the web framework raised: no such path, wrong method, malformed body."""
    status = failure.status_code
    return body(status, ErrorDetail(_CODES.get(status, "http"), failure.detail or "the request failed"))


def invalid(_: Request[Any, Any, Any], failure: ValidationException) -> Response[ErrorBody]:
    """Answer to a body or parameter that does not fit, with a pointer to the first misfit."""
    first = failure.extra[0] if isinstance(failure.extra, list) and failure.extra else {}
    key = str(first.get("key", ""))
    told = described(str(first.get("message", failure.detail)), f"$.{key}" if key else None)
    return body(400, ErrorDetail(told.code, told.message, told.pointer, told.hint))


def unforeseen(_: Request[Any, Any, Any], failure: Exception) -> Response[ErrorBody]:
    """Answer when something broke that nobody foresaw; the log says what, the caller does not."""
    log.error("unforeseen failure", exc_info=failure)
    return body(500, ErrorDetail("internal", "something broke on our side; the log of the server says what"))
