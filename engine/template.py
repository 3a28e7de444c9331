"""The name of a template under sql/ and structure from our own declarations go in, SQL text comes out.

The only place where the engine uses Jinja. A template that touches a name nobody gave fails loudly.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parent.parent
"""Where `sql/` and `schemas/` lie: the checkout, or site-packages when installed."""


def quoted(text: str) -> str:
    """Return `text` as a ClickHouse string literal; for names from our own declarations, never a caller's."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "sql"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        auto_reload=False,  # or every statement would ask the disk for the time of each of its templates
        autoescape=False,  # noqa: S701 - this renders SQL, not HTML; values travel as parameters
    )
    environment.filters["quoted"] = quoted
    return environment


def render(name: str, **structure: Any) -> str:
    """Render `sql/<name>` with `structure`, without the blank lines that branches leave behind."""
    text = _environment().get_template(name).render(**structure)
    return re.sub(r"\n\s*\n+", "\n", text).strip()


def call_macro(name: str, macro: str, *arguments: str) -> str:
    """Call one macro of `sql/<name>` and return the SQL it writes."""
    module = _environment().get_template(name).make_module({"zoned": False})
    return str(getattr(module, macro)(*arguments))
