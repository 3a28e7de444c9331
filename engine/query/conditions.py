"""A typed filter goes in; what sql/query/conditions.sql.j2 needs to write it comes out, its values as a parameter."""

from typing import Any

from engine.query.filters import Filter


def condition(clause: Filter, parameter: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what decides the text of a filter; its values are put into `parameters`."""
    parameters[parameter] = list(clause.values)
    dimension = clause.dimension
    return {
        "parameter": parameter,
        "op": clause.op,
        "type": clause.type,
        "text": dimension is not None and dimension.type == "string",
        "bucket": dimension.bucket if dimension else None,
        "column": dimension.column if dimension else None,
    }
