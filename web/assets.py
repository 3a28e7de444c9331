"""The folder of static files goes in; under which address they stand, and those of a page packed into one, come out.

A page is made of some forty small modules and a few style sheets. Asked one by one, six at a time, they take longer to
come than to run, so a page asks for one file of each kind. Nothing in modules is changed but how they take from each
other.
"""

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "static"
PACKS = "/packs"

_TAKEN = re.compile(r'^import (?:\* as (\w+)|(\{[^}]*\})) from "\./(\w+)\.js";$', re.MULTILINE)
_LATER = re.compile(r'\bimport\("\./(\w+)\.js"\)')
_GIVEN = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_AROUND = """\
const modules = {{
{modules}
}};
const held = {{}};
const take = (name) => (held[name] ??= modules[name]());
for (const name of {names}) take(name);
"""


@cache
def digest() -> str:
    """Return a hash of all static files: it is part of every address, so they can be cached for ever."""
    found = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def address() -> str:
    """Return the path of the static files."""
    return f"/static/{digest()}"


def pack(*names: str, kind: str = "js") -> str:
    """Return the address of one file with these modules, which run in this order, and all that they take.

    Of the kind "css" it is one style sheet made of these.
    """
    return f"{PACKS}/{digest()}/{'+'.join(names)}.{kind}"


def icon() -> bytes:
    """Return the drawing of the brand as a file."""
    return (FOLDER / "tollhouse.svg").read_bytes()


def brand() -> str:
    """Return the drawing of the brand as an element of a page, which asks no file for it."""
    return icon().decode().replace("<svg ", '<svg width="20" height="20" aria-hidden="true" ', 1)


@lru_cache(maxsize=100)
def contents(file: str, *, packed_up: bool) -> bytes:
    """Return what the file of such an address holds, `packed_up` by gzip; raises `KeyError` when there is none."""
    names, _, kind = file.rpartition(".")
    text = {"js": packed, "css": joined}[kind](*names.split("+"))
    return gzip.compress(text.encode(), mtime=0) if packed_up else text.encode()


def joined(*names: str) -> str:
    """Return one style sheet made of these; raises `KeyError` for one that there is not."""
    texts = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.css")}
    return "".join(texts[name] for name in names)


def packed(*names: str) -> str:
    """Return one file made of these modules; raises `KeyError` for one that there is not."""
    texts = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.js")}
    at_once = _reached(names, texts, lambda text: [each[2] for each in _TAKEN.findall(text)])
    later = _reached(at_once, texts, lambda text: [each[2] for each in _TAKEN.findall(text)] + _LATER.findall(text))
    # what stands in parentheses the browser compiles while it comes, the rest when it is wanted
    first = [f"{name}: (() => {{\n{_inside(texts[name])}\n}})," for name in at_once]
    rest = [f"{name}() {{\n{_inside(texts[name])}\n}}," for name in later if name not in at_once]
    return _AROUND.format(modules="\n".join(first + rest), names=list(names))


def _reached(names: Iterable[str], texts: Mapping[str, str], takes: Callable[[str], list[str]]) -> list[str]:
    """These modules and all that can be reached from them."""
    found = list(names)
    for name in found:
        found += [each for each in dict.fromkeys(takes(texts[name])) if each not in found]
    return found


def _inside(text: str) -> str:
    """A module as the body of a function that returns what it exports."""
    given = ", ".join(name for _, name in _GIVEN.findall(text))
    text = _TAKEN.sub(lambda found: f'const {found[1] or found[2].replace(" as ", ": ")} = take("{found[3]}");', text)
    text = _LATER.sub(r'Promise.resolve("\1").then(take)', text)
    return _GIVEN.sub(r"\1 \2", text) + f"return {{ {given} }};"
