"""Parameters that say how an answer is written go in; the response that is written so comes out."""

from typing import Any

import msgspec
from litestar import Response
from litestar.response import Stream

from engine.errors import BadRequest
from engine.exports import formats
from engine.query import parameters
from engine.query.answer import Answer

DELIVERY = ("format", "labels", "raw")
"""Parameters that say how an answer is written, not what is asked."""


class Delivery(msgspec.Struct, frozen=True):
    """How an answer is written."""

    form: formats.Format
    labels: bool
    raw: bool


def delivery(asked: dict[str, str]) -> Delivery:
    """Return how an answer is to be written; raises `BadRequest` for a format nobody knows."""
    form = asked.get("format", "json")
    if form not in formats.MEDIA:
        known = ", ".join(formats.MEDIA)
        raise BadRequest("malformed", f"there is no format {form!r}", pointer="format", hint=f"one of {known}")
    flags = {name: parameters.switch(name, asked.get(name, "false")) for name in ("labels", "raw")}
    return Delivery(form, **flags)  # type: ignore[arg-type]


def sent(answer: Answer, how: Delivery) -> Response[Any]:
    """Return the response that holds an answer."""
    pieces = formats.write(answer, how.form, labels=how.labels, raw=how.raw)
    return Stream(pieces, media_type=formats.MEDIA[how.form], status_code=200)
