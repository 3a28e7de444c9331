"""The query string of a request goes in, its parameters by name come out; what a call does not have is refused."""

from typing import Any

from litestar import Request

from engine.errors import BadRequest, nearest


def given(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Return the parameters in the order in which they were given."""
    # items() keeps it; multi_items() does not.
    return list(request.query_params.items())


def words(pairs: list[tuple[str, str]], *known: str) -> dict[str, str]:
    """Return parameters by name; one that the call does not have, or that comes twice, is refused, not ignored."""
    found: dict[str, str] = {}
    for name, text in pairs:
        if name not in known:
            hint = nearest(name, known) or (f"it takes {', '.join(known)}" if known else "it takes none")
            raise BadRequest("unknown_parameter", f"this call has no parameter {name!r}", pointer=name, hint=hint)
        if name in found:
            raise BadRequest("malformed", f"{name} is given twice", pointer=name)
        found[name] = text
    return found


def whole(words: dict[str, str], name: str, least: int, most: int) -> int | None:
    """Return a parameter that is a whole number from `least` to `most`, None when it was not given."""
    if name not in words:
        return None
    text = words[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
        raise BadRequest(
            "malformed", f"{name} is a whole number from {least} to {most}, not {text[:40]!r}", pointer=name
        )
    return int(text)
