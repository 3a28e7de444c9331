"""Words about one call of the API go in, its part of the OpenAPI document comes out."""

from collections.abc import Sequence
from typing import Any

TEXT = {"type": "string"}


def ref(kind: type) -> dict[str, Any]:
    """Return a reference to a type of ours."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def parameter(name: str, about: str, schema: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a parameter of the query string; text unless another schema is given."""
    return {"name": name, "in": "query", "description": about, "schema": schema or TEXT, **more}


def as_json(schema: dict[str, Any]) -> dict[str, Any]:
    """Return content that is JSON."""
    return {"application/json": {"schema": schema}}


def call(
    summary: str,
    description: str,
    answer: dict[str, Any],
    *,
    failures: Sequence[str],
    parameters: Sequence[dict[str, Any]] = (),
    body: dict[str, Any] | None = None,
    needs_body: bool = True,
    done: str = "200",
) -> dict[str, Any]:
    """Return one call; `failures` are statuses besides those that any call may answer."""
    told = dict.fromkeys(("401", "500", "503", *failures))
    responses: dict[str, Any] = {done: {"description": "Done.", "content": answer}}
    responses |= {status: {"$ref": f"#/components/responses/{status}"} for status in sorted(told)}
    operation: dict[str, Any] = {"summary": summary, "description": description}
    if parameters:
        operation["parameters"] = list(parameters)
    if body:
        operation["requestBody"] = {"required": needs_body, "content": body}
    return {**operation, "responses": responses}
