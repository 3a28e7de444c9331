"""The folder of static files goes in; under which address they stand, and which modules a module needs, comes out."""

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "static"
_IMPORT = re.compile(r'^(?:import|export)\b[^"]*"\./([\w-]+)\.js";', re.MULTILINE)


@cache
def address() -> str:
    """Return the path of the static files: a hash of all of them is part of it, so they can be cached for ever."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"


@cache
def modules(*names: str) -> tuple[str, ...]:
    """Return modules and all they import, so that a page can ask for them at once and not one after another.

    What the first needs comes first.
    """
    if len(names) > 1:
        return tuple(dict.fromkeys(each for name in names for each in modules(name)))
    found = list(names)
    for module in found:
        text = (FOLDER / f"{module}.js").read_text("utf-8")
        found += [each for each in _IMPORT.findall(text) if each not in found]
    return tuple(found)
