"""The calls about questions under way go in, their part of the OpenAPI document comes out."""

from typing import Any

from engine.query.running import Progress
from web.operation import TEXT, as_json, call, ref
from web.progress import PROGRESS

NAMED = {
    "name": "Query-Id",
    "in": "header",
    "description": "What the question is to be known by, to look at it or cancel it meanwhile; made up when left out. "
    "The response has it too.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
}
"""The header that a caller may name a question with."""

UNDER_WAY = (
    f"With `Accept: {PROGRESS}` lines of progress come first. When the client goes away the question is cancelled; the "
    "same question asked by several at once is worked out once."
)
"""What holds of a question while it is worked out."""


def queries() -> dict[str, Any]:
    """Return the calls that look at a question or end it."""
    name = {"name": "name", "in": "path", "required": True, "description": "The question's id.", "schema": TEXT}
    return {
        "/api/v1/queries/{name}": {
            "get": call(
                "How far a question is",
                "Of the caller's own questions, those under way and the last ones that are over.",
                as_json(ref(Progress)),
                parameters=[name],
                failures=("400", "404"),
            ),
            "delete": call(
                "Cancel a question",
                "Whoever waits for it is told `cancelled`, and the engine stops, unless another caller waits for the "
                "same answer. What is over stays as it is.",
                as_json(ref(Progress)),
                parameters=[name],
                failures=("400", "404"),
            ),
        }
    }
