"""A typed filter goes in; what sql/query/conditions.sql.j2 needs to write it comes out, its values as a parameter."""

from collections.abc import Mapping
from typing import Any

from engine.query.filters import Filter
from engine.query.lists import NameList


def condition(
    clause: Filter, parameter: str, parameters: dict[str, Any], names: Mapping[str, NameList] | None = None
) -> dict[str, Any]:
    """Return what decides the text of a filter; its values are put into `parameters`.

    `names` has the lists that tell names of dimensions, by dimension.
    """
    parameters[parameter] = list(clause.values)
    dimension = clause.dimension
    return {
        "parameter": parameter,
        "op": clause.op,
        "type": clause.type,
        "text": dimension is not None and dimension.type == "string",
        "bucket": dimension.bucket if dimension else None,
        "column": dimension.column if dimension else None,
        "list": (names or {}).get(dimension.name) if dimension else None,
    }
