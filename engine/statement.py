"""SQL text and the values it refers to go in, the frozen noun the warehouse runs comes out."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class Statement(Struct, frozen=True):
    """One SQL text with its server-side parameters.

    `sql` is rendered from a template under `sql/` and holds structure only, taken from the catalog. Every
    value a caller gave is in `parameters` and reaches the engine as `{name:Type}`, never as text.
    """

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
